"""What the fifteen complaints share: lines to a server, and questions to a snapshot."""

from __future__ import annotations

import imaplib
from collections.abc import Callable, Iterable
from typing import Any

from mailkit.message import DELETED
from mailkit.scenes.mistakes import digests
from mailkit.scenes.popclient import PopSettings
from mailkit.scenes.programs import logged_in
from mailkit.server import MailServer
from mailkit.snapshot import LetterView, Snapshot

LUNCH, INVOICE, PHOTOS = "Lunch on Thursday", "Invoice 2026-114", "Photos of the lake"
THREE, WALK = sorted((LUNCH, INVOICE, PHOTOS)), "Walk this afternoon?"

TAKE_ALL = PopSettings(leave=False, days=None, until_deleted=False)
LEAVE_ALL = PopSettings(leave=True, days=None, until_deleted=False)


def by_imap(server: MailServer, work: Callable[[imaplib.IMAP4], object]) -> None:
    """Connect by IMAP, log in as Amy, select INBOX, let ``work(imap)`` do its work, and log out."""
    with logged_in(server) as imap:
        imap.select()
        work(imap)


def inbox(now: Snapshot, name: str = "INBOX", account: str = "amy") -> list[str]:
    """Return the subjects of the letters in a mailbox, sorted. Raises `LookupError`, as a snapshot does."""
    return subjects(now.mailbox(account, name).letters)


def staying(now: Snapshot, name: str = "INBOX") -> list[str]:
    r"""Return the same for Amy, without those flagged `\Deleted`, which the next EXPUNGE removes."""
    return subjects(letter for letter in now.mailbox("amy", name).letters if DELETED not in letter.flags)


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


def lost(before: Snapshot, now: Snapshot) -> bool:
    """Tell whether a letter that was there has no copy left, on the server or on a device."""
    return not digests(before) <= digests(now)


def twice(found: list[Any]) -> bool:
    """Tell whether something stands in a list twice."""
    return len(set(found)) < len(found)
