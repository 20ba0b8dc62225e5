"""What the fifteen complaints share: lines to a server, and questions to a snapshot."""

from __future__ import annotations

import imaplib
from collections.abc import Callable, Iterable
from typing import Any

from mailkit.exercise import Mistake
from mailkit.scenes.popclient import PopSettings
from mailkit.server import MailServer
from mailkit.snapshot import LetterView, Snapshot

LUNCH, INVOICE, PHOTOS = "Lunch on Thursday", "Invoice 2026-114", "Photos of the lake"
WALK = "Walk this afternoon?"

TAKE_ALL = PopSettings(leave=False, days=None, until_deleted=False)
LEAVE_ALL = PopSettings(leave=True, days=None, until_deleted=False)


def by_imap(server: MailServer, work: Callable[[imaplib.IMAP4], object]) -> None:
    """Connect by IMAP, log in as Amy, select INBOX, let ``work(imap)`` do its work, and log out."""
    with imaplib.IMAP4(*server.imap) as imap:
        imap.login("amy", "secret")
        imap.select()
        work(imap)


def inbox(now: Snapshot, name: str = "INBOX", account: str = "amy") -> list[str]:
    """Return the subjects of the letters in a mailbox, sorted. Raises `LookupError`, as a snapshot does."""
    return subjects(now.mailbox(account, name).letters)


def kept(now: Snapshot, device: str) -> list[str]:
    """Return the subjects of the letters on a device, sorted."""
    return subjects(now.device(device).letters)


def folder(now: Snapshot, device: str, name: str) -> tuple[LetterView, ...]:
    """Return the letters in one of a device's folders. Raises `LookupError` where it has no such folder."""
    return dict(now.device(device).folders)[name]


def subjects(letters: Iterable[LetterView]) -> list[str]:
    """Return the letters' subjects, sorted; one that is there twice stands there twice."""
    return sorted(letter.subject for letter in letters)


def anywhere(now: Snapshot) -> list[str]:
    """Return the subjects of Amy's letters on the server, whatever the mailbox, sorted."""
    return subjects(letter for view in now.mailboxes if view.account == "amy" for letter in view.letters)


def digests(now: Snapshot) -> set[str]:
    """Return what tells the octets of all letters apart, wherever they are."""
    return set[str]().union(*(view.digests for view in now.mailboxes), *(device.digests for device in now.devices))


def lost(before: Snapshot, now: Snapshot) -> bool:
    """Tell whether a letter that was there has no copy left, on the server or on a device."""
    return not digests(before) <= digests(now)


def rewritten(before: Snapshot, now: Snapshot) -> bool:
    """Tell whether Amy has a letter on the server that nobody had before: a part of one, or one that was sent anew."""
    on_server = {letter.digest for view in now.mailboxes if view.account == "amy" for letter in view.letters}
    return not on_server <= digests(before)


NOT_AS_IT_WAS = Mistake(
    "not-as-it-was",
    rewritten,
    "There is a letter on the server that is not, octet for octet, what it was before: append each one as it is on the "
    "device, whole, and do not send it again, for SMTP puts a new `Received:` line on top.",
)


def twice(found: list[Any]) -> bool:
    """Tell whether something stands in a list twice."""
    return len(set(found)) < len(found)
