"""The POP3 session by itself: what conversations cannot show, and that no octets bring it down."""

import base64
import doctest
import logging
import os
import re
import socket
import ssl
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailkit import pop3 as pop3_module
from mailkit.mailbox import Mailbox
from mailkit.pop3 import COMMANDS, FORMS, MAX_COMMAND, Pop3Session, State
from mailkit.pop3answers import multi_line, top
from mailkit.server import MailServer
from mailkit.settings import CHUNK, Settings
from mailkit.store import Store
from tests.effort import counting
from tests.patience import PATIENCE

LETTER = b"Subject: %d\r\n\r\n.dot\r\nline\r\n"
LOGIN = b"USER amy\r\nPASS secret\r\n"


def store_with(count=3):
    store = Store("example.org", lambda: datetime(2026, 9, 1, tzinfo=UTC))
    store.add_account("amy", "secret")
    store.add_account("ben", "secret")
    for number in range(1, count + 1):
        store.accounts["amy"].inbox.append(LETTER % number)
    return store


def session_on(store, octets=LOGIN, **arguments):
    switches = arguments.pop("settings", Settings())
    session = Pop3Session(store, switches, **arguments)
    say(session, octets)
    return session


def say(session, octets):
    return b"".join(session.receive(octets))


def uids(store):
    return [message.uid for message in store.accounts["amy"].inbox.messages]


def in_state(state, store):
    session = session_on(store, LOGIN if state is State.TRANSACTION else b"")
    assert session.state is state
    return session


def test_examples_in_docstrings():
    assert doctest.testmod(pop3_module).failed == 0


# ---- the table of commands

RIGHT = {"USER": "amy", "AUTH": "PLAIN " + base64.b64encode(b"\0amy\0secret").decode(), "TOP": "1 0"}


@pytest.mark.parametrize("keyword", COMMANDS)
@pytest.mark.parametrize("state", [State.AUTHORIZATION, State.TRANSACTION])
def test_the_table_is_obeyed(keyword, state):
    session = in_state(state, store_with())
    if keyword == "PASS" and state is State.AUTHORIZATION:
        say(session, b"USER amy\r\n")
    arguments = RIGHT.get(keyword, "secret" if keyword == "PASS" else "1" if FORMS[keyword] != [keyword] else "")
    answer = say(session, f"{keyword} {arguments}".strip().encode() + b"\r\n")
    after = COMMANDS[keyword].get(state)
    assert session.state is (after or state)
    assert answer.startswith(b"+OK" if after else b"-ERR")
    if after is None:
        assert f"{keyword} is not valid in the {state.value} state; ".encode() in answer


@pytest.mark.parametrize("keyword", COMMANDS)
def test_every_command_has_a_method_that_takes_what_the_table_says(keyword):
    method = getattr(Pop3Session, f"do_{keyword.lower()}")
    count = method.__code__.co_argcount - 1
    least = count - len(method.__defaults__ or ())
    counts = [len(form.split()) - 1 for form in FORMS[keyword]]
    assert (least, count) == (min(counts), max(counts))


# ---- lines and limits


@pytest.mark.parametrize("piece", range(1, 8))
def test_input_may_be_cut_anywhere(piece):
    octets = LOGIN + b"STAT\r\nLIST 2\r\nRETR 1\r\nFROG\r\nQUIT\r\n"
    session = session_on(store_with(), b"")
    said = b"".join(say(session, octets[at : at + piece]) for at in range(0, len(octets), piece))
    assert said == say(session_on(store_with(), b""), octets)
    assert session.closed


def test_a_command_of_255_octets_is_understood_and_one_more_is_not():
    longest = b"PASS ".ljust(MAX_COMMAND - 2, b"x") + b"\r\n"
    assert say(session_on(store_with(), b"USER amy\r\n"), longest).startswith(b"-ERR [AUTH]")
    assert say(session_on(store_with(), b"USER amy\r\n"), b"x" + longest).startswith(b"-ERR line too long")


def test_a_line_without_end_is_not_kept():
    session = session_on(store_with())
    for _ in range(100):
        assert say(session, b"x" * 1000) == b""
        assert len(session._input) <= MAX_COMMAND
    assert say(session, b"\r\nNOOP\r\n").count(b"\r\n") == 2
    assert say(session, b"STAT\r\n").startswith(b"+OK 3 ")


def test_the_response_line_of_auth_may_be_longer():
    store = store_with()
    store.add_account("eve", "x" * 800)
    session = session_on(store, b"AUTH PLAIN\r\n", settings=Settings(max_line=1000))
    credentials = base64.b64encode(b"\0eve\0" + b"x" * 800)
    assert (
        say(session, b"U" * 12_287 + b"\r\n") == b"-ERR line too long; it has at most 12288 octets, CRLF included\r\n"
    )
    assert b"\n+OK" in say(session, b"AUTH PLAIN\r\n" + credentials + b"\r\n")


@pytest.mark.parametrize("initial", [True, False], ids=["with-the-command", "in-its-own-line"])
@pytest.mark.parametrize("acting_for", [True, False], ids=["for-itself", "for-nobody"])
@pytest.mark.parametrize(("name", "password"), [("n" * 255, "p" * 255), ("zoë", "käse €")])
def test_plain_takes_utf_8_and_255_octets_each(name, password, acting_for, initial):
    """RFC 2595 §6; what does not fit into a command comes in a line of its own (RFC 5034 §4)."""
    store = store_with()
    store.add_account(name, password)
    response = base64.b64encode("\0".join((name * acting_for, name, password)).encode())
    session = session_on(store, b"")
    answer = say(session, b"AUTH PLAIN " + response + b"\r\n" if initial else b"AUTH PLAIN\r\n" + response + b"\r\n")
    if initial and len(response) > MAX_COMMAND:
        assert answer.startswith(b"-ERR line too long")
    else:
        assert answer.endswith(b" 0 messages (0 octets)\r\n")
        assert session.snapshot().account == name


def test_an_answer_line_is_never_longer_than_512_octets():
    session = session_on(store_with(), b"")
    for line in (b"\xff" * 250, b"x" * 250, b"USER " + b"\xe9" * 240, b"RETR " + b"\x00" * 240):
        for answer in (say(session, line + b"\r\n"), say(session_on(store_with()), line + b"\r\n")):
            assert answer.endswith(b"\r\n")
            assert len(answer) <= 512
            assert answer.isascii()


def test_a_bracket_begins_a_response_code_and_nothing_else():
    """RFC 2449 §3, §6.4; the codes are those of its §8.1.2 and of RFC 3206."""
    store = store_with()
    sessions = session_on(store), session_on(store, b"", settings=Settings(max_failed_logins=999, max_mistakes=999))
    said = b""
    for keyword in (*sorted(COMMANDS.keys() - {"STLS", "QUIT"}), "[X]", "X[", "APOP", "STLS", "QUIT"):
        for argument in ("[AUTH]", "[x", "amy", "secret", "1", "1 1", "PLAIN [x", RIGHT["AUTH"], ""):
            name = "amy" if argument == "secret" else "[x"
            octets = f"USER {name}\r\n{keyword} {argument}".rstrip().encode() + b"\r\n"
            said += b"".join(say(session, octets) for session in sessions)
    answers = [line for line in said.splitlines() if line.startswith((b"+OK", b"-ERR"))]
    codes = {line.split()[1] for line in answers if b"[" in line}
    assert codes == {b"[AUTH]", b"[IN-USE]"}
    assert all(line.index(b"[") == len(b"-ERR ") and line.count(b"[") == 1 for line in answers if b"[" in line)


def test_commands_run_only_as_their_answers_are_taken():
    store = store_with()
    session = session_on(store)
    answers = session.receive(b"DELE 1\r\nDELE 2\r\nQUIT\r\n")
    assert next(answers).startswith(b"+OK")
    assert session.snapshot().marks == {1}
    answers.close()  # the line is lost before the rest was answered
    session.end()
    assert uids(store) == [1, 2, 3]


def test_what_a_command_does_is_done_before_its_answer():
    store = store_with()
    session = session_on(store, LOGIN + b"DELE 2\r\n")
    answers = session.receive(b"QUIT\r\n")
    assert next(answers).startswith(b"+OK")
    assert session.closed
    assert uids(store) == [1, 3]
    assert store.accounts["amy"].lock_maildrop(object())
    session.end()
    assert session.state is State.UPDATE, "and so it stays: CLOSED is where nothing was removed"


def test_nothing_is_read_after_quit():
    session = session_on(store_with(), b"QUIT\r\n" + LOGIN)
    assert session.state is State.CLOSED
    assert say(session, LOGIN) == b""


# ---- ends


def test_autologout_says_nothing_and_removes_nothing():
    store = store_with()
    session = session_on(store, LOGIN + b"DELE 1\r\n")
    assert session.dismiss("idle") == b""
    assert session.closed
    assert session.state is State.CLOSED
    assert uids(store) == [1, 2, 3]
    assert session_on(store).state is State.TRANSACTION


def test_any_command_begins_the_wait_for_the_next_anew():
    """RFC 1939 §3; who says nothing is hung up on without a word, and nothing is removed."""
    with MailServer([LETTER % 1], password="secret") as server:
        with socket.create_connection(server.pop3, timeout=PATIENCE) as client:
            answers = client.makefile("rb")
            client.sendall(LOGIN + b"DELE 1\r\n")
            assert [answers.readline()[:3] for _ in range(4)] == [b"+OK"] * 4
            (line,) = server._engine.call(lambda: list(server._engine.lines))
            for command, answered in ((b"FROG\r\n", True), (b"", False)):
                line._heard -= Settings().pop3_idle + 1  # so long ago
                client.sendall(command)
                assert not command or answers.readline().startswith(b"-ERR")
                server._engine.call(line._check_idle)
                assert line.session.closed is not answered
            assert answers.read() == b""
        assert [letter.uid for letter in server.snapshot().mailbox("amy").letters] == [1]


def test_a_removal_that_fails_is_told_and_frees_the_maildrop(monkeypatch):
    """RFC 1939 §6 QUIT."""
    store = store_with()
    session = session_on(store, LOGIN + b"DELE 1\r\n")
    monkeypatch.setattr(Mailbox, "expunge", lambda self, uids: 1 / 0)
    assert say(session, b"QUIT\r\n").startswith(b"-ERR [SYS/TEMP] ")
    assert session.closed
    assert uids(store) == [1, 2, 3]
    assert session_on(store).state is State.TRANSACTION


def test_end_may_come_twice_and_frees_only_its_own_lock():
    store = store_with()
    first = session_on(store)
    first.end()
    second = session_on(store)
    first.end()
    assert say(session_on(store, b"USER amy\r\n"), b"PASS secret\r\n").startswith(b"-ERR [IN-USE]")
    assert second.snapshot().account == "amy"


def test_failed_logins_are_counted_over_both_ways():
    session = session_on(store_with(), b"", settings=Settings(max_failed_logins=2))
    assert not session.closed
    say(session, b"USER amy\r\nPASS wrong\r\n")
    assert not session.closed
    answer = say(session, b"AUTH PLAIN " + base64.b64encode(b"\0amy\0wrong") + b"\r\n")
    assert answer == b"-ERR [AUTH] wrong name or password; that was one failed login too many; connect again\r\n"
    assert session.closed


def test_marks_are_seen_in_the_session_only():
    store = store_with()
    session = session_on(store, LOGIN + b"DELE 1\r\nDELE 3\r\n")
    view = session.snapshot()
    assert (view.protocol, view.state, view.account, view.mailbox) == ("POP3", "TRANSACTION", "amy", "INBOX")
    assert view.marks == {1, 3}
    assert all(message.flags == frozenset() for message in store.accounts["amy"].inbox.messages)
    say(session, b"RSET\r\n")
    assert session.snapshot().marks == frozenset()


def test_an_unforeseen_error_is_answered_logged_and_ends_this_session_alone(monkeypatch, caplog):
    store = store_with()
    session = session_on(store, LOGIN + b"DELE 1\r\n")
    monkeypatch.setattr(Pop3Session, "do_noop", lambda self: 1 / 0)
    with caplog.at_level(logging.ERROR, logger="mailkit.pop3"):
        answer = say(session, b"NOOP\r\nQUIT\r\n")
    assert answer.startswith(b"-ERR [SYS/TEMP] ")
    assert answer.count(b"\r\n") == 1
    assert "ZeroDivisionError" in caplog.text
    assert session.closed
    assert uids(store) == [1, 2, 3]
    assert session_on(store).state is State.TRANSACTION


def test_an_error_amid_an_answer_ends_it_without_another_word(monkeypatch, caplog):
    """RFC 1939 §3: whatever came before the dot would be taken for a line of the message."""

    def break_off(session, msg):
        yield b"+OK 999 octets\r\nSubject: "
        raise ZeroDivisionError

    store = store_with()
    session = session_on(store, LOGIN + b"DELE 1\r\n")
    monkeypatch.setattr(Pop3Session, "do_retr", break_off)
    with caplog.at_level(logging.ERROR, logger="mailkit.pop3"):
        assert say(session, b"RETR 2\r\nQUIT\r\n") == b"+OK 999 octets\r\nSubject: "
    assert session.closed
    assert uids(store) == [1, 2, 3]


def test_an_unforeseen_error_before_a_login_is_answered_too(monkeypatch, caplog):
    session = session_on(store_with(), b"")
    monkeypatch.setattr(session, "_store", None)
    assert say(session, b"USER amy\r\nPASS secret\r\n").endswith(b"[SYS/TEMP] the server made an error and ends this "
                                                                   b"session; connect again\r\n")  # fmt: skip
    assert session.closed


# ---- TLS


def test_what_came_before_the_handshake_is_thrown_away():
    session = session_on(store_with(), b"")
    assert say(session, b"USER amy\r\nSTLS\r\nPASS secret\r\nSTAT\r\n").count(b"+OK") == 2
    assert session.upgrade
    assert say(session, LOGIN) == b""
    session.tls_started()
    assert not session.upgrade
    assert say(session, b"PASS secret\r\n").startswith(b"-ERR")
    assert say(session, LOGIN).count(b"+OK") == 2


def test_stls_is_refused_where_tls_is_on():
    session = session_on(store_with(), b"", secure=True)
    assert say(session, b"STLS\r\n") == b"-ERR TLS is on already\r\n"
    assert b"STLS" not in say(session, b"CAPA\r\n")


@pytest.fixture
def server():
    with MailServer([LETTER % 1], password="secret") as server:
        yield server


def over_tls(server, host="localhost", **limits):
    """Connect to the port with TLS from the start; the client insists on being told of the end of TLS."""
    context = ssl.create_default_context(cadata=server.authority)
    context.set_ciphers(limits.pop("ciphers", "DEFAULT"))
    for name, value in limits.items():
        setattr(context, name, value)
    line = socket.create_connection(server.pop3s, timeout=PATIENCE)
    try:
        return context.wrap_socket(line, server_hostname=host, suppress_ragged_eofs=False)
    except OSError:
        line.close()
        raise


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_later_are_known(server, version):
    """RFC 8314 §4."""
    with over_tls(server, minimum_version=version, maximum_version=version) as line:
        assert line.version() == version.name.replace("_", ".")
        assert line.recv(999).startswith(b"+OK")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_older_tls_is_refused(server):
    """RFC 8314 §4, §4.1."""
    tls = server._engine.call(server._engine.tls)
    assert tls.server.minimum_version == tls.client.minimum_version == ssl.TLSVersion.TLSv1_2
    with pytest.raises(OSError):  # noqa: PT011  what it says depends on OpenSSL
        over_tls(server, minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1,
                 ciphers="ALL:@SECLEVEL=0")  # fmt: skip


@pytest.mark.parametrize("suite", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"])
def test_recommended_cipher_suites_are_known(server, suite):
    """RFC 8314 §4: those of BCP 195 (now RFC 9325 §4.2) that go with the certificate's kind of key."""
    with over_tls(server, maximum_version=ssl.TLSVersion.TLSv1_2, ciphers=suite) as line:
        assert line.cipher()[0] == suite


def test_cipher_suites_that_should_not_be_are_not_known(server):
    """RFC 8314 §4; RFC 9325 §4.1: no encryption, RC4, export, less than 112 bits."""
    suites = server._engine.call(server._engine.tls).server.get_ciphers()
    assert min(suite["strength_bits"] for suite in suites) >= 128
    assert [suite["name"] for suite in suites if re.search("NULL|RC4|EXP|DES|MD5|anon", suite["name"])] == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "mail.example.org"])
def test_the_certificate_is_valid_for_each_name(server, host):
    """RFC 8314 §4.4."""
    with over_tls(server, host) as line:
        assert line.recv(999).startswith(b"+OK")
    with pytest.raises(ssl.SSLCertVerificationError):
        over_tls(server, "mail.example.net")


def test_no_certificate_of_the_client_is_asked_for(server):
    """RFC 8314 §4.2."""
    assert server._engine.call(server._engine.tls).server.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize(
    "said",
    [b"QUIT\r\n", LOGIN + b"QUIT\r\n", b"USER amy\r\nPASS wrong\r\n" * 3],
    ids=["quit-at-once", "quit-after-login", "too-many-failures"],
)
def test_tls_is_ended_before_the_line(server, said):
    """RFC 8314 §3.4."""
    with over_tls(server) as line:
        line.sendall(said)
        answer = b""
        while octets := line.recv(999):  # without the close alert it would raise SSLEOFError
            answer += octets
        assert answer.count(b"\r\n") == said.count(b"\r\n") + 1


@pytest.mark.parametrize("begin", ["pop3s", "STLS"])
def test_the_end_of_tls_is_the_end_of_the_session(server, begin):
    """RFC 2595 §2.2: nothing goes on in the clear, and nothing is removed."""
    if begin == "STLS":
        line = socket.create_connection(server.pop3, timeout=PATIENCE)
        line.recv(999)
        line.sendall(b"STLS\r\n")
        assert line.recv(999).startswith(b"+OK")
        line = server.ssl_context.wrap_socket(line, server_hostname="localhost")
    else:
        line = over_tls(server)
    with line, line.makefile("rb") as answers:
        line.sendall(LOGIN + b"DELE 1\r\n")
        assert any(b"marked" in answer for answer in answers)
        with line.unwrap() as clear:
            assert clear.recv(999) == b""
    server.wait_for_hang_up()
    assert [letter.uid for letter in server.snapshot().mailbox("amy").letters] == [1]


# ---- messages on the wire


def unstuffed(answer):
    """Read a multi-line answer as RFC 1939 §3 tells clients to."""
    _, _, rest = answer.partition(b"\r\n")
    octets = b""
    while True:
        line, end, rest = rest.partition(b"\r\n")
        assert end, "the answer has no end"
        if line == b".":
            assert rest == b""
            return octets
        octets += line.removeprefix(b".") + b"\r\n"


@given(st.lists(st.sampled_from([b".", b"a", b"\r\n", b"..", b" "])).map(b"".join))
def test_a_client_gets_back_what_was_stored(octets):
    got = unstuffed(b"".join(multi_line("message follows", octets)))
    assert got == octets if octets.endswith(b"\r\n") or not octets else octets + b"\r\n"


@pytest.mark.parametrize("shift", range(-3, 4))
@pytest.mark.parametrize("unit", [b"\r\n.", b".", b"\r\n", b"\n.", b"x"])
def test_long_answers_come_in_chunks_that_do_not_cut_a_dot_from_its_line_end(unit, shift):
    octets = b"y" * (CHUNK + shift - 20) + unit * 20 + b"z" * CHUNK + b"\r\n"
    chunks = list(multi_line("message follows", octets))
    assert len(chunks) == 3
    assert all(len(chunk) < CHUNK + 50 for chunk in chunks)
    whole = (b"+OK message follows\r\n" + octets).replace(b"\n.", b"\n..") + b".\r\n"
    assert b"".join(chunks) == whole


def test_a_bare_line_feed_cannot_end_an_answer_early():
    answer = b"".join(multi_line("message follows", b"a\n.\nb\r\n"))
    assert b"\n.\n" not in answer


@pytest.mark.parametrize("lines", [1, 5_000, 99_999])
def test_top_counts_no_line_again_and_again(lines):
    letter = counting(b"A: b\r\n\r\n" + b"\r\n" * 100_000)
    assert top(letter, lines) == b"A: b\r\n\r\n" + b"\r\n" * lines
    assert letter.looked_through < 2.1 * len(letter)


def test_top_of_odd_messages():
    assert top(b"", 3) == b""
    assert top(b"Only: header", 0) == b"Only: header"
    assert top(b"\r\nbody\r\n", 0) == b"\r\n"
    assert top(b"A: b\n\none\ntwo\n", 1) == b"A: b\n\none\n"
    assert top(b"A: b\r\n\r\none", 10**100) == b"A: b\r\n\r\none"
    for lines, seen in enumerate([b"", b"1\n", b"1\n2\r\n", b"1\n2\r\n3", b"1\n2\r\n3"]):
        assert top(b"\n1\n2\r\n3", lines) == b"\n" + seen


# ---- fuzzing: in the weekly run (MAILKIT_LONG) about a million inputs

word = st.sampled_from([*COMMANDS, "APOP", "FROG", "amy", "ben", "secret", "PLAIN", "AGFteQBzZWNyZXQ=", "*", "="])
number = st.integers(-1, 5).map(str)
command = st.lists(st.one_of(word, number), max_size=4).map(lambda words: " ".join(words).encode() + b"\r\n")
rubbish = st.binary(max_size=40)
inputs = st.lists(st.one_of(command, command, rubbish, st.just(LOGIN), st.just(b"\r\n")), max_size=30)


@settings(max_examples=100_000 if os.environ.get("MAILKIT_LONG") else 60, deadline=None)
@given(inputs, st.booleans())
def test_no_octets_bring_a_session_down(octets, secure):
    store = store_with()
    session = Pop3Session(store, Settings(max_failed_logins=99), secure=secure)
    for one in octets:
        before, marks = set(uids(store)), session.snapshot().marks
        answer = say(session, one)
        assert b"[SYS/TEMP]" not in answer
        assert answer == b"" or answer.endswith(b"\r\n")
        gone = before - set(uids(store))
        assert gone == (marks if session.state is State.UPDATE else set())
        if session.upgrade:
            session.tls_started()
    session.end()
    assert session_on(store, LOGIN).state is State.TRANSACTION


def test_too_many_mistakes_before_a_login_end_the_session():
    session = session_on(store_with(), b"GET / HTTP/1.1\r\n\r\n", settings=Settings(max_mistakes=3))
    assert not session.closed
    said = say(session, b"STAT\r\nQUIT\r\n")
    assert said.startswith(b"-ERR STAT is not valid")
    assert said.endswith(b" After 3 mistakes before a login the server hangs up; connect again\r\n")
    assert session.closed
