"""The commands about mailboxes as a whole: CREATE, LIST, STATUS, APPEND and their like (RFC 3501 §6.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from mailkit.imap.states import OTHERS_TURN, Reply
from mailkit.imap.syntax import Arguments, BadSyntax, astring, decode_name, encode_name
from mailkit.imap.view import View
from mailkit.mailbox import Mailbox, MailboxError
from mailkit.message import DELETED, with_crlf
from mailkit.store import DELIMITER, SPECIAL_USE, Account, canonical_name, check_name, superiors

MAX_PATTERN = 1500  # characters; a name has 1,362 octets at most


STATUS_ITEMS: Mapping[str, Callable[[Mailbox], int]] = {
    "MESSAGES": len,
    "RECENT": lambda mailbox: len(mailbox) - mailbox.place_of(mailbox.first_recent),
    "UIDNEXT": lambda mailbox: mailbox.uidnext,
    "UIDVALIDITY": lambda mailbox: mailbox.uidvalidity,
    "UNSEEN": lambda mailbox: mailbox.unseen,
    "DELETED": lambda mailbox: len(mailbox.deleted_uids()),  # this and the next: RFC 9208 §4.1.4
    "DELETED-STORAGE": lambda mailbox: sum(one.size for one in mailbox.messages if DELETED in one.flags),
}


def matches(pattern: str, name: str, reference: str = "") -> bool:
    """Say whether a LIST pattern fits: ``*`` is anything, ``%`` anything but the delimiter (RFC 3501 §6.3.8).

    The reference, which the pattern goes on, is a name: a ``%`` in it is a ``%``. Case counts, but not in INBOX,
    alone or as the topmost level (§5.1).

    >>> [matches(pattern, "Work/2026") for pattern in ("*", "%", "Work/%", "W*6", "work*")]
    [True, False, True, True, False]
    >>> [matches(pattern, "INBOX/Bills") for pattern in ("inbox*", "in%/Bills", "inbox/bills", "*box%")]
    [True, True, False, False]
    >>> matches("*", "100%/May", "100%/"), matches("*", "1000/May", "100%/")
    (True, False)
    """
    in_any_case = len("INBOX") if name.partition(DELIMITER)[0] == "INBOX" else 0
    where: dict[str, int] = {}  # character → a number; its bit n says that the name has it behind n others
    for place, letter in enumerate(name):
        for spelled in {letter, letter.lower()} if place < in_any_case else letter:
            where[spelled] = where.get(spelled, 0) | 1 << place
    anywhere = (2 << len(name)) - 1
    in_levels = anywhere >> 1 & ~where.get(DELIMITER, 0)
    reached = 1  # its bit n says that the name's first n characters fit; all at once, so no pattern takes for ever
    for at, wildcard in enumerate(reference + pattern, start=-len(reference)):
        if wildcard == "*" and at >= 0:
            reached = anywhere & -(reached & -reached)  # the lowest, and all above
        elif wildcard == "%" and at >= 0:
            reached |= (in_levels + (reached & in_levels)) ^ in_levels  # what is added is carried to the level's end
        else:
            reached = (reached & where.get(wildcard, 0)) << 1
        if not reached:
            return False
    return bool(reached >> len(name))


def with_superiors(names: Iterable[str]) -> dict[str, bool]:
    """Return these names and all levels above them, INBOX first: name → whether it was given.

    >>> with_superiors(["Archive/2026", "INBOX"])
    {'INBOX': True, 'Archive': False, 'Archive/2026': True}
    """
    known = dict.fromkeys(names, True)
    for name in list(known):
        for level in superiors(name):
            known.setdefault(level, False)
    return {name: known[name] for name in sorted(known, key=lambda name: (name != "INBOX", name))}


def listing(
    word: str, names: Iterable[str], reference: str, pattern: str, only_special: bool = False
) -> Iterator[bytes]:
    r"""Yield a LIST or LSUB line for each name that fits; a level that is no mailbox is ``\Noselect``.

    A pattern is matched with names as they are written, in modified UTF-7. LSUB shows such a level only for a ``%``
    at the pattern's end (RFC 3501 §6.3.9). Raises `MailboxError` (LIMIT) for a pattern that is too long.
    """
    if len(pattern) > MAX_PATTERN:
        raise MailboxError(f"the pattern is longer than {MAX_PATTERN} characters; use a * in it", "LIMIT")
    levels_too = word == "LIST" or pattern.endswith("%")
    for name, given in with_superiors(names).items():
        attributes = [SPECIAL_USE[name]] if given and name in SPECIAL_USE else []
        if (only_special and not attributes) or not (given or levels_too):
            continue
        written = encode_name(name)
        if matches(pattern, written.decode(), reference):
            yield list_line(word, attributes if given else ["\\Noselect"], written)
        else:
            yield OTHERS_TURN


def list_line(word: str, attributes: list[str], name: bytes) -> bytes:
    """Write one untagged LIST or LSUB (RFC 3501 §7.2.2, §7.2.3)."""
    return f'* {word} ({" ".join(attributes)}) "{DELIMITER}" '.encode() + astring(name) + b"\r\n"


def _written(name: str) -> bytes:
    return astring(encode_name(name))


class MailboxCommands:
    """The commands about mailboxes as a whole, legal once somebody has logged in (RFC 3501 §6.3)."""

    def __init__(self, account: Account, view: View | None = None) -> None:
        self._account = account
        self._view = view

    def do_create(self, arguments: Arguments) -> None:
        """Make a mailbox."""
        self._account.create(arguments.only_mailbox())

    def do_delete(self, arguments: Arguments) -> None:
        """Remove a mailbox; sessions that have it open hear EXPUNGE of all it held, and BYE."""
        self._account.delete(arguments.only_mailbox())

    def do_rename(self, arguments: Arguments) -> None:
        """Give a mailbox another name."""
        old, new = arguments.next_astring(), arguments.only_mailbox()
        self._account.rename(decode_name(old), new)

    def do_subscribe(self, arguments: Arguments) -> None:
        """Put a mailbox on the list that LSUB shows."""
        self._account.subscribe(arguments.only_mailbox())

    def do_unsubscribe(self, arguments: Arguments) -> None:
        """Take a name off that list; the mailbox may long be gone (§6.3.6)."""
        self._account.subscribed.discard(canonical_name(arguments.only_mailbox()))

    def do_list(self, arguments: Arguments) -> Reply:
        """List mailboxes that fit a pattern; with RFC 6154's SPECIAL-USE, only those that have a use."""
        arguments.space()
        only_special = arguments.take(b"(SPECIAL-USE) ")
        reference, pattern = _reference_and_pattern(arguments)
        extended = arguments.take(b" RETURN (SPECIAL-USE)") or only_special  # which LIST tells anyway
        arguments.end()
        if not pattern and not extended:  # asks for the delimiter, and for the root of the reference
            root = reference[: reference.find(DELIMITER) + 1]
            return Reply([list_line("LIST", ["\\Noselect"], root.encode("latin-1"))])
        return Reply(listing("LIST", self._account.mailboxes, reference, pattern, only_special))

    def do_lsub(self, arguments: Arguments) -> Reply:
        """List subscribed names that fit a pattern."""
        arguments.space()
        reference, pattern = _reference_and_pattern(arguments)
        arguments.end()
        return Reply(listing("LSUB", self._account.subscribed, reference, pattern))

    def do_status(self, arguments: Arguments) -> Reply:
        """Tell numbers of a mailbox without opening it."""
        name = arguments.next_astring()
        arguments.space()
        items = arguments.parenthesized(lambda: arguments.word("an item"))
        arguments.end()
        if not items or not STATUS_ITEMS.keys() >= set(items):
            raise BadSyntax(f"STATUS knows these items: {' '.join(STATUS_ITEMS)}")
        mailbox = self._account.get(decode_name(name))
        known = STATUS_ITEMS
        if self._view and self._view.mailbox is mailbox:  # which has taken \Recent from the messages (§2.3.2)
            view = self._view
            known = {**known, "RECENT": lambda mailbox: view.recent_and_coming()}
        values = " ".join(f"{item} {known[item](mailbox)}" for item in dict.fromkeys(items))
        return Reply([b"* STATUS %b (%b)\r\n" % (_written(mailbox.name), values.encode())])

    def foresee_append(self, arguments: Arguments, octets: int) -> None:
        """Raise what APPEND would, for want of the mailbox or of room, while the client still holds the message."""
        target(self._account, decode_name(arguments.next_astring()))
        self._account.need_room(octets)

    def do_append(self, arguments: Arguments) -> Reply:
        """Put a message into a mailbox; the answer tells its UID (RFC 4315 §3)."""
        name = arguments.next_astring()
        arguments.space()
        flags, when = [], None
        if arguments.next_is(b"("):
            flags = arguments.flags()
            arguments.space()
        if arguments.next_is(b'"'):
            when = arguments.date_time()
            arguments.space()
        octets = arguments.literal()
        arguments.end()
        mailbox = target(self._account, decode_name(name))
        if not octets:  # most servers take it for a slip
            raise MailboxError("a message of no octets is none; send a header, and a blank line after it", "CANNOT")
        message = mailbox.append(with_crlf(octets), flags, when)  # as Dovecot does: POP3 tells lines by CRLF
        return Reply(code=f"APPENDUID {mailbox.uidvalidity} {message.uid}")

    def do_namespace(self, _: Arguments) -> Reply:
        """Tell that there are personal mailboxes only, and no prefix before their names (RFC 2342 §5)."""
        return Reply([b'* NAMESPACE (("" "%b")) NIL NIL\r\n' % DELIMITER.encode()])

    def do_getquota(self, arguments: Arguments) -> Reply:
        """Tell what an account may hold; the one quota root is called ``""`` (RFC 9208 §4.1.1)."""
        root = arguments.only_astring()
        if root or self._account.quota is None:
            raise MailboxError("there is no such quota root; GETQUOTAROOT INBOX tells which there is", "NONEXISTENT")
        return Reply([self._quota()])

    def do_getquotaroot(self, arguments: Arguments) -> Reply:
        """Tell which quota a mailbox falls under; it need not exist (RFC 9208 §4.1.2)."""
        name = _written(canonical_name(arguments.only_mailbox()))
        if self._account.quota is None:
            return Reply([b"* QUOTAROOT %b\r\n" % name])
        return Reply([b'* QUOTAROOT %b ""\r\n' % name, self._quota()])

    def _quota(self) -> bytes:
        """Write an untagged QUOTA, in units of 1,024 octets (RFC 9208 §4.2.1, §5.1)."""
        used, limit = self._account.used, self._account.quota or 0
        return b'* QUOTA "" (STORAGE %d %d)\r\n' % (-(-used // 1024), -(-limit // 1024))


def target(account: Account, name: str) -> Mailbox:
    """Return the mailbox that mail shall go to; if it is missing, the client may create it (RFC 3501 §7.1)."""
    try:
        return account.get(name)
    except MailboxError as error:
        check_name(name)
        raise MailboxError(f"{error}; CREATE it first", "TRYCREATE") from None


def _reference_and_pattern(arguments: Arguments) -> tuple[str, str]:
    reference = arguments.astring().decode("latin-1")
    arguments.space()
    return reference, arguments.pattern()
