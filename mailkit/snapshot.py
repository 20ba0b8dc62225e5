"""Frozen pictures of mailboxes, sessions and devices, and the difference between two of them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from email import policy
from email.parser import BytesHeaderParser
from functools import lru_cache
from typing import Literal

from mailkit.message import Message, end_of_header

LONGEST_HEADER = 65_536  # octets that are looked through where no blank line ends it
LONGEST_FIELD = 1_000  # octets of a field that a picture needs
_headers = BytesHeaderParser(policy=policy.default)


@dataclass(frozen=True, slots=True)
class LetterView:
    """One message as a picture shows it. Equal ``digest``: the same octets, wherever the copy is kept."""

    uid: int
    subject: str
    sender: str
    size: int  # octets
    flags: frozenset[str]
    digest: str


@dataclass(frozen=True, slots=True)
class MailboxView:
    """One mailbox on the server, letters in UID order; ``quota`` and ``used`` are the account's, in octets."""

    account: str
    name: str
    uidvalidity: int
    letters: tuple[LetterView, ...]
    used: int = 0
    quota: int | None = None

    @property
    def key(self) -> str:
        """Which mailbox this is, in every snapshot: ``amy/INBOX``."""
        return f"{self.account}/{self.name}"

    @property
    def digests(self) -> list[str]:
        """Each letter's digest, in order: equal octets have equal ones, and a part of a letter has its own."""
        return [letter.digest for letter in self.letters]


@dataclass(frozen=True, slots=True)
class SessionView:
    """One open session: ``marks`` are the UIDs that a POP3 session's DELE marked, known to it alone."""

    protocol: Literal["POP3", "IMAP", "SMTP"]
    state: str
    account: str | None = None
    mailbox: str | None = None
    marks: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class DeviceView:
    """What a laptop or phone keeps, folder by folder; with ``keeps`` False: what a window on the server shows."""

    name: str
    folders: tuple[tuple[str, tuple[LetterView, ...]], ...] = ()
    keeps: bool = True

    @property
    def letters(self) -> tuple[LetterView, ...]:
        """All letters kept here, folder after folder."""
        return tuple(letter for _, kept in self.folders for letter in kept)

    @property
    def digests(self) -> list[str]:
        """As in `MailboxView`: an equal one is a whole copy of the same letter."""
        return [letter.digest for letter in self.letters]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole world at one moment: mailboxes on the server, open sessions, devices.

    Raises `ValueError` where a device has the name of an account or of another device.
    """

    mailboxes: tuple[MailboxView, ...] = ()
    sessions: tuple[SessionView, ...] = ()
    devices: tuple[DeviceView, ...] = ()

    def __post_init__(self) -> None:
        names = [*{view.account for view in self.mailboxes}, *(view.name for view in self.devices)]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(
                f"{twice!r} names two things here, and a picture could not tell them apart; pass each device once, "
                """and give it a name that nothing else has, such as Device("Amy's laptop")"""
            )

    def mailbox(self, account: str, name: str = "INBOX") -> MailboxView:
        """Return one mailbox. Raises `LookupError`, naming those that exist."""
        for view in self.mailboxes:
            if (view.account, view.name) == (account, name):
                return view
        known = ", ".join(view.key for view in self.mailboxes) or "none"
        raise LookupError(f"no mailbox {account}/{name} in this snapshot; it has: {known}")

    def device(self, name: str) -> DeviceView:
        """Return one device. Raises `LookupError`, naming those that were photographed."""
        for view in self.devices:
            if view.name == name:
                return view
        known = ", ".join(view.name for view in self.devices) or "none; pass it: server.snapshot(laptop)"
        raise LookupError(f"no device {name!r} in this snapshot; it has: {known}")

    def marks(self, account: str) -> frozenset[int]:
        """Return the UIDs that the account's open POP3 session has marked for deletion."""
        return frozenset().union(*(view.marks for view in self.sessions if view.account == account))


@dataclass(frozen=True, slots=True)
class Moment:
    """A state of the server and the command that led to it, as ``POP3 amy: DELE 1``."""

    cause: str
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class PlaceChange:
    """What changed in one mailbox or device folder; letters as they are after (gone: as they were)."""

    place: str  # "amy/INBOX" on the server, "laptop/INBOX" on a device
    new: tuple[LetterView, ...] = ()
    gone: tuple[LetterView, ...] = ()
    flagged: tuple[tuple[LetterView, frozenset[str], frozenset[str]], ...] = ()  # letter, flags set, flags cleared

    def __bool__(self) -> bool:
        return bool(self.new or self.gone or self.flagged)


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed between two snapshots: places with a change, and accounts with marks set or taken back."""

    places: tuple[PlaceChange, ...] = ()
    marks: tuple[tuple[str, frozenset[int], frozenset[int]], ...] = ()  # account, UIDs marked, UIDs no longer marked

    def __bool__(self) -> bool:
        return bool(self.places or self.marks)


def digest(octets: bytes) -> str:
    """Return what tells a message's octets from any other's."""
    return hashlib.blake2s(octets, digest_size=8).hexdigest()


def view_letter(message: Message) -> LetterView:
    """Freeze one message: decoded subject and sender, size, flags, digest of its octets."""
    known = message.view
    if not isinstance(known, LetterView):
        end = end_of_header(message.octets)
        header = message.octets[: end if end < message.size else LONGEST_HEADER]
        known = LetterView(
            message.uid,
            _decoded(header, "Subject") or "(no subject)",
            _decoded(header, "From") or "(no sender)",
            message.size,
            message.flags,
            digest(message.octets),
        )
    if known.flags != message.flags:
        known = replace(known, flags=message.flags)
    message.view = known
    return known


def _decoded(header: bytes, name: str) -> str:
    """Return a field's words, or nothing where there is no such field."""
    found = re.search(rb"^%b:[^\n]*+(?:\n[ \t][^\n]*+)*+" % name.encode(), header, re.MULTILINE | re.IGNORECASE)
    return _words(found[0][:LONGEST_FIELD]) if found else ""


@lru_cache(maxsize=1_000)  # a letter lies on the server, on the laptop and on the phone
def _words(field: bytes) -> str:
    """Decode a field; the library raises all sorts of exceptions at broken ones, which stay as they are.

    A long field is cut before: the library's time grows with the square of its length.
    """
    try:
        (value,) = _headers.parsebytes(field + b"\r\n\r\n").values()
        return str(value).strip()
    except Exception:
        return " ".join(field.partition(b":")[2].decode("utf-8", "replace").split())


def compare(before: Snapshot, after: Snapshot) -> Difference:
    """Return what changed. A letter is the same one while its place, UIDVALIDITY and UID are."""
    earlier, later = _places(before), _places(after)
    changes = [_compare_place(place, earlier.get(place, {}), later.get(place, {})) for place in earlier | later]
    accounts = sorted({view.account for view in before.sessions + after.sessions if view.account})
    marks = [(name, before.marks(name), after.marks(name)) for name in accounts]
    marked = tuple((name, now - was, was - now) for name, was, now in marks if was != now)
    return Difference(tuple(filter(None, changes)), marked)


Key = tuple[int, int]  # UIDVALIDITY, UID


def _places(snapshot: Snapshot) -> dict[str, dict[Key, LetterView]]:
    kept = [(view.key, view.uidvalidity, view.letters) for view in snapshot.mailboxes]
    kept += [(f"{one.name}/{folder}", 0, letters) for one in snapshot.devices for folder, letters in one.folders]
    return {place: {(validity, letter.uid): letter for letter in letters} for place, validity, letters in kept}


def _compare_place(place: str, was: dict[Key, LetterView], now: dict[Key, LetterView]) -> PlaceChange:
    return PlaceChange(
        place,
        new=tuple(letter for key, letter in now.items() if key not in was),
        gone=tuple(letter for key, letter in was.items() if key not in now),
        flagged=tuple(
            (letter, letter.flags - was[key].flags, was[key].flags - letter.flags)
            for key, letter in now.items()
            if key in was and letter.flags != was[key].flags
        ),
    )
