"""Programs that people use for their mail, each with a round trip; what the store holds afterwards is what counts."""

import contextlib
import imaplib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mailkit.server import MailServer

LETTERS = [
    b"From: Ben <ben@example.net>\r\nSubject: %s\r\n\r\ntext\r\n..dots\r\n" % name
    for name in (b"one", b"two", b"three")
]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the programs are tried as Debian builds them"),
]
SECONDS = 30  # for one run of a program


@pytest.fixture
def server():
    with MailServer(LETTERS, accounts=("amy", "ben"), password="secret", mailboxes=("Sent",)) as server:
        yield server


@pytest.fixture
def home(server, tmp_path):
    """A home of the program's own, with the certificate of the server's authority in it."""
    (tmp_path / "authority.pem").write_text(server.authority)
    return tmp_path


@pytest.fixture
def run(home):
    """Run a program in its home; return what it printed, or fail with what it complained of."""

    def run(*command, **how):
        env = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "vt100"}
        how = {"stdin": subprocess.DEVNULL, "capture_output": True} | how
        done = subprocess.run(list(map(str, command)), env=env, cwd=home, timeout=SECONDS, check=False, **how)
        assert done.returncode == 0, (done.stdout or b"").decode() + (done.stderr or b"").decode()
        return done.stdout or b""

    return run


def box(server, account, name="INBOX"):
    """Return what a mailbox holds: UID, subject, flags."""
    letters = server.snapshot().mailbox(account, name).letters
    return [(one.uid, one.subject, " ".join(sorted(one.flags))) for one in letters]


INBOX = [(1, "one", ""), (2, "two", ""), (3, "three", "")]
IN_THE_CLEAR, UPGRADED, IMPLICIT = "in the clear", "STARTTLS", "TLS from the start"
each_way = pytest.mark.parametrize("way", [IN_THE_CLEAR, UPGRADED, IMPLICIT])


def port(server, protocol, way):
    return getattr(server, protocol + "s" * (way == IMPLICIT))[1]


# ---- curl


@pytest.fixture
def curl(run, server):
    def curl(protocol, way, path, *options, account="amy"):
        how = {IN_THE_CLEAR: [], UPGRADED: ["--ssl-reqd"], IMPLICIT: []}[way] + ["--cacert", "authority.pem"]
        url = f"{protocol}{'s' * (way == IMPLICIT)}://localhost:{port(server, protocol, way)}/{path}"
        return run("curl", "-q", "-sS", *how, "-u", f"{account}:secret", *options, url)

    return curl


@each_way
@pytest.mark.curl
def test_curl_collects_by_pop3(curl, server, way):
    assert curl("pop3", way, "").split() == b"1 59 2 59 3 61".split()
    assert curl("pop3", way, "2") == LETTERS[1]
    assert curl("pop3", way, "", "-X", "UIDL").split() == b"1 1.1 2 1.2 3 1.3".split()
    assert box(server, "amy") == INBOX
    curl("pop3", way, "2", "-X", "DELE", "-I")
    assert box(server, "amy") == [INBOX[0], INBOX[2]]


@each_way
@pytest.mark.curl
def test_curl_reads_and_files_by_imap(curl, server, home, way):
    assert curl("imap", way, "INBOX;MAILINDEX=1") == LETTERS[0]
    assert curl("imap", way, "INBOX;UID=3;SECTION=TEXT") == b"text\r\n..dots\r\n"
    assert curl("imap", way, "INBOX?SUBJECT%20two") == b"* SEARCH 2\r\n"
    assert box(server, "amy") == [(1, "one", "\\Seen"), (2, "two", ""), (3, "three", "\\Seen")]
    (home / "letter.eml").write_bytes(LETTERS[0])
    curl("imap", way, "Sent", "-T", "letter.eml")
    assert box(server, "amy", "Sent") == [(1, "one", "\\Seen")]
    curl("imap", way, "INBOX", "-X", "UID STORE 1:2 +FLAGS (\\Deleted)")
    curl("imap", way, "INBOX", "-X", "EXPUNGE")
    assert box(server, "amy") == [(3, "three", "\\Seen")]


@each_way
@pytest.mark.curl
def test_curl_sends_by_smtp(curl, server, home, way):
    (home / "letter.eml").write_bytes(LETTERS[0])
    envelope = ["--mail-from", "amy@example.org", "--mail-rcpt", "ben@example.org", "--mail-rcpt", "amy@example.org"]
    curl("smtp", way, "laptop.example.org", *envelope, "-T", "letter.eml")
    assert box(server, "ben") == [(1, "one", "")]
    assert box(server, "amy") == [*INBOX, (4, "one", "")]
    received = curl("pop3", IN_THE_CLEAR, "1", account="ben")
    trace = f"by mail.example.org with ESMTP{'' if way == IN_THE_CLEAR else 'S'}A;"
    assert trace.encode() in received
    assert received.endswith(LETTERS[0])


# ---- fetchmail: by POP3 or IMAP from one account, by SMTP into the other


def fetchmail(run, server, home, protocol, way, *options, uidl=""):
    tls = {IN_THE_CLEAR: "sslproto ''", UPGRADED: "sslproto 'TLS1.2+'", IMPLICIT: "ssl"}[way]
    file = home / "fetchmailrc"
    file.write_text(
        f"poll localhost service {port(server, protocol, way)} protocol {protocol} {uidl}\n"
        f"  user amy there with password secret is 'ben@example.org' here\n"
        f"  smtphost 'localhost/{server.smtp[1]}' {tls} sslcertck sslcertfile authority.pem {' '.join(options)}\n"
    )
    file.chmod(0o600)
    files = ["--fetchmailrc", file, "--pidfile", home / "fetchmail.pid", "--idfile", home / "fetchids"]
    return run("fetchmail", "--nosyslog", *files)


@each_way
@pytest.mark.fetchmail
@pytest.mark.parametrize("protocol", ["pop3", "imap"])
def test_fetchmail_takes_home(run, server, home, protocol, way):
    fetchmail(run, server, home, protocol, way, "fetchall", "nokeep")
    assert box(server, "amy") == []
    assert box(server, "ben") == INBOX


@pytest.mark.fetchmail
def test_fetchmail_leaves_on_the_server_and_knows_what_it_has(run, server, home):
    fetchmail(run, server, home, "pop3", IN_THE_CLEAR, "keep", uidl="uidl")
    server.deliver(LETTERS[0].replace(b"one", b"four"))
    fetchmail(run, server, home, "pop3", IN_THE_CLEAR, "keep", uidl="uidl")
    assert box(server, "amy") == [*INBOX, (4, "four", "")]
    assert box(server, "ben") == [*INBOX, (4, "four", "")]


@pytest.mark.fetchmail
def test_fetchmail_keeps_what_the_other_mailbox_refuses(run, home):
    with MailServer(LETTERS, accounts=("amy", "ben"), password="secret", quota=600) as server:
        server.deliver(b"Subject: Large\r\n\r\n" + b"x" * 50 + b"\r\n", "ben")
        (home / "authority.pem").write_text(server.authority)
        fetchmail(run, server, home, "pop3", IN_THE_CLEAR, "fetchall", "nokeep")
        assert box(server, "amy") == INBOX[1:]
        assert box(server, "ben") == [(1, "Large", ""), (2, "one", "")]


# ---- mbsync: a folder and the server, both ways


class Maildir:
    """The folder on our side."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def letters(self) -> dict[str, str]:
        """Return subject → Maildir flags."""
        files = [file for part in ("new", "cur") for file in (self.path / part).iterdir()]
        return {self.subject(file): file.name.partition(":2,")[2] for file in files}

    def subject(self, file: Path) -> str:
        return next(line[9:] for line in file.read_text().splitlines() if line.startswith("Subject: "))

    def flag(self, subject: str, flags: str) -> None:
        for file in [file for part in ("new", "cur") for file in (self.path / part).iterdir()]:
            if self.subject(file) == subject:
                file.rename(self.path / "cur" / f"{file.name.partition(':2,')[0]}:2,{flags}")

    def add(self, letter: bytes) -> None:
        (self.path / "new" / "1.local.example").write_bytes(letter.replace(b"\r\n", b"\n"))


@pytest.fixture
def mbsync(run, server, home):
    def mbsync(way):
        kind = {IN_THE_CLEAR: "None", UPGRADED: "STARTTLS", IMPLICIT: "IMAPS"}[way]
        (home / "local").mkdir(exist_ok=True)
        (home / "mbsyncrc").write_text(
            f"IMAPStore far\nHost localhost\nPort {port(server, 'imap', way)}\nUser amy\nPass secret\nAuthMechs *\n"
            f"SSLType {kind}\nCertificateFile {home}/authority.pem\n\n"
            f"MaildirStore near\nPath {home}/local/\nInbox {home}/local/INBOX\nSubFolders Verbatim\n\n"
            "Channel amy\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSyncState *\nSync All\n"
        )
        run("mbsync", "-c", home / "mbsyncrc", "amy")
        return Maildir(home / "local" / "INBOX")

    return mbsync


@each_way
@pytest.mark.mbsync
def test_mbsync_fetches_the_mailboxes(mbsync, server, home, way):
    assert mbsync(way).letters() == {"one": "", "two": "", "three": ""}
    assert (home / "local" / "Sent" / "cur").is_dir()
    assert box(server, "amy") == INBOX


@pytest.mark.mbsync
def test_mbsync_goes_both_ways(mbsync, server):
    here = mbsync(UPGRADED)
    # On the server one is read, two is removed, four arrives; here three is answered and five is put in.
    imap = imaplib.IMAP4(*server.imap, timeout=SECONDS)
    imap.login("amy", "secret")
    imap.select()
    imap.store("1", "+FLAGS", "(\\Seen)")
    imap.store("2", "+FLAGS", "(\\Deleted)")
    imap.close()
    imap.logout()
    server.deliver(LETTERS[0].replace(b"one", b"four"))
    here.flag("three", "RS")
    here.add(LETTERS[0].replace(b"one", b"five"))
    mbsync(UPGRADED)
    assert here.letters() == {"one": "S", "three": "RS", "four": "", "five": ""}
    assert box(server, "amy") == [
        (1, "one", "\\Seen"),
        (3, "three", "\\Answered \\Seen"),
        (4, "four", ""),
        (5, "five", ""),
    ]
    here.flag("one", "ST")  # T: to be removed
    mbsync(UPGRADED)
    assert here.letters() == {"three": "RS", "four": "", "five": ""}
    assert [uid for uid, _, _ in box(server, "amy")] == [3, 4, 5]


@pytest.mark.mbsync
def test_mbsync_creates_mailboxes_on_the_server(mbsync, server, home):
    mbsync(IN_THE_CLEAR)
    for part in ("cur", "new", "tmp"):
        (home / "local" / "Bills" / part).mkdir(parents=True)
    Maildir(home / "local" / "Bills").add(LETTERS[0])
    mbsync(IN_THE_CLEAR)
    assert box(server, "amy", "Bills") == [(1, "one", "")]
    assert box(server, "amy") == INBOX


# ---- mutt


@pytest.fixture
def mutt(run, server, home):
    def mutt(way, *arguments, **how):
        letter_s = "s" * (way == IMPLICIT)
        (home / "muttrc").write_text(
            f"set folder='imap{letter_s}://amy@localhost:{port(server, 'imap', way)}/'\n"
            f"set smtp_url='smtp{letter_s}://amy@localhost:{port(server, 'smtp', way)}/'\n"
            "set imap_pass=secret smtp_pass=secret spoolfile=+INBOX record=+Sent copy=yes\n"
            f"set ssl_starttls={'yes' if way == UPGRADED else 'no'}\n"
            f"set ssl_force_tls={'no' if way == IN_THE_CLEAR else 'yes'}\n"
            f"set certificate_file={home}/authority.pem\n"
            "set from=amy@example.org realname=Amy use_envelope_from=yes hostname=laptop.example.org\n"
            "set sleep_time=0 delete=yes quit=yes move=no confirmappend=no confirmcreate=no wait_key=no\n"
        )
        return run("mutt", "-n", "-F", home / "muttrc", *arguments, **how)

    return mutt


@each_way
@pytest.mark.mutt
def test_mutt_sends_and_keeps_a_copy(mutt, server, way):
    mutt(way, "-s", "Lunch", "--", "ben@example.org", stdin=None, input=b"At noon?\n.\n")
    assert box(server, "ben") == [(1, "Lunch", "")]
    assert box(server, "amy", "Sent") == [(1, "Lunch", "\\Seen")]
    assert box(server, "amy") == INBOX
    assert ("STARTTLS" in server.transcript("SMTP").said("C")) == (way == UPGRADED)


@pytest.mark.mutt
def test_mutt_reads_deletes_and_files(mutt, server):
    import termios  # which Windows has not

    screen, terminal = os.openpty()
    termios.tcsetwinsize(terminal, (24, 80))  # newer ones of ncurses refuse a screen without a size
    reader = threading.Thread(target=look_at, args=(screen,))
    reader.start()
    keys = "<display-message><exit><next-entry><delete-message><save-message>+Sent<enter><sync-mailbox><quit>"
    try:
        mutt(
            IN_THE_CLEAR, "-f", "+INBOX", "-e", f"push '{keys}'", stdin=terminal, stdout=terminal, capture_output=False
        )
    finally:
        os.close(terminal)
        reader.join()
        os.close(screen)
    assert box(server, "amy") == [(1, "one", "\\Seen")]
    assert box(server, "amy", "Sent") == [(1, "three", "")]


def look_at(screen):
    """Read what is drawn until the program's end, so that it need not wait."""
    with contextlib.suppress(OSError):
        while os.read(screen, 4096):
            pass


# ---- imapfilter: what mailboxes and letters can be asked and told


@each_way
@pytest.mark.imapfilter
def test_imapfilter_sorts(run, server, home, way):
    server.deliver("Subject: Grüße\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSchöne Ferien\r\n".encode())
    (home / "sort.lua").write_text(
        f"""
options.timeout, options.charset, options.expunge, options.subscribe = 10, "UTF-8", true, true
options.starttls = {"true" if way == UPGRADED else "false"}
options.truststore = "authority.pem"
amy = IMAP {{ server = "localhost", port = {port(server, "imap", way)}, username = "amy", password = "secret",
             {'ssl = "auto",' if way == IMPLICIT else ""} }}
amy:create_mailbox("Schönes & mehr")
amy:create_mailbox("A/B/C")
amy:rename_mailbox("A/B", "A/D")
amy.INBOX:contain_subject("one"):copy_messages(amy["Schönes & mehr"])
amy.INBOX:contain_body("schöne"):move_messages(amy["A/D/C"])
two = amy.INBOX:contain_subject("two") * amy.INBOX:is_unseen()
two:mark_flagged()
two:add_flags({{ "todo" }})
amy.INBOX:contain_subject("three"):delete_messages()
amy.Sent:append_message("Subject: mine\\r\\n\\r\\nhi\\r\\n", {{ "\\\\Seen" }}, " 7-Feb-1994 21:52:25 -0800")
mailboxes, folders = amy:list_all("")
print(table.concat(mailboxes, "; "), #amy.INBOX:has_keyword("todo"), #amy.INBOX:sent_before("01-Sep-2026"))
""",
        encoding="utf-8",
    )
    said = run("imapfilter", "-t", "authority.pem", "-c", "sort.lua").decode()
    assert said.endswith("INBOX; A; Schönes & mehr; Sent\t1\t0\n")
    assert box(server, "amy") == [INBOX[0], (2, "two", "\\Flagged todo")]
    assert box(server, "amy", "Schönes & mehr") == [(1, "one", "")]
    assert box(server, "amy", "A/D/C") == [(1, "Grüße", "")]
    assert box(server, "amy", "Sent") == [(1, "mine", "\\Seen")]


# ---- msmtp hands in, mpop collects, with TLS or without


def account(server, home, protocol, way, *more):
    tls = {IN_THE_CLEAR: "tls off", UPGRADED: "tls_starttls on", IMPLICIT: "tls_starttls off"}[way]
    trust = [] if way == IN_THE_CLEAR else ["tls on", "tls_trust_file authority.pem"]
    login = [f"port {port(server, protocol, way)}", "user amy", "password secret", "auth plain"]
    file = home / f"{protocol}.rc"
    file.write_text("\n".join(["account default", "host localhost", *login, *trust, tls, *more]) + "\n")
    file.chmod(0o600)
    return f"--file={file}"


@each_way
@pytest.mark.msmtp
def test_msmtp_hands_in(run, server, home, way):
    own = account(server, home, "smtp", way, "from amy@example.org")
    run("msmtp", own, "ben@example.org", "amy@example.org", stdin=None, input=LETTERS[0])
    assert box(server, "ben") == [(1, "one", "")]
    assert box(server, "amy") == [*INBOX, (4, "one", "")]


@each_way
@pytest.mark.mpop
def test_mpop_leaves_on_the_server_and_knows_what_it_has(run, server, home, way):
    for folder in ("cur", "new", "tmp"):
        (home / "mail" / folder).mkdir(parents=True)
    own = account(server, home, "pop3", way, f"delivery maildir {home}/mail", f"uidls_file {home}/uidls", "keep on")
    for _ in range(2):
        run("mpop", own)
        assert len(list((home / "mail" / "new").iterdir())) == 3
    assert box(server, "amy") == INBOX
    run("mpop", own, "--keep=off")
    assert box(server, "amy") == []
