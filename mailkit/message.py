"""One stored message: its octets exactly as received, and what the server keeps beside them."""

from __future__ import annotations

import re
from datetime import datetime

SEEN, ANSWERED, FLAGGED, DELETED, DRAFT = "\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"
SYSTEM_FLAGS = {flag.lower(): flag for flag in (ANSWERED, FLAGGED, DELETED, SEEN, DRAFT)}
NO_FLAGS: frozenset[str] = frozenset()
_BLANK_LINE = re.compile(rb"\n\r?\n")


class Message:
    """A message in a mailbox (RFC 3501 §2.3): octets, UID, INTERNALDATE, flags.

    The octets never change after delivery, nor do UID and date; only ``flags`` does, and only
    `Mailbox.set_flags` changes it, so that every session hears of it.
    ``structure`` and ``view`` are caches: what `mailkit.imap` and `mailkit.snapshot` worked out from the octets.
    """

    __slots__ = ("flags", "internaldate", "octets", "structure", "uid", "view")

    def __init__(self, uid: int, octets: bytes, internaldate: datetime, flags: frozenset[str] = NO_FLAGS) -> None:
        self.uid = uid
        self.octets = octets
        self.internaldate = internaldate
        self.flags = flags
        self.structure: object = None
        self.view: object = None

    @property
    def size(self) -> int:
        """RFC822.SIZE, which is also what POP3's LIST says: octets with CRLF line ends, unstuffed."""
        return len(self.octets)


def with_crlf(octets: bytes) -> bytes:
    r"""Give every line the end that mail on the wire has, CRLF (RFC 5322 §2.1).

    >>> with_crlf(b"a\nb\r\nc")
    b'a\r\nb\r\nc'
    """
    if octets.count(b"\n") == octets.count(b"\r\n"):  # nearly always, and counting copies nothing
        return octets
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def end_of_header(octets: bytes, start: int = 0, end: int | None = None) -> int:
    r"""Return where the body begins: after the first blank line, or at the end where there is none (RFC 5322 §2.1).

    >>> end_of_header(b"Subject: x\r\n\r\n1\r\n"), end_of_header(b"\r\n1\r\n"), end_of_header(b"Subject: x\r\n")
    (14, 2, 12)
    """
    end = len(octets) if end is None else end
    if octets.startswith((b"\r\n", b"\n"), start, end):
        return start + 1 + octets.startswith(b"\r", start)
    blank = _BLANK_LINE.search(octets, start, end)
    return blank.end() if blank else end
