"""The truth, one mailbox at a time: its messages, UIDs and flags, and who is to be told of what changes.

Nothing here knows a protocol. Sessions ask; the store answers, or raises `MailboxError` in words a
session can pass on. All calls come from one thread, the server's.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from mailkit.message import DELETED, NO_FLAGS, SEEN, SYSTEM_FLAGS, Message

if TYPE_CHECKING:
    from mailkit.store import Account

MAX_MESSAGES = 200_000  # a mailbox; a quota in octets would not bound empty ones
MAX_KEYWORD = 100  # characters
MAX_KEYWORDS = 64  # a mailbox; a client may invent keywords, but not without bound
MAX_FLAG_SETS = 1_000  # that a mailbox remembers, so that equal ones are one object


class MailboxError(Exception):
    """A refusal; ``code`` is the response code of RFC 5530 or RFC 3501 §7.1 that says which kind."""

    def __init__(self, words: str, code: str) -> None:
        super().__init__(words)
        self.code = code


class Watcher:
    """What one IMAP session has not yet been told about its mailbox: a change log with one reader.

    It keeps UIDs, not events, so a message is in it once, however often it changed; reading it costs what
    changed, whatever the mailbox holds. A message that is gone before the session was told of it (its UID is
    ``first_untold`` or larger) is not in it.
    """

    __slots__ = ("arrived", "changed", "expunged", "first_untold", "wake")

    def __init__(self, wake: Callable[[], None]) -> None:
        self.arrived = False
        self.changed: set[int] = set()
        self.expunged: set[int] = set()
        self.first_untold = 0
        self.wake = wake

    def __bool__(self) -> bool:
        return self.arrived or bool(self.changed) or bool(self.expunged)


class Mailbox:
    """One mailbox (RFC 3501 §2.3): messages in UID order, UIDVALIDITY, UIDNEXT, flags.

    ``messages`` grows in place when mail arrives and is *replaced* by an expunge. A session that keeps
    the list and its length thus keeps its own sequence numbers, without a copy, until it catches up.
    """

    def __init__(self, name: str, uidvalidity: int, account: Account) -> None:
        self.name = name
        self.uidvalidity = uidvalidity
        self.uidnext = 1
        self.first_recent = 1  # the first UID that no session was told of: \Recent (RFC 3501 §2.3.2)
        self.messages: list[Message] = []
        self.unseen = 0
        self._seen_below = 1  # every message with a smaller UID is \Seen
        self.keywords: dict[str, str] = {}  # lower case → as first spelled
        self.account = account
        self._watchers: set[Watcher] = set()
        self._flag_sets: dict[frozenset[str], frozenset[str]] = {NO_FLAGS: NO_FLAGS}

    def __len__(self) -> int:
        return len(self.messages)

    def by_uid(self, uid: int) -> Message | None:
        """Return the message with this UID, or None where there is none (any more)."""
        at = self.place_of(uid)
        return self.messages[at] if at < len(self) and self.messages[at].uid == uid else None

    def place_of(self, uid: int) -> int:
        """Return where in ``messages`` this UID is, or where the next larger one is."""
        return bisect_left(self.messages, uid, key=lambda message: message.uid)

    def first_unseen(self) -> int:
        r"""Return the place in ``messages`` of the first without ``\Seen``, or their number if there is none.

        SELECT asks each time (RFC 3501 §6.3.1), so the search goes on from where the last one ended.
        """
        at = self.place_of(self._seen_below)
        if self.unseen:
            at = next(place for place in range(at, len(self)) if SEEN not in self.messages[place].flags)
            self._seen_below = self.messages[at].uid
            return at
        self._seen_below = self.uidnext
        return len(self)

    def flag_set(self, flags: Iterable[str], new: bool = True) -> frozenset[str]:
        r"""Spell flags as this mailbox does; equal sets share one object, however many messages hold it.

        A keyword that the mailbox does not know is added; without ``new`` it is left out.
        Raises `MailboxError` for an unknown ``\flag`` and for one keyword too many, and then adds none.
        """
        if isinstance(flags, frozenset) and flags in self._flag_sets:
            return self._flag_sets[flags]
        asked = {flag.lower(): flag for flag in flags}
        spelled = SYSTEM_FLAGS | self.keywords
        unknown = {lower: flag for lower, flag in asked.items() if lower not in spelled}
        for flag in unknown.values():
            if flag.startswith("\\"):
                known = " ".join(SYSTEM_FLAGS.values())
                raise MailboxError(f"{flag} is not a flag a client can set; these are: {known}", "CANNOT")
        if new and any(len(flag) > MAX_KEYWORD for flag in unknown.values()):
            raise MailboxError(f"a keyword has at most {MAX_KEYWORD} characters; use a shorter one", "LIMIT")
        if new and unknown and len(self.keywords) + len(unknown) > MAX_KEYWORDS:
            raise MailboxError(f"a mailbox has at most {MAX_KEYWORDS} keywords; use those that are there", "LIMIT")
        self.keywords |= unknown if new else {}
        wanted = frozenset(spelled.get(lower, flag) for lower, flag in asked.items() if new or lower in spelled)
        if len(self._flag_sets) > MAX_FLAG_SETS:
            self._flag_sets.clear()
        return self._flag_sets.setdefault(wanted, wanted)

    def need_place(self, count: int) -> None:
        """Raise `MailboxError` (LIMIT) when there would be too many messages."""
        if len(self.messages) + count > MAX_MESSAGES:
            raise MailboxError(f"a mailbox has at most {MAX_MESSAGES:,} messages; delete some first", "LIMIT")

    def append(self, octets: bytes, flags: Iterable[str] = (), when: datetime | None = None) -> Message:
        """Add a message under the next UID. Raises `MailboxError` where it does not fit, or as `flag_set` does."""
        self.account.need_room(len(octets))
        self.need_place(1)
        (message,) = self.put([(octets, when or self.account.store.clock(), self.flag_set(flags))])
        return message

    def put(self, letters: Iterable[tuple[bytes, datetime, frozenset[str]]]) -> list[Message]:
        """Add messages under the next UIDs, whether there is room or not; every session will be told of them.

        Takes of each its octets, its date, and its flags as `flag_set` spells them.
        """
        new = [Message(uid, *letter) for uid, letter in enumerate(letters, self.uidnext)]
        if new:
            self.uidnext += len(new)
            self.messages += new
            self.unseen += sum(SEEN not in message.flags for message in new)
            self.account.used += sum(message.size for message in new)
            for watcher in self._watchers:
                watcher.arrived = True
            self._changed()
        return new

    def set_flags(self, message: Message, flags: Iterable[str], by: Watcher | None = None) -> None:
        """Replace the flags of a message; every session but ``by`` will be told (RFC 3501 §6.4.6)."""
        new = self.flag_set(flags)
        if new == message.flags:
            return
        if SEEN not in new:
            self._seen_below = min(self._seen_below, message.uid)
        self.unseen += (SEEN not in new) - (SEEN not in message.flags)
        message.flags = new
        for watcher in self._watchers:
            if watcher is not by:
                watcher.changed.add(message.uid)
        self._changed()

    def expunge(self, uids: Collection[int]) -> list[Message]:
        """Remove these messages for good and return them; every session will be told in its own time."""
        doomed = set(uids)
        gone = [message for message in self.messages if message.uid in doomed]
        if gone:
            self.messages = [message for message in self.messages if message.uid not in doomed]
            self.unseen -= sum(SEEN not in message.flags for message in gone)
            self.account.used -= sum(message.size for message in gone)
            told = [message.uid for message in gone]  # ascending
            for watcher in self._watchers:
                watcher.expunged.update(told[: bisect_left(told, watcher.first_untold)])
                if watcher.changed:
                    watcher.changed -= doomed
            self._changed()
        return gone

    def retire(self, uidvalidity: int = 0) -> None:
        """Be no longer what sessions have opened: another mailbox from now on or, with 0, none."""
        self.uidvalidity = uidvalidity
        self._changed()

    def deleted_uids(self) -> list[int]:
        r"""Return the UIDs of messages flagged ``\Deleted``."""
        return [message.uid for message in self.messages if DELETED in message.flags]

    def watch(self, wake: Callable[[], None]) -> Watcher:
        """Begin a change log for one session; ``wake`` is called at each change."""
        watcher = Watcher(wake)
        self._watchers.add(watcher)
        return watcher

    def unwatch(self, watcher: Watcher) -> None:
        """End a session's change log."""
        self._watchers.discard(watcher)

    def _changed(self) -> None:
        self.account.store.version += 1
        for watcher in self._watchers:
            watcher.wake()
