"""What a POP3 server answers with: one line, or many and a dot at their end (RFC 1939 §3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mailkit.message import end_of_header
from mailkit.settings import CHUNK


def ok(words: str) -> bytes:
    """Return a positive answer of one line (§3)."""
    return f"+OK {words}\r\n".encode("ascii", "backslashreplace")


def multi_line(words: str, body: bytes | Iterable[str]) -> Iterator[bytes]:
    r"""Yield a multi-line answer, a message or lines, in chunks; nothing in it looks like its end (§3).

    A dot after a bare LF is doubled as well, because many clients take that LF for the end of a line.

    >>> list(multi_line("2 lines follow", [".a", "b"]))
    [b'+OK 2 lines follow\r\n..a\r\nb\r\n.\r\n']
    """
    answer = ok(words) + (body if isinstance(body, bytes) else "".join(f"{line}\r\n" for line in body).encode())
    if not answer.endswith(b"\r\n"):
        answer += b"\r\n"
    start = 0
    while start < len(answer):
        end = start + CHUNK
        while answer[end - 1 : end] == b"\n":
            end += 1  # keep a line end and the dot after it together
        stuffed = answer[start:end].replace(b"\n.", b"\n..")
        yield stuffed if end < len(answer) else stuffed + b".\r\n"
        start = end


def top(octets: bytes, lines: int) -> bytes:
    r"""Return a message's header, the blank line, and so many lines of its body (§7).

    >>> top(b"Subject: x\r\n\r\n1\r\n2\r\n", 1)
    b'Subject: x\r\n\r\n1\r\n'
    """
    start, end = end_of_header(octets), len(octets)
    if octets.count(b"\n", start) < lines:
        return octets
    if not lines:
        return octets[:start]
    while end - start > 1:  # by halves, for a loop over a million lines takes a second; what is known is not recounted
        middle = (start + end) // 2
        passed = octets.count(b"\n", start, middle)
        if passed < lines:
            start, lines = middle, lines - passed
        else:
            end = middle
    return octets[:end]
