"""IMAP's grammar (RFC 3501 §9), both ways: commands taken apart, answers put together."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise
from typing import TypeVar

from mailkit.mailbox import MailboxError
from mailkit.message import SYSTEM_FLAGS

TAG = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\+]+(?= |\Z)")
_WORD = re.compile(rb"[A-Za-z0-9.+_-]+")  # of the protocol: commands, items, keys
_ASTRING_CHARS = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\]+")
_LIST_CHARS = re.compile(rb"[^\x00-\x20\x7f-\xff(){\"\\]+")
_FLAG = re.compile(rb"\\?[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
_QUOTED = re.compile(rb'"((?:[^"\\\x00\r\n]|\\["\\])*)"')  # also 8-bit: people have passwords with umlauts
_LITERAL = re.compile(rb"\{\d+\+?\}\r\n")
_NUMBER = re.compile(rb"\d{1,99}(?!\d)")
_BASE64 = re.compile(rb"=|[A-Za-z0-9+/]+={0,2}")
_SET = re.compile(rb"(?:[1-9]\d{0,9}|\*)(?::(?:[1-9]\d{0,9}|\*))?(?:,(?:[1-9]\d{0,9}|\*)(?::(?:[1-9]\d{0,9}|\*))?)*")
MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_DATE = re.compile(rb'("?)(\d{1,2})-(%b)-(\d{4})\1' % b"|".join(MONTHS), re.IGNORECASE)
_DATE_TIME = re.compile(
    rb'"( ?\d|\d\d)-(%b)-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"' % b"|".join(MONTHS), re.IGNORECASE
)
MONTH_NUMBERS = {name.lower(): number for number, name in enumerate(MONTHS, 1)}
_PLAIN = re.compile(rb"[ !#-\[\]-~]{0,900}")
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")
_PARENTHESES = re.compile(rb"\("), re.compile(rb"\)")
_LOOSE_PARENTHESES = re.compile(rb"\( *"), re.compile(rb" *\)")
_UNSAFE = re.compile(r"[^\x20-\x7e]+|&")

SequenceSet = list[tuple[int | None, int | None]]  # None is "*"
Spans = list[tuple[int, int]]  # first and last, ascending, without overlap
Item = TypeVar("Item")


class BadSyntax(Exception):
    """A command that breaks the protocol; answered BAD. Words without a remedy (``;``) get the command's form.

    ``found`` is what the client said there, which may be a password.
    """

    def __init__(self, words: str, found: str = "") -> None:
        super().__init__(words)
        self.found = found


@dataclass(slots=True)
class Command:
    """One command as received: its lines with the literals cut out, and the literals."""

    text: bytes
    literals: list[bytes] = field(default_factory=list)


class Arguments:
    """A command's arguments, read from left to right.

    What reads an argument raises `BadSyntax` where something else stands there, and `MailboxError` where it can be
    read but not be: a day that no calendar has, a name that is no modified UTF-7.
    """

    def __init__(self, command: Command) -> None:
        self._text = command.text
        self._at = 0
        self._literals = iter(command.literals)

    def match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Step over this pattern if it comes next; return the match, or None."""
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()
        return found

    def _need(self, pattern: re.Pattern[bytes], wanted: str) -> re.Match[bytes]:
        found = self.match(pattern)
        if not found:
            raise self._expected(wanted)
        return found

    def _expected(self, wanted: str) -> BadSyntax:
        found = re.sub(rb"[^ -~]", b"?", self._text[self._at : self._at + 20].partition(b"\r")[0]).decode()
        return BadSyntax(f"expected {wanted}", found.strip())

    def take(self, octets: bytes) -> bool:
        """Step over these octets, given in capitals but found in any case, if they come next; say whether they did."""
        upto = self._at + len(octets)
        if self._text[self._at : upto].upper() != octets:
            return False
        self._at = upto
        return True

    def need(self, octets: bytes, wanted: str = "") -> None:
        """Step over these octets, which must come next."""
        if not self.take(octets):
            raise self._expected(wanted or octets.decode())

    def space(self) -> None:
        """Step over the one space that stands between two arguments."""
        self.need(b" ", "a space")

    def next_is(self, octets: bytes) -> bool:
        """Say whether these octets come next, without stepping over them."""
        return self._text.startswith(octets, self._at)

    def end(self) -> None:
        """Make sure that nothing is left."""
        if self._at < len(self._text):
            raise self._expected("the end of the line")

    def tag(self) -> bytes:
        """Read a tag: an astring's characters, but no ``+``."""
        return self._need(TAG, "a tag and a command, such as a1 NOOP")[0]

    def word(self, wanted: str) -> str:
        """Read a word of the protocol; return it in capitals."""
        return self._need(_WORD, wanted)[0].decode("ascii").upper()

    def number(self) -> int:
        """Read a number of 32 bits."""
        return to_number(self._need(_NUMBER, "a number")[0])

    def literal(self) -> bytes:
        """Read a literal."""
        self._need(_LITERAL, "a literal, such as {5}")
        octets = next(self._literals)
        if b"\0" in octets:
            raise BadSyntax("a literal must not hold NUL octets (RFC 3501 section 9, CHAR8)")
        return octets

    def string(self) -> bytes:
        """Read a quoted string or a literal."""
        if self.next_is(b"{"):
            return self.literal()
        quoted = self._need(_QUOTED, 'a string, such as "word"')[1]
        return re.sub(rb'\\(["\\])', rb"\1", quoted) if b"\\" in quoted else quoted

    def astring(self) -> bytes:
        """Read a bare word or a string."""
        found = self.match(_ASTRING_CHARS)
        return found[0] if found else self.string()

    def base64(self) -> bytes:
        """Read base64 as it is written, or = for an empty text (RFC 4959 §3)."""
        return self._need(_BASE64, "base64, or = for nothing")[0]

    def nstring(self) -> bytes | None:
        """Read a string, or NIL."""
        return None if self.take(b"NIL") else self.string()

    def next_astring(self) -> bytes:
        """Read a string, bare or not, and the space before it."""
        self.space()
        return self.astring()

    def only_astring(self) -> bytes:
        """Read a string, bare or not, which is the last or only argument."""
        octets = self.next_astring()
        self.end()
        return octets

    def only_mailbox(self) -> str:
        """Read a mailbox name, which is the last or only argument. Raises as `decode_name` does."""
        return decode_name(self.only_astring())

    def pattern(self) -> str:
        """Read a mailbox name with the wildcards of LIST, as it is: one may stand in the middle of a shifted part."""
        found = self.match(_LIST_CHARS)
        return (found[0] if found else self.string()).decode("latin-1")

    def flags(self) -> list[str]:
        """Read a flag list; STORE may leave the parentheses out (RFC 3501 §9, store-att-flags)."""
        if self.next_is(b"("):
            flags = self.parenthesized(self.flag, loose=True)  # as Dovecot writes it where it is a client
        else:
            flags = [self.flag()]
            while self.take(b" "):
                flags.append(self.flag())
        if "\\recent" in map(str.lower, flags):  # which the grammar leaves out here (§9 flag)
            raise BadSyntax(f"\\Recent is the server's to set; a client can set: {' '.join(SYSTEM_FLAGS.values())}")
        return flags

    def flag(self) -> str:
        """Read a flag, or a keyword, which is one without the backslash."""
        return self._need(_FLAG, "a flag, such as \\Seen")[0].decode("ascii")

    def parenthesized(self, item: Callable[[], Item], loose: bool = False) -> list[Item]:
        """Read items between parentheses, one space between two, and if ``loose`` at the ends; there may be none."""
        opening, closing = _LOOSE_PARENTHESES if loose else _PARENTHESES
        self._need(opening, "(")
        items: list[Item] = []
        while not self.match(closing):
            if items:
                self.need(b" ", "a closing ) or a space")
            items.append(item())
        return items

    def sequence_set(self) -> SequenceSet:
        """Read a set of message numbers, such as ``2,4:7,12:*``."""
        text = self._need(_SET, "a set of message numbers, such as 2,4:7,12:*")[0].decode("ascii")
        return [_read_range(part) for part in text.split(",")]

    def starts_set(self) -> bool:
        """Say whether a set of message numbers comes next."""
        return bool(_SET.match(self._text, self._at))

    def date(self) -> date:
        """Read a date, such as ``1-Feb-1994``, bare or quoted."""
        found = self._need(_DATE, "a date, such as 1-Feb-1994")
        year = int(found[4]) or 1  # as good as the year 0, which `date` does not know
        return _checked(lambda: date(year, MONTH_NUMBERS[found[3].lower()], int(found[2])))

    def date_time(self) -> datetime:
        """Read a date with time and zone, such as ``" 7-Feb-1994 21:52:25 -0800"``; programs forget that blank."""
        found = self._need(_DATE_TIME, 'a date and time, such as " 7-Feb-1994 21:52:25 -0800"')
        day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = found.groups()

        def build() -> datetime:
            zone = timedelta(hours=int(zone_hours), minutes=int(zone_minutes)) * (-1 if sign == b"-" else 1)
            clock = int(hour), int(minute), 59 if second == b"60" else int(second)  # 60: a leap second
            return datetime(int(year), MONTH_NUMBERS[month.lower()], int(day), *clock, tzinfo=timezone(zone))

        return _checked(build)


def _checked(build: Callable[[], Item]) -> Item:
    try:
        return build()
    except ValueError:  # whose words differ by Python's version
        raise MailboxError("there is no such date, time or zone", "CANNOT") from None


def to_number(digits: str | bytes) -> int:
    """Return a number of 32 bits (RFC 3501 §9, number). Raises `BadSyntax`."""
    if int(digits) > 0xFFFF_FFFF:
        raise BadSyntax(f"{int(digits)} is too large; a number has 32 bits")
    return int(digits)


def _read_range(text: str) -> tuple[int | None, int | None]:
    ends = [None if end == "*" else to_number(end) for end in text.split(":")]
    return ends[0], ends[-1]


def spans(sequence_set: SequenceSet, star: int) -> Spans:
    """Put a set in order, with ``*`` as this number: spans that ascend and do not touch (RFC 3501 §9, seq-range).

    >>> spans([(7, 5), (None, 12), (1, 1), (2, 2)], star=9)
    [(1, 2), (5, 7), (9, 12)]
    """
    ends = ((star if a is None else a, star if b is None else b) for a, b in sequence_set)
    merged: Spans = []
    for low, high in sorted((min(pair), max(pair)) for pair in ends):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def number_set(numbers: list[int]) -> bytes:
    """Write ascending numbers as a set, as COPYUID does (RFC 4315 §3).

    >>> number_set([3, 4, 5, 9])
    b'3:5,9'
    """
    lows = (number for before, number in pairwise((-1, *numbers)) if number > before + 1)
    highs = (number for number, after in pairwise((*numbers, 0)) if number + 1 != after)
    return ",".join(f"{low}:{high}" if high > low else str(low) for low, high in zip(lows, highs, strict=True)).encode()


def quote(octets: bytes) -> bytes:
    r"""Write a string: quoted where that is allowed, else a literal (RFC 3501 §9).

    >>> quote(b'say "hi"'), quote("é".encode())
    (b'"say \\"hi\\""', b'{2}\r\n\xc3\xa9')
    """
    if _PLAIN.fullmatch(octets):  # what most strings are: this is the answers' innermost loop
        return b'"%b"' % octets
    if len(octets) < 1000 and octets.isascii() and not re.search(rb"[\x00\r\n]", octets):
        return b'"' + octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    return literal(octets)


def literal(octets: bytes) -> bytes:
    """Write a literal."""
    return b"{%d}\r\n%b" % (len(octets), octets)


def astring(octets: bytes) -> bytes:
    """Write a string, bare where that is allowed."""
    return octets if _ASTRING_CHARS.fullmatch(octets) and octets.upper() != b"NIL" else quote(octets)


def write_date_time(when: datetime) -> bytes:
    """Write a date with time and zone, quoted; without a zone it is taken as UTC.

    >>> write_date_time(datetime(1996, 7, 7, 2, 44, 25, tzinfo=timezone(timedelta(hours=-7))))
    b'" 7-Jul-1996 02:44:25 -0700"'
    """
    minutes = int((when.utcoffset() or timedelta()).total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    day = b"%2d-%b-%04d" % (when.day, MONTHS[when.month - 1], when.year)
    time = b"%02d:%02d:%02d" % (when.hour, when.minute, when.second)
    return b'"%b %b %b%02d%02d"' % (day, time, b"-" if minutes < 0 else b"+", hours, rest)


def encode_name(name: str) -> bytes:
    """Write a mailbox name in modified UTF-7 (RFC 3501 §5.1.3).

    >>> encode_name("Entwürfe & mehr")
    b'Entw&APw-rfe &- mehr'
    """

    def shift(found: re.Match[str]) -> str:
        if found[0] == "&":
            return "&-"
        octets = binascii.b2a_base64(found[0].encode("utf-16-be"), newline=False)
        return "&" + octets.rstrip(b"=").replace(b"/", b",").decode() + "-"

    return _UNSAFE.sub(shift, name).encode("ascii")


def decode_name(octets: bytes) -> str:
    """Read a mailbox name in modified UTF-7. Raises `MailboxError` where it is not in its one right form.

    >>> decode_name(b"&U,BTFw-")
    '台北'
    """

    def unshift(found: re.Match[str]) -> str:
        if not found[1]:
            return "&"
        coded = found[1].replace(",", "/")
        return binascii.a2b_base64(coded + "=" * (-len(coded) % 4)).decode("utf-16-be")

    with suppress(ValueError):
        name = _SHIFTED.sub(unshift, octets.decode("ascii"))
        if encode_name(name) == octets:
            return name
    shown = octets.decode("ascii", "replace")
    raise MailboxError(f"{shown!a} is not modified UTF-7 (RFC 3501 section 5.1.3); write a lone & as &-", "CANNOT")
