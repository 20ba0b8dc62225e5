"""What people read: encoded words, transfer encodings, charsets and days (RFC 2045, RFC 2047). Nothing here fails."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from datetime import date
from encodings.aliases import aliases

from mailkit.imap.mime import MAX_VALUE, remembered, without_comments
from mailkit.imap.syntax import MONTH_NUMBERS, MONTHS

_ENCODED_WORD = re.compile(rb"=\?([^?*\s]*+)(?:\*[^?\s]*+)?\?([bq])\?([^?]*+)\?=", re.I)
_BLANKS_AT_LINE_END = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n|\Z)")
_MONTH = rb"(" + b"|".join(MONTHS) + rb")[a-z]*+"
_DAY = re.compile(rb"\s*+(?:[a-z]++\s*+,?+\s*+)?(\d\d?)[\s-]*+" + _MONTH + rb"[\s,-]*+(\d{2,9})(?!\d)", re.I)
_DAY_IN_C = re.compile(rb"\s*+(?:[a-z]++\s++)?" + _MONTH + rb"\s++(\d\d?)\s++[\d:]*+\s++(\d{4})(?!\d)", re.I)
# Python looks for a codec among its files, and remembers for ever that there was none: it is asked for these only.
# Not among them are punycode and idna, which no mail uses, and whose time grows with the text's square, and ASCII:
# what says that it is ASCII may well be UTF-8, of which that is a part.
_NAMES = (*aliases, *aliases.values(), "cp720", "cp737", "cp874", "koi8_t", "koi8_u")
_CODECS = {name: name for name in _NAMES if aliases.get(name, name) != "ascii"}
_CODECS |= {"windows_874": "cp874", "windows_31j": "cp932", "iso_8859_6_i": "iso8859_6", "iso_8859_8_i": "iso8859_8"}


def header_text(value: bytes) -> str:
    """Return a header or a value of it with its encoded words decoded (RFC 2047 §6.2).

    Blanks between two words go, also where the words broke a character in two; languages (RFC 2231 §5) are passed
    over. A broken word stays as it stands.

    >>> header_text(b"=?utf-8?q?K=C3?= =?utf-8*de?q?=A4?= am =?utf-8?b?a?=")
    'Kä am =?utf-8?b?a?='
    """
    return "".join(_pieces(value)) if b"=?" in value else value.decode("utf-8", "replace")


def _pieces(value: bytes) -> Iterator[str]:
    at, read, charset = 0, bytearray(), b""  # where the last word ended; what it and those before it gave
    for found in _ENCODED_WORD.finditer(value):
        octets = _octets_of_word(found[2], found[3])
        if octets is None:
            continue
        between = value[at : found.start()]
        is_neighbour = at > 0 and not between.strip()
        if not is_neighbour or found[1].lower() != charset:
            yield characters(read, charset)
            yield "" if is_neighbour else characters(between)
            read, charset = bytearray(), found[1].lower()
        read += octets
        at = found.end()
    yield characters(read, charset)
    yield characters(value[at:])


def _octets_of_word(encoding: bytes, text: bytes) -> bytes | None:
    """Decode the text of an encoded word (RFC 2047 §4); None where it is broken. Padding is often forgotten."""
    if encoding in b"qQ":
        return binascii.a2b_qp(text, header=True)
    try:
        return binascii.a2b_base64(text + b"===") or (None if text else b"")
    except binascii.Error:
        return None


def without_encoding(text: bytes, encoding: bytes) -> bytes:
    r"""Return a body without its transfer encoding, which is named in small letters (RFC 2045 §6.7, §6.8).

    Of quoted-printable, blanks at the end of a line do not count. Of base64, only its own characters do, and
    no padding is missed; what gives nothing stays as it stands.

    >>> without_encoding(b"nee= \r\ndle", b"quoted-printable"), without_encoding(b"bmVl!ZGxlcw", b"base64")
    (b'needle', b'needles')
    """
    if encoding == b"quoted-printable":
        return binascii.a2b_qp(_BLANKS_AT_LINE_END.sub(b"", text))
    return _from_base64(text) or text if encoding == b"base64" else text


def _from_base64(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text + b"===")  # more padding than needed does not count either
    except binascii.Error:  # one character is left over: another makes an octet of it, which is dropped
        return binascii.a2b_base64(text + b"A==")[:-1]


def characters(octets: bytes | bytearray, charset: bytes = b"utf-8") -> str:
    r"""Decode octets by their charset, or by UTF-8 where that is unknown or ASCII; never fails.

    >>> characters(b"\xe9t\xe9", b"ISO-8859-1"), characters(b"\xc3\xa9t\xc3\xa9", b"none-such")
    ('été', 'été')
    """
    try:
        return octets.decode(_codec(charset), "replace")
    except (LookupError, ValueError):
        return octets.decode("utf-8", "replace")


@remembered
def _codec(charset: bytes) -> str:
    """Return Python's name of a charset, or of UTF-8."""
    return _CODECS.get(re.sub(rb"[^a-z0-9.]+", b"_", charset.lower()).decode(), "utf-8")


@remembered
def read_day(value: bytes) -> date | None:
    """Return the day that a Date field names, its time and zone disregarded; None where it names none.

    Comments and blanks stand anywhere, years may have two or three digits (RFC 2822 §4.3); what C's ``asctime``
    writes, and hyphens, are read, too.

    >>> read_day(b"(c) Mon , 2 (c) Mar 126 23 : 30"), read_day(b"Mon Mar  2 23:30:00 2026"), read_day(b"31 Feb 2026")
    (datetime.date(2026, 3, 2), datetime.date(2026, 3, 2), None)
    """
    value = without_comments(value[:MAX_VALUE])
    if found := _DAY.match(value):
        of_month, month, year = found.groups()
    elif found := _DAY_IN_C.match(value):
        month, of_month, year = found.groups()
    else:
        return None
    try:
        return date(_full_year(year), MONTH_NUMBERS[month.lower()], int(of_month))
    except ValueError:
        return None


def _full_year(digits: bytes) -> int:
    """Read a year: 00 to 49 are of this century, other numbers of two digits, and all of three, count from 1900."""
    century = {2: 2000 if digits < b"50" else 1900, 3: 1900}
    return int(digits) + century.get(len(digits), 0)
