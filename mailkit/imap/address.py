"""Address lists as ENVELOPE shows them: personal name, route, mailbox, host (RFC 3501 §7.4.2, RFC 5322 §3.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailkit.imap.mime import MAX_VALUE, end_of_comment, unquote

Address = tuple[bytes | None, bytes | None, bytes | None, bytes | None]
GROUP_END: Address = (None, None, None, None)

_TOKENS = re.compile(
    rb'[ \t\r\n]++|"(?P<quoted>(?:[^"\\]++|\\.)*+)"?|(?P<atom>[^\x00-\x20()<>@,;:\\"\[\]\x7f]++)'
    rb"|(?P<literal>\[(?:[^\]\\]++|\\.)*+\]?)|(?P<special>.)",
    re.S,
)


def addresses(value: bytes) -> list[Address]:
    """Read an address list, leniently: what is missing is called MISSING_MAILBOX and MISSING_DOMAIN, as Dovecot does.

    A NIL host marks the beginning of a group, all four NIL its end.

    >>> addresses(b'Amy <amy@example.org>, ben@example.org (Ben)')
    [(b'Amy', None, b'amy', b'example.org'), (b'Ben', None, b'ben', b'example.org')]
    """
    reader = _Reader()
    for kind, text in _tokens(value[:MAX_VALUE]):
        reader.take(kind, text)
    reader.end_address(and_group=True)
    return reader.found


class _Reader:
    """What has been read of the address at hand."""

    def __init__(self) -> None:
        self.found: list[Address] = []
        self.in_group = False
        self.begin()

    def begin(self) -> None:
        self.words: list[tuple[bytes, bool]] = []  # and whether each was quoted
        self.name: bytes | None = None
        self.route: bytearray | None = None
        self.mailbox: bytes | None = None
        self.angle = self.routing = self.past_at = self.closed = False

    def take(self, kind: str, text: bytes) -> None:
        """Take the next token: a comment, a word, or one of the specials of RFC 5322 §3.2.3."""
        if kind == "comment":
            if not self.angle and self.words:
                self.name = b" ".join(text.split())  # amy@example.org (Amy): how names were written before RFC 822
        elif self.routing:
            self.take_route(text)
        elif kind != "special":
            if self.past_at and self.words and not (text.startswith(b".") or self.words[-1][0].endswith(b".")):
                self.closed = True  # only dots join the words of a host
            if not self.closed:  # else the address is complete without it
                self.words.append((text, kind == "quoted"))
        elif text in b"<@" and self.past_at:
            self.closed = True  # a second address without a comma
        elif text == b"<" and not self.angle:
            self.angle, self.name, self.words = True, _phrase(self.words) or None, []
        elif text == b"@" and not self.closed:
            self.take_at()
        elif text == b":" and not self.angle and not self.in_group:
            self.found.append((None, None, _phrase(self.words), None))
            self.begin()
            self.in_group = True
        elif text == b">":
            self.closed = self.closed or self.angle
        elif text in b",;":
            self.end_address(and_group=text == b";")

    def take_route(self, text: bytes) -> None:
        """Collect a source route up to its colon: ``<@a.example,@b.example:user@host>`` (RFC 5322 §4.4)."""
        if text == b":":
            self.routing = False
        elif text == b">":  # no route, but a host without mailbox
            self.routing, self.closed = False, True
            self.words, self.route = [(bytes(self.route or b"")[1:], False)], None
            self.past_at = True
        else:
            self.route = self.route or bytearray()
            self.route += text

    def take_at(self) -> None:
        """End the local part, or, first inside ``<>``, begin a route."""
        if self.angle and not self.words:
            self.routing, self.route = True, bytearray(b"@")
        else:
            self.past_at, self.mailbox, self.words = True, _join(self.words), []

    def end_address(self, and_group: bool) -> None:
        """Write down the address that a comma, a semicolon or the end has ended; the last two end a group as well."""
        name, mailbox, host = self.name, self.mailbox, _join(self.words)
        if not self.past_at:
            is_name = not self.angle and (len(self.words) > 1 or any(quoted for _, quoted in self.words))
            name, mailbox, host = (_phrase(self.words), None, None) if is_name else (name, host, None)
        if name or mailbox or host or self.angle:
            route = bytes(self.route).rstrip(b",") if self.route else None
            mailbox = b"MISSING_MAILBOX" if mailbox is None else mailbox  # "" may be quoted: it is one
            self.found.append((name, route, mailbox, host or b"MISSING_DOMAIN"))
        if and_group and self.in_group:
            self.in_group = False
            self.found.append(GROUP_END)
        self.begin()


def _phrase(words: list[tuple[bytes, bool]]) -> bytes:
    return b" ".join(text for text, _ in words)


def _join(words: list[tuple[bytes, bool]]) -> bytes | None:
    """Join the words of a local part or domain, None without any: blanks around its dots do not count.

    Those between quotes do (RFC 5322 §4.4, obs-local-part).
    """
    joined, after_dot = bytearray(), True
    for text, quoted in words:
        dot_first = not quoted and text.startswith(b".")
        joined += text if after_dot or dot_first else b" " + text
        after_dot = not quoted and text.endswith(b".")
    return bytes(joined) if words else None


def _tokens(value: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while found := _TOKENS.match(value, at):
        at = found.end()
        kind = found.lastgroup
        if kind == "special" and found[0] == b"(":
            start, at = at, end_of_comment(value, at)
            yield "comment", unquote(value[start : at - value.startswith(b")", at - 1)])
        elif kind == "quoted":
            yield kind, unquote(found["quoted"])
        elif kind:
            yield kind, found[0]
