"""SMTP beyond what `tests/conversations/smtp` says line by line: relay, loops, limits, hostile input."""

import poplib
import random
import smtplib
import socket
import ssl
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from email.message import EmailMessage
from types import SimpleNamespace

import pytest

import mailkit.relay
from mailkit.server import MailServer
from mailkit.smtp import MAX_HOPS, MAX_RECIPIENTS

LETTER = "Subject: Lunch\r\n\r\nAt noon?\r\n"
TRANSACTION = b"MAIL FROM:<ben@example.org>\r\nRCPT TO:<amy@example.org>\r\nDATA\r\nSubject: %s\r\n\r\n.\r\n"


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
    with smtplib.SMTP(*server.smtp, local_hostname="laptop.example.org", timeout=10) as client:
        yield client


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [[LETTER], EmailMessage()])
def test_a_client_that_forgets_it_said_data_is_dropped(server, wrong):
    """What `smtplib` raises is only seen once its QUIT, a line of the letter by then, has been hung up on."""
    with (
        pytest.raises(TypeError),
        smtplib.SMTP(*server.smtp, local_hostname="laptop.example.org", timeout=10) as client,
    ):
        client.sendmail("ben@example.org", ["amy@example.org"], wrong)
    assert subjects(server, "amy") == []


def test_a_letter_may_begin_with_a_command(server, client):
    client.sendmail("ben@example.org", ["amy@example.org"], "quit\r\nand go\r\n")
    assert first_letter(server, "amy").endswith(b"quit\r\nand go\r\n")


@pytest.fixture
def quiet(caplog):
    """Nothing that a client does may end in a log of ours or of asyncio."""
    yield
    assert [record.getMessage() for record in caplog.records if record.name in ("mailkit", "asyncio")] == []


def subjects(server, account):
    return [letter.subject for letter in server.snapshot().mailbox(account).letters]


def first_letter(server, account):
    """Return an account's first letter, by POP3."""
    pop = poplib.POP3(*server.pop3, timeout=10)
    pop.user(account)
    pop.pass_("secret")
    lines = pop.retr(1)[1]
    pop.quit()
    return b"".join(line + b"\r\n" for line in lines)


def header(server, account):
    return first_letter(server, account).partition(b"\r\n\r\n")[0].decode()


def talk(server, octets):
    """Send all at once, close our half, and return all that the server says."""
    with socket.create_connection(server.smtp, timeout=10) as line:
        line.sendall(octets)
        line.shutdown(socket.SHUT_WR)
        with line.makefile("rb") as answers:
            return answers.read()


# ---- submission


def test_blind_copies_are_sent_and_not_seen(server, client):
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Bcc"], letter["Subject"] = "ben@example.org", "ben@example.org", "amy", "x"
    client.send_message(letter)
    assert subjects(server, "amy") == subjects(server, "ben") == ["x"]
    assert "amy" not in header(server, "ben")


def test_what_was_delivered_is_in_the_history(server, client):
    client.sendmail("ben@example.org", ["amy", "postmaster"], LETTER)
    assert server.history()[-1].cause == "SMTP: <ben@example.org> to amy, postmaster"
    assert f"<ben@example.org> size={len(LETTER)}" in str(server.transcript("SMTP").find("mail from:"))


def test_who_said_quit_is_gone_when_that_is_answered(server, client):
    for _ in range(20):
        with smtplib.SMTP(*server.smtp, local_hostname="laptop") as second:
            second.quit()
        assert len(server._engine.mailers) == 1


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
        client.sendmail("ben@example.org", ["amy"], "received: once more\r\n" + hops + LETTER)
    assert subjects(server, "amy") == ["Lunch"]


def test_received_in_the_text_is_no_hop(server, client):
    client.sendmail("ben@example.org", ["amy"], "\r\n" + "Received: x\r\n" * 200 + "\r\n")
    client.sendmail("ben@example.org", ["amy"], LETTER + "Received: x\r\n" * 200)
    assert len(subjects(server, "amy")) == 2


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
    client.sendmail("amy@example.org", ["zoe@example.net"], LETTER, mail_options=["SMTPUTF8"])
    assert "with UTF8SMTP for <zoe@example.net>" in header(other, "zoe")


def test_no_relay_for_strangers(server, other, client):
    server.relay_to(other)
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        client.sendmail("amy@example.org", ["zoe@example.net"], LETTER)
    assert refused.value.recipients == {
        "zoe@example.net": (550, b"5.7.1 no relay to example.net without a login; send AUTH first")
    }


def test_what_the_next_server_refuses_reaches_nobody(server, other, client):
    server.relay_to(other)
    client.login("amy", "secret")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        client.sendmail("amy@example.org", ["ben@example.org", "zoe@example.net", "yan@example.net"], LETTER)
    assert refused.value.smtp_code == 550
    assert refused.value.smtp_error == (
        b"5.1.1 the server for example.net says: 550 5.1.1 no account here for <yan@example.net>; check the address"
    )
    assert subjects(server, "ben") == subjects(other, "zoe") == []
    assert client.noop()[0] == 250


def test_a_full_mailbox_here_stops_the_relay_too(other):
    with (
        MailServer(accounts=("amy", "ben"), password="secret", quota=200) as server,
        smtplib.SMTP(*server.smtp, local_hostname="laptop") as client,
    ):
        server.relay_to(other)
        client.login("amy", "secret")
        client.does_esmtp = False  # no SIZE: it comes out only when the letter is there
        with pytest.raises(smtplib.SMTPDataError, match=r"452, b\"4\.2\.2 ben's mailbox full"):
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
    monkeypatch.setattr(mailkit.relay, "PATIENCE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server.relay_to(SimpleNamespace(domain="example.net", smtp=listening.getsockname()))
        client.login("amy", "secret")
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(client.sendmail, "amy@example.org", ["zoe@example.net"], LETTER)
            line = listening.accept()[0]
            with closing(line):
                line.sendall(greeting)
                with pytest.raises(smtplib.SMTPDataError, match=r"451, b'4\.4\.2 the line to the server"):
                    sent.result(timeout=10)


def test_two_servers_pass_mail_to_each_other_at_once(server, other):
    server.relay_to(other)
    other.relay_to(server)

    def send(source, user, recipient):
        with smtplib.SMTP(*source.smtp, local_hostname="laptop", timeout=10) as client:
            client.login(user, "secret")
            for _ in range(5):
                client.sendmail(f"{user}@{source.domain}", [recipient], LETTER)

    ways = [(server, "amy", "zoe@example.net"), (other, "zoe", "amy@example.org")] * 3
    with ThreadPoolExecutor(len(ways)) as pool:
        assert [done.result(timeout=20) for done in [pool.submit(send, *way) for way in ways]] == [None] * len(ways)
    assert len(subjects(server, "amy")) == len(subjects(other, "zoe")) == 15


# ---- it cannot be brought down


def test_who_says_nothing_is_told_and_dropped():
    with (
        MailServer(smtp_idle=0.05) as server,
        socket.create_connection(server.smtp, timeout=10) as line,
        line.makefile("rb") as answers,
    ):
        said = answers.read()
    assert said.splitlines()[1] == b"421 4.4.2 nothing was said for too long; connect again"


@pytest.mark.parametrize("last", [b"QUIT\r\n", b"AUTH PLAIN AGFteQBndWVzcw==\r\n" * 3], ids=["QUIT", "421"])
def test_after_the_goodbye_nothing_counts(server, last):
    said = talk(server, b"EHLO laptop\r\n" + last + TRANSACTION % b"late")
    assert subjects(server, "amy") == []
    assert said.splitlines()[-1].startswith((b"221 ", b"421 "))


def test_an_endless_line_is_not_kept(server):
    chunk = b"x" * (1 << 20)
    with socket.create_connection(server.smtp, timeout=10) as line, line.makefile("rb") as answers:
        line.sendall(b"HELO laptop\r\nMAIL FROM:<>\r\nRCPT TO:<amy>\r\nDATA\r\n")
        for _ in range(5):
            answers.readline()
        tracemalloc.start()
        for _ in range(24):
            line.sendall(chunk)
        line.sendall(b"\r\n.\r\n")
        assert answers.readline() == b"500 5.5.2 a line is too long; 8192 octets is the most\r\n"
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 6 << 20  # of 24; a million octets are the transcript's


def test_a_handshake_that_is_none(server, quiet):
    said = talk(server, b"EHLO laptop\r\nSTARTTLS\r\n")
    assert said.endswith(b"220 2.0.0 Ready to start TLS\r\n")
    with socket.create_connection(server.smtp, timeout=10) as line, line.makefile("rb") as answers:
        answers.readline()
        line.sendall(b"STARTTLS\r\n")
        answers.readline()
        line.sendall(b"MAIL FROM:<ben@example.org>\r\n" * 20)
        assert b"250" not in answers.read()
    with pytest.raises(ssl.SSLError):
        smtplib.SMTP_SSL(*server.smtps, context=ssl.create_default_context())


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
    with MailServer(password="secret", max_line=1000) as server, socket.create_connection(server.smtp) as line:
        file = line.makefile("rb")
        line.sendall(b"HELO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<amy@example.org>\r\nDATA\r\n")
        [file.readline() for _ in range(5)]
        line.sendall(b"y" * 2000 + b".")
        server.snapshot()  # what came so far is read, and thrown away but for the dot, which could be a CR
        line.sendall(b"\r\nMAIL FROM:<x@y.z>\r\na\nb\r\n.\r\nQUIT\r\n")
        assert [reply[:7] for reply in file.read().splitlines()] == [b"500 5.5", b"221 2.0"]


def test_a_recipient_beyond_ascii():
    with MailServer(password="secret") as server, smtplib.SMTP(*server.smtp) as client:
        client.ehlo("x")
        for parameter, code in (("", 553), (" SMTPUTF8", 550)):
            client.command_encoding = "utf-8"
            client.docmd("MAIL FROM:<a@b.c>" + parameter)
            assert client.docmd("RCPT TO:<zoé@example.org>")[0] == code
            client.rset()
