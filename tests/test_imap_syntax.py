"""IMAP's grammar by examples and by properties."""

import re
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.imap.mailboxes import matches
from mailkit.imap.syntax import (
    Arguments,
    BadSyntax,
    Command,
    astring,
    decode_name,
    encode_name,
    number_set,
    quote,
    spans,
    write_date_time,
)
from mailkit.mailbox import MailboxError


def read(text, *literals):
    return Arguments(Command(text, list(literals)))


@given(st.text())
def test_every_name_survives_modified_utf_7(name):
    encoded = encode_name(name)
    assert re.fullmatch(rb"[ -~]*", encoded)
    assert decode_name(encoded) == name


@pytest.mark.parametrize(
    ("encoded", "name"),
    [
        (b"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),
        (b"&-", "&"),
        (b"&2D3eCw-", "😋"),
        (b"a&AOk-&-", "aé&"),
    ],
)
def test_modified_utf_7(encoded, name):
    assert (decode_name(encoded), encode_name(name)) == (name, encoded)


@pytest.mark.parametrize(
    "wrong", [b"&Jjo!", b"&", b"&AA-", b"&U,BTFw-&ZeVnLIqe-", b"&AEE-", b"\xe9", b"&AOk", b"&2D0-", b"&A-", b"&AOl=-"]
)
def test_names_not_in_their_one_right_form(wrong):
    with pytest.raises(MailboxError, match="modified UTF-7"):
        decode_name(wrong)
    with pytest.raises(MailboxError, match="modified UTF-7"):
        decode_name(read(quote(wrong) if b"\xe9" not in wrong else b"{1}\r\n", wrong).astring())


@given(st.binary(max_size=30).filter(lambda octets: b"\0" not in octets))
def test_a_string_written_can_be_read(octets):
    for write in (quote, astring):
        written = write(octets)
        head, found, content = written.partition(b"}\r\n")
        if head.startswith(b"{") and found:
            assert int(head[1:]) == len(content)
            assert content == octets
        else:
            arguments = read(written)
            assert arguments.astring() == octets
            arguments.end()


def test_nil_as_a_name_is_quoted():
    assert astring(b"NIL") == b'"NIL"'
    assert read(b"NIL").nstring() is None
    assert read(b'"NIL"').nstring() == b"NIL"


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=9))
def test_spans_hold_what_the_set_holds(pairs):
    held = {number for a, b in pairs for number in range(min(a, b), max(a, b) + 1)}
    merged = spans(list(pairs), 30)
    assert {number for low, high in merged for number in range(low, high + 1)} == held
    assert all(one[1] + 1 < other[0] for one, other in pairwise(merged))
    assert read(number_set(sorted(held))).sequence_set() == merged


@pytest.mark.parametrize("wrong", [b"", b"0", b"1,", b",1", b"1:", b":1", b"a", b"1:2:3", b"01", b"4294967296", b"*1"])
def test_sets_that_are_none(wrong):
    def whole():
        arguments = read(wrong)
        arguments.sequence_set()
        arguments.end()

    with pytest.raises(BadSyntax):
        whole()


@given(st.datetimes(min_value=datetime(1900, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_a_date_written_can_be_read(when, zone):
    moment = when.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=zone)))
    assert read(write_date_time(moment)).date_time() == moment


def test_dates():
    assert read(b"1-Feb-1994").date() == date(1994, 2, 1)
    assert read(b'"01-feb-1994"').date() == date(1994, 2, 1)
    assert write_date_time(datetime(2026, 3, 2)) == b'" 2-Mar-2026 00:00:00 +0000"'
    assert read(b'" 2-Mar-2026 00:00:00 +0000"').date_time() == datetime(2026, 3, 2, tzinfo=UTC)


def test_numbers_may_begin_with_noughts():
    """RFC 3501 §9 number: 1*DIGIT, of 32 bits."""
    assert read(b"0" * 30 + b"12").number() == 12
    assert read(b"4294967295").number() == 2**32 - 1
    for wrong in (b"4294967296", b"9" * 5000):
        with pytest.raises(BadSyntax):
            read(wrong).number()


def test_the_year_0_and_a_leap_second_are_as_near_as_python_has_them():
    assert read(b"1-Feb-0000").date() == date(1, 2, 1)
    assert read(b'"31-Dec-2016 23:59:60 +0000"').date_time() == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("wrong", [b"1-Foo-2026", b'"1-Feb-2026', b"2026-02-01"])
def test_what_is_no_date_is_bad(wrong):
    with pytest.raises(BadSyntax):
        read(wrong).date()
    with pytest.raises(BadSyntax):
        read(b'"%b 10:00:00 +0000"' % wrong).date_time()


@pytest.mark.parametrize(
    "wrong", [b"31-Feb-2026 10:00:00 +0000", b" 1-Feb-2026 25:00:00 +0000", b" 1-Feb-2026 10:00:00 +9900"]
)
def test_a_date_that_never_was_is_refused(wrong):
    """RFC 3501 §6.3.11: NO to an error in the date; the line is well-formed."""
    with pytest.raises(MailboxError, match=r"^there is no such date, time or zone$"):
        read(b'"' + wrong + b'"').date_time()


@given(st.text("ab/*%", max_size=9), st.text("ab/", max_size=9))
def test_patterns_match_as_a_regular_expression_would(pattern, name):
    expression = "".join({"*": ".*", "%": "[^/]*"}.get(letter, letter) for letter in pattern)
    assert matches(pattern, name) is bool(re.fullmatch(expression, name))


def test_a_pattern_takes_as_many_steps_as_it_has_characters_and_the_name():
    """Else one LIST could hold all others up (RFC 3501 §6.3.8: "without undue delay")."""
    steps = 0

    def count(frame, event, argument):
        nonlocal steps
        steps += event == "line"
        return count

    usual = sys.gettrace()
    sys.settrace(count)
    try:
        assert matches("%" * 1500, "a" * 1362)
    finally:
        sys.settrace(usual)
    assert steps < 10 * (1500 + 1362)


def test_backslashes_in_quoted_strings():
    assert Arguments(Command(rb'"a\"b\\c"')).astring() == rb'a"b\c'
    assert astring(b"nil") == b'"nil"'
