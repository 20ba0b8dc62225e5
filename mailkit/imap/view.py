"""What one session was told of its mailbox: message sequence numbers, and the news it has not heard yet."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from operator import attrgetter

from mailkit.imap.syntax import BadSyntax, SequenceSet, spans
from mailkit.mailbox import MAX_FLAG_SETS, MAX_KEYWORDS, Mailbox
from mailkit.message import SYSTEM_FLAGS, Message

RECENT = "\\Recent"
_START = attrgetter("start")  # made once: asked for each message that FETCH tells
Numbered = tuple[int, Message]  # message sequence number, message


class View:
    r"""A selected mailbox as its session knows it (RFC 3501 §2.3.1.2).

    Message *n* is ``messages[n - 1]`` until this session, and no other, is told EXPUNGE or EXISTS.
    The list is the mailbox's own, so that selecting costs nothing: see `mailkit.mailbox.Mailbox`.
    ``\Recent`` belongs to the first session that is told of a message (§2.3.2); ``recent`` holds those UIDs.
    """

    def __init__(self, mailbox: Mailbox, read_only: bool, wake: Callable[[], None]) -> None:
        self.mailbox, self._uidvalidity = mailbox, mailbox.uidvalidity
        self.read_only = read_only
        self.watcher = mailbox.watch(wake)
        self.messages = mailbox.messages
        self.count = len(mailbox)
        self.recent: list[range] = []
        self._recents = 0  # how many messages are in these
        self._keywords = len(mailbox.keywords)
        self._claim_recent()

    def close(self) -> None:
        """Stop listening."""
        self.mailbox.unwatch(self.watcher)

    def is_outdated(self) -> bool:
        """Say whether the mailbox is no longer the one that was opened: its UIDVALIDITY is another, or none."""
        return self.mailbox.uidvalidity != self._uidvalidity

    def opening(self) -> bytes:
        """Return what SELECT and EXAMINE must say (RFC 3501 §6.3.1)."""
        mailbox = self.mailbox
        first_unseen = mailbox.first_unseen()
        unseen = b"* OK [UNSEEN %d] first message not yet read\r\n" % (first_unseen + 1)
        return (
            self._flags_lines()
            + b"* %d EXISTS\r\n* %d RECENT\r\n" % (self.count, self._recents)
            + (unseen if first_unseen < self.count else b"")
            + b"* OK [UIDVALIDITY %d] UIDs are valid with this number\r\n" % mailbox.uidvalidity
            + b"* OK [UIDNEXT %d] predicted next UID\r\n" % mailbox.uidnext
        )

    def pick(self, sequence_set: SequenceSet, by_uid: bool) -> list[range]:
        """Return where in ``messages`` these are. Raises `BadSyntax` for a sequence number that is not there.

        A UID that is not there is passed over (RFC 3501 §6.4.8), a number is not (§9, seq-number).
        """
        if by_uid:
            star = self.messages[self.count - 1].uid if self.count else 0
            return [range(self._index(low), self._index(high + 1)) for low, high in spans(sequence_set, star)]
        places = spans(sequence_set, self.count)
        if places[0][0] < 1 or places[-1][1] > self.count:
            there = f"1 to {self.count}" if self.count else "none"
            raise BadSyntax(f"there is no message {places[-1][1] or '*'}; the numbers that exist: {there}")
        return [range(low - 1, high) for low, high in places]

    def numbered(self, places: list[range]) -> Iterator[Numbered]:
        """Yield the messages at these places with their sequence numbers."""
        messages = self.messages
        for place in places:
            for index in place:
                yield index + 1, messages[index]

    def is_gone(self, message: Message) -> bool:
        """Say whether another session expunged this message and this session has not been told yet."""
        return message.uid in self.watcher.expunged

    def flags(self, message: Message) -> bytes:
        r"""Write a message's flags in parentheses, with ``\Recent`` where it is this session's."""
        return _write_flags(message.flags, self.is_recent(message))

    def is_recent(self, message: Message) -> bool:
        r"""Say whether this session is the first that was told of the message."""
        at = bisect_right(self.recent, message.uid, key=_START) - 1
        return at >= 0 and message.uid in self.recent[at]

    def news(self, may_expunge: bool, with_uid: bool = False) -> bytes:
        """Return what this session must now be told, and count it as told (RFC 3501 §5.2, §7.4.1).

        A removal waits until it may be told; arrivals never do, and are numbered with what is gone counted in.
        """
        watcher = self.watcher
        if not watcher and self._keywords == len(self.mailbox.keywords):
            return b""
        lines, recent, grown = [self.keyword_news()], self._recents, False
        if watcher.expunged and may_expunge:
            lines += self._expunged_lines()
        if watcher.arrived:
            watcher.arrived, grown = False, self._catch_up()
            lines += [b"* %d EXISTS\r\n" % self.count] if grown else []
        if grown or recent != self._recents:  # also where it became smaller (§7.3.2)
            lines.append(b"* %d RECENT\r\n" % self._recents)
        if watcher.changed:
            lines += self._changed_lines(with_uid)
        return b"".join(lines)

    def keyword_news(self) -> bytes:
        """Return FLAGS and PERMANENTFLAGS again where keywords were added (RFC 3501 §7.2.6)."""
        if self._keywords == len(self.mailbox.keywords):
            return b""
        self._keywords = len(self.mailbox.keywords)
        return self._flags_lines()

    def _expunged_lines(self) -> Iterator[bytes]:
        """Tell removals from the first on; each shifts those behind it (RFC 3501 §7.4.1)."""
        for told, index in enumerate(self._places(self.watcher.expunged)):
            yield b"* %d EXPUNGE\r\n" % (index + 1 - told)
        self.count -= len(self.watcher.expunged)
        self.watcher.expunged.clear()
        self.messages = self.mailbox.messages
        # of what is gone, nothing is recent
        held = [(claimed, self._held(claimed)) for claimed in self.recent]
        self.recent = [claimed for claimed, count in held if count]
        self._recents = sum(count for _, count in held)

    def _catch_up(self) -> bool:
        mailbox, before = self.mailbox, self.count
        if self.watcher.expunged:  # our list is not the mailbox's any more; it is copied once a removal at most
            if before < len(self.messages):  # what arrived before that removal, and perhaps went with it
                self.messages = self.messages[:before]
            self.messages += mailbox.messages[mailbox.place_of(self.watcher.first_untold) :]
        else:
            self.messages = mailbox.messages
        self.count = len(self.messages)
        self._claim_recent()
        return self.count > before

    def _changed_lines(self, with_uid: bool) -> Iterator[bytes]:
        for index in self._places(self.watcher.changed):
            message = self.messages[index]
            shown = b"UID %d " % message.uid if with_uid else b""
            yield b"* %d FETCH (%bFLAGS %b)\r\n" % (index + 1, shown, self.flags(message))
        self.watcher.changed.clear()

    def _places(self, uids: Iterable[int]) -> Iterator[int]:
        """Yield where in ``messages`` these are, in order; mostly one stands right behind the other."""
        at = -1
        for uid in sorted(uids):
            at += 1
            if self.messages[at].uid != uid:
                at = self._index(uid)
            yield at

    def _index(self, uid: int) -> int:
        return bisect_left(self.messages, uid, 0, self.count, key=lambda message: message.uid)

    def _claim_recent(self) -> None:
        mailbox, watcher = self.mailbox, self.watcher
        fresh = range(max(mailbox.first_recent, watcher.first_untold), mailbox.uidnext)
        watcher.first_untold = mailbox.uidnext
        if not self.read_only:  # EXAMINE takes \Recent from nobody (RFC 3501 §6.3.2)
            mailbox.first_recent = mailbox.uidnext
        self._recents += self._held(fresh)
        if self.recent and self.recent[-1].stop == fresh.start:
            fresh = range(self.recent.pop().start, fresh.stop)
        self.recent += [fresh] if fresh else []

    def _held(self, uids: range) -> int:
        return self._index(uids.stop) - self._index(uids.start) if uids else 0

    def recent_and_coming(self) -> int:
        r"""Return how many messages have ``\Recent`` for this session, with those it will be told of next."""
        box = self.mailbox  # where what is expunged is gone, though this session may not have been told
        here = sum(box.place_of(claimed.stop) - box.place_of(claimed.start) for claimed in self.recent)
        return here + len(box) - box.place_of(max(self.watcher.first_untold, box.first_recent))

    def _flags_lines(self) -> bytes:
        flags = " ".join([*SYSTEM_FLAGS.values(), *self.mailbox.keywords.values()])
        more = r" \*" if self._keywords < MAX_KEYWORDS else ""
        stay = "()] this mailbox is open for reading only" if self.read_only else f"({flags}{more})] flags that stay"
        return f"* FLAGS ({flags})\r\n* OK [PERMANENTFLAGS {stay}\r\n".encode()


@lru_cache(maxsize=MAX_FLAG_SETS)
def _write_flags(flags: frozenset[str], recent: bool) -> bytes:
    ordered = [flag for flag in SYSTEM_FLAGS.values() if flag in flags]
    keywords = sorted(flag for flag in flags if not flag.startswith("\\"))
    shown = " ".join(ordered + [RECENT] * recent + keywords)
    return f"({shown})".encode()
