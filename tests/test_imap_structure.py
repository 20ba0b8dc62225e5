"""What FETCH and SEARCH read out of a message, beside RFC 3501 §6.4.5, §7.4.2 and §8."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

import pytest

from mailkit.imap import mime
from mailkit.imap.address import addresses
from mailkit.imap.mime import MAX_DEPTH, MAX_HEADER, MAX_PARTS, MAX_VALUE, media_type, parse
from mailkit.imap.structure import body, envelope, header_values, nstring, searchable, section, sent_date
from mailkit.message import Message
from tests.effort import counting
from tests.patience import PATIENCE


def message(text: str | bytes) -> Message:
    octets = text.encode() if isinstance(text, str) else text
    return Message(1, octets.replace(b"\n", b"\r\n"), datetime(2026, 3, 2, tzinfo=UTC))


# The message that the sample connection of RFC 3501 §8 fetches.
MINUTES = message(
    """Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)
From: Terry Gray <gray@cac.washington.edu>
Subject: IMAP4rev1 WG mtg summary and minutes
To: imap@cac.washington.edu
cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>
Message-Id: <B27397-0100000@cac.washington.edu>
MIME-Version: 1.0
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII

"""
    + "It was decided to meet again.\n" * 92
)


def test_envelope_of_the_rfc():
    """RFC 3501 §8; the list of two addresses has no blank in it, as the grammar of §9 wants."""
    assert envelope(MINUTES) == (
        b'("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'((NIL NIL "imap" "cac.washington.edu")) '
        b'((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL '
        b'"<B27397-0100000@cac.washington.edu>")'
    )


def test_body_of_the_rfc():
    """RFC 3501 §8: type, subtype, parameters, id, description, encoding, octets, lines."""
    assert body(MINUTES, False) == b'("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7bit" 2852 92)'
    assert body(MINUTES, True) == body(MINUTES, False)[:-1] + b" NIL NIL NIL NIL)"


def test_header_of_the_rfc():
    """RFC 3501 §8 fetches ``body[header]``; the blank line is part of it."""
    header = section(MINUTES, (), "HEADER")
    assert header is not None
    assert header.endswith(b"CHARSET=US-ASCII\r\n\r\n")
    assert header + (section(MINUTES, (), "TEXT") or b"") == section(MINUTES, (), "") == MINUTES.octets


def test_two_parts_of_the_rfc():
    """RFC 3501 §7.4.2: a text, and a text as an attachment."""
    two = message(
        """MIME-Version: 1.0
Content-Type: MULTIPART/MIXED; BOUNDARY=x

--x
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII
Content-Transfer-Encoding: 7BIT

text
--x
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII; NAME="cc.diff"
Content-ID: <960723163407.20117h@cac.washington.edu>
Content-Description: Compiler diff
Content-Transfer-Encoding: BASE64

ZGlmZg==
--x--
"""
    )
    assert body(two, False) == (
        b'(("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 4 0)'
        b'("TEXT" "PLAIN" ("CHARSET" "US-ASCII" "NAME" "cc.diff") '
        b'"<960723163407.20117h@cac.washington.edu>" "Compiler diff" "BASE64" 8 0) "MIXED")'
    )


# The complex message of RFC 3501 §6.4.5; each part says its number.
COMPLEX = message(
    """Subject: outermost
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=A

--A
Content-Type: text/plain

part 1
--A
Content-Type: application/octet-stream

part 2
--A
Content-Type: message/rfc822

Subject: message 3
Content-Type: multipart/mixed; boundary=B

--B
Content-Type: text/plain

part 3.1
--B
Content-Type: application/octet-stream

part 3.2
--B--
--A
Content-Type: multipart/mixed; boundary=C

--C
Content-Type: image/gif

part 4.1
--C
Content-Type: message/rfc822

Subject: message 4.2
Content-Type: multipart/mixed; boundary=D

--D
Content-Type: text/plain

part 4.2.1
--D
Content-Type: multipart/alternative; boundary=E

--E
Content-Type: text/plain

part 4.2.2.1
--E
Content-Type: text/richtext

part 4.2.2.2
--E--
--D--
--C--
--A--
"""
)


@pytest.mark.parametrize("number", ["1", "2", "3.1", "3.2", "4.1", "4.2.1", "4.2.2.1", "4.2.2.2"])
def test_part_numbers_of_the_rfc(number):
    path = tuple(map(int, number.split(".")))
    assert section(COMPLEX, path, "") == b"part " + number.encode()


def test_headers_and_texts_of_the_rfc():
    """HEADER and TEXT are of a message, MIME is of any part."""
    assert section(COMPLEX, (3,), "HEADER") == (
        b"Subject: message 3\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n"
    )
    assert (section(COMPLEX, (3,), "TEXT") or b"").startswith(b"--B\r\n")
    assert section(COMPLEX, (4, 1), "MIME") == b"Content-Type: image/gif\r\n\r\n"
    assert (section(COMPLEX, (4, 2), "HEADER") or b"").startswith(b"Subject: message 4.2\r\n")
    assert (section(COMPLEX, (4, 2), "TEXT") or b"").startswith(b"--D\r\n")
    assert (section(COMPLEX, (4, 2, 2), "") or b"").startswith(b"--E\r\n")


@pytest.mark.parametrize(
    ("path", "kind"),
    [((5,), ""), ((0,), ""), ((1, 1), ""), ((3, 3), ""), ((1,), "HEADER"), ((4,), "TEXT"), ((9,), "MIME")],
)
def test_what_is_not_there_is_nil(path, kind):
    assert section(COMPLEX, path, kind) is None


def test_a_simple_message_has_a_part_1():
    """RFC 3501 §6.4.5: every message has at least one part number."""
    assert section(MINUTES, (1,), "") == section(MINUTES, (), "TEXT")
    assert section(MINUTES, (1,), "MIME") == section(MINUTES, (), "HEADER")
    assert section(MINUTES, (2,), "") is None


def test_header_fields():
    """Names in any case, in the order of the header, folds and all; the blank line stays."""
    one = message("To: a\nSubject: b\n c\nX: y\nto: d\n\ntext")
    assert section(one, (), "HEADER.FIELDS", ("TO", "subject", "none")) == b"To: a\r\nSubject: b\r\n c\r\nto: d\r\n\r\n"
    assert section(one, (), "HEADER.FIELDS.NOT", ("TO", "subject")) == b"X: y\r\n\r\n"
    assert section(one, (), "HEADER.FIELDS", ("none",)) == b"\r\n"
    assert section(COMPLEX, (3,), "HEADER.FIELDS", ("Subject",)) == b"Subject: message 3\r\n\r\n"


@pytest.mark.parametrize("text", ["", "Subject: a\n", "Subject: a", "X: y\nSubject: a\n"])
def test_no_blank_line_is_told_where_none_is(text):
    """RFC 3501 §6.4.5: "except in the case of a message which has no body and no blank line"."""
    one, inner = message(text), message("MIME-Version: 1.0\nContent-Type: message/rfc822\n\n" + text)
    fields = text.removeprefix("X: y\n").replace("\n", "\r\n").encode()
    for told, path in ((one, ()), (inner, (1,))):
        assert section(told, path, "HEADER.FIELDS", ("Subject",)) == fields
        assert section(told, path, "HEADER.FIELDS", ("none",)) == b""
        assert section(told, path, "HEADER.FIELDS.NOT", ("x",)) == fields


def test_bodystructure_of_a_message_in_a_message():
    """RFC 3501 §7.4.2: an encapsulated message's ENVELOPE and body structure, and its size in lines."""
    outer = message("Content-Type: message/rfc822\n\nSubject: inner\n\none\ntwo\n")
    assert body(outer, False) == (
        b'("message" "rfc822" NIL NIL NIL "7bit" 28 (NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) '
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 2) 4)'
    )


def test_bodystructure_extension_data():
    """MD5, disposition, language, location of a part; parameters instead of MD5 of a multipart."""
    part = message(
        "MIME-Version: 1.0\nContent-Type: image/png\nContent-MD5: abc==\nContent-Language: en, de\n"
        'Content-Disposition: attachment; filename="a b.png"\nContent-Location: http://example.org/\n\nx'
    )
    assert body(part, True) == (
        b'("image" "png" NIL NIL NIL "7bit" 1 "abc==" ("attachment" ("filename" "a b.png")) ("en" "de") '
        b'"http://example.org/")'
    )
    multipart = message("Content-Type: multipart/mixed; boundary=b\nContent-Disposition: inline\n\n--b\n\nx\n--b--\n")
    assert body(multipart, True).endswith(b' "mixed" ("boundary" "b") ("inline" NIL) NIL NIL)')


def test_no_mime_version_and_no_type_means_no_mime():
    """RFC 2045 §4: without MIME-Version the other fields mean nothing; Content-Type alone is forgiven."""
    assert b'"7bit"' in body(message("Content-Transfer-Encoding: base64\n\nx"), False)
    assert b'"base64"' in body(message("MIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\nx"), False)


def test_digest_defaults_to_messages():
    """RFC 2046 §5.1.5."""
    digest = message("Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: in\n\nx\n--b--\n")
    assert body(digest, False).startswith(b'(("message" "rfc822" NIL NIL NIL "7bit" 16 (NIL "in" ')
    assert section(digest, (1, 1), "") == b"x"


def test_a_boundary_may_begin_with_another():
    """RFC 2046 §5.1.2: the longest boundary that fits is meant."""
    nested = message(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=bb\n\n"
        "--bb\n\nin\n--bb--\n--b\n\nout\n--b--\n"
    )
    assert [section(nested, path, "") for path in ((1, 1), (2,))] == [b"in", b"out"]


def test_the_line_end_before_a_delimiter_is_the_delimiters():
    """RFC 2046 §5.1.1."""
    parts = message("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n\n--b\n\n--b--\n")
    assert [section(parts, (number,), "") for number in (1, 2)] == [b"x\r\n", b""]
    for kind, end, last in (
        ("multipart/mixed; boundary=in", "--out", ""),
        ("multipart/mixed; boundary=in", "\n--out", "\r\n"),
        ("multipart/mixed; boundary=in", "\n--in\n\n--in--\n--out", "\r\n\r\n"),
        ("message/rfc822", "--out", ""),
    ):
        inner = f"--out\nContent-Type: {kind}\n{end}--\n"
        whole = message("Content-Type: multipart/mixed; boundary=out\n\n" + inner)
        assert section(whole, (1,), "MIME") == f"Content-Type: {kind}{last}".encode()


@pytest.mark.parametrize("end", ["", "--b", "--b--", "--b--\n", "--b--\nepilogue"])
def test_a_missing_end_ends_nothing_else(end):
    parts = message("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n" + end)
    assert section(parts, (1,), "") == (b"x" if end else b"x\r\n")


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("", b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0)'),
        ("Subject: a", b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0)'),
        ("Content-Type: \n\nx", b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0)'),
        (
            "Content-Type: multipart/mixed\n\n--b\n\nx\n--b--\n",
            b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed")',
        ),
    ],
)
def test_body_of_hardly_anything(text, types):
    assert body(message(text), False) == types


def test_what_is_nested_too_deep_is_not_opened():
    deep = message("Content-Type: message/rfc822\n\n" * (MAX_DEPTH + 5) + "x")
    assert body(deep, True).count(b'"rfc822"') == MAX_DEPTH
    assert b'"application" "octet-stream"' in body(deep, True)


def test_a_multipart_without_parts_has_the_one_that_its_structure_tells():
    for header in ("multipart/mixed", "multipart/mixed; boundary=b"):
        empty = message(f"Content-Type: {header}\n\n--c\n\nx\n")
        assert body(empty, False).startswith(b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed"')
        assert (section(empty, (1,), ""), section(empty, (1,), "MIME"), section(empty, (2,), "")) == (b"", b"", None)


def test_an_empty_boundary_is_one():
    """It is none of RFC 2046 §5.1.1, but programs write it, and Dovecot takes it."""
    odd = message('Content-Type: multipart/mixed; boundary=""\n\n--\n\nhello\n----\n')
    assert section(odd, (1,), "") == b"hello"
    assert searchable(odd)[1] == "hello"


@pytest.mark.slow
def test_what_has_too_many_parts_ends():
    many = message("Content-Type: multipart/mixed; boundary=b\n\n" + "--b\n\n" * (MAX_PARTS + 5))
    assert len(parse(many).children) < MAX_PARTS


def test_a_letter_of_long_fields_ends_as_one_of_many_parts():
    """Else others would wait half a minute until the parameters of all its parts were taken apart."""
    part = f"--b\nContent-Type: text/plain; a={'x' * 20_000}\n\n"
    assert len(parse(message("Content-Type: multipart/mixed; boundary=b\n\n" + part * 60)).children) < 60


def test_fields_are_looked_for_where_a_header_may_be():
    """A million fields would take seconds, and more room than the letter has."""
    for room, found in ((MAX_HEADER - 99, 1), (MAX_HEADER, 0)):
        late = message(f"X: {'y' * room}\nSubject: late\n\ntext")
        assert envelope(late).count(b"late") == found
        assert header_values(late, "Subject") == ["late"] * found


def test_a_boundary_that_never_comes_ends_with_what_it_is_in():
    """RFC 2046 §5.1.2: the outer delimiter ends an inner multipart that was never closed, or never begun."""
    inner = "--out\nContent-Type: multipart/mixed; boundary=outer\n\nnothing\n"
    root = parse(
        message("Content-Type: multipart/mixed; boundary=out\n\n" + inner * 3 + "--out--\n\n--outer\n\nlate\n")
    )
    assert [[(one.start, one.end) for one in child.children] for child in root.children] == [
        [(child.end, child.end)] for child in root.children
    ]
    nested = "--out\nContent-Type: multipart/mixed; boundary=outer\n\n--outer\n\ntext\n"
    root = parse(message("Content-Type: multipart/mixed; boundary=out\n\n" + nested * 2 + "--out--\n"))
    assert [len(child.children) for child in root.children] == [1, 1]


def test_envelope_of_empty_and_repeated_fields():
    """RFC 3501 §7.4.2: absent is NIL, present and empty is an empty string; addresses of all fields count."""
    assert envelope(message("Subject:\nTo:\nFrom: a@b\nFrom: c@d\nSender:\n\n")) == (
        b'(NIL "" ((NIL NIL "a" "b")(NIL NIL "c" "d")) ((NIL NIL "a" "b")(NIL NIL "c" "d")) '
        b'((NIL NIL "a" "b")(NIL NIL "c" "d")) NIL NIL NIL NIL NIL)'
    )


def test_envelope_unfolds():
    said = envelope(message("Date: a\n b\nSubject: one\n\ttwo\n   three \nMessage-ID:\n <x>\n\n"))
    assert said.startswith(b'("a b" "one\ttwo   three" ')
    assert said.endswith(b'" <x>")')


@pytest.mark.parametrize(
    ("value", "listed"),
    [
        ("Amy <amy@example.org>", [("Amy", None, "amy", "example.org")]),
        ("amy@example.org (Amy (A.) Example)", [("Amy (A.) Example", None, "amy", "example.org")]),
        ('"a \\"b\\"" <"x y"@example.org>', [('a "b"', None, "x y", "example.org")]),
        ("<@a.example,@b.example:c@d.example>", [(None, "@a.example,@b.example", "c", "d.example")]),
        ("a@[192.0.2.1]", [(None, None, "a", "[192.0.2.1]")]),
        (
            "friends: a@b, C <c@d>;, e@f",
            [
                (None, None, "friends", None),
                (None, None, "a", "b"),
                ("C", None, "c", "d"),
                (None, None, None, None),
                (None, None, "e", "f"),
            ],
        ),
        ("nobody:;", [(None, None, "nobody", None), (None, None, None, None)]),
        ("", []),
        (" ,, ", []),
        ("amy", [(None, None, "amy", "MISSING_DOMAIN")]),
        ("Amy Example", [("Amy Example", None, "MISSING_MAILBOX", "MISSING_DOMAIN")]),
        ("<a@b> c, d@e", [(None, None, "a", "b"), (None, None, "d", "e")]),
        ("group: a@b", [(None, None, "group", None), (None, None, "a", "b"), (None, None, None, None)]),
    ],
)
def test_addresses(value, listed):
    """RFC 5322 §3.4 and §4.4, and what people write."""
    expected = [tuple(text.encode() if text is not None else None for text in one) for one in listed]
    assert addresses(value.encode()) == expected


@pytest.mark.parametrize(
    ("value", "parameters"),
    [
        ("a/b", {}),
        ('a/b; c="d; e" ; f=g', {"c": "d; e", "f": "g"}),
        ("a/b; n*0=one; n*1=two", {"n": "onetwo"}),
        ("a/b; n*1=two%; n*0*=us-ascii''one%20", {"n*": "us-ascii''one%20two%25"}),
        ("a/b; n*0=one%; n*1*=%20two", {"n*": "''one%25%20two"}),
        ("a/b; n*0=one; n*2=three", {"n*0": "one", "n*2": "three"}),
        ("a/b; n*=utf-8''%C3%A9", {"n*": "utf-8''%C3%A9"}),
        ("a/b (c; (c) d=e) ; f=g", {"f": "g"}),
    ],
)
def test_parameters(value, parameters):
    """RFC 2045 §5.1; RFC 2231 §6 asks for joining what was continued, not for decoding."""
    read = media_type(value.encode())
    assert read
    assert {name.decode(): text.decode() for name, text in read[2]} == parameters


@pytest.mark.parametrize(
    "boundary", ["boundary*=us-ascii'en'b%20b", "BOUNDARY*0*=''b%20; boundary*1=b", "boundary*=b%20b"]
)
def test_a_boundary_in_the_coding_of_rfc_2231(boundary):
    coded = message(f"Content-Type: multipart/mixed; {boundary}\n\n--b b\n\none\n--b b\n\ntwo\n--b b--\n")
    assert [section(coded, (number,), "") for number in (1, 2, 3)] == [b"one", b"two", None]


def test_of_two_charsets_the_first_is_meant():
    one = message(b"Content-Type: text/plain; charset=iso-8859-1; charset=utf-8\n\n" + b"\xe9")
    assert searchable(one)[1] == "\u00e9"


def test_a_large_letter_of_many_parts_is_opened_to_its_end():
    """The bound on the effort is for what makes the scanner look at the same octets again and again."""
    part = b"--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\n" + b"x" * 20_000 + b"\n--c--\n"
    large = message(b"Content-Type: multipart/mixed; boundary=b\n\n" + part * 200 + b"--b--\n")
    assert section(large, (200, 1), "") == b"x" * 20_000


def test_a_charset_in_the_coding_of_rfc_2231():
    coded = message(b"Content-Type: text/plain; charset*=us-ascii''iso-8859-1\n\n" + b"\xe9")
    assert searchable(coded)[1] == "\u00e9"


@pytest.mark.parametrize("value", ["", "text", "text/", "/plain", ";", '"a"/"b"'])
def test_what_is_no_type(value):
    assert media_type(value.encode()) is None


def test_nstring():
    """RFC 3501 §9: no CR, LF, 8-bit in a quoted string; no NUL anywhere."""
    assert [nstring(octets) for octets in (None, b"", b'a"\\', b"a\rb", b"\xe9", b"a\0")] == [
        b"NIL",
        b'""',
        b'"a\\"\\\\"',
        b"{3}\r\na\rb",
        b"{1}\r\n\xe9",
        b"{4}\r\na\xef\xbf\xbd",
    ]


LETTER = message(
    "Subject: =?utf-8?q?=C3=A9t=C3=A9?= =?utf-8?b?IMOg?=\n deux\n"
    "Date: Mon, 2 Mar 2026 23:30:00 -0500\nX: \u00e9t\u00e9\n"
    "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
    "--b\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nna=EFve\n"
    "--b\nContent-Type: text/plain; charset=none-such\nContent-Transfer-Encoding: base64\n\nYm9uam91cg==\n"
    "--b\nContent-Type: image/png; name=secret.png\n\npicture\n"
    "--b\nContent-Type: message/rfc822\n\nSubject: within\n\nrest\n--b--\n"
)


def test_search_reads_what_people_read():
    header, text = searchable(LETTER)
    for word in ("été à deux", "X: été", "secret.png", "Subject: within"):
        assert word in header
    for word in ("naïve", "bonjour", "rest"):
        assert word in text
    assert "picture" not in text
    assert header_values(LETTER, "SUBJECT") == ["été à deux"]
    assert header_values(LETTER, "none") == []


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("Mon, 2 Mar 2026 23:30:00 -0500", date(2026, 3, 2)),
        ("2 Mar 26 00:30 +0500", date(2026, 3, 2)),
        ("(c) Mon, 2 Mar 2026 23:30:00 +0000", date(2026, 3, 2)),
        ("Mon (c), 2 Mar 2026 23:30:00 +0000", date(2026, 3, 2)),
        ("Mon, (c) 2 (c) Mar (c) 2026 (c) 23 : 30 : 00 +0000", date(2026, 3, 2)),
        ("Mon , 02\n\tMARCH 2026", date(2026, 3, 2)),
        ("Mon,2-Mar-2026 10:00", date(2026, 3, 2)),
        ("Mon Mar  2 10:00:00 2026", date(2026, 3, 2)),
        ("2 Mar 49", date(2049, 3, 2)),
        ("2 Mar 50", date(1950, 3, 2)),
        ("2 Mar 99", date(1999, 3, 2)),
        ("2 Mar 126", date(2026, 3, 2)),
        ("2 Mar 02026", date(2026, 3, 2)),
        ("2 Mar 0000", None),
        ("2 Mar 99999", None),
        ("Mon, 2 Mar 99999999999999999999 10:00:00 +0000", None),
        ("31 Feb 2026 09:00:00 +0000", None),
        ("02/03/2026", None),
        ("2 Mai 2026", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_sent_date(value, day):
    """RFC 3501 §6.4.4: the day that the header says, time and zone disregarded; RFC 2822 §4.3: older forms of it."""
    assert sent_date(message(f"Date: {value}\n\n")) == day


@pytest.mark.slow
@pytest.mark.parametrize("hostile", [" ", "(", "()", "\\(", "Mon ", "a", "1", "Mar 1 1:1 ", "-", ","])
def test_a_date_takes_a_time_that_grows_with_its_length(hostile):
    begun = time.process_time()
    assert sent_date(message(f"Date: {hostile * (1_000_000 // len(hostile))}\n\n")) is None
    assert time.process_time() - begun < PATIENCE


def test_a_name_beyond_ascii_is_a_name():
    """A field's name in octets that no standard allows is found as it is written."""
    one = message(b"X: y\nX-" + b"\xc0: z\n\n")
    assert header_values(one, "x-\xc0") == ["z"]
    assert section(one, (), "HEADER.FIELDS", ("x-\xc0",)) == b"X-\xc0: z\r\n\r\n"


def test_broken_encodings_are_looked_in_as_they_stand():
    broken = message("Subject: =?utf-8?b?!!!?=\nContent-Transfer-Encoding: base64\nMIME-Version: 1.0\n\nQ\n")
    header, text = searchable(broken)
    assert "Subject" in header
    assert "Q" in text


def test_answers_are_kept_and_fields_forgotten():
    one = message("Subject: a\n\nb")
    assert envelope(one) is envelope(one)
    assert body(one, True) is body(one, True)
    assert parse(one).fields is None
    outer = message("Content-Type: message/rfc822\n\nSubject: in\n\nb")
    assert envelope(outer)
    assert body(outer, True)
    assert parse(outer).children[0].fields is None
    assert body(one, False) == b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0)'


def test_no_line_is_counted_again_for_each_part_around_it():
    opened = (b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (depth, depth) for depth in range(9))
    octets = counting(b"".join(opened) + b"Content-Type: message/rfc822\n\n\n" + b"\n" * 10_000)
    nested = Message(1, octets, datetime(2026, 3, 2, tzinfo=UTC))
    assert b'7bit" 10000 10000 ' in body(nested, True)  # octets and lines of the text
    assert octets.looked_through < 1.1 * len(octets)


def test_the_address_lists_of_one_letter_are_read_to_a_bound_together(monkeypatch):
    """Else a letter of 25 MB, all addresses, would take a minute of everybody's time, and be answered with 750 MB."""
    most = 2_000
    monkeypatch.setattr(mime, "MAX_VALUE", most)
    half = "a," * (most // 4)
    lists = message(f"From: {half}\nTo: {half}\nCc: {half}\nSubject: kept\nDate: kept\n\n")
    assert envelope(lists).count(b'"a"') == 3 * most // 4 + most // 4  # From's are Sender's and Reply-To's, too
    assert envelope(lists).startswith(b'("kept" "kept" ((')
    inner = f"\n--x\n\nFrom: {half}\nSubject: inner\n\n"
    digest = message("Content-Type: multipart/digest; boundary=x\n" + inner * 5)
    assert body(digest, True).count(b'"a"') == 3 * most // 2
    assert body(digest, True).count(b'"inner" NIL NIL NIL') == 3  # the parts are told, all five


@pytest.mark.slow
@pytest.mark.parametrize(
    "field",
    ["To: " + '"', "To: (", "To: a@b, ", "To: <", "Content-Type: a/b; c*0*=", "Content-Type: (", "Subject: ", "X "],
)
def test_huge_fields_are_read_to_a_bound(field):
    """Nobody can keep the server busy with one field; and no answer is wrong for being long."""
    huge = message(f"{field}{field[-1] * MAX_VALUE}\nSubject: a\n\nb")
    assert envelope(huge).startswith(b"(NIL ")
    assert body(huge, True)
    assert section(huge, (), "HEADER.FIELDS.NOT", ("To",))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?b?a?= =?utf-8?q?needle?=", "=?utf-8?b?a?= needle"),  # neighbours of a broken word keep their blanks
        ("=?utf-8?q?needle?= =?utf-8?b?!!!?= x", "needle =?utf-8?b?!!!?= x"),
        ("=?utf-8?b?bmVlZGxlcw?=", "needles"),
        ("=?utf-8?q?=C3?=  =?UTF-8?Q?=A9?=", "\u00e9"),  # a character in two words
        ("=?iso-8859-1?q?=E9?= =?utf-8?q?=C3=A9?= a", "\u00e9\u00e9 a"),
        ("=?utf-8*en?q?a_b?= (=?us-ascii?q?c?=)", "a b (c)"),
        ("=?none-such?q?=C3=A9?= =?punycode?q?a?=", "\u00e9a"),
        ("=?utf-8?q??=", ""),
        ("\u00e9 =?utf-8?q?a", "\u00e9 =?utf-8?q?a"),
        ("=?utf-8?x?a?= a=?b", "=?utf-8?x?a?= a=?b"),
    ],
)
def test_encoded_words(value, text):
    """RFC 2047 §2 and §6.2, RFC 2231 §5, and what is no encoded word."""
    assert header_values(message(f"Subject: {value}\n\n"), "Subject") == [text]


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", ["=?utf-8?q?ab?= ", "=?", "=?utf-8?q?", "=?a*", "=?utf-8?b?a?= ", "=?utf-8?q?=C3?= a", "=?x%d?q?a?= "]
)
def test_encoded_words_take_a_time_that_grows_with_their_number(words):
    """Nearly as many as a header may have, each with a charset of its own or not, are read at once."""
    value = "".join(words.replace("%d", str(number)) for number in range(700_000 // len(words)))
    begun = time.process_time()
    assert header_values(message(f"Subject: {value} =?utf-8?q?end?=\n\n"), "subject")[0].endswith("end")
    assert time.process_time() - begun < PATIENCE


def test_a_field_of_many_encoded_words_is_decoded():
    people = ", ".join(f"=?utf-8?q?Zo=C3=A9_N{number}?= <zoe{number}@example.org>" for number in range(450))
    assert header_values(message(f"To: {people}\n\n"), "To")[0].count("Zo\u00e9 N") == 450


def test_a_part_needs_no_mime_version():
    """RFC 2045 §4: it is for a message; nor need a part tell its type."""
    part = "--b\nContent-Transfer-Encoding: base64\n\nQQ==\n--b--\n"
    assert b'"base64"' in body(message(f"Content-Type: multipart/mixed; boundary=b\n\n{part}"), False)


@pytest.mark.parametrize("encoding", ["base64 ", "base64 (all of it)", " base64"])
def test_blanks_and_comments_around_an_encoding(encoding):
    assert b'"base64"' in body(message(f"MIME-Version: 1.0\nContent-Transfer-Encoding: {encoding}\n\nQQ=="), False)


@pytest.mark.parametrize(
    ("encoding", "text", "read"),
    [
        ("base64 (c)", "bmVlZGxlcw", "needles"),
        ("(c) Base64", "bmVl\nZGxl\n--\nA list of ours", "needle"),
        ("base64", "bmVlZGxlcw==\n--\nA list", "needles"),
        ("base64", "bmVlZ", "nee"),
        ("base64", "!", "!"),
        ("quoted-printable (c)", "nee= \t\ndle \nx", "needle\r\nx"),
        ("quoted-printable", "nee=20\t\nx=  ", "nee \r\nx"),
    ],
)
def test_texts_in_a_transfer_encoding(encoding, text, read):
    """RFC 2045 §6.1, §6.7, §6.8, and what is left of broken ones."""
    one = message(f"MIME-Version: 1.0\nContent-Transfer-Encoding: {encoding}\n\n{text}")
    assert searchable(one)[1].startswith(read)


@pytest.mark.slow
@pytest.mark.parametrize("hostile", [" ", "= ", "=", "= \n", " \n", "=4"])
def test_quoted_printable_takes_a_time_that_grows_with_its_length(hostile):
    begun = time.process_time()
    searchable(
        message("Content-Transfer-Encoding: quoted-printable\nMIME-Version: 1.0\n\n" + hostile * 1_000_000 + "x")
    )
    assert time.process_time() - begun < PATIENCE


@pytest.mark.parametrize(
    ("charset", "octets"),
    [
        ("windows-874", b"\xcb\xcd"),
        ("ISO-8859-8-I", b"\xf9\xec"),
        ("ISO-8859-6-I", b"\xc7\xe4"),
        ("KOI8-T", b"\x81\xc1"),
        ("x", b"a"),
        ("hex", b"6161"),  # for Python it is a codec, but none of texts
    ],
)
def test_charsets_that_python_knows_by_other_names(charset, octets):
    known = {
        "windows-874": "cp874",
        "ISO-8859-8-I": "iso8859-8",
        "ISO-8859-6-I": "iso8859-6",
        "KOI8-T": "koi8-t",
    }.get(charset, "utf-8")
    one = message(f"Content-Type: text/plain; charset={charset}\n\n".encode() + octets)
    assert searchable(one)[1] == octets.decode(known)


def test_a_broken_octet_spoils_no_other():
    one = message("Content-Type: text/plain; charset=shift_jis\n\n日本".encode("shift_jis") + b"\xfd")
    assert searchable(one)[1] == "日本\ufffd"
    assert searchable(message(b"Content-Type: text/plain; charset=hex\n\n61\xfd"))[1] == "61\ufffd"


def test_only_what_is_quoted_printable_is_decoded_so():
    assert "id=41" in searchable(message("MIME-Version: 1.0\nContent-Transfer-Encoding: 7bit\n\n/?id=41"))[1]
    assert "a=41" in searchable(message("Content-Transfer-Encoding: quoted-printable\n\na=41"))[1]


def test_types_in_any_case():
    assert b'"in"' in body(message("Content-Type: Message/RFC822\n\nSubject: in\n\nx"), False)
    assert b'"in"' not in body(message("Content-Type: text/rfc822\n\nSubject: in\n\nx"), False)
    assert media_type(b"a/b; N*0=one; n*1=two") == (b"a", b"b", ((b"N", b"onetwo"),))


def test_parameters_in_rfc_2231_s_coding_stay_in_order():
    assert media_type(b"a/b; z*=''one; n*=''two")[2] == ((b"z*", b"''one"), (b"n*", b"''two"))


def test_comments_in_a_type_and_in_languages():
    """RFC 2045 §5.1: they say nothing, a parameter in one no more than another word."""
    assert media_type(b"text (one) / plain (a; b=c); d=(two) e") == (b"text", b"plain", ((b"d", b"e"),))
    assert b'("en" "de")' in body(message("MIME-Version: 1.0\nContent-Language: en (c, d), de\n\n"), True)


def test_a_disposition_with_a_comment_or_without_a_kind():
    said = body(message("MIME-Version: 1.0\nContent-Disposition: attachment (a; b=c) ; filename=d\n\n"), True)
    assert b'("attachment" ("filename" "d"))' in said
    nothing = body(message("MIME-Version: 1.0\nContent-Type: a/b\nContent-Disposition: (a)\n\n"), True)
    assert nothing == b'("a" "b" NIL NIL NIL "7bit" 0 NIL NIL NIL NIL)'
    assert b'("" ("filename" "d"))' in body(message("MIME-Version: 1.0\nContent-Disposition: ; filename=d\n\n"), True)


def test_a_closed_boundary_is_a_line_like_any_other():
    inner = "Content-Type: multipart/mixed; boundary=in\n\n--in\n\na\n--in--\n"
    two = message(f"Content-Type: multipart/mixed; boundary=out\n\n--out\n{inner}--out\n\nb\n--in\nc\n--out--\n")
    assert section(two, (2,), "") == b"b\r\n--in\r\nc"


@pytest.mark.parametrize("end", ["--b", "--b--", "--b--\n", "--b--\nepilogue"])
def test_a_missing_end_makes_no_part(end):
    assert len(parse(message("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n" + end)).children) == 1


def test_a_blank_before_the_colon():
    """RFC 5322 §4.5: obsolete, but to be read."""
    one = message("Subject : x\nTo: y\n\nz")
    assert section(one, (), "HEADER.FIELDS", ("Subject",)) == b"Subject : x\r\n\r\n"
    assert section(one, (), "HEADER.FIELDS.NOT", ("Subject",)) == b"To: y\r\n\r\n"
    assert envelope(one).startswith(b'(NIL "x" ')
    assert header_values(one, "Subject") == ["x"]


@pytest.mark.parametrize(("value", "listed"), [
    (b"a@b; c@d", [(None, None, b"a", b"b"), (None, None, b"c", b"d")]),
    (b"Amy <a@b> (work)", [(b"Amy", None, b"a", b"b")]),
    (b"a@b c> .d, e@f", [(None, None, b"a", b"b"), (None, None, b"e", b"f")]),
    (b"<>", [(None, None, b"MISSING_MAILBOX", b"MISSING_DOMAIN")]),
    (b'""@x, <""@x>, <"">, A <""@>', [
        (None, None, b"", b"x"), (None, None, b"", b"x"), (None, None, b"", b"MISSING_DOMAIN"),
        (b"A", None, b"", b"MISSING_DOMAIN"),
    ]),
    (b'""', []),
    (b'"Amy", <ben> c, d@e', [
        (b"Amy", None, b"MISSING_MAILBOX", b"MISSING_DOMAIN"), (None, None, b"ben", b"MISSING_DOMAIN"),
        (None, None, b"d", b"e"),
    ]),
    (b"a@ <b>, c@d@.e", [(None, None, b"a", b"MISSING_DOMAIN"), (None, None, b"c", b"d")]),
    (b"@x, @", [(None, None, b"MISSING_MAILBOX", b"x")]),
    (b"<@a (c), (d) @b : u@h>", [(None, b"@a,@b", b"u", b"h")]),
    (b'"x . y".z@c', [(None, None, b"x . y.z", b"c")]),
    (b'"a". "b ." . c . "." @ d . e', [(None, None, b"a.b ..c..", b"d.e")]),
    (b'a "." b@c', [(None, None, b"a . b", b"c")]),
    (b"<@b> .x, c@d", [(None, None, b"MISSING_MAILBOX", b"b"), (None, None, b"c", b"d")]),
    (b"<@b>, c@d", [(None, None, b"MISSING_MAILBOX", b"b"), (None, None, b"c", b"d")]),
])  # fmt: skip
def test_more_addresses(value, listed):
    assert addresses(value) == listed
