"""SMTP beyond what `tests/conversations/smtp` says line by line: relay, loops, limits, hostile input."""

import asyncio
import contextlib
import imaplib
import poplib
import random
import re
import smtplib
import socket
import ssl
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from email.message import EmailMessage
from types import SimpleNamespace

import pytest

import mailkit.relay
from mailkit.delivery import MAX_HOPS
from mailkit.mailbox import Mailbox
from mailkit.relay import REPLY_LINES
from mailkit.server import MailServer, fixed_clock
from mailkit.settings import Settings
from mailkit.smtp import MAX_RECIPIENTS, SmtpSession
from mailkit.sockets import LINGER
from mailkit.store import Store
from tests.patience import PATIENCE, wait_until

LETTER = "Subject: Lunch\r\n\r\nAt noon?\r\n"
LOGIN = b"EHLO laptop\r\nAUTH PLAIN AGFteQBzZWNyZXQ=\r\n"
TRANSACTION = b"MAIL FROM:<ben@example.org>\r\nRCPT TO:<amy@example.org>\r\nDATA\r\nSubject: %s\r\n\r\n.\r\n"
RELAYED = b"MAIL FROM:<ben@example.org>\r\nRCPT TO:<zoe@example.net>\r\nDATA\r\nSubject: relayed\r\n\r\n.\r\n"


@pytest.fixture
def server():
    with MailServer(accounts=("amy", "ben"), password="secret") as server:
        yield server


@pytest.fixture
def other():
    with MailServer(accounts=("zoe",), password="secret", domain="example.net") as server:
        yield server


@pytest.fixture
def client(server):
    with smtplib.SMTP(*server.smtp, local_hostname="laptop.example.org", timeout=PATIENCE) as client:
        yield client


@pytest.fixture
def quiet(caplog):
    """Nothing that a client does may end in a log of ours or of asyncio."""
    yield
    assert [
        record.getMessage() for record in caplog.records if record.name.split(".")[0] in ("mailkit", "asyncio")
    ] == []


def subjects(server, account):
    return [letter.subject for letter in server.snapshot().mailbox(account).letters]


def first_letter(server, account):
    """Return an account's first letter, by POP3."""
    pop = poplib.POP3(*server.pop3, timeout=PATIENCE)
    pop.user(account)
    pop.pass_("secret")
    lines = pop.retr(1)[1]
    pop.quit()
    return b"".join(line + b"\r\n" for line in lines)


def header(server, account):
    return first_letter(server, account).partition(b"\r\n\r\n")[0].decode()


def talk(server, octets):
    """Send all at once, close our half, and return all that the server says."""
    with socket.create_connection(server.smtp, timeout=PATIENCE) as line:
        line.sendall(octets)
        line.shutdown(socket.SHUT_WR)
        with line.makefile("rb") as answers:
            return answers.read()


def relay_to(server, listening):
    """Let a server pass mail for example.net on to a socket of ours."""
    server.relay_to(SimpleNamespace(domain="example.net", smtp=listening.getsockname()))


# ---- submission


def test_blind_copies_are_sent_and_not_seen(server, client):
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Bcc"], letter["Subject"] = "ben@example.org", "ben@example.org", "amy", "x"
    client.send_message(letter)
    assert subjects(server, "amy") == subjects(server, "ben") == ["x"]
    assert "amy" not in header(server, "ben")


def test_what_was_delivered_is_in_the_history(server, client):
    client.sendmail("ben@example.org", ["amy", "postmaster"], LETTER)
    assert server.history()[-1].cause == "SMTP: <ben@example.org> to amy@example.org, postmaster@example.org"
    assert f"<ben@example.org> size={len(LETTER)}" in str(server.transcript("SMTP").find("mail from:"))


def test_who_said_quit_is_gone_when_that_is_answered(server, client):
    for _ in range(20):
        with smtplib.SMTP(*server.smtp, local_hostname="laptop", timeout=PATIENCE) as second:
            second.quit()
        assert len(server._engine.smtp_lines) == 1


def test_login_under_tls(server, quiet):
    with smtplib.SMTP_SSL(*server.smtps, local_hostname="laptop", context=server.ssl_context) as client:
        client.login("amy", "secret")
        client.sendmail("amy@example.org", ["ben@example.org"], LETTER)
    assert "with ESMTPSA for <ben@example.org>" in header(server, "ben")
    assert "secret" not in str(server.transcript("SMTP"))
    assert "AUTH PLAIN ****" in str(server.transcript("SMTP"))


def test_one_recipient_too_many(client):
    client.ehlo()
    client.mail("ben@example.org")
    for _ in range(MAX_RECIPIENTS):
        assert client.rcpt("amy")[0] == 250
    assert client.rcpt("amy") == (452, b"4.5.3 100 recipients is the most; send the message again for the others")


def test_a_loop_ends(server, client):
    hops = "".join(f"Received: from a by b; {n}\r\n" for n in range(MAX_HOPS - 1))
    client.sendmail("ben@example.org", ["amy"], hops + LETTER)
    with pytest.raises(smtplib.SMTPDataError, match=r"554, b'5\.4\.6 the message has passed 100 servers"):
        client.sendmail("ben@example.org", ["amy"], "received : once more\r\n" + hops + LETTER)
    assert subjects(server, "amy") == ["Lunch"]


def test_received_in_the_text_is_no_hop(server, client):
    client.sendmail("ben@example.org", ["amy"], "\r\n" + "Received: x\r\n" * 200 + "\r\n")
    client.sendmail("ben@example.org", ["amy"], LETTER + "Received: x\r\n" * 200)
    client.sendmail("ben@example.org", ["amy"], "Dear all,\r\n" + "Received: x\r\n" * 200)
    assert len(subjects(server, "amy")) == 3


def test_the_end_of_a_letter_is_answered_without_a_pause(server, client, monkeypatch):
    """A pause would have no end: on the loop no time passes."""
    now = server._engine.loop.time()
    monkeypatch.setattr(server._engine.loop, "time", lambda: now)
    client.sendmail("ben@example.org", ["amy@example.org", "ben@example.org"], LETTER)
    assert subjects(server, "amy") == subjects(server, "ben") == ["Lunch"]


def test_a_response_too_long_gets_one_reply_at_its_end(server, client):
    """RFC 4954 §4, §6: 500 5.5.6; nothing of it is kept, run as a command, or shown."""
    with socket.create_connection(server.smtp, timeout=PATIENCE) as line:
        answers = line.makefile("rb")
        line.sendall(b"EHLO laptop\r\nAUTH PLAIN\r\n")
        while not answers.readline().startswith(b"334"):
            pass
        line.sendall(b"A" * 13_000)
        server.snapshot()  # by now all that came is read
        line.sendall(b"B" * 40 + b"\r\nNOOP\r\n")
        assert answers.readline().startswith(b"500 5.5.6 the response is too long")
        assert answers.readline().startswith(b"250 ")
        assert "BBBB" not in str(server.transcript("SMTP"))
        line.sendall(b"AUTH PLAIN\r\n")
        assert answers.readline().startswith(b"334")
        line.shutdown(socket.SHUT_WR)  # and one that never ends
        assert not answers.readline().startswith(b"451")


@pytest.mark.parametrize(
    "command",
    ["RCPT TO:<" + "a" * 890 + "@example.org>", "RCPT TO:<a@" + "b" * 480 + ">", "X" * 508, "NOOP" + "é" * 250],
)
def test_no_reply_is_longer_than_512_octets(client, command):
    """RFC 5321 §4.5.3.1.5; and none is beyond ASCII."""
    client.ehlo()
    client.docmd("MAIL FROM:<amy@example.org>")
    client.send(command.encode() + b"\r\n")
    reply = client.file.readline()
    assert reply[:1] == b"5"
    assert reply.isascii()
    assert len(reply) <= 512


def test_no_reply_waits_for_the_next_command():
    """RFC 2920 §3.2 (5), (6)."""
    commands = [b"EHLO a", b"BOGUS", b"MAIL FROM:<ben@example.org>", b"VRFY amy", b"RCPT TO:<zoe>", b"NOOP", b"QUIT"]
    session = SmtpSession(Store("example.org", fixed_clock), Settings())
    replies = session.receive(b"\r\n".join([*commands, b""]))
    assert [reply[:3] for reply in replies] == [b"250", b"500", b"250", b"252", b"550", b"250", b"221"]


def test_every_reply_has_its_enhanced_status_code(server):
    """RFC 2034 §4: all but the greeting, what answers EHLO and HELO, and 3yz; its class is the reply's."""
    dice = random.Random(2034)
    bare = re.compile(rb"220 mail|250[ -](mail|SIZE|8BIT|SMTPUTF8|PIPE|STARTTLS|AUTH|ENHANCED|HELP)|334 |354 ")
    coded = re.compile(rb"([245])[0-9]{2} \1\.[0-9]{1,3}\.[0-9]{1,3} [^ ]")
    for _ in range(100):
        said = talk(server, b"EHLO a\r\n" * dice.randrange(2) + b"".join(dice.choices(PIECES, k=30)) + b"\r\n.\r\n")
        assert [line for line in said.splitlines() if not (bare.match(line) or coded.match(line))] == []


def test_who_was_answered_after_a_mistake_of_ours_is_not_awaited_for_ever(server, client, monkeypatch):
    monkeypatch.setattr(Mailbox, "append", lambda *args: 1 / 0)
    with pytest.raises(smtplib.SMTPDataError, match="451"):
        client.sendmail("ben@example.net", ["amy@example.org"], LETTER)
    pass_time(server, monkeypatch, 2 * server._engine.settings.smtp_idle)
    assert client.getreply()[0] == 421


@contextlib.contextmanager
def traced():
    """Yield what tells the most memory in use at once since then, in octets."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_a_letter_of_many_lines_takes_not_much_more_than_its_octets(client):
    text = "\r\n" * 50_000
    with traced() as peak:
        client.sendmail("ben@example.org", ["amy@example.org"], text)
        assert peak() < 40 * len(text)  # a list of its lines would take 67 times its octets


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has one address of its own only")
def test_a_letter_tells_the_address_that_it_comes_from(server):
    """RFC 5321 §4.4."""
    with smtplib.SMTP(*server.smtp, local_hostname="laptop", source_address=("127.0.0.7", 0)) as client:
        client.sendmail("ben@example.org", "amy@example.org", LETTER)
    assert "Received: from laptop ([127.0.0.7])\r\n" in header(server, "amy")


def test_starttls_has_the_patience_of_a_handshake():
    with (
        MailServer(password="secret", handshake=0.05) as server,
        socket.create_connection(server.smtp, timeout=PATIENCE) as line,
    ):
        line.sendall(b"EHLO laptop\r\nSTARTTLS\r\n")
        said = b"".join(iter(lambda: line.recv(999), b""))
        assert said.endswith(b"220 2.0.0 Ready to start TLS\r\n")


def test_who_must_log_in_is_told_to_begin_tls_where_no_login_is_offered():
    with (
        MailServer(password="secret", smtp_login=True, plaintext_login=False) as server,
        smtplib.SMTP(*server.smtp, local_hostname="laptop.example.org", timeout=PATIENCE) as client,
    ):
        client.ehlo()
        assert client.docmd("MAIL FROM:<amy@example.org>")[1].endswith(b"send STARTTLS first")
        assert b"AUTH" not in client.docmd("HELP")[1]


# ---- relay


def test_a_letter_goes_from_server_to_server(server, other, client):
    server.relay_to(other)
    client.login("amy", "secret")
    client.sendmail("amy@example.org", ["zoe@EXAMPLE.net", "ben@example.org"], LETTER)
    assert subjects(other, "zoe") == subjects(server, "ben") == ["Lunch"]
    assert header(other, "zoe").splitlines()[:7] == [
        "Return-Path: <amy@example.org>",
        "Received: from mail.example.org ([127.0.0.1])",
        "\tby mail.example.net with ESMTP for <zoe@EXAMPLE.net>;",
        "\tTue, 01 Sep 2026 09:00:00 +0000",
        "Received: from laptop.example.org ([127.0.0.1])",
        "\tby mail.example.org with ESMTPA;",
        "\tTue, 01 Sep 2026 09:00:00 +0000",
    ]
    assert [line.text for line in other.transcript("SMTP").lines if line.who == "C"][-1] == "QUIT"


def test_octets_survive_the_relay(server, other, client):
    server.relay_to(other)
    client.login("amy", "secret")
    text = b"Subject: x\r\n\r\n.\r\n..\r\n" + bytes(range(14, 256)) + b"\r\n.end\r\n"
    client.sendmail("<>", ["zoe@example.net"], text)
    assert first_letter(other, "zoe").startswith(b"Return-Path: <>\r\n")
    assert first_letter(other, "zoe").endswith(b"+0000\r\n" + text)


def test_relay_beyond_ascii(server, other, client):
    server.relay_to(other)
    client.login("amy", "secret")
    client.sendmail("zoé@example.com", ["zoe@example.net"], LETTER, mail_options=["SMTPUTF8"])
    assert "with UTF8SMTP for <zoe@example.net>" in header(other, "zoe")
    assert first_letter(other, "zoe").startswith("Return-Path: <zoé@example.com>\r\n".encode())


def test_relay_of_a_header_beyond_ascii(server, other, client):
    """RFC 6531 §3.6: to a server that offers SMTPUTF8, it goes as it is."""
    server.relay_to(other)
    client.login("amy", "secret")
    letter = "Subject: Déjà vu\r\n\r\n".encode()
    client.sendmail("amy@example.org", ["zoe@example.net"], letter, mail_options=["BODY=8BITMIME", "SMTPUTF8"])
    assert first_letter(other, "zoe").endswith(letter)


def test_who_has_said_all_and_closes_his_end_has_his_letter_relayed(server, other):
    """What the next server will say he still reads; and in the history the letter is one like any other."""
    server.relay_to(other)
    with socket.create_connection(server.smtp, timeout=PATIENCE) as line, line.makefile("rb") as answers:
        line.sendall(LOGIN + RELAYED)
        line.shutdown(socket.SHUT_WR)
        assert answers.read().endswith(b"\r\n250 2.6.0 message accepted\r\n")
    assert subjects(other, "zoe") == ["relayed"]
    assert server.history()[-1].cause == "SMTP: <ben@example.org> to zoe@example.net"


def test_no_relay_for_strangers(server, other, client):
    server.relay_to(other)
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        client.sendmail("amy@example.org", ["zoe@example.net"], LETTER)
    assert refused.value.recipients == {
        "zoe@example.net": (530, b"5.7.0 no relay to example.net without a login; send AUTH first")
    }


def test_what_the_next_server_says_of_its_one_recipient_is_all(server, other, client):
    server.relay_to(other)
    client.login("amy", "secret")
    with pytest.raises(smtplib.SMTPDataError, match=r"<yan@example\.net>; check the address'\)$"):
        client.sendmail("amy@example.org", ["yan@example.net"], LETTER)


def test_what_the_next_server_refuses_reaches_nobody(server, other, client):
    server.relay_to(other)
    client.login("amy", "secret")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        client.sendmail("amy@example.org", ["ben@example.org", "zoe@example.net", "yan@example.net"], LETTER)
    assert refused.value.smtp_code == 550
    assert refused.value.smtp_error == (
        b"5.1.1 the server for example.net says: 550 5.1.1 no account here for <yan@example.net>; check the address"
        b"; nothing was delivered"
    )
    assert subjects(server, "ben") == subjects(other, "zoe") == []
    assert client.noop()[0] == 250


def test_a_full_mailbox_here_stops_the_relay_too(other):
    with (
        MailServer(accounts=("amy", "ben"), password="secret", quota=280) as server,
        smtplib.SMTP(*server.smtp, local_hostname="laptop", timeout=PATIENCE) as client,
    ):
        server.deliver(LETTER.encode(), "ben")
        server.relay_to(other)
        client.login("amy", "secret")
        client.does_esmtp = False  # no SIZE: it comes out only when the letter is there
        with pytest.raises(smtplib.SMTPDataError, match=r"452, b'4\.2\.2 ben: mailbox full"):
            client.sendmail("amy@example.org", ["ben@example.org", "zoe@example.net"], LETTER + "x" * 90)
        assert subjects(other, "zoe") == []


def test_the_next_server_is_stopped(server, other, client):
    server.relay_to(other)
    other.stop()
    client.login("amy", "secret")
    with pytest.raises(smtplib.SMTPDataError, match=r"451, b'4\.4\.1 the server for example\.net does not answer"):
        client.sendmail("amy@example.org", ["zoe@example.net"], LETTER)


@pytest.mark.slow
@pytest.mark.parametrize("greeting", [b"", b"220 mail", b"220-mail\r\n" * 1000])
def test_the_next_server_says_nothing_sensible(server, client, monkeypatch, greeting):
    monkeypatch.setattr(mailkit.relay, "REPLY_TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        relay_to(server, listening)
        client.login("amy", "secret")
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(client.sendmail, "amy@example.org", ["zoe@example.net"], LETTER)
            line = listening.accept()[0]
            with closing(line):
                line.sendall(greeting)
                with pytest.raises(smtplib.SMTPDataError, match=r"451, b'4\.4\.2 the line to the server"):
                    sent.result(timeout=PATIENCE)


def test_a_relay_keeps_the_case_of_names_and_drops_the_route(server, other, client):
    server.relay_to(other)
    client.login("amy", "secret")
    client.docmd("MAIL FROM:<@a.example,@b.example:Amy@Example.ORG>")
    client.docmd("RCPT TO:<@mail.example.org,@mail.example.net:ZOE@Example.NET>")
    client.docmd('RCPT TO:<@mail.example.net:"Z\\oe"@example.net>')
    assert client.data(LETTER)[0] == 250
    assert [re.sub("SIZE=[0-9]+ ", "", words) for words in other.transcript("SMTP").said("C") if "@" in words] == [
        "MAIL FROM:<Amy@Example.ORG> BODY=8BITMIME",
        "RCPT TO:<ZOE@Example.NET>",
        'RCPT TO:<"Z\\oe"@example.net>',
    ]
    assert subjects(other, "zoe") == ["Lunch"]


COMMANDS = [
    b"EHLO mail.example.org\r\n",
    b"MAIL FROM:<amy@example.org> BODY=8BITMIME\r\n",
    b"RCPT TO:<zoe@example.net>\r\n",
    b"DATA\r\n",
]
REPLIES = [b"220 mail", b"250-mail\r\n250 8BITMIME", b"250 yes", b"250 yes", b"354 go on", b"250 taken", b"221 bye"]


def relayed(server, client, replies, letter=LETTER, wait=lambda: None, asked="", also=None):
    """Relay a letter to a server that gives these replies; return what it heard after each, and our own reply."""
    heard = []

    def answer():
        with listening.accept()[0] as line:
            line.settimeout(PATIENCE)
            for reply in replies:
                line.sendall(reply + b"\r\n")
                try:
                    line.recv(1, socket.MSG_PEEK)
                except ConnectionResetError:  # so Windows says that the relay left before it heard this reply
                    heard.append(b"")
                    break
                server.snapshot()  # by now all is said that does not wait for a reply
                heard.append(line.recv(1 << 16))
                while heard[-1].startswith(b"Received:") and not heard[-1].endswith(b"\r\n.\r\n"):
                    heard[-1] += line.recv(1 << 16) or b"(gone)\r\n.\r\n"
                wait()

    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:
        listening.settimeout(PATIENCE)
        relay_to(server, listening)
        client.login("amy", "secret")
        client.mail("amy@example.org", asked.split())
        for name in filter(None, (also, "zoe@example.net")):
            client.rcpt(name)
        answered = pool.submit(answer)
        reply = client.data(letter)
        answered.result(timeout=PATIENCE)
    return heard, reply


def pass_time(server, monkeypatch, seconds):
    """Make the server's loop believe that so many seconds have passed, and do what was due."""
    server.snapshot()  # what has come so far came before
    now = server._engine.loop.time
    monkeypatch.setattr(server._engine.loop, "time", lambda: now() + seconds)
    server.snapshot()


def lapse(server, monkeypatch, share):
    """Return what makes the server's loop believe that so much of a relay's patience is over."""
    return lambda: pass_time(server, monkeypatch, share * mailkit.relay.REPLY_TIMEOUT)


@pytest.mark.parametrize(
    "replies",
    [
        REPLIES,
        [b"220", b"250-\r\n250-8BITMIME\r\n250", b"250", b"250 ", b"354", b"250-\r\n250 ", b"221"],
        [b"299 x", b"298-x\r\n298 8BITMIME", b"297 no", b"251 554 x", b"354 550", b"296", b"295"],
        [*REPLIES[:3], "251 <zoé@example.net>".encode(), *REPLIES[4:]],  # RFC 6531 §3.7.4.1
    ],
    ids=["as usual", "no text", "unknown codes", "beyond ASCII"],
)
def test_a_relay_waits_for_each_reply_and_goes_by_its_first_digit(server, client, replies):
    heard, reply = relayed(server, client, replies)
    assert heard[:4] + heard[5:] == [*COMMANDS, b"QUIT\r\n", b""]
    assert heard[4].endswith(LETTER.encode() + b".\r\n")
    assert reply[0] == 250


@pytest.mark.parametrize(
    ("lines", "says", "code"), [(REPLY_LINES, b"EHLO", 250), (REPLY_LINES + 1, b"QUIT", 451)], ids=["most", "more"]
)
def test_a_relay_hears_no_reply_without_an_end(server, client, lines, says, code):
    long = b"\r\n".join([b"220-and"] * (lines - 1) + [b"220 done"])
    heard, reply = relayed(server, client, [long, *REPLIES[1:]] if code == 250 else [long, b"221 bye"])
    assert (heard[0][:4], reply[0]) == (says, code)


@pytest.mark.parametrize("refusal", [b"500 what?", b"502"])
def test_a_relay_falls_back_to_helo(server, client, refusal):
    """RFC 5321 §2.2.1; parameters are EHLO's."""
    heard, reply = relayed(server, client, [REPLIES[0], refusal, b"250 old", *REPLIES[2:]])
    assert heard[1:3] == [b"HELO mail.example.org\r\n", b"MAIL FROM:<amy@example.org>\r\n"]
    assert reply[0] == 250


@pytest.mark.parametrize(
    ("refusal", "code"),
    [(b"250 x", 451), (b"499 x", 451), (b"451", 451), (b"554 x", 550), (b"502 x", 550), (b"599-x\r\n599", 550)],
)
def test_a_relay_sends_no_text_unless_told_to_go_on(server, client, refusal, code):
    heard, reply = relayed(server, client, [*REPLIES[:4], refusal, b"221 bye"])
    assert heard == [*COMMANDS, b"QUIT\r\n", b""]
    assert reply[0] == code


@pytest.mark.parametrize(("refusal", "code"), [(b"552 5.3.4 too large", 550), (b"452 4.3.1 later", 451)])
def test_what_the_next_server_refuses_after_the_text_reaches_nobody(server, client, refusal, code):
    """RFC 1870 §6.2: 250 to MAIL with SIZE was no promise."""
    _, reply = relayed(server, client, [*REPLIES[:5], refusal, b"221 bye"], also="ben@example.org")
    assert (reply[0], subjects(server, "ben")) == (code, [])
    assert reply[1].endswith(b"; nothing was delivered")


def test_a_mailbox_here_that_is_full_when_the_relay_is_done_gets_nothing(server, client):
    ben, waits = server._engine.store.accounts["ben"], iter(range(99))

    def fill():
        if next(waits) == COMMANDS.index(b"DATA\r\n"):
            ben.quota = 1

    _, reply = relayed(server, client, REPLIES, wait=fill, also="ben@example.org")
    assert (reply[0], subjects(server, "ben")) == (552, [])
    assert reply[1].endswith(b"; delivered to example.net alone")


def test_who_has_the_message_is_told_where_not_all_do(server, client):
    """RFC 5321 §4.2.5: one reply speaks for all."""
    with MailServer(domain="example.com", accounts=("kim",), password="secret") as third:
        server.relay_to(third)
        _, reply = relayed(server, client, [*REPLIES[:5], b"452 4.3.1 later", b"221 bye"], also="kim@example.com")
        assert reply == (451, b"4.3.1 the server for example.net says: 452 4.3.1 later; delivered to example.com alone")
        assert subjects(third, "kim") == ["Lunch"]


@pytest.mark.parametrize(
    ("offers", "asked", "letter", "said"),
    [
        (b"", "", b"Subject: x\r\n\r\nplain\r\n", b""),
        (b"", "SMTPUTF8", b"Subject: x\r\n\r\nplain\r\n", b""),
        (b"", "", b"Subject: x\r\n\r\n\xff\r\n", (554, "5.6.3")),
        (b"8bitmime", "", b"Subject: x\r\n\r\n\xff\r\n", b" BODY=8BITMIME"),
        (b"8BITMIME", "", "Subject: ä\r\n\r\nx\r\n".encode(), b" BODY=8BITMIME"),
        (b"8BITMIME", "SMTPUTF8", "Subject: ä\r\n\r\nx\r\n".encode(), (554, "5.6.9")),
        (b"8BITMIME", "SMTPUTF8", "Subject: x\r\n\r\n--a\r\nSubject: ä\r\n".encode(), (554, "5.6.9")),
        (b"SIZE 90", "", b"Subject: x\r\n\r\nplain\r\n", (552, "5.3.4")),
        (b"SIZE 900", "", b"Subject: x\r\n\r\nplain\r\n", b" SIZE=nnn"),
        (b"SIZE", "", b"Subject: x\r\n\r\nplain\r\n", b" SIZE=nnn"),
        (b"SIZE 0", "", b"Subject: x\r\n\r\nplain\r\n", b" SIZE=nnn"),
        (b"SMTPUTF8 x", "SMTPUTF8", b"Subject: x\r\n\r\nplain\r\n", b" SMTPUTF8"),
    ],
)
def test_a_relay_uses_only_parameters_that_are_offered(server, client, offers, asked, letter, said):
    """RFC 5321 §4.1.1.3, §4.5.3.1.7; RFC 1870 §4, RFC 6152 §3, RFC 6531 §3.2."""
    greeting = b"250-mail\r\n250 " + (offers or b"HELP")
    replies = [REPLIES[0], greeting, *(REPLIES[2:] if isinstance(said, bytes) else [b"221 bye"])]
    heard, reply = relayed(server, client, replies, letter, asked=asked)
    if isinstance(said, bytes):
        declared = heard[1].replace(b"SIZE=%d" % len(heard[4].removesuffix(b".\r\n")), b"SIZE=nnn")
        assert declared == b"MAIL FROM:<amy@example.org>" + said + b"\r\n"
        assert reply[0] == 250
    else:
        assert heard[1] == b"QUIT\r\n"
        assert (reply[0], reply[1].decode()[:5]) == said


def test_a_relay_sends_no_address_beyond_ascii_where_that_is_not_offered(server, client):
    """RFC 6531 §3.2, §3.5."""
    replies = [*REPLIES[:2], b"221 bye"]
    heard, (code, words) = relayed(server, client, replies, asked="SMTPUTF8", also="zoé@example.net")
    assert heard == [COMMANDS[0], b"QUIT\r\n", b""]
    assert (code, words[:5]) == (550, b"5.6.7")


def test_a_letter_is_delivered_before_the_relay_says_goodbye(server, client, monkeypatch):
    """RFC 5321 §6.1: a next server that never answers QUIT keeps nobody waiting, and loses nothing."""
    monkeypatch.setattr(mailkit.relay, "QUIT_TIMEOUT", 0.0)
    seen = []
    heard, reply = relayed(
        server, client, REPLIES[:-1], wait=lambda: seen.append(subjects(server, "ben")), also="ben@example.org"
    )
    assert heard[-1] == b"QUIT\r\n"
    assert (seen[-2:], reply[0]) == ([[], ["Lunch"]], 250)


def test_what_others_say_while_a_relay_says_goodbye_is_not_what_brought_the_letter(server, client):
    def visit():
        pop = poplib.POP3(*server.pop3, timeout=PATIENCE)
        pop.user("amy")
        pop.pass_("secret")
        pop.quit()

    relayed(server, client, REPLIES, wait=visit, also="ben@example.org")
    first = next(one for one in server.history() if one.snapshot.mailbox("ben").letters)
    assert first.cause == "SMTP: <amy@example.org> to ben@example.org, zoe@example.net"


@pytest.mark.parametrize("reply", [b"2", b"25 x", b"2ok", b"650 x", b"250x", b"250\xb2"])
def test_what_is_no_reply_is_a_failure_for_good(server, client, reply):
    """RFC 5321 §4.2."""
    heard, said = relayed(server, client, [*REPLIES[:2], reply, b"221 bye"])
    assert heard[-1] == b""
    assert said[0] == 554
    assert said[1].startswith(b"5.5.0 the server for example.net says what is no reply: ")


def test_a_refusal_is_passed_on_in_one_line_of_512_octets(server, client):
    """RFC 5321 §4.5.3.1.5; of several lines none is lost."""
    refusal = b"550-5.1.1 no\r\n550-" + "zoé ".encode() * 50 + b"\r\n550 " + b"x" * 500
    _, (code, words) = relayed(server, client, [*REPLIES[:3], refusal, b"221 bye"])
    assert code == 550
    assert words.startswith(b"5.1.1 the server for example.net says: 550 5.1.1 no zo\\xc3\\xa9 ")
    assert len(words) <= 512 - len("550 \r\n")


def test_a_relay_leaves_the_header_as_it_is(server, client):
    letter = (
        b"Return-Path: <old@example.com>\r\nno colon\r\nDate: yesterday\r\nFrom: \xff\r\nFROM:\r\nTo: zoe"
        + b",\r\n\tzoe@" * MAX_RECIPIENTS
        + b"\r\nResent-To: yan\r\nreturn-path: twice\r\n\r\nAt noon?\r\n"
    )
    heard, reply = relayed(server, client, REPLIES, letter)
    assert heard[4].startswith(b"Received: from laptop.example.org ")
    assert heard[4].partition(b" +0000\r\n")[2] == letter + b".\r\n"
    assert reply[0] == 250


@pytest.mark.parametrize(
    ("share", "replies", "last", "code"),
    [(0.6, REPLIES, b"", 250), (1.2, REPLIES[:2], b"QUIT\r\n", 451)],
    ids=["enough", "not enough"],
)
def test_a_relay_has_patience_anew_for_each_reply(server, client, monkeypatch, share, replies, last, code):
    heard, reply = relayed(server, client, replies, wait=lapse(server, monkeypatch, share))
    assert (heard[-1], reply[0]) == (last, code)


def test_a_server_of_the_same_domain_is_no_other(server):
    with (
        MailServer(accounts=("bob",)) as other,
        pytest.raises(ValueError, match=r'both servers take mail for example\.org; .*domain="example\.net"'),
    ):
        server.relay_to(other)


def test_two_servers_pass_mail_to_each_other_at_once(server, other):
    server.relay_to(other)
    other.relay_to(server)

    def send(source, user, recipient):
        with smtplib.SMTP(*source.smtp, local_hostname="laptop", timeout=PATIENCE) as client:
            client.login(user, "secret")
            for _ in range(5):
                client.sendmail(f"{user}@{source.domain}", [recipient], LETTER)

    ways = [(server, "amy", "zoe@example.net"), (other, "zoe", "amy@example.org")] * 3
    with ThreadPoolExecutor(len(ways)) as pool:
        for sent in [pool.submit(send, *way) for way in ways]:
            sent.result(timeout=PATIENCE)
    assert len(subjects(server, "amy")) == len(subjects(other, "zoe")) == 15


# ---- it cannot be brought down


@pytest.mark.parametrize("wrong", [[LETTER], EmailMessage()])
def test_a_client_that_forgets_it_said_data_is_dropped(server, wrong, monkeypatch):
    """What `smtplib` raises is only seen once its QUIT, a line of the letter by then, has been hung up on."""
    monkeypatch.setattr("mailkit.incoming.FORGOTTEN_TIMEOUT", 0.05)
    with (
        pytest.raises(TypeError),
        smtplib.SMTP(*server.smtp, local_hostname="laptop.example.org", timeout=PATIENCE) as client,
    ):
        client.sendmail("ben@example.org", ["amy@example.org"], wrong)
    assert subjects(server, "amy") == []


@pytest.mark.parametrize("more", [b"", b"QUIT\n", b"quit\r\n"])
def test_who_ends_a_message_with_lf_alone_is_told(server, monkeypatch, more):
    """As one who types into ``nc``: LF.LF is no end (RFC 5321 §4.1.1.4), and both would wait."""
    monkeypatch.setattr("mailkit.incoming.FORGOTTEN_TIMEOUT", 0.05)
    with socket.create_connection(server.smtp, timeout=PATIENCE) as line, line.makefile("rb") as answers:
        line.sendall(b"HELO laptop\nMAIL FROM:<>\nRCPT TO:<amy>\nDATA\nSubject: x\n\nhi\n.\n" + more)
        assert answers.read().endswith(b"\r\n554 5.5.2 a CR or LF stands alone; end every line with CRLF\r\n")
    assert subjects(server, "amy") == []


def test_a_letter_may_begin_with_a_command(server, client):
    client.sendmail("ben@example.org", ["amy@example.org"], "quit\r\nand go\r\n")
    assert first_letter(server, "amy").endswith(b"quit\r\nand go\r\n")


def test_a_password_refused_is_told_by_smtplib_as_well(server, client):
    """It tries PLAIN, then LOGIN; a line closed after the third failure would be all that it tells of."""
    for words in ("535, b'5.7.8 wrong name or password", "421, b'4.7.0 .*wrong name or password"):
        with pytest.raises(smtplib.SMTPAuthenticationError, match=words):
            client.login("amy", "wrong")


def test_who_says_nothing_is_told_and_dropped():
    with (
        MailServer(smtp_idle=0.05) as server,
        socket.create_connection(server.smtp, timeout=PATIENCE) as line,
        line.makefile("rb") as answers,
    ):
        said = answers.read()
    assert (
        said.splitlines()[1] == b"421 4.4.2 mail.example.org signing off: nothing was said for too long; connect again"
    )


def test_a_server_that_stops_says_so_amid_a_letter(server):
    """RFC 5321 §3.8."""
    with socket.create_connection(server.smtp, timeout=PATIENCE) as line, line.makefile("rb") as answers:
        line.sendall(b"HELO laptop\r\nMAIL FROM:<>\r\nRCPT TO:<amy>\r\nDATA\r\n")
        assert any(answer.startswith(b"354") for answer in answers)
        line.sendall(b"Subject: half\r\n\r\nof a letter\r\n")
        server.snapshot()
        server.stop()
        assert answers.read().startswith(b"421 4.3.2 ")


@pytest.mark.parametrize("last", [b"QUIT\r\n", b"AUTH PLAIN AGFteQBndWVzcw==\r\n" * 4], ids=["QUIT", "421"])
def test_after_the_goodbye_nothing_counts(server, last):
    said = talk(server, b"EHLO laptop\r\n" + last + TRANSACTION % b"late")
    assert subjects(server, "amy") == []
    assert said.splitlines()[-1].startswith((b"221 ", b"421 "))


def test_who_has_said_all_and_closes_his_end_is_answered(server):
    """RFC 9293 §3.6: his FIN may come while we answer what came before it."""
    for _ in range(20):
        with socket.create_connection(server.smtp, timeout=PATIENCE) as line, line.makefile("rb") as answers:
            line.sendall(b"EHLO laptop\r\n" + b"NOOP\r\n" * 20)
            line.shutdown(socket.SHUT_WR)
            assert answers.read().count(b"250 2.0.0 OK\r\n") == 20
    with socket.create_connection(server.smtp, timeout=PATIENCE) as line, line.makefile("rb") as answers:
        line.sendall(b"EHLO laptop\r\nSTARTTLS\r\n")
        line.shutdown(socket.SHUT_WR)
        assert answers.read().endswith(b"220 2.0.0 Ready to start TLS\r\n")


@pytest.mark.parametrize(("last", "code"), [(b"QUIT\r\n", b"221 "), (b"BOGUS\r\n" * 5, b"421 ")], ids=["221", "421"])
def test_last_words_reach_who_goes_on_talking(server, last, code):
    """RFC 1122 §4.2.2.13: a close with input unread is a reset, by which a client loses what it has not read."""
    with socket.create_connection(server.smtp, timeout=PATIENCE) as line, line.makefile("rb") as answers:
        line.sendall(b"EHLO laptop\r\n" + last)
        wait_until(lambda: code in str(server.transcript("SMTP")).encode())
        for _ in range(20):
            line.sendall(b"NOOP\r\n" * 10_000)
        assert answers.read().splitlines()[-1].startswith(code)


@pytest.mark.slow
@pytest.mark.parametrize("hello", [b"", b"\x16\x03\x01\x02\x00\x01\x00"], ids=["none", "half"])
def test_of_a_handshake_given_up_nothing_stays(hello):
    with MailServer(password="secret", handshake=0.2) as server:
        with socket.create_connection(server.smtp, timeout=PATIENCE) as line:
            with line.makefile("rb") as answers:
                line.sendall(b"STARTTLS\r\n")
                while not answers.readline().startswith(b"220 2.0.0"):
                    pass
            line.sendall(hello)
            wait_until(lambda: not server._engine.call(lambda: server._engine.transports or server._engine.smtp_lines))
        engine = server._engine
        wait_until(lambda: engine.call(lambda: len(asyncio.all_tasks(engine.loop)) == 1))


def test_an_argument_of_starttls_changes_nothing(server):
    said = talk(server, b"EHLO laptop\r\nSTARTTLS now\r\n" + b"NOOP\r\n" * 50)
    assert said.count(b"501 5.5.4 say STARTTLS: nothing after it\r\n") == 1
    assert said.count(b"250 2.0.0 OK\r\n") == 50


def test_nobody_is_idle_who_waits_for_a_relay(monkeypatch):
    """Whatever is sent meanwhile: else 421 would be said, and the letter delivered all the same."""
    idle = mailkit.relay.REPLY_TIMEOUT / 2
    with MailServer(password="secret", smtp_idle=idle) as server, socket.create_server(("127.0.0.1", 0)) as other:
        relay_to(server, other)
        with socket.create_connection(server.smtp, timeout=PATIENCE) as line, line.makefile("rb") as answers:
            line.sendall(LOGIN + TRANSACTION % b"late")
            line.sendall(RELAYED)
            relayed, _ = other.accept()
            line.sendall(b"NOOP\r\n")
            pass_time(server, monkeypatch, 1.5 * idle)
            relayed.close()
            line.sendall(b"QUIT\r\n")
            said = answers.read().splitlines()
        assert [one[:4] for one in said[-3:]] == [b"451 ", b"250 ", b"221 "]


@pytest.mark.slow
def test_who_waits_for_a_relay_is_not_listened_to_without_end():
    """What he goes on to say waits in the system's buffers, and not in ours."""
    with MailServer(password="secret") as server, socket.create_server(("127.0.0.1", 0)) as other:
        relay_to(server, other)
        with socket.create_connection(server.smtp, timeout=PATIENCE) as line:
            line.sendall(LOGIN + RELAYED)
            relayed, _ = other.accept()
            line.settimeout(1.0)
            with relayed, pytest.raises(TimeoutError):
                all(line.sendall(b"NOOP\r\n" * 10_000) is None for _ in range(500))  # one, of any size, Windows takes


@pytest.mark.parametrize("end", ["the client hangs up", "the server stops"])
def test_nothing_is_sent_where_nobody_waits_for_a_relay_any_more(monkeypatch, end):
    """Else a client that tries again would have sent the letter twice (RFC 5321 §4.1.1.10)."""
    monkeypatch.setattr(mailkit.relay, "QUIT_TIMEOUT", 0.0)
    monkeypatch.setattr(mailkit.relay, "REPLY_TIMEOUT", 10 * PATIENCE)
    with MailServer(password="secret") as server, socket.create_server(("127.0.0.1", 0)) as other:
        relay_to(server, other)
        line = socket.create_connection(server.smtp, timeout=PATIENCE)
        line.sendall(LOGIN + RELAYED)
        next_server, _ = other.accept()
        next_server.settimeout(PATIENCE)
        with next_server, next_server.makefile("rb") as heard:
            if end == "the server stops":
                server.stop()
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0" + b"\0" * 4)
            line.close()  # at once, by a reset
            assert heard.read() in (b"", b"QUIT\r\n")


def test_who_waits_for_a_relay_is_told_that_the_server_stops():
    """RFC 5321 §3.8."""
    with MailServer(password="secret") as server, socket.create_server(("127.0.0.1", 0)) as other:
        relay_to(server, other)
        with socket.create_connection(server.smtp, timeout=PATIENCE) as line, line.makefile("rb") as answers:
            line.sendall(LOGIN + RELAYED)
            with other.accept()[0]:
                server.stop()
                assert answers.read().splitlines()[-1].startswith(b"421 4.3.2 mail.example.org signing off")


def test_after_the_goodbye_no_other_is_recorded(monkeypatch):
    with MailServer(password="secret", smtp_idle=0.5 * LINGER) as server:
        with socket.create_connection(server.smtp, timeout=PATIENCE) as line, line.makefile("rb") as answers:
            line.sendall(b"QUIT\r\n")
            assert answers.read().endswith(b"signing off\r\n")
            pass_time(server, monkeypatch, 0.8 * LINGER)
        assert str(server.transcript("SMTP")).count("signing off") == 1


def test_an_endless_line_is_not_kept(server):
    chunk = b"x" * (1 << 20)
    with socket.create_connection(server.smtp, timeout=PATIENCE) as line, line.makefile("rb") as answers:
        line.sendall(b"HELO laptop\r\nMAIL FROM:<>\r\nRCPT TO:<amy>\r\nDATA\r\n")
        for _ in range(5):
            answers.readline()
        with traced() as peak:
            for _ in range(24):
                line.sendall(chunk)
            line.sendall(b"\r\n.\r\n")
            assert answers.readline() == b"500 5.5.2 a line is too long; 8192 octets is the most\r\n"
            assert peak() < 6 << 20  # of 24; a million octets are the transcript's


@pytest.mark.parametrize("port", ["smtp", "smtps"])
def test_nothing_is_done_after_the_goodbye(port):
    letter = b"EHLO x\r\n" + TRANSACTION % b"late"
    with MailServer(password="secret") as server, contextlib.ExitStack() as ends:
        line = ends.enter_context(socket.create_connection(getattr(server, port), timeout=PATIENCE))
        if port == "smtps":
            line = ends.enter_context(server.ssl_context.wrap_socket(line, server_hostname="localhost"))
        line.sendall(b"BOGUS\r\n" * 5 + letter * 50)
        with contextlib.suppress(OSError):
            while line.recv(65536):
                pass
        engine = server._engine  # whose last task is the one that asks
        wait_until(lambda: engine.call(lambda: len(asyncio.all_tasks(engine.loop)) == 1))
        assert server.snapshot().mailbox("amy").letters == ()


def test_a_handshake_that_is_none(server, quiet):
    said = talk(server, b"EHLO laptop\r\nSTARTTLS\r\n")
    assert said.endswith(b"220 2.0.0 Ready to start TLS\r\n")
    with socket.create_connection(server.smtp, timeout=PATIENCE) as line, line.makefile("rb") as answers:
        answers.readline()
        line.sendall(b"STARTTLS\r\n")
        answers.readline()
        line.sendall(b"MAIL FROM:<ben@example.org>\r\n" * 20)
        assert b"250" not in answers.read()
    with pytest.raises(ssl.SSLError):
        smtplib.SMTP_SSL(*server.smtps, context=ssl.create_default_context())


def test_a_line_may_be_as_long_as_ever_where_its_dot_is_doubled():
    """RFC 5321 §4.5.3.1.6."""
    with MailServer(password="secret", max_line=1000) as server, smtplib.SMTP(*server.smtp, timeout=PATIENCE) as client:
        client.sendmail("ben@example.org", ["amy@example.org"], "." + "x" * 997 + "\r\n")
        for text in ("." + "x" * 998, "x" * 999):
            with pytest.raises(smtplib.SMTPDataError, match="500"):
                client.sendmail("ben@example.org", ["amy@example.org"], text + "\r\n")


def test_no_trace_line_is_longer_than_a_line_may_be():
    """RFC 5322 §2.1.1: octets, not characters."""
    name, domain = "a" * 248, ".".join(["d" * 60] * 4)
    address = '"' + r"\a" * 248 + f'"@{domain}'
    with (
        MailServer(password="secret", domain=domain, accounts=(name,)) as server,
        smtplib.SMTP(*server.smtp, local_hostname="laptop.example.org", timeout=PATIENCE) as client,
    ):
        client.ehlo()
        for command in ("MAIL FROM:<" + "b" * 890 + "@x.org>", f"RCPT TO:<{address}>"):
            assert client.docmd(command)[0] == 250
        client.data(LETTER)
        with imaplib.IMAP4(*server.imap, timeout=PATIENCE) as imap:
            imap.login(name, "secret")
            imap.select()
            lines = imap.fetch("1", "(BODY[HEADER])")[1][0][1].decode().splitlines()
        assert 880 < max(map(len, lines)) <= 998
        assert not any("for <" in line for line in lines)
        client.command_encoding = "utf-8"
        assert client.docmd("MAIL FROM:<" + "é" * 460 + "@x.org> SMTPUTF8")[0] == 501


PIECES = [
    b"EHLO a", b"HELO [1]", b"MAIL FROM:<a@b>", b"MAIL FROM:", b"<>", b"RCPT TO:<amy>", b"RCPT TO:", b"DATA", b".",
    b"..", b"RSET", b"NOOP", b"QUIT", b"VRFY", b"EXPN", b"HELP", b"AUTH", b" PLAIN", b" LOGIN", b" =", b"*",
    b"AGFteQBzZWNyZXQ=", b"STARTTLS", b" SIZE=", b"9" * 30, b" BODY=8BITMIME", b" SMTPUTF8", b"\r\n", b"\r\n",
    b"\r\n", b"\r", b"\n", b"\0", b"\xff\xfe", "é".encode(), b'"', b"\\", b"@", b":", b"<", b">", b"[", b"]", b" ",
    b"\t", b"(", b"x" * 9000,
]  # fmt: skip


def test_whatever_comes_is_answered_or_dropped(server, quiet):
    dice = random.Random(2026)
    for _ in range(150):
        said = talk(server, b"".join(dice.choices(PIECES, k=dice.randrange(1, 40))))
        assert said.startswith(b"220 ")
        assert b"this server made a mistake" not in said
    assert talk(server, b"HELO a\r\n" + TRANSACTION % b"alive").endswith(b"250 2.6.0 message accepted\r\n")


def test_the_rest_of_a_line_too_long_does_not_end_the_message():
    with (
        MailServer(password="secret", max_line=1000) as server,
        socket.create_connection(server.smtp, timeout=PATIENCE) as line,
    ):
        file = line.makefile("rb")
        line.sendall(b"HELO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<amy@example.org>\r\nDATA\r\n")
        for _ in range(5):
            file.readline()
        line.sendall(b"y" * 2000 + b".")
        server.snapshot()  # read, and thrown away but for its last four octets, where an end may begin
        line.sendall(b"\r\nMAIL FROM:<x@y.z>\r\na\nb\r\n.\r\nQUIT\r\n")
        assert [reply[:7] for reply in file.read().splitlines()] == [b"500 5.5", b"221 2.0"]


def test_a_recipient_beyond_ascii():
    with MailServer(password="secret") as server, smtplib.SMTP(*server.smtp, timeout=PATIENCE) as client:
        client.ehlo("x")
        for parameter, code in (("", 553), (" SMTPUTF8", 550)):
            client.command_encoding = "utf-8"
            client.docmd("MAIL FROM:<a@b.c>" + parameter)
            assert client.docmd("RCPT TO:<zoé@example.org>")[0] == code
            client.rset()
