"""A message on its way in by SMTP: however it is cut, its end is found, and nothing is taken for it that is not."""

import asyncio
import os
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailkit.incoming import Incoming
from mailkit.server import fixed_clock
from mailkit.settings import Settings
from mailkit.smtp import SmtpSession
from mailkit.store import Store
from tests.effort import counting

SMALL = Settings(max_line=20, max_message=60)
RIGHT = st.lists(st.text(alphabet=".ab \x00é", max_size=7).map(str.encode), max_size=8)
ANY = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"\r\n", b".", b"a", b"x" * 19, b"QUIT"]), max_size=30).map(
    b"".join
)
CUTS = st.lists(st.integers(1, 9), min_size=1)


def taken(octets, cuts, limits):
    """Take octets in, cut into pieces of these sizes over and over; return message, refusal, and what is left."""
    incoming, at, turn = Incoming(limits), 0, 0
    while at < len(octets):
        size = cuts[turn % len(cuts)]
        rest = incoming.take(octets[at : at + size])
        at, turn = at + size, turn + 1
        if rest is not None:
            return incoming.octets if not incoming.refusal else None, incoming.refusal, rest + octets[at:]
    return None, incoming.refusal, None


@given(RIGHT, CUTS)
@example([b".", b"..", b""], [1])
@example([b"x" * 18] * 3, [1])
@example([b"." + b"x" * 17] * 3, [60])  # just as large as a message may be, however many dots are doubled
def test_a_message_comes_out_as_it_was_written(lines, cuts):
    text = b"".join(line + b"\r\n" for line in lines)
    stuffed = re.sub(rb"(?m)^\.", b"..", text) + b".\r\n"
    message, refusal, rest = taken(stuffed + b"NOOP\r\n.\r\n", cuts, SMALL)
    if len(text) > SMALL.max_message:
        assert refusal.startswith("552 5.3.4 ")
    else:
        assert (message, refusal) == (text, "")
    assert rest == b"NOOP\r\n.\r\n"


def test_doubled_dots_are_counted_once_however_the_message_comes():
    limits = Settings(max_message=3_000)
    incoming = Incoming(limits)
    incoming._text = text = counting(incoming._text)
    for _ in range(1_000):  # of 3 octets without the dot that was doubled
        for octet in b"..\r\n":
            incoming.take(bytes([octet]))
    assert not incoming.refusal
    assert text.looked_through < 2 * len(text)
    incoming.take(b"..\r\n")
    assert incoming.refusal.startswith("552 ")


def judged(octets):
    """Say what is to become of octets after DATA, line by line: the message, the kinds of refusal, what is left."""
    text, kinds, at = b"", set(), 0
    for line in re.findall(rb"(?s).*?\r\n", octets):
        at += len(line)
        if line == b".\r\n":
            return (None if kinds else text), kinds, octets[at:]
        text += line.removeprefix(b".")
        if any(len(one) > SMALL.max_line for one in re.findall(rb"[^\n]*\n", line)):
            kinds.add("500")
        if len(text) > SMALL.max_message:
            kinds.add("552")
        if re.search(rb"[\r\n]", line[:-2]):
            kinds.add("554")
    return None, None, None


@pytest.mark.slow
@settings(max_examples=100_000 if os.environ.get("MAILKIT_LONG") else 300, deadline=None)
@given(ANY, CUTS)
def test_an_end_is_found_where_it_is_and_nowhere_else(octets, cuts):
    expected, kinds, left = judged(octets)
    message, refusal, rest = taken(octets, cuts, SMALL)
    assert rest == left
    if rest is not None:
        assert message == expected
        assert refusal[:3] in (kinds or {""})


COMMANDS = st.sampled_from(
    [
        *(
            b"EHLO a",
            b"HELO [1]",
            b"MAIL FROM:<ben@example.net> SIZE=9",
            b"RCPT TO:<amy>",
            b"RCPT TO:<zoe@example.net>",
        ),
        *(b"DATA", b"Subject: x", b".", b"..", b"RSET", b"NOOP", b"QUIT", b"VRFY x", b"EXPN x", b"HELP mail"),
        *(b"AUTH PLAIN", b"AUTH LOGIN", b"AGFteQBzZWNyZXQ=", b"*", b"STARTTLS", b"x" * 50, b"\xff\xfe", b"a\rb", b""),
    ]
)
LINES = COMMANDS.map(lambda one: one + b"\r\n")
TRANSACTION = b"EHLO a\r\nMAIL FROM:<ben@example.net>\r\nRCPT TO:<amy>\r\nDATA\r\n"
LOGIN = b"EHLO a\r\nAUTH PLAIN AGFteQBzZWNyZXQ=\r\n"
INPUTS = st.lists(st.one_of(LINES, st.sampled_from([TRANSACTION, LOGIN, b".\r\n"]), st.binary(max_size=9)), max_size=30)


@pytest.mark.slow
@settings(max_examples=100_000 if os.environ.get("MAILKIT_LONG") else 150, deadline=None)
@given(INPUTS, st.booleans())
def test_no_octets_bring_a_session_down(octets, secure):
    """Each reply is one, and the mailbox has as many letters as were told to be accepted."""
    store = Store("example.org", fixed_clock)
    amy = store.add_account("amy", "secret")
    session = SmtpSession(store, Settings(max_line=40, max_message=200, max_failed_logins=99), secure=secure)
    said = session.greeting()
    for one in octets:
        answer = b"".join(session.receive(one))
        while session.errand:
            answer += asyncio.run(session.errand()) + b"".join(session.receive(b""))
        said += answer
        if session.upgrade:
            session.tls_started()
    assert re.fullmatch(rb"(?:[2-5]\d\d[ -][ -~]*\r\n)+", said)
    assert b"451 " not in said
    assert said.count(b"250 2.6.0 ") == len(amy.inbox)
    session.end()
