"""What a client keeps: a laptop's own folders, a phone's cache, the ledger of a POP client."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from mailkit.message import SEEN, SYSTEM_FLAGS, Message, with_crlf
from mailkit.snapshot import DeviceView, view_letter

_LISTED = re.compile(rb"\d+ [!-~]+")
_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)


class Device:
    """A laptop or a phone: named folders of letters that stay when the server is gone.

    ``seen_uidls`` is the ledger a POP client keeps of what it has fetched (RFC 1939 §7).
    Raises `ValueError` without a name.
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f'a device needs a name, such as Device("laptop"), not {name!r}')
        self.name = name
        self.seen_uidls: dict[str, datetime] = {}
        self._folders: dict[str, list[Message]] = {"INBOX": []}
        self._next_number = 1

    def save(self, answer: Any, folder: str = "INBOX", flags: Iterable[str] = ()) -> None:
        """Keep a copy of what a client fetched.

        Takes what `poplib`'s ``retr`` or `imaplib`'s ``fetch`` returned, or the octets themselves.
        Raises `TypeError` or `ValueError`, with the remedy, where no letter is in it, or this is no folder or flag.
        """
        if not isinstance(folder, str) or not folder.strip():
            given = reprlib.repr(folder)
            raise ValueError(f'first comes the letter, then its folder, a text such as "Trips", not {given}')
        kept = _flags(flags)
        for octets in letters_in(answer):
            message = Message(self._next_number, with_crlf(octets), _UNDATED, kept)
            self._folders.setdefault(folder, []).append(message)
            self._next_number += 1

    def letters(self, folder: str = "INBOX") -> list[bytes]:
        """Return the octets of the letters kept in a folder. Raises `LookupError`, naming the folders."""
        return [message.octets for message in self._folder(folder)]

    def throw_away(self, number: int, folder: str = "INBOX") -> None:
        """Delete the letter with this number, as the picture shows it.

        Raises `LookupError`, naming the numbers, and `TypeError` for a number in quotes or a subject.
        """
        if not isinstance(number, int):
            raise TypeError(_not_a_number(number))
        kept = {message.uid: message for message in self._folder(folder)}
        if number not in kept:
            raise LookupError(f"no letter {number} on {self.name}; it has: {', '.join(map(str, kept)) or 'none'}")
        self._folder(folder).remove(kept[number])

    def empty(self) -> None:
        """Lose everything: the folders and the ledger (stolen, burnt, reinstalled)."""
        self._folders = {"INBOX": []}
        self.seen_uidls = {}

    def replace(self, folder: str, copies: Iterable[tuple[int, bytes, frozenset[str]]]) -> None:
        """Make a folder hold these (number, octets, flags): how an IMAP client refreshes its cache."""
        self._folders[folder] = [Message(number, octets, _UNDATED, flags) for number, octets, flags in copies]
        self._next_number = max([self._next_number, *(one.uid + 1 for one in self._folders[folder])])

    def snapshot(self) -> DeviceView:
        """Freeze what is kept now."""
        folders = ((name, tuple(map(view_letter, kept))) for name, kept in self._folders.items())
        return DeviceView(self.name, tuple(folders))

    def _folder(self, name: str) -> list[Message]:
        if name not in self._folders:
            raise LookupError(f"no folder {name!r} on {self.name}; it has: {', '.join(self._folders)}")
        return self._folders[name]

    def __repr__(self) -> str:
        count = sum(map(len, self._folders.values()))
        return f"<Device {self.name}: {count} letter{'s' * (count != 1)}>"


def _flags(given: Any) -> frozenset[str]:
    if isinstance(given, str):
        raise TypeError(f"flags takes a list, not one text; write [{given!r}]")
    flags = list(given) if isinstance(given, Iterable) else [given]
    if not all(isinstance(flag, str) for flag in flags):
        raise TypeError(f'flags takes a list of texts, such as [r"{SEEN}"], not {given!r:.60}')
    for flag in flags:
        name = flag.lstrip("/")
        if f"\\{name}".lower() in SYSTEM_FLAGS:
            raise ValueError(f'a flag such as {name} begins with a backslash; write r"\\{name}"')
    return frozenset(flags)


def _not_a_number(given: object) -> str:
    if isinstance(given, str) and given.strip().isdecimal():
        return f"a letter's number is written without quotes: throw_away({given.strip()})"
    return "throw_away takes the number that the picture shows before the letter, such as throw_away(1)"


def letters_in(answer: Any) -> Iterator[bytes]:
    r"""Yield the letters in an answer of `poplib` or `imaplib`, or in plain octets.

    Raises `ValueError` where it is an answer without a letter, `TypeError` for anything else, with the remedy.

    >>> list(letters_in((b"+OK", [b"Subject: hi", b"", b"x"], 17)))
    [b'Subject: hi\r\n\r\nx\r\n']
    >>> list(letters_in(("OK", [(b"1 (BODY[] {3}", b"abc"), b")"])))
    [b'abc']
    """
    match answer:
        case bytes() if answer.startswith((b"+OK", b"-ERR")):
            raise ValueError(f"{answer[:40]!r} is what the server said, not a letter; pass what pop.retr(1) returned")
        case b"" | (bytes(), [], int()):
            raise ValueError("there is no letter in this answer, it is empty; pass what pop.retr(1) returned")
        case bytes():
            yield answer if answer.endswith(b"\n") else answer + b"\r\n"  # joined lines lack the last end
        case (bytes(), list() as lines, int()) if all(_LISTED.fullmatch(line) for line in lines):
            raise ValueError(f"{lines[0]!r} is what LIST or UIDL says of a letter; pass what pop.retr(1) returned")
        case (bytes(), list() as lines, int()):  # poplib: response, lines, octets
            yield b"".join(line + b"\r\n" for line in lines)
        case ("OK", list() as parts):  # imaplib: status, [(b'1 (BODY[] {3}', b'abc'), b')']
            found = [part[1] for part in parts if isinstance(part, tuple)]
            if not found:
                raise ValueError(f"this answer holds no letter: {parts!r}; fetch BODY.PEEK[] of a letter that is there")
            yield from found
        case (str() as status, list() as parts):
            raise ValueError(f"the server answered {status} {parts!r}; nothing was fetched, so nothing is saved")
        case _:
            kind = "a list; take one letter out of it" if isinstance(answer, list) else type(answer).__name__
            raise TypeError(f"cannot save {kind}; pass what pop.retr(1) or imap.fetch('1', '(BODY[])') returned")
