"""FETCH: which items a client asks for, and what they are (RFC 3501 §6.4.5, §7.4.2)."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping

from mailkit.imap import structure
from mailkit.imap.mime import let_go
from mailkit.imap.syntax import Arguments, BadSyntax, astring, literal, to_number, write_date_time
from mailkit.imap.view import View
from mailkit.message import SEEN, Message

Item = Callable[[Message], bytes]  # writes one item of one message, its name before it

MACROS: Mapping[str, tuple[str, ...]] = {
    "FAST": ("FLAGS", "INTERNALDATE", "RFC822.SIZE"),
    "ALL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"),
    "FULL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"),
}
PLAIN_ITEMS: Mapping[str, Item] = {
    "UID": lambda message: b"UID %d" % message.uid,
    "INTERNALDATE": lambda message: b"INTERNALDATE " + write_date_time(message.internaldate),
    "RFC822.SIZE": lambda message: b"RFC822.SIZE %d" % message.size,
    "ENVELOPE": lambda message: b"ENVELOPE " + structure.envelope(message),
    "BODYSTRUCTURE": lambda message: b"BODYSTRUCTURE " + structure.body(message, extensible=True),
    "BODY": lambda message: b"BODY " + structure.body(message, extensible=False),
}
SHORTHANDS: Mapping[str, tuple[str, bool]] = {  # name → section it stands for, and whether reading it sets \Seen
    "RFC822": ("", True),
    "RFC822.HEADER": ("HEADER", False),
    "RFC822.TEXT": ("TEXT", True),
}
_SECTION = re.compile(
    rb"\[((?:[1-9]\d{0,9}\.)*[1-9]\d{0,9})?(\.?)(HEADER\.FIELDS\.NOT|HEADER\.FIELDS|HEADER|TEXT|MIME)?(?=[\] ])",
    re.IGNORECASE,
)
_PARTIAL = re.compile(rb"<0{0,99}(\d{1,10})\.([1-9]\d{0,9})>")


class Request:
    """The items of one FETCH command, ready to be written for any number of messages.

    Takes the command's arguments, which stand at the items; the session's view; whether it is UID FETCH.
    Raises `BadSyntax`.
    """

    def __init__(self, arguments: Arguments, view: View, by_uid: bool) -> None:
        self._view = view
        self._arguments = arguments
        self._plain: Mapping[str, Item] = {**PLAIN_ITEMS, "FLAGS": functools.partial(_flags, view)}
        self._items: dict[str, Item] = {}  # by what was asked for, so that asking twice is answered once
        self._sets_seen = False
        if by_uid:
            self._items["UID"] = PLAIN_ITEMS["UID"]  # in every answer to a UID command (§6.4.8)
        if not arguments.next_is(b"("):
            self._read(MACROS)
        elif not arguments.parenthesized(self._read):
            raise BadSyntax("found no item between the parentheses, where FLAGS could stand")
        arguments.end()

    def answers(self, places: list[range]) -> Iterator[bytes]:
        r"""Yield one untagged FETCH for each message; reading a text sets ``\Seen``, which is then told, too."""
        view, items, shows_flags = self._view, list(self._items.values()), "FLAGS" in self._items
        if news := view.keyword_news():
            yield news
        for number, message in view.numbered(places):
            shown = items
            if self._sets_seen and self._mark_seen(message) and not shows_flags:
                shown = [self._plain["FLAGS"], *items]
            before = b"* %d FETCH (" % number
            for item in shown[:-1]:  # one by one: together they can be many times the message
                yield before + item(message)
                before = b" "
            yield before + shown[-1](message) + b")\r\n"
            let_go(message)

    def _mark_seen(self, message: Message) -> bool:
        view = self._view
        if SEEN in message.flags or view.read_only or view.is_gone(message):
            return False
        view.mailbox.set_flags(message, message.flags | {SEEN}, view.watcher)
        return True

    def _read(self, macros: Mapping[str, tuple[str, ...]] = {}) -> None:
        arguments = self._arguments
        name = arguments.word("an item, such as FLAGS")
        if name in macros:
            self._items |= {item: self._plain[item] for item in macros[name]}
        elif name in SHORTHANDS:
            kind, sets_seen = SHORTHANDS[name]
            self._items[name] = _section(name.encode(), (), kind, ())
            self._sets_seen |= sets_seen
        elif name in ("BODY", "BODY.PEEK") and arguments.next_is(b"["):
            self._read_section()
            self._sets_seen |= name == "BODY"
        elif name in self._plain:
            self._items[name] = self._plain[name]
        else:
            if name in MACROS:
                raise BadSyntax(f"{name} stands alone, without parentheses")
            known = [*self._plain, *SHORTHANDS, "BODY[...]", "BODY.PEEK[...]"]
            raise BadSyntax(f"{name} is no item of FETCH; these are: {' '.join(known)}")

    def _read_section(self) -> None:
        """Read ``[section]<partial>`` (RFC 3501 §9, section)."""
        arguments = self._arguments
        found = arguments.match(_SECTION)
        if not found or bool(found[2]) is not bool(found[1] and found[3]):
            raise BadSyntax("this is no section; write, for example, BODY[], BODY[1.2] or BODY[HEADER]")
        kind, path = (found[3] or b"").decode("ascii").upper(), found[1] or b""
        if kind == "MIME" and not path:
            raise BadSyntax("MIME is the header of a part, so it needs a part number: BODY[1.MIME]")
        names: list[bytes] = []
        if "FIELDS" in kind:
            arguments.space()
            names = arguments.parenthesized(arguments.astring)
            if not names:
                raise BadSyntax(f"{kind} needs the names of header fields: {kind} (SUBJECT)")
        arguments.need(b"]")
        fields = b" (%b)" % b" ".join(map(astring, names)) if names else b""
        label = b"BODY[%b%b%b%b]" % (path, found[2], kind.encode(), fields)
        partial = arguments.match(_PARTIAL)
        if not partial and arguments.next_is(b"<"):
            raise BadSyntax("this is no partial; write <first octet.number of octets>, as <0.1024>")
        numbers = tuple(to_number(number) for number in path.split(b".") if number)
        text = _section(label, numbers, kind, tuple(name.decode("latin-1") for name in names), partial)
        self._items[(label + (partial[0] if partial else b"")).decode("latin-1")] = text


def _flags(view: View, message: Message) -> bytes:
    view.watcher.changed.discard(message.uid)  # now, for others may have their turn before the answer is out
    return b"FLAGS " + view.flags(message)


def _section(
    label: bytes, path: tuple[int, ...], kind: str, fields: tuple[str, ...], partial: re.Match[bytes] | None = None
) -> Item:
    """Return what writes a section: a literal, or NIL where the message has no such part."""
    first = int(partial[1]) if partial else 0
    last = first + int(partial[2]) if partial else None
    if partial:
        label += b"<%d>" % first

    def write(message: Message) -> bytes:
        octets = structure.section(message, path, kind, fields)
        if octets is None:
            return label + b" NIL"
        return label + b" " + literal(octets[first:last].replace(b"\0", b"\x80"))  # IMAP cannot carry NUL (§9, CHAR8)

    return write
