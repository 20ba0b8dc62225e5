"""The server as a learner meets it: the standard library's clients, re-run cells, dropped lines, clean ends."""

import asyncio
import base64
import contextlib
import ctypes
import errno
import gc
import imaplib
import io
import os
import poplib
import re
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import types
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import partial

import pytest

import mailkit.engine
import mailkit.loopthread
from mailkit.device import Device
from mailkit.diagram import show, show_change
from mailkit.idle import idle
from mailkit.imap.session import ImapSession
from mailkit.imap.states import Reply
from mailkit.mailbox import MailboxError
from mailkit.samples import letters
from mailkit.server import MailServer
from mailkit.settings import Settings
from mailkit.sockets import acknowledge
from mailkit.widgets import conversation, live
from mailkit.wiretap import Wiretap
from tests.garbage import set_aside
from tests.patience import PATIENCE, wait_until

LETTERS = [b"Subject: %s\r\nFrom: ben@example.net\r\n\r\ntext\r\n" % name for name in (b"one", b"two", b"three")]


@pytest.fixture
def server():
    with MailServer(LETTERS, accounts=("amy", "ben"), password="secret") as server:
        yield server


def pop_login(server, user="amy"):
    pop = poplib.POP3(*server.pop3)
    pop.user(user)
    pop.pass_("secret")
    return pop


def imap_login(server, user="amy"):
    imap = imaplib.IMAP4(*server.imap)
    imap.login(user, "secret")
    imap.select()
    return imap


def uids(server, account="amy", mailbox="INBOX"):
    return [letter.uid for letter in server.snapshot().mailbox(account, mailbox).letters]


def server_threads():
    return [thread for thread in threading.enumerate() if thread.name == "mailkit server"]


# ---- the three protocols over one store


def test_pop_collects_and_quit_removes(server):
    pop, laptop = pop_login(server), Device("laptop")
    laptop.save(pop.retr(1))
    pop.dele(1)
    assert server.snapshot().marks("amy") == {1}
    assert uids(server) == [1, 2, 3]
    pop.quit()
    assert uids(server) == [2, 3]
    assert laptop.letters() == LETTERS[:1]


def test_imap_reads_on_the_server(server):
    imap = imap_login(server)
    assert imap.fetch("1", "(BODY[])")[1][0][1] == LETTERS[0]
    assert server.snapshot().mailbox("amy").letters[0].flags == {"\\Seen"}
    imap.logout()


def test_smtp_delivers_to_the_other_account(server):
    with smtplib.SMTP(*server.smtp, local_hostname="laptop.example.org") as smtp:
        smtp.sendmail("amy@example.org", ["ben@example.org"], LETTERS[0])
    assert server.snapshot().mailbox("ben").letters[0].subject == "one"


def test_tls_from_the_first_octet(server):
    pop = poplib.POP3_SSL(*server.pop3s, context=server.ssl_context)
    assert "STLS" not in pop.capa()
    pop.quit()
    imap = imaplib.IMAP4_SSL(*server.imaps, ssl_context=server.ssl_context)
    assert imap.login("amy", "secret")[0] == "OK"
    imap.logout()
    with smtplib.SMTP_SSL(*server.smtps, context=server.ssl_context, local_hostname="laptop") as smtp:
        assert smtp.noop()[0] == 250


def test_tls_on_request(server):
    pop = poplib.POP3(*server.pop3)
    pop.stls(server.ssl_context)
    pop.user("amy")
    assert pop.pass_("secret").startswith(b"+OK")
    pop.quit()
    imap = imaplib.IMAP4(*server.imap)
    imap.starttls(server.ssl_context)
    assert imap.login("amy", "secret")[0] == "OK"
    imap.logout()


def test_imap_hears_what_pop_removed(server):
    imap = imap_login(server)
    pop = pop_login(server)
    pop.dele(2)
    pop.quit()
    assert idle(imap) == ["2 EXPUNGE", "2 RECENT"]
    imap.logout()


def test_idle_returns_nothing_when_nothing_happens(server):
    imap = imap_login(server)
    assert idle(imap, timeout=0.01) == []
    assert (imap.socket().gettimeout(), imap.tagged_commands) == (None, {})
    assert imap.noop()[0] == "OK"
    server.deliver(LETTERS[0])
    assert idle(imap)[0].startswith("4 EXISTS")
    imap.logout()


def test_idle_tells_what_happened_before_it_began(server):
    imap = imap_login(server)
    server.deliver(LETTERS[0])
    assert "4 EXISTS" in idle(imap)
    imap.logout()


def test_idle_hears_what_a_server_says_before_it_agrees(server, monkeypatch):
    """Ours says it afterwards; RFC 3501 §5.2 allows either."""
    do_idle = ImapSession.do_idle

    def news_first(session, arguments):
        reply = do_idle(session, arguments)
        return Reply([b"".join(reply.pieces).removeprefix(b"+ idling\r\n") + b"+ idling\r\n"])

    monkeypatch.setattr(ImapSession, "do_idle", news_first)
    imap = imap_login(server)
    server.deliver(LETTERS[0])
    assert idle(imap, PATIENCE) == ["4 EXISTS", "4 RECENT"]
    assert imap.noop()[0] == "OK"
    imap.logout()


@pytest.mark.parametrize("timeout", ["5", 0, -1, None, float("nan"), float("inf"), 1e12])
def test_idle_needs_a_time_before_it_begins(server, timeout):
    imap = imap_login(server)
    with pytest.raises(ValueError, match="seconds above 0"):
        idle(imap, timeout)
    assert imap.noop()[0] == "OK"
    imap.logout()


def test_an_idle_that_is_interrupted_leaves_a_session_to_work_with(server, monkeypatch):
    imap = imap_login(server)

    def stop(imap, timeout):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["mailkit.idle"], "_news", stop)
    with pytest.raises(KeyboardInterrupt):
        idle(imap, 100)
    assert imap.noop()[0] == "OK"
    imap.logout()


@pytest.mark.parametrize("tls", [False, True])
def test_idle_on_a_line_that_drops_says_what_to_do(server, tls):
    if tls:
        imap = imaplib.IMAP4_SSL(*server.imaps, ssl_context=server.ssl_context)
        imap.login("amy", "secret")
        imap.select()
    else:
        imap = imap_login(server)
    server.hang_up()
    with pytest.raises(ConnectionError, match="connect and log in again"):
        idle(imap)
    imap.shutdown()


def test_idle_tells_why_the_server_hangs_up(server):
    imap, other = imap_login(server), imap_login(server)
    other.create("Work")
    other.copy("1", "Work")
    imap.select("Work")
    other.delete("Work")
    with pytest.raises(ConnectionError, match="the open mailbox was deleted"):
        idle(imap)
    imap.shutdown()
    other.logout()


@pytest.mark.parametrize(("goodbye", "words"), [("", "connect and log in again"), ("Moved.", "Moved.")])
def test_a_line_that_drops_amid_an_idle_is_told_once(server, goodbye, words):
    imap = imap_login(server)

    def hang_up():
        wait_until(lambda: "+ idling" in str(server.transcript("IMAP")))
        for line in [*server._engine.lines] if goodbye else ():
            server._engine.call(partial(line.dismiss, goodbye))
        server.hang_up()

    with ThreadPoolExecutor(1) as other:
        other.submit(hang_up)
        with pytest.raises(ConnectionError, match=words) as caught:
            idle(imap, PATIENCE)
    assert caught.value.__context__ is None
    imap.shutdown()


def test_idle_needs_a_client(server):
    with pytest.raises(TypeError, match="not MailServer"):
        idle(server)


def test_an_idle_that_is_refused_says_so(server, monkeypatch):
    def refuse(session, arguments):
        raise MailboxError("not now", "CANNOT")

    monkeypatch.setattr(ImapSession, "do_idle", refuse)
    imap = imap_login(server)
    imap.socket().settimeout(PATIENCE)
    with pytest.raises(imaplib.IMAP4.error, match=r"the server refuses IDLE: \w+ NO \[CANNOT\] not now"):
        idle(imap)
    assert imap.noop()[0] == "OK"
    imap.logout()


def test_idle_needs_a_mailbox(server):
    imap = imaplib.IMAP4(*server.imap)
    with pytest.raises(imaplib.IMAP4.error, match="select one first"):
        idle(imap)
    imap.logout()


def test_a_piece_of_a_command_is_acknowledged_at_once(server, monkeypatch):
    """RFC 1122 §4.2.3.2: else a client that sends the rest only then, as imaplib's APPEND, loses 40 ms."""
    pieces, acknowledged = [b"a1 LOGIN amy", b" secret\r\n"], threading.Event()
    monkeypatch.setattr("mailkit.line.acknowledge", lambda transport: acknowledged.set())
    with socket.create_connection(server.imap, timeout=PATIENCE) as client:
        assert client.recv(1000).startswith(b"* OK")
        client.sendall(pieces[0])
        assert acknowledged.wait(PATIENCE)
        acknowledged.clear()
        client.sendall(pieces[1])
        assert client.recv(1000).startswith(b"a1 OK")
        server.snapshot()
        assert not acknowledged.is_set(), "it goes with the answer"


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="only Linux can be asked")
def test_what_acknowledging_asks_of_the_system(monkeypatch):
    asked = []
    line = types.SimpleNamespace(setsockopt=lambda *option: asked.append(option))
    transport = types.SimpleNamespace(get_extra_info=lambda name: line, is_closing=lambda: False)
    acknowledge(transport)
    transport.is_closing = lambda: True
    acknowledge(transport)
    assert asked == [(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)]


# ---- lines that break


@pytest.mark.parametrize(("address", "begin"), [("imap", b"a1 STARTTLS\r\n"), ("pop3", b"STLS\r\n")])
def test_who_hangs_up_with_the_handshakes_last_words_leaves_no_trace(server, caplog, address, begin):
    heard, said = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = server.ssl_context.wrap_bio(heard, said, server_hostname="localhost")
    with socket.create_connection(getattr(server, address), timeout=PATIENCE) as line:
        line.recv(1000)
        line.sendall(begin)
        line.recv(1000)
        for step in (tls.do_handshake, tls.do_handshake, tls.unwrap):
            with contextlib.suppress(ssl.SSLWantReadError):
                step()
            if step is not tls.unwrap and not tls.version():
                line.sendall(said.read())
                heard.write(line.recv(65536))
        line.sendall(said.read())
        line.shutdown(socket.SHUT_WR)
        server.wait_for_hang_up()
    assert not caplog.records


def test_a_dropped_line_commits_nothing(server):
    pop = pop_login(server)
    pop.dele(1)
    pop.close()
    server.wait_for_hang_up()
    snapshot = server.snapshot()
    assert (uids(server), snapshot.sessions) == ([1, 2, 3], ())


def test_hang_up_frees_a_maildrop_held_by_a_forgotten_client(server):
    forgotten = pop_login(server)
    late = poplib.POP3(*server.pop3)
    late.user("amy")
    with pytest.raises(poplib.error_proto, match=r"\[IN-USE\].* server\.hang_up\(\).* box\.server\.hang_up\(\)"):
        late.pass_("secret")
    assert server.hang_up() == 2
    pop_login(server).quit()
    forgotten.close()
    late.close()


def test_waiting_for_a_client_that_stays_names_it(server):
    pop = pop_login(server)
    with pytest.raises(TimeoutError, match=r"POP3 amy.*hang_up"):
        server.wait_for_hang_up(timeout=0.01)
    pop.quit()


def test_nobody_is_waited_for_where_nobody_came():
    with MailServer() as server:
        server.wait_for_hang_up(timeout=0)


def test_who_brings_mail_is_not_waited_for(server):
    with smtplib.SMTP(*server.smtp, local_hostname="laptop", timeout=PATIENCE):
        server.wait_for_hang_up(0)


def test_who_stays_is_waited_for_though_another_goes(server):
    imap = imap_login(server)
    pop_login(server).quit()
    with pytest.raises(TimeoutError, match="still connected: IMAP amy"):
        server.wait_for_hang_up(timeout=0)
    imap.logout()


def test_no_more_is_kept_of_what_was_than_is_said(monkeypatch):
    monkeypatch.setattr(mailkit.engine, "KEPT_RECORDS", 2)
    monkeypatch.setattr(mailkit.engine, "KEPT_MOMENTS", 5)
    with MailServer(LETTERS, accounts=("amy", "ben"), password="secret") as server:
        for name in ("amy", "ben", "amy"):
            pop_login(server, name).quit()
        assert [server.transcript("POP3", which).said("C")[0] for which in (0, 1)] == ["USER ben", "USER amy"]
        with pytest.raises(LookupError, match="POP3 lines so far: 2"):
            server.transcript("POP3", 2)
        assert len(server.history()) == 5


def test_of_a_large_mailbox_listeners_hear_and_nothing_is_kept():
    heard = []
    with MailServer(LETTERS[:1] * 100, password="secret") as server:
        server.on_change(heard.append)
        server.deliver(LETTERS[1])
        assert len(heard[0].snapshot.mailbox("amy").letters) == 101
        assert server.history() == ()


def test_what_changes_nothing_is_no_state_of_the_history(server):
    imap = imap_login(server)
    before = server.history()
    imap.noop()
    assert server.history() == before
    imap.logout()


def test_waiting_may_have_no_end(server):
    pop = pop_login(server)
    threading.Timer(0.05, pop.close).start()
    server.wait_for_hang_up(timeout=float("inf"))


def test_an_idle_pop3_session_ends_without_update():
    with MailServer(LETTERS, password="secret", pop3_idle=0.05) as server:
        pop = pop_login(server)
        pop.dele(1)
        with pytest.raises((poplib.error_proto, ConnectionError)):
            pop._getline()
        assert uids(server) == [1, 2, 3]
        pop.close()


@pytest.mark.slow
def test_who_does_not_read_an_answer_to_its_end_hears_no_goodbye_in_it():
    """What stands inside a literal is the letter's, RFC 3501 §4.3."""
    letter = b"Subject: long\r\n\r\n" + b"x" * 20_000_000
    with (
        MailServer([letter], password="secret", imap_idle=0.2) as server,
        socket.create_connection(server.imap, timeout=PATIENCE) as line,
    ):
        line.sendall(b"a LOGIN amy secret\r\nb SELECT INBOX\r\nc FETCH 1 BODY.PEEK[]\r\n")
        server.wait_for_hang_up()
        said = b""
        with contextlib.suppress(ConnectionError):
            while octets := line.recv(1 << 20):
                said += octets
        assert said.endswith(b"x")


def test_a_select_that_is_refused_at_its_literal_has_a_cause(server):
    with socket.create_connection(server.imap, timeout=PATIENCE) as line:
        answers = line.makefile("rb")
        line.sendall(b"a LOGIN amy secret\r\nb SELECT INBOX\r\nc SELECT {70000}\r\n")
        assert any(answer.startswith(b"c NO") for answer in answers)
        assert [moment.cause for moment in server.history()][-1] == "IMAP amy: (refused)"


def test_whoever_asks_while_the_server_stops_is_told():
    """No call waits for ever, and none is told of asyncio's affairs."""
    for _ in range(5):
        server, told, begun = MailServer(), [], threading.Barrier(4)

        def ask(server=server, told=told, begun=begun):
            begun.wait()
            try:
                while True:
                    server.snapshot()
            except RuntimeError as error:
                told.append(str(error))

        asking = [threading.Thread(target=ask) for _ in range(3)]
        for one in asking:
            one.start()
        begun.wait()
        server.stop()
        for one in asking:
            one.join(10)
        assert told == ["this server was stopped; run the cell that makes it again"] * 3


def test_a_call_that_is_interrupted_harms_nobody(server):
    """The notebook's stop button may come at any moment."""
    asks, ended = threading.Event(), threading.Event()

    def ask():
        while not ended.is_set():
            try:
                asks.set()
                while not ended.is_set():
                    server.snapshot()
            except KeyboardInterrupt:
                pass

    asking = threading.Thread(target=ask)
    asking.start()
    for _ in range(100):
        asks.wait(PATIENCE)
        asks.clear()
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(asking.ident), ctypes.py_object(KeyboardInterrupt))
    ended.set()
    asking.join(10)
    pop_login(server).quit()


def test_listeners_cannot_bring_the_server_down(server, caplog):
    ports = set()

    def ends_the_program(moment):
        raise SystemExit

    server.on_change(lambda moment: ports.add(server.imaps))
    server.on_change(ends_the_program)
    server.deliver(LETTERS[0])
    pop_login(server).quit()
    assert ports == {server.imaps}
    assert caplog.text.count("a listener of this server failed") >= 2


@pytest.mark.parametrize(
    ("port", "begin"), [("pop3", b"STLS\r\n"), ("imap", b"a STARTTLS\r\n"), ("smtp", b"STARTTLS\r\n")]
)
def test_a_line_that_is_reset_in_its_handshake_leaves_nothing(server, port, begin):
    for _ in range(3):
        with (
            socket.create_connection(getattr(server, port), timeout=PATIENCE) as line,
            line.makefile("rb") as answers,
        ):
            line.recv(999)
            line.sendall(b"EHLO x\r\n" * (port == "smtp") + begin)
            assert any(answer.startswith((b"+OK", b"a OK", b"220 ")) for answer in answers)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    engine = server._engine
    wait_until(lambda: engine.call(lambda: not (engine.transports or engine.smtp_lines)))


def test_one_connection_too_many_is_refused_and_the_others_go_on(caplog):
    with MailServer(LETTERS, password="secret", max_connections=2) as server:
        kept = [pop_login(server), poplib.POP3(*server.pop3)]
        with socket.create_connection(server.pop3) as late:
            assert late.makefile("rb").read().startswith(b"-ERR [SYS/TEMP] too many connections")
            late.sendall(b"USER amy\r\n")  # it is not heard any more
            server.snapshot()
            assert not caplog.records
        assert kept[0].stat()[0] == 3
        for pop in kept:
            pop.quit()


def test_the_goodbye_arrives_although_the_client_goes_on_talking(server):
    with socket.create_connection(server.pop3) as line:
        line.sendall(b"QUIT\r\n")
        answer = line.makefile("rb")
        assert answer.readline().startswith(b"+OK")
        line.sendall(b"NOOP\r\n" * 1000)
        assert b"signing off" in answer.read()


@pytest.mark.slow
def test_a_reader_that_does_not_read_costs_nobody_else(server):
    server.deliver(b"Subject: big\r\n\r\n" + b"x" * 998 + b"\r\n" * 8_000_000)
    lazy = socket.create_connection(server.pop3)
    lazy.sendall(b"USER amy\r\nPASS secret\r\n" + b"RETR 4\r\n" * 5)
    imap = imap_login(server)
    assert imap.noop()[0] == "OK"
    imap.logout()
    lazy.close()


# ---- what is seen


def test_transcripts_are_found_by_protocol_and_mask_the_password(server):
    pop_login(server).quit()
    imap_login(server).logout()
    assert server.transcript("POP3").said("C") == ("USER amy", "PASS ********", "QUIT")
    assert server.transcript("POP3", mask=False).said("C")[1] == "PASS secret"
    assert server.transcript().protocol == "IMAP"
    with pytest.raises(LookupError, match="connect first"):
        server.transcript("SMTP")


def test_history_names_the_command_behind_every_state(server):
    pop = pop_login(server)
    pop.dele(1)
    pop.quit()
    causes = [moment.cause for moment in server.history()]
    assert causes[0] == "the server started"
    assert causes[-2:] == ["POP3 amy: DELE 1", "POP3 amy: QUIT"]
    assert len(server.history()[-1].snapshot.mailbox("amy").letters) == 2


def test_a_mailbox_without_letters_is_seen_to_come_and_go(server):
    imap = imap_login(server)
    for command, names in (
        (lambda: imap.create("Bills"), ["INBOX", "Bills"]),
        (lambda: imap.rename("Bills", "Trips"), ["INBOX", "Trips"]),
        (lambda: imap.delete("Trips"), ["INBOX"]),
    ):
        assert command()[0] == "OK"
        for seen in (server.snapshot(), server.history()[-1].snapshot):
            assert [view.name for view in seen.mailboxes if view.account == "amy"] == names
    imap.logout()


def test_a_mark_costs_the_same_however_many_there_are(monkeypatch):
    """Where no history is kept, nobody counts the marks one by one: twenty thousand took half a minute."""
    with MailServer(LETTERS * 50, password="secret") as server:
        pop = pop_login(server)
        with monkeypatch.context() as patched:
            patched.delattr("mailkit.pop3.Pop3Session.snapshot")
            assert [pop.dele(number)[:3] for number in (1, 2, 3)] == [b"+OK"] * 3
        assert server.snapshot().marks("amy") == {1, 2, 3}
        pop.quit()


def test_history_names_no_password_and_no_letter(server):
    secret = base64.b64encode(b"\0amy\0secret")
    letter = b"Subject: x\r\n\r\nfor nobody else\r\n"
    said = [
        (server.pop3, [b"AUTH PLAIN\r\n", secret + b"\r\n", b"DELE 1\r\nDELE 2\r\n", b"QUIT\r\n"]),
        (server.imap, [b"1 AUTHENTICATE PLAIN\r\n", secret + b"\r\n", b"2 LOGOUT\r\n"]),
        (server.imap, [b"1 LOGIN {3+}\r\namy {6+}\r\nsecret\r\n", b"2 LOGOUT\r\n"]),
        (server.imap, [b'1 LOGIN amy "secret"\r\n', b"2 APPEND INBOX {31+}\r\n" + letter + b"\r\n", b"3 LOGOUT\r\n"]),
    ]
    for address, pieces in said:
        with socket.create_connection(address, timeout=PATIENCE) as line:
            for piece in pieces:
                line.recv(9999)
                line.sendall(piece)
            while line.recv(9999):
                pass
    causes = [moment.cause for moment in server.history()]
    assert [cause for cause in causes if cause.startswith("POP3 amy")] == [
        "POP3 amy: AUTH PLAIN", "POP3 amy: DELE 1", "POP3 amy: DELE 2", "POP3 amy: QUIT"
    ]  # fmt: skip
    assert [cause for cause in causes if cause.startswith("IMAP amy")] == [
        "IMAP amy: AUTHENTICATE PLAIN", "IMAP amy: LOGOUT", "IMAP amy: LOGIN", "IMAP amy: LOGOUT",
        "IMAP amy: LOGIN amy ********", "IMAP amy: APPEND INBOX", "IMAP amy: LOGOUT",
    ]  # fmt: skip


def test_a_server_that_stops_says_goodbye():
    """IMAP and SMTP want a word (RFC 3501 §3.4, RFC 5321 §3.8), POP3 has none."""
    server = MailServer(password="secret")
    imap, smtp, pop = imap_login(server), smtplib.SMTP(*server.smtp, local_hostname="laptop"), pop_login(server)
    server.stop()
    with pytest.raises((imaplib.IMAP4.abort, ConnectionResetError)) as told:
        imap.noop()
    if not (sys.platform == "win32" and told.type is ConnectionResetError):  # who speaks there loses what is unread
        assert "this server was stopped; run the cell that makes it again" in str(told.value)
    code, words = smtp.getreply()
    assert code == 421
    assert words == b"4.3.2 mail.example.org signing off: this server was stopped; run the cell that makes it again"
    with pytest.raises((poplib.error_proto, OSError)):
        pop.noop()
    for client in (imap.shutdown, smtp.close, pop.close):
        with contextlib.suppress(OSError):
            client()


def connect(server, port):
    """Return a socket that is connected to this port, and under TLS where it begins so."""
    line = socket.create_connection(getattr(server, port), timeout=PATIENCE)
    return server.ssl_context.wrap_socket(line, server_hostname="localhost") if port.endswith("s") else line


@pytest.mark.parametrize("port", ["pop3", "imap", "smtp", "pop3s", "imaps", "smtps"])
def test_what_is_said_is_sent_at_once(server, port):
    """RFC 896, RFC 1122 §4.2.3.4: else the second of two small answers waits until the first is acknowledged."""
    with connect(server, port) as line:
        assert line.recv(999)
        transports = server._engine.call(lambda: list(server._engine.transports))
        sockets = [transport.get_extra_info("socket") for transport in transports]
        assert [one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0 for one in sockets] == [True]


def _greeting(server, address):
    """Return what this port with TLS says first; nothing if it hangs up."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(address, timeout=PATIENCE) as raw,
        server.ssl_context.wrap_socket(raw, server_hostname="localhost") as line,
    ):
        return line.recv(999)
    return b""


@pytest.mark.parametrize("port", ["pop3s", "imaps", "smtps"])
def test_no_more_are_in_their_handshake_than_may_be_connected(port):
    """Who connects to a port with TLS and is silent would else take memory for each connection."""
    with MailServer(password="secret", max_connections=3, handshake=60.0) as server, contextlib.ExitStack() as silent:
        address = getattr(server, port)
        lines = [silent.enter_context(socket.create_connection(address, timeout=PATIENCE)) for _ in range(5)]
        assert [line.recv(1) for line in lines[3:]] == [b"", b""]
        pop_login(server).quit()  # the other ports go on
        lines[0].setblocking(False)
        with pytest.raises(BlockingIOError):
            lines[0].recv(1)  # waits for its handshake
        lines[1].close()
        wait_until(lambda: b"mail.example.org" in _greeting(server, address))  # the system tells of the closing soon


@pytest.mark.parametrize(("port", "begin"), [("pop3s", b""), ("pop3", b"STLS\r\n"), ("smtp", b"STARTTLS\r\n")])
def test_without_certificates_the_line_is_closed(server, monkeypatch, caplog, port, begin):
    """A client would else wait for ever, and its place with it; whoever runs the server is told why."""
    monkeypatch.setitem(sys.modules, "trustme", None)
    with socket.create_connection(getattr(server, port), timeout=PATIENCE) as line:
        if begin:
            line.recv(999)
            line.sendall(begin)
            line.recv(999)
        with contextlib.suppress(ConnectionResetError):
            assert line.recv(1) == b""
    assert not server._engine.call(lambda: server._engine.shaking or server._engine.transports)
    assert "trustme" in caplog.text


def test_why_no_certificate_was_made_is_logged(server, monkeypatch, caplog):
    """Such as no room for the file that OpenSSL reads it from: an `OSError`, but none of the client's."""

    def fail():
        raise OSError("no room for a file")

    monkeypatch.setattr(server._engine, "tls", fail)
    with socket.create_connection(server.pop3s, timeout=PATIENCE) as line, contextlib.suppress(ConnectionResetError):
        assert line.recv(1) == b""
    assert "no room for a file" in caplog.text


@pytest.mark.parametrize("port", ["pop3", "imap", "smtp", "pop3s", "imaps", "smtps"])
def test_who_comes_and_goes_leaves_room(port):
    """A client that is gone before it has been greeted counts no more."""
    with MailServer(password="secret", max_connections=3) as server:
        for _ in range(20):
            socket.create_connection(getattr(server, port), timeout=PATIENCE).close()
        engine = server._engine
        wait_until(lambda: engine.call(lambda: not (engine.transports or engine.smtp_lines or engine.lines)))


@pytest.mark.parametrize("port", ["pop3", "imap", "smtp", "pop3s", "imaps", "smtps"])
def test_who_is_far_too_many_gets_no_words(port):
    """Those who read why they were refused take room, too, for as long as they like to."""
    with MailServer(password="secret", max_connections=2) as server, contextlib.ExitStack() as held:
        answers = []
        for _ in range(9):
            line = held.enter_context(socket.create_connection(getattr(server, port), timeout=PATIENCE))
            try:
                if port.endswith("s"):
                    line = held.enter_context(server.ssl_context.wrap_socket(line, server_hostname="localhost"))
                answers.append(line.recv(999))
            except OSError:
                answers.append(b"")
        assert [b"too many" in answer for answer in answers] == [False] * 2 + [True] * 4 + [False] * 3
        assert answers[6:] == [b"", b"", b""]


def test_all_together_are_no_more_than_the_system_can_watch():
    """On Windows ``select()`` takes 512 sockets; those in their handshake count, too."""
    with MailServer(password="secret", max_connections=2) as server, contextlib.ExitStack() as held:
        for address in [server.smtps, server.pop3s, server.imaps] * 2 + [server.smtp] * 2:
            line = held.enter_context(socket.create_connection(address, timeout=PATIENCE))
        assert line.recv(999).startswith(b"220 ")
        late = held.enter_context(socket.create_connection(server.pop3, timeout=PATIENCE))
        with contextlib.suppress(ConnectionResetError):
            assert late.recv(999) == b""


def test_the_full_house_of_one_protocol_takes_no_words_from_another():
    with MailServer(password="secret", max_connections=3) as server, contextlib.ExitStack() as held:
        for address in [server.imap] * 3 + [server.smtp] * 3:
            assert held.enter_context(socket.create_connection(address, timeout=PATIENCE)).recv(999)
        for address, words in ((server.smtp, b"421 4.3.2 "), (server.imap, b"* BYE [UNAVAILABLE]")):
            with socket.create_connection(address, timeout=PATIENCE) as late:
                assert late.recv(999).startswith(words)


@pytest.mark.parametrize(("port", "last"), [("pop3", b"QUIT\r\n"), ("imap", b"a LOGOUT\r\n"), ("smtp", b"QUIT\r\n")])
def test_who_was_told_goodbye_and_stays_takes_no_room_for_ever(port, last):
    """Of those who do not close their end, no more are waited for than there may be refused."""
    with MailServer(password="secret", max_connections=3) as server, contextlib.ExitStack() as held:
        for _ in range(30):
            line = held.enter_context(socket.create_connection(getattr(server, port), timeout=PATIENCE))
            with contextlib.suppress(OSError):
                line.sendall(last)
                while line.recv(999):
                    pass
        assert server._engine.call(lambda: len(server._engine.transports)) <= 10


@pytest.mark.parametrize(
    ("port", "begin"), [("pop3", b"STLS\r\n"), ("imap", b"a STARTTLS\r\n"), ("smtp", b"STARTTLS\r\n")]
)
def test_who_asks_for_tls_and_leaves_is_not_waited_for(port, begin):
    with MailServer(password="secret", handshake=60.0) as server:
        for _ in range(10):
            with socket.create_connection(getattr(server, port), timeout=PATIENCE) as line:
                line.sendall(begin)
        engine = server._engine
        wait_until(lambda: engine.call(lambda: not engine.transports and len(asyncio.all_tasks(engine.loop)) == 1))


@pytest.mark.slow
@pytest.mark.parametrize("port", ["imap", "imaps"])
def test_what_is_sent_waits_until_what_was_sent_is_read(port):
    """Else a large answer lies in memory, and is cut off where LOGOUT follows it; then the client is heard again."""
    letter = b"Subject: large\r\n\r\n" + b"A line of a letter.\r\n" * 1_000_000
    with (
        MailServer([letter], password="secret") as server,
        connect(server, port) as client,
        client.makefile("rb") as answers,
    ):
        client.sendall(b"a LOGIN amy secret\r\nb SELECT INBOX\r\nc FETCH 1 BODY.PEEK[]\r\nd NOOP\r\n")
        assert any(answer.startswith(b"* 1 FETCH") for answer in answers)
        engine = server._engine
        (line,) = engine.call(lambda: list(engine.lines))  # NOOP was not heard yet
        assert engine.call(lambda: line._paused and line._transport.get_write_buffer_size() < 1_000_000)
        assert answers.read(len(letter)) == letter
        assert [answers.readline()[:4] for _ in range(3)] == [b")\r\n", b"c OK", b"d OK"]
        client.sendall(b"e LOGOUT\r\n")  # which is heard again
        assert answers.read().endswith(b"e OK LOGOUT completed\r\n")


@contextlib.contextmanager
def with_much_news():
    """A server, and an IMAP line that was not told yet that the flags of 3,000 messages have changed."""
    with (
        MailServer([b"Subject: small\r\n\r\n"] * 3_000, password="secret") as server,
        imaplib.IMAP4(*server.imap) as other,
        socket.create_connection(server.imap, timeout=PATIENCE) as line,
        line.makefile("rb") as answers,
    ):
        line.sendall(b"a LOGIN amy secret\r\nb SELECT INBOX\r\n")
        assert any(answer.startswith(b"b OK") for answer in answers)
        other.login("amy", "secret")
        other.select()
        other.store("1:*", "+FLAGS.SILENT", "(\\Flagged)")
        yield server, line, answers


@pytest.mark.slow
def test_last_words_are_said_to_the_end():
    with with_much_news() as (_, line, answers):
        line.sendall(b"x APPEND INBOX {999999999+}\r\n")
        *news, refusal, goodbye = answers.read().splitlines(keepends=True)
        assert (len(news), refusal[:5], goodbye[:6]) == (3_000, b"x NO ", b"* BYE ")


@pytest.mark.slow
def test_news_waits_until_the_answer_under_way_is_said():
    with with_much_news() as (server, line, answers):
        engine = server._engine

        def something_happens_and_idle_comes_in():
            inbox = engine.store.accounts["amy"].inbox
            idler = next(one for one in engine.lines if one._transport.get_extra_info("peername") == line.getsockname())
            engine.turn = lambda: 0.0
            inbox.set_flags(inbox.messages[0], frozenset({"\\Seen"}))
            engine.buffer[:8] = b"i IDLE\r\n"
            idler.buffer_updated(8)
            inbox.set_flags(inbox.messages[2], frozenset({"\\Seen"}))

        engine.call(something_happens_and_idle_comes_in)
        line.sendall(b"DONE\r\n")
        said = []
        while not said or not said[-1].startswith(b"i "):
            said.append(answers.readline())
        whole = rb"(\+|i OK|\* \d+ FETCH \(FLAGS \([^()]*\)\)) ?[^*]*\r\n"
        assert [one for one in said if not re.fullmatch(whole, one)] == []


def test_patience_is_as_the_standards_want_it():
    """RFC 1939 §3, RFC 3501 §5.4, RFC 5321 §4.5.3.2.7."""
    told = Settings()
    assert (told.pop3_idle >= 600, told.imap_idle >= 1800, told.smtp_idle >= 300) == (True, True, True)


@pytest.mark.parametrize(("port", "begin"), [("pop3", b"STLS\r\n"), ("imap", b"a STARTTLS\r\n")])
def test_after_a_handshake_that_fails_nothing_goes_on(server, port, begin):
    """RFC 2595 §2.5, RFC 3501 §11.1."""
    with socket.create_connection(getattr(server, port), timeout=PATIENCE) as line:
        line.recv(999)
        line.sendall(begin)
        assert b"OK" in line.recv(999)
        line.sendall(b"NOOP\r\nb NOOP\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert b"OK" not in line.recv(999)
            assert line.recv(999) == b""
    server.wait_for_hang_up()


def test_a_second_stop_waits_for_the_first():
    for _ in range(20):
        server = MailServer(password="secret")
        stops = [threading.Thread(target=server._engine.stop) for _ in range(4)]
        for one in stops:
            one.start()
        for one in stops:
            one.join(PATIENCE)
        assert not server._engine._thread._thread.is_alive()
        assert server._engine.loop.is_closed()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.slow
def test_in_a_forked_child_no_question_waits_for_ever():
    code = """
import os, sys
from mailkit import MailServer
server = MailServer()
child = os.fork()
if not child:
    try:
        server.snapshot()
    except RuntimeError as error:
        os._exit(7 if "run the cell" in str(error) else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=PATIENCE, check=False).returncode == 7


def test_a_port_that_cannot_be_opened_raises(monkeypatch):
    def full(*args, **how):
        raise OSError(errno.EMFILE, "too many open files")

    before = set(threading.enumerate())
    with MailServer(password="secret") as server:
        monkeypatch.setattr(socket, "create_server", full)
        with pytest.raises(OSError, match="too many open files"):
            MailServer(password="secret")
        with pytest.raises(OSError, match="too many open files"):
            Wiretap(server.pop3)
    assert {one.name for one in set(threading.enumerate()) - before} <= {"mailkit-warm"}


def test_a_stopped_server_has_freed_its_ports():
    server = MailServer()
    server.stop()
    for address in (server.pop3, server.pop3s):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=10)


def test_listeners_hear_of_changes_until_they_leave(server):
    heard = []
    leave = server.on_change(heard.append)
    server.deliver(LETTERS[0])
    then = server.snapshot()
    leave()
    server.deliver(LETTERS[0])
    assert [moment.cause for moment in heard] == ["the postman brought a letter to amy"]
    assert heard[0].snapshot == then, "it is told how things stood, whatever comes after"


def test_a_listener_that_fails_is_logged_and_harms_no_session(server, caplog):
    heard = []
    server.on_change(lambda moment: 1 / 0)
    server.on_change(heard.append)
    pop = pop_login(server)
    pop.dele(1)
    pop.quit()
    assert heard[-1].cause == "POP3 amy: QUIT"
    assert "a listener of this server failed" in caplog.text


def test_an_error_of_ours_on_the_loop_is_logged_with_its_traceback(server, caplog):
    server._engine.loop.call_soon_threadsafe(lambda: {}["not there"])
    server.snapshot()
    assert "KeyError: 'not there'" in caplog.text


def test_a_line_that_breaks_on_the_loop_is_no_error_of_ours(server, caplog):
    def breaks():
        raise ConnectionResetError

    server._engine.loop.call_soon_threadsafe(breaks)
    server.snapshot()
    assert not caplog.records


def test_of_what_was_asked_nothing_is_kept(server):
    for _ in range(10):
        server.snapshot()
    assert len(server._engine.call(lambda: list(server._engine._thread._at_work))) <= 2


# ---- beginnings and ends


def test_a_listener_that_never_returns_does_not_keep_the_server_from_being_stopped(server, monkeypatch, caplog):
    goes_on = threading.Event()
    server.on_change(lambda moment: goes_on.wait())
    server._engine.loop.call_soon_threadsafe(server._engine.record, "a change")
    monkeypatch.setattr(mailkit.loopthread, "PATIENCE", 0.01)
    server.stop()
    assert "does not stop" in caplog.text
    goes_on.set()
    server._engine._thread._thread.join()


def test_a_server_may_be_stopped_by_its_own_thread():
    """Where Python finds out there that nobody needs it any more, or a listener has seen enough."""
    server = MailServer()
    server._engine.call(server.stop)
    server._engine._thread._thread.join(PATIENCE)
    assert server._engine.loop.is_closed()


def test_stop_frees_port_and_thread_and_may_come_twice():
    before = len(server_threads())
    server = MailServer()
    address = server.pop3
    assert len(server_threads()) == before + 1
    server.stop()
    server.stop()
    assert len(server_threads()) == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
    with pytest.raises(RuntimeError, match="run the cell that makes it again"):
        server.snapshot()


def test_losing_the_name_stops_the_server():
    before = len(server_threads())
    with set_aside():
        server = MailServer(LETTERS)
        pop = poplib.POP3(*server.pop3)
        server = MailServer(LETTERS)
        gc.collect()
    assert len(server_threads()) == before + 1
    pop.close()
    server.stop()


@pytest.mark.parametrize("pieces", [1, 999], ids=["one by one", "at once"])
@pytest.mark.parametrize(
    ("port", "slip"),
    [("imap", b"a  LOGIN amy secret"), ("imap", b"a\tLOGIN amy secret"), ("imap", b"\0a LOGIN amy secret"),
     *((port, slip) for port in ("pop3", "smtp") for slip in (
         b"PASS\tsecret", b"PASS\xc2\xa0secret", b"PASS:secret", b"PASSsecret", b"PASS\r\nsecret", b"PASSWORD secret",
         b"LOGIN amy secret", b"APOP amy secret", b"USER amy secret", b"USER amy\rPASS secret", b"USER amy\r\nsecret",
         b"NOOP\rPASS secret", b"AUTH secret", b"AUTH\tPLAIN\tAGFteQBzZWNyZXQ=", b"AUTH:PLAIN AGFteQBzZWNyZXQ=",
         b"AUTH PLAIN:AGFteQBzZWNyZXQ=", b"AUTHPLAIN AGFteQBzZWNyZXQ=", b"AUTH PLAIN \r\nAGFteQBzZWNyZXQ=",
     )),
     *(("smtp", slip) for slip in (
         b"HELO x\r\nAUTH LOGIN\r\nYW15\r\nc2VjcmV0", b"AUTH PLAIN\r\nAGFteQBzZWNyZXQ=",
         b"EHLO x\r\nAUTH LOGIN amy\r\nsecret", b"EHLO x\r\nAUTH LOGIN\r\namy\r\nsecret",
         b"EHLO x\r\nAUTH PLAIN AGFteQBzZWNyZXQ=\r\nAUTH PLAIN\r\nAGFteQBzZWNyZXQ=",
     ))],
)  # fmt: skip
def test_no_slip_brings_a_password_into_a_transcript(port, slip, pieces):
    """Neither the line itself nor the words that refuse it: a client that goes on after a refusal says it, too."""
    with (
        MailServer(password="secret") as server,
        socket.create_connection(getattr(server, port), timeout=PATIENCE) as line,
        line.makefile("rb") as answers,
    ):
        answers.readline()
        lines = slip.splitlines(keepends=True) if pieces == 1 else [slip]
        for one in lines:
            line.sendall(one)
            server.snapshot()  # it is handled
        line.sendall(b"\r\n")
        line.shutdown(socket.SHUT_WR)
        answers.read()
        said = str(server.transcript())
    assert "********" in said
    assert not re.search("secret|QUdG|AGFt|c2Vj", said, re.IGNORECASE)


def test_what_is_no_name_and_no_number_is_not_found(server):
    with pytest.raises(LookupError, match=r"no account \['amy'\] on this server; it has: amy"):
        server.deliver(LETTERS[0], ["amy"])
    with pytest.raises(LookupError, match="lines so far: 0; connect first"):
        server.transcript("POP3", "last")


def test_every_account_gets_the_mailboxes_of_a_generator():
    with MailServer(accounts=("amy", "ben"), mailboxes=(name for name in ("Sent",))) as server:
        assert [one.name for one in server.snapshot().mailboxes] == ["INBOX", "Sent"] * 2


def test_forty_servers_in_one_process_do_not_meet():
    servers = [MailServer(LETTERS[: number % 3 + 1], password="secret") for number in range(40)]
    assert len({server.imap for server in servers}) == 40
    for number, server in enumerate(servers):
        pop = pop_login(server)
        assert pop.stat()[0] == number % 3 + 1
        pop.quit()
        server.stop()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"letters": "three-letters"}, TypeError, r'MailServer\(letters\("three-letters"\)\)'),
        ({"letters": letters}, TypeError, r'MailServer\(letters\("three-letters"\)\)'),
        ({"accounts": "amy"}, TypeError, r"takes a list, not one str; write \['amy'\]"),
        ({"pass_word": "secret"}, TypeError, r"did you mean password\?"),
        ({"letters": ["text"]}, TypeError, r"letters\('three-letters'\)"),
        ({"accounts": ()}, ValueError, "at least one account"),
        ({"accounts": ("Amy!",)}, ValueError, "lower-case"),
        ({"accounts": ("zoé",)}, ValueError, "ASCII"),
        ({"password": 1234}, TypeError, "put it in quotes"),
        ({"domain": "Example.org"}, ValueError, "write it in lower case"),
        ({"domain": "a." * 124 + "a"}, ValueError, "is no domain"),  # RFC 1035 §2.3.4, with mail. before it
        ({"domain": "a" * 64}, ValueError, "is no domain"),
        ({"expire": "soon"}, ValueError, 'expire is a number of days, "NEVER" or None'),
        *(({"domain": name}, ValueError, "is no domain") for name in ("-a", "a-.org", "-", "ab--cd.org", "xn--a.org")),
        ({"host_name": "\N{KELVIN SIGN}ube.example.org"}, ValueError, "no name of a host"),  # RFC 6531 §3.7.1
        ({"expire": -1}, ValueError, "number of days"),
        ({"expire": True}, ValueError, "number of days"),
        ({"uidvalidity": 0}, ValueError, "uidvalidity is a number from 1"),  # RFC 3501 §9 nz-number
        ({"uidvalidity": 2**32 - 1}, ValueError, "uidvalidity is a number from 1"),
        ({"quota": -1}, ValueError, "number of octets"),
        ({"password": ""}, TypeError, "1 to 60 characters in one line"),
        ({"mailboxes": (3,)}, TypeError, "mailboxes are names, each in quotes"),
        ({"accounts": (3,)}, TypeError, "accounts are names, each in quotes"),
        ({"mailboxes": ("Sent", "Sent")}, MailboxError, "already there"),
        ({"letters": [b"x"], "quota": 0}, MailboxError, "never fit"),
        ({"quota": "35k"}, ValueError, "number of octets"),
        ({"uidl": "no"}, TypeError, "uidl='no' is no bool; if left out, it is True"),
        ({"host_name": "mail.bücher.example"}, ValueError, 'no name of a host; write .*host_name="mail.example.org"'),
        ({"password": "two\nlines"}, TypeError, "in one line"),
        ({"password": "x" * 61}, TypeError, "1 to 60 characters"),
        ({"letters": None}, TypeError, r"letters takes a list, not one NoneType; write letters=\[…\]"),
        ({"letters": io.BytesIO(b"x")}, TypeError, "letters takes a list, not one BytesIO"),
        ({"letters": [EmailMessage()]}, TypeError, r"use message\.as_bytes\(\)"),
        ({"accounts": 5}, TypeError, "accounts takes a list, not one int"),
        ({"accounts": {5: "x"}}, ValueError, "lower-case ASCII letters"),
        ({"domain": None}, ValueError, "is no domain"),
        ({"clock": datetime(2026, 1, 1, tzinfo=UTC)}, TypeError, "a clock is a function"),
        ({"domain": 5}, ValueError, "5 is no domain"),
        ({"clock": None}, TypeError, r"datetime with a time zone, not None; write clock=lambda: datetime.now\(\)"),
        ({"clock": datetime.now}, TypeError, "with a time zone"),
        ({"clock": time.time}, TypeError, "with a time zone"),
        ({"handshake": 0}, ValueError, "handshake is more than 0, and at most 2147483647; if left out, it is 10.0"),
        *(
            ({"pop3_idle": value}, ValueError, "pop3_idle is more than 0")
            for value in (float("nan"), float("inf"), 10**400)
        ),
        ({"max_message": 0}, ValueError, "max_message is more than 0, .*; if left out, it is 25000000"),
        ({"max_line": 2**32}, ValueError, "max_line is more than 0, and at most 2147483647"),
        ({"max_line": True}, TypeError, "max_line=True is no int"),
        ({"quota": True}, ValueError, "number of octets, such as quota=35_000, not True"),
        ({"quota": 10**400}, ValueError, "number of octets"),
        ({"expire": 10**400}, ValueError, "number of days"),
        ({"accounts": {"amy": "x"}, "password": "y"}, TypeError, "accounts says each password already"),
        ({"accounts": ("a" * 249,)}, ValueError, "lower-case ASCII letters, digits, . and - within, 248 at most"),
        *(({"accounts": (name,)}, ValueError, "lower-case") for name in ("", "-a", "a.", "a..b", "a@b", "a b", "a\n")),
        ({"host": "0.0.0.0"}, TypeError, "takes no host"),
        ({"port": 110}, TypeError, "Settings are: .*uidl"),
    ],
)
def test_wrong_arguments_are_refused_with_the_remedy(arguments, error, words):
    with pytest.raises(error, match=words):
        MailServer(**arguments)


@pytest.mark.parametrize(
    ("slip", "error", "words"),
    [
        (lambda server: server.deliver(LETTERS), TypeError, r"take one out of the list"),
        (lambda server: server.snapshot("laptop"), TypeError, r"write server\.snapshot\(laptop\)"),
        (lambda server: server.snapshot(server), TypeError, r"takes devices, not MailServer"),
        (lambda server: server.relay_to(server), TypeError, "takes another MailServer"),
        (lambda server: server.relay_to("net"), TypeError, "takes another MailServer"),
        (lambda server: server.on_change(None), TypeError, "takes a function"),
        (lambda server: server.transcript("pop3"), LookupError, "no protocol 'pop3'; there are: SMTP, POP3, IMAP"),
        (lambda server: show(server), TypeError, r"write show\(server\.snapshot\(laptop\)\)"),
        (lambda server: show(server.snapshot(), server), TypeError, 'write its name, such as "laptop"'),
        (lambda server: show_change(server.snapshot, server.snapshot), TypeError, "not <bound method"),
        (lambda server: conversation(server), TypeError, r'write for example server\.transcript\("POP3"\)'),
        (lambda server: live(Device("laptop")), TypeError, "takes a server, not Device"),
    ],
)
def test_a_slip_is_told_what_to_write(server, slip, error, words):
    with pytest.raises(error, match=words):
        slip(server)


def test_an_unknown_account_names_those_there(server):
    with pytest.raises(LookupError, match="it has: amy, ben"):
        server.deliver(LETTERS[0], "zoe")


def test_a_password_that_nobody_chose_cannot_be_guessed():
    with MailServer() as one, MailServer() as other:
        assert one.password() != other.password()
        assert len(one.password()) >= 12
