"""The POP3 session by itself: what conversations cannot show, and that no octets bring it down."""

import base64
import doctest
import logging
import os
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailkit import pop3 as pop3_module
from mailkit.mailbox import Store
from mailkit.pop3 import ARGUMENTS, CHUNK, COMMANDS, MAX_COMMAND, Pop3Session, State, multi_line, top
from mailkit.settings import Settings

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
    arguments = RIGHT.get(keyword, "secret" if keyword == "PASS" else "1" if keyword in ARGUMENTS else "")
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
    names = ARGUMENTS.get(keyword, [])
    assert (least, count) == (sum(not name.startswith("[") for name in names), len(names))


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
    store.add_account("eve", "x" * 300)
    session = session_on(store, b"AUTH PLAIN\r\n", settings=Settings(max_line=1000))
    credentials = base64.b64encode(b"\0eve\0" + b"x" * 300)
    assert say(session, credentials + b"\r\n").startswith(b"+OK")


def test_an_answer_line_is_never_longer_than_512_octets():
    session = session_on(store_with(), b"")
    for line in (b"\xff" * 250, b"x" * 250, b"USER " + b"\xe9" * 240, b"RETR " + b"\x00" * 240):
        for answer in (say(session, line + b"\r\n"), say(session_on(store_with()), line + b"\r\n")):
            assert answer.endswith(b"\r\n")
            assert len(answer) <= 512
            assert answer.isascii()


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
    for _ in session.receive(b"QUIT\r\n"):
        assert session.closed
        assert session.state is State.UPDATE
        assert uids(store) == [1, 3]
        assert store.accounts["amy"].lock_maildrop(object())


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
    assert answer == b"-ERR [AUTH] wrong name or password; that was one failed login too many: goodbye\r\n"
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


def test_expire_never():
    assert b"\r\nEXPIRE NEVER\r\n" in say(session_on(store_with(), b"", settings=Settings(expire="NEVER")), b"CAPA\r\n")


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


def test_top_of_odd_messages():
    assert top(b"", 3) == b""
    assert top(b"Only: header", 0) == b"Only: header"
    assert top(b"\r\nbody\r\n", 0) == b"\r\n"
    assert top(b"A: b\n\none\ntwo\n", 1) == b"A: b\n\none\n"
    assert top(b"A: b\r\n\r\none", 10**100) == b"A: b\r\n\r\none"


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
        assert gone == (marks if session.state is State.UPDATE and gone else set())
        if session.upgrade:
            session.tls_started()
    session.end()
    assert session_on(store, LOGIN).state is State.TRANSACTION


def test_too_many_mistakes_before_a_login_end_the_session():
    session = session_on(store_with(), b"GET / HTTP/1.1\r\n\r\n", settings=Settings(max_mistakes=3))
    assert not session.closed
    assert say(session, b"STAT\r\nQUIT\r\n").startswith(b"-ERR STAT is not valid")
    assert session.closed
