"""A connection where the client reads slowly, other lines have their turn, or TLS begins at a bad moment.

A session in a test gives all its answers at once; on a line it is asked for one after the other, and no more once it
has ended or gone over to TLS.
"""

import asyncio
import contextlib
import gc
import imaplib
import smtplib
import socket
import time
import weakref

import pytest

import mailkit.imap.fetch
import mailkit.imap.session
import mailkit.line
import mailkit.mailbox
from mailkit.imap.session import ImapSession
from mailkit.line import Line
from mailkit.server import MailServer
from mailkit.settings import CHUNK
from tests.garbage import set_aside
from tests.patience import PATIENCE, wait_until
from tests.tls import said_with_goodbye

LETTER = b"Subject: Lunch\r\n\r\nAt noon?\r\n"


@pytest.fixture
def server():
    with MailServer([LETTER], accounts=("amy", "ben"), password="secret") as server:
        yield server


@contextlib.contextmanager
def connected(address):
    """Give a socket whose greeting has been read."""
    with socket.create_connection(address, timeout=PATIENCE) as line:
        line.recv(999)
        yield line


def read_all(line):
    return b"".join(iter(lambda: line.recv(1 << 16), b""))


def part_soon(monkeypatch, linger, look_again):
    """Have the server wait less (in seconds) for a client that does not read, and hold all that is to be sent."""
    monkeypatch.setattr(mailkit.line, "LINGER", linger)
    monkeypatch.setattr(mailkit.line, "LOOK_AGAIN", look_again)
    monkeypatch.setattr(mailkit.line, "send_at_once", lambda transport: transport.set_write_buffer_limits(1 << 30))


def large(lines):
    """Write a letter of so many lines, more than the system holds for a client."""
    return b"Subject: large\r\n\r\n" + (b"z" * 70 + b"\r\n") * lines


def fetch_and_read_nothing(line, server):
    """Ask for the first letter and for the end; return when the session is over, with all of it unread."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect(server.pop3)
    line.sendall(b"USER amy\r\nPASS secret\r\nRETR 1\r\nQUIT\r\n")
    server.wait_for_hang_up(PATIENCE)


@pytest.mark.parametrize("port", ["smtp", "pop3"])
def test_nothing_is_kept_of_what_comes_after_the_last_words(server, port):
    with connected(getattr(server, port)) as line:
        (ours,) = [*server._engine.lines, *server._engine.smtp_lines]
        line.sendall(b"QUIT\r\n")
        read_all(line)
        line.sendall(b"NOOP\r\n" * 99)
        server.snapshot()  # it has arrived
        assert not ours._inbox
        assert not ours.session._input


@pytest.mark.slow
@pytest.mark.parametrize("port", ["pop3", "pop3s"])
def test_last_words_wait_for_a_client_that_reads_slowly(monkeypatch, port):
    """RFC 1939 §3, §6: else a letter that it has not got whole would be gone from the server, too."""
    part_soon(monkeypatch, linger=0.3, look_again=0.1)
    with MailServer([large(200_000)], password="secret") as server, contextlib.ExitStack() as ends:
        line = ends.enter_context(socket.socket())
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        line.settimeout(PATIENCE)
        line.connect(getattr(server, port))
        if port == "pop3s":
            line = ends.enter_context(server.ssl_context.wrap_socket(line, server_hostname="localhost"))
        line.sendall(b"USER amy\r\nPASS secret\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n")
        said, begin = b"", time.monotonic()
        while octets := line.recv(1 << 18):
            said += octets
            if time.monotonic() < begin + 1.0:
                time.sleep(0.02)
        assert said.endswith(b"signing off (0 left)\r\n")


@pytest.mark.parametrize(
    ("port", "begin", "more", "last"),
    [("pop3", b"STLS\r\n", b"NOOP\r\n", b"-ERR"), ("imap", b"a STARTTLS\r\n", b"b NOOP\r\n", b"b OK"),
     ("smtp", b"STARTTLS\r\n", b"NOOP\r\n", b"250 ")],
)  # fmt: skip
def test_tls_waits_until_what_was_said_is_read(monkeypatch, server, port, begin, more, last):
    """asyncio tells the line that it may write again only as long as TLS does not stand between them."""
    say = Line._say

    def as_if_nobody_read(self, octets):
        say(self, octets)
        if octets and self.session.upgrade:
            transport = self._transport
            self.pause_writing()
            tell = lambda: self.resume_writing() if transport.get_protocol() is self else None  # noqa: E731
            self.engine.loop.call_later(0.05, tell)

    monkeypatch.setattr(Line, "_say", as_if_nobody_read)
    with connected(getattr(server, port)) as line:
        line.sendall(begin)
        line.recv(999)
        with server.ssl_context.wrap_socket(line, server_hostname="localhost") as secure:
            secure.sendall(more)
            assert secure.recv(999).startswith(last)


@pytest.mark.parametrize(
    ("port", "begin"), [("pop3", b"STLS\r\n"), ("imap", b"a STARTTLS\r\n"), ("smtp", b"STARTTLS\r\n")]
)
def test_what_is_said_between_agreement_and_handshake_does_not_count(monkeypatch, server, port, begin):
    """RFC 2595 §4, RFC 3207 §4.2: anybody could have put it there; the handshake, of which it is no part, fails."""
    start_tls, all_is_said = Line._start_tls, asyncio.Event()

    async def late(self):
        await all_is_said.wait()
        await start_tls(self)

    monkeypatch.setattr(Line, "_start_tls", late)
    with connected(getattr(server, port)) as line:
        line.sendall(begin)
        line.recv(999)
        line.sendall(b"NOOP\r\n" if port != "imap" else b"b NOOP\r\n")
        server.snapshot()  # by now it has arrived
        server._engine.loop.call_soon_threadsafe(all_is_said.set)
        with pytest.raises(OSError):  # noqa: PT011  what it says depends on OpenSSL
            server.ssl_context.wrap_socket(line, server_hostname="localhost")


@pytest.mark.parametrize(
    ("port", "goodbye"), [("pop3s", b"QUIT\r\n"), ("imaps", b"a LOGOUT\r\n"), ("smtps", b"QUIT\r\n")]
)
def test_tls_ends_as_it_should(server, port, goodbye):
    """RFC 8446 §6.1: close_notify before the end, also for a client that has sent its own."""
    with said_with_goodbye(getattr(server, port), server.ssl_context, goodbye, greeted=True) as rest:
        assert rest()


def test_what_comes_with_the_end_of_the_handshake_is_done(server):
    words = b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ben>\r\nDATA\r\n\r\nhi\r\n.\r\nQUIT\r\n"
    with said_with_goodbye(server.smtps, server.ssl_context, words):
        wait_until(lambda: "QUIT" in str(server.transcript("SMTP")))
        wait_until(lambda: server.snapshot().mailbox("ben").letters)
    assert server.history()[-1].cause == "SMTP: <> to ben@example.org"
    assert server.transcript("SMTP").said("C").count("QUIT") == 1


def test_a_line_counts_under_tls_as_before(server):
    engine = server._engine
    with imaplib.IMAP4(*server.imap, timeout=PATIENCE) as imap:
        imap.starttls(server.ssl_context)
        imap.noop()
        assert engine.call(lambda: len(engine.transports)) == 1


def test_a_long_answer_before_tls_is_whole(server):
    with connected(server.imap) as line, line.makefile("rb") as answers:
        line.sendall(b"t" * 65_520 + b" STARTTLS\r\n")
        assert answers.readline() == b"t" * 65_520 + b" OK STARTTLS completed\r\n"


def test_logout_is_answered_whoever_else_waits(monkeypatch, server):
    """RFC 3501 §6.1.3."""
    monkeypatch.setattr(mailkit.imap.session, "PIECE_TIME", -1.0)
    with connected(server.imap) as line:
        line.sendall(b"a LOGOUT\r\n")
        assert read_all(line).endswith(b"\r\na OK LOGOUT completed\r\n")


@pytest.mark.parametrize(("port", "begin"), [("imap", b"a STARTTLS\r\n"), ("smtp", b"STARTTLS\r\n")])
def test_a_server_that_stops_amid_a_handshake_says_nothing_in_the_clear(server, port, begin):
    with connected(getattr(server, port)) as line:
        line.sendall(begin)
        line.recv(999)
        server.stop()
        assert read_all(line) == b""


def test_a_server_that_stops_amid_an_answer_says_nothing_in_it(server):
    engine, command = server._engine, b"c FETCH 2 BODY.PEEK[]\r\n"
    server.deliver(b"Subject: large\r\n\r\n" + b"x" * 2 * CHUNK)

    def ask_and_stop():
        (ours,) = engine.lines
        engine.turn = lambda: -1.0
        engine.buffer[: len(command)] = command
        ours.buffer_updated(len(command))
        ours.dismiss("the server stops")

    with connected(server.imap) as line:
        line.sendall(b"a LOGIN amy secret\r\nb SELECT INBOX\r\n")
        wait_until(lambda: "SELECT completed" in str(server.transcript("IMAP")))
        engine.call(ask_and_stop)
        assert b"BYE" not in read_all(line)


@pytest.mark.parametrize("port", ["imap", "imaps"])
def test_nothing_is_said_on_a_line_that_has_broken(server, port, caplog):
    """Else asyncio complains of it, in the learner's notebook."""
    engine, command = server._engine, b"a NOOP\r\n"

    def break_and_ask():
        (ours,) = engine.lines
        ours._raw.abort()
        for _ in range(9):
            engine.buffer[: len(command)] = command
            ours.buffer_updated(len(command))

    with contextlib.ExitStack() as ends:
        line = ends.enter_context(socket.create_connection(getattr(server, port), timeout=PATIENCE))
        if port == "imaps":
            line = ends.enter_context(server.ssl_context.wrap_socket(line, server_hostname="localhost"))
        line.recv(999)
        engine.call(break_and_ask)
    assert not caplog.records


@pytest.mark.parametrize(
    ("port", "begin"), [("pop3", b"STLS\r\n"), ("imap", b"a STARTTLS\r\n"), ("smtp", b"STARTTLS\r\n")]
)
def test_a_line_that_is_dropped_in_its_handshake_leaves_nothing(server, port, begin):
    engine = server._engine
    with connected(getattr(server, port)) as line:
        line.sendall(begin)
        line.recv(999)
        engine.call(lambda: [one.drop() for one in [*engine.lines, *engine.smtp_lines]])
    wait_until(lambda: engine.call(lambda: not engine.transports))


def test_others_have_their_turn_after_each_piece(monkeypatch, server):
    engine, seen = server._engine, []
    notice = engine.notice

    def note(line):
        seen.append("a piece")
        engine.loop.call_soon(seen.append, "another's turn")
        notice(line)

    with connected(server.pop3) as line:
        monkeypatch.setattr(engine, "turn", lambda: -1.0)
        monkeypatch.setattr(engine, "notice", note)
        line.sendall(b"CAPA\r\n" * 3 + b"QUIT\r\n")
        read_all(line)
    assert seen[:6] == ["a piece", "another's turn"] * 3


def test_an_error_of_ours_ends_the_session_for_all_to_see(monkeypatch, server, caplog):
    monkeypatch.setitem(mailkit.imap.fetch.PLAIN_ITEMS, "ENVELOPE", lambda message: 1 / 0)
    with connected(server.imap) as line:
        line.sendall(b"a LOGIN amy secret\r\nb SELECT INBOX\r\nc FETCH 1 (BODY[] ENVELOPE)\r\n")
        read_all(line)
        assert server.snapshot().sessions == ()
        assert server.history()[-1].cause == "IMAP amy: FETCH 1 (BODY[] ENVELOPE)"
    assert "ZeroDivisionError" in caplog.text


def test_an_error_of_ours_after_the_turn_is_over_ends_the_line(monkeypatch, server, caplog):
    engine = server._engine
    notice = engine.notice

    def fail_at_stat(line):
        notice(line) if line.session.asked != b"STAT" else 1 / 0

    monkeypatch.setattr(engine, "turn", lambda: -1.0)
    monkeypatch.setattr(engine, "notice", fail_at_stat)
    with connected(server.pop3) as line:
        line.sendall(b"USER amy\r\nPASS secret\r\nSTAT\r\n")
        assert read_all(line).count(b"+OK") == 2
    assert "a POP3 session failed" in caplog.text
    assert server.snapshot().sessions == ()


def test_an_error_of_ours_in_news_ends_the_line(monkeypatch, server, caplog):
    with connected(server.imap) as line:
        line.sendall(b"a LOGIN amy secret\r\nb SELECT INBOX\r\nc IDLE\r\n")
        wait_until(lambda: "+ idling" in str(server.transcript("IMAP")))
        monkeypatch.setattr(ImapSession, "pending", lambda session: 1 / 0)
        server.deliver(LETTER)
        assert read_all(line).endswith(b"+ idling\r\n")
    assert "ZeroDivisionError" in caplog.text
    assert server.snapshot().sessions == ()


def test_an_error_of_ours_after_a_delivery_ends_the_line(monkeypatch, server, caplog):
    with connected(server.smtp) as line:
        line.sendall(b"HELO laptop\r\nMAIL FROM:<>\r\nRCPT TO:<amy>\r\nDATA\r\n")
        wait_until(lambda: "354" in str(server.transcript("SMTP")))
        monkeypatch.setattr(server._engine, "record", lambda cause: 1 / 0)
        line.sendall(b".\r\n")
        assert b"354" in read_all(line)
    assert "ZeroDivisionError" in caplog.text


def test_a_mailbox_without_a_place_stops_a_letter_for_all(monkeypatch, server):
    monkeypatch.setattr(mailkit.mailbox, "MAX_MESSAGES", 1)
    with smtplib.SMTP(*server.smtp, local_hostname="laptop", timeout=PATIENCE) as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused, match=r"452, b'4\.2\.2 a mailbox has at most 1 messages"):
            client.sendmail("zoe@example.org", ["amy@example.org"], LETTER)
        client.ehlo()
        client.mail("zoe@example.org")
        client.rcpt("ben@example.org")
        server.deliver(LETTER, "ben")  # meanwhile
        assert client.data(LETTER)[0] == 452
    assert len(server.snapshot().mailbox("ben").letters) == 1


@pytest.mark.parametrize("port", ["pop3", "pop3s"])
def test_who_was_told_goodbye_and_stays_is_let_go(monkeypatch, server, port):
    """A client that never closes its end would keep the line, and room for another, for ever."""
    monkeypatch.setattr(mailkit.line, "LINGER", 0.05)
    with contextlib.ExitStack() as ends:
        line = ends.enter_context(socket.create_connection(getattr(server, port), timeout=PATIENCE))
        if port == "pop3s":
            line = ends.enter_context(server.ssl_context.wrap_socket(line, server_hostname="localhost"))
        line.sendall(b"QUIT\r\n")
        engine = server._engine
        wait_until(lambda: "signing off" in str(server.transcript("POP3")))
        wait_until(lambda: engine.call(lambda: not engine.transports))


@pytest.mark.slow
def test_who_never_reads_the_last_words_is_let_go(monkeypatch):
    part_soon(monkeypatch, linger=0.05, look_again=0.05)
    with MailServer([large(100_000)], password="secret", pop3_idle=0.2) as server, socket.socket() as line:
        fetch_and_read_nothing(line, server)
        wait_until(lambda: server._engine.call(lambda: not server._engine.transports))


def test_a_line_is_forgotten_when_it_has_ended(server):
    """Its timer would remember it for an hour."""
    engine = server._engine
    with set_aside():
        with connected(server.pop3) as line:
            ours = engine.call(lambda: [weakref.ref(one) for one in engine.lines])
            line.sendall(b"QUIT\r\n")
            read_all(line)
        wait_until(lambda: gc.collect() is not None and [ref() for ref in ours] == [None])


@pytest.mark.slow
def test_who_parts_slowly_does_not_keep_others_out(monkeypatch):
    part_soon(monkeypatch, linger=0.1, look_again=0.1)
    with MailServer([large(100_000)], password="secret", max_connections=1) as server, contextlib.ExitStack() as held:
        for _ in range(6):
            fetch_and_read_nothing(held.enter_context(socket.socket()), server)
        wait_until(lambda: server._engine.call(lambda: len(server._engine.transports)) <= 3)
