"""The truth of a whole domain: its accounts, the names of their mailboxes, passwords, quotas, the maildrop lock."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime

from mailkit.mailbox import Mailbox, MailboxError
from mailkit.message import Message

DELIMITER = "/"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # also line ends, and half characters
SPECIAL_USE = {name: f"\\{name}" for name in ("Archive", "Drafts", "Junk", "Sent", "Trash")}  # RFC 6154 §2
MAX_NAME = 255  # characters of a mailbox name, superiors included
TOO_LONG = f"a mailbox's name has at most {MAX_NAME} characters, those above it included"
MAX_MAILBOXES = 1_000  # an account; and as many subscriptions, which may outlive their mailboxes


class Account:
    """One person's mailboxes, password, quota (octets, None = none) and maildrop lock."""

    def __init__(self, name: str, password: str, store: Store, quota: int | None = None) -> None:
        self.name = name
        self.password = password
        self.store = store
        self.quota = quota
        self.used = 0
        self.mailboxes: dict[str, Mailbox] = {}
        self.subscribed: set[str] = set()
        self._retired = 0  # the largest UIDVALIDITY of a name that lost its mailbox
        self._maildrop_holder: object = None
        self.create("INBOX")

    @property
    def inbox(self) -> Mailbox:
        """The mailbox that mail is delivered to, which is POP3's maildrop, too."""
        return self.mailboxes["INBOX"]

    def get(self, name: str) -> Mailbox:
        """Return the mailbox of this name; INBOX in any case (RFC 3501 §5.1). Raises `MailboxError`."""
        name = canonical_name(name)
        if name not in self.mailboxes:
            raise MailboxError(f"no mailbox {name!r}; these exist: {_listed(self.mailboxes)}", "NONEXISTENT")
        return self.mailboxes[name]

    def children(self, name: str) -> Iterator[str]:
        """Yield the names of the mailboxes below this one."""
        return (other for other in self.mailboxes if other.startswith(name + DELIMITER))

    def create(self, name: str) -> Mailbox:
        """Make an empty mailbox (RFC 3501 §6.3.3); a trailing delimiter is only a hint. Raises `MailboxError`."""
        name = canonical_name(name.removesuffix(DELIMITER))
        self._make_way(name, and_itself=True)
        return self._add(name)

    def _make_way(self, name: str, and_itself: bool = False) -> None:
        """Make the superiors of a mailbox to come; refuse a name that is taken or cannot be one, or has no room."""
        if name in self.mailboxes:
            raise MailboxError(f"the mailbox {name!r} is already there", "ALREADYEXISTS")
        check_name(name)
        missing = [level for level in superiors(name) if level not in self.mailboxes]
        if len(self.mailboxes) + len(missing) + and_itself > MAX_MAILBOXES:
            raise MailboxError(f"an account has at most {MAX_MAILBOXES} mailboxes; delete some first", "LIMIT")
        for level in missing:
            self._add(level)

    def subscribe(self, name: str) -> None:
        """Put a mailbox that exists on the list of those to show (RFC 3501 §6.3.6). Raises `MailboxError`."""
        name = self.get(name).name
        if name not in self.subscribed and len(self.subscribed) >= MAX_MAILBOXES:
            raise MailboxError(f"there are {MAX_MAILBOXES} subscriptions; take some back first", "LIMIT")
        self.subscribed.add(name)

    def _add(self, name: str) -> Mailbox:
        mailbox = self.mailboxes[name] = Mailbox(name, self.store.new_uidvalidity(), self)
        self.store.version += 1
        return mailbox

    def delete(self, name: str) -> None:
        r"""Remove a mailbox and its mail (RFC 3501 §6.3.4). Raises `MailboxError`.

        A name that still has mailboxes below it stays visible as ``\Noselect``: LIST works that out.
        """
        name = canonical_name(name)
        if name not in self.mailboxes and any(self.children(name)):
            raise MailboxError(f"{name!r} only leads to other mailboxes; delete those", "CANNOT")
        mailbox = self.get(name)
        if mailbox is self.inbox:
            raise MailboxError("INBOX cannot be deleted; delete the messages in it instead", "CANNOT")
        mailbox.expunge([message.uid for message in mailbox.messages])
        del self.mailboxes[mailbox.name]
        self._retire(mailbox)
        mailbox.retire()

    def _retire(self, mailbox: Mailbox) -> None:
        """Note that a name lost its mailbox; what has that name next needs a larger UIDVALIDITY (RFC 3501 §2.3.1.1)."""
        self._retired = max(self._retired, mailbox.uidvalidity)

    def rename(self, old: str, new: str) -> None:
        """Rename a mailbox and those below it; INBOX instead gives its mail away (RFC 3501 §6.3.5).

        Raises `MailboxError`.
        """
        old = canonical_name(old)
        if old == "INBOX":
            self.move(self.inbox, self.inbox.messages, self.create(new))
            return
        new = canonical_name(new.removesuffix(DELIMITER))
        moving = [name for name in self.mailboxes if name == old or name.startswith(old + DELIMITER)]
        if not moving:
            self.get(old)  # refuses, naming those that exist
        if new.startswith(old + DELIMITER):
            raise MailboxError(f"{old!r} cannot move into itself; choose another name", "CANNOT")
        if any(self.children(new)):
            raise MailboxError(f"there are mailboxes below {new!r}; choose another name", "ALREADYEXISTS")
        if max(len(name) for name in moving) - len(old) + len(new) > MAX_NAME:
            raise MailboxError(TOO_LONG, "LIMIT")
        self._make_way(new)
        for name in moving:
            mailbox = self.mailboxes.pop(name)
            mailbox.name = new + name.removeprefix(old)
            if mailbox.uidvalidity < self._retired:
                mailbox.retire(self.store.new_uidvalidity())
            self._retire(mailbox)
            self.mailboxes[mailbox.name] = mailbox
        self.store.version += 1

    def copy(self, messages: Collection[Message], target: Mailbox) -> list[Message]:
        """Copy messages with flags and dates; all, or none (RFC 3501 §6.4.7).

        Raises `MailboxError` where the quota or the other mailbox's keywords forbid it.
        """
        self.need_room(sum(message.size for message in messages))
        return _copied(messages, target)

    def move(self, source: Mailbox, messages: Collection[Message], target: Mailbox) -> list[Message]:
        """Copy, then expunge here, as one step (RFC 6851 §3.3, §4.1); needs no room in octets. Raises as `copy`."""
        copies = _copied(messages, target)
        source.expunge([message.uid for message in messages])
        return copies

    def need_room(self, octets: int) -> None:
        """Raise `MailboxError` (OVERQUOTA) when so many octets more would not fit, now or ever."""
        if self.quota is None or self.used + octets <= self.quota:
            return
        full = f"mailbox full: {self.used} of {self.quota} octets used, {octets} more do not fit; delete some mail"
        never = f"{octets} octets never fit into a mailbox of {self.quota}; send or copy less"
        raise MailboxError(never if self.never_fits(octets) else full, "OVERQUOTA")

    def never_fits(self, octets: int) -> bool:
        """Say whether so many octets would not fit even if all else were deleted."""
        return self.quota is not None and octets > self.quota

    def lock_maildrop(self, holder: object) -> bool:
        """Give the maildrop to one POP3 session alone (RFC 1939 §4); False if another holds it."""
        if self._maildrop_holder is None:
            self._maildrop_holder = holder
        return self._maildrop_holder is holder

    def unlock_maildrop(self, holder: object) -> None:
        """Give the maildrop back, if this session holds it."""
        if self._maildrop_holder is holder:
            self._maildrop_holder = None


class Store:
    """All accounts of one domain. ``version`` goes up at every change."""

    def __init__(self, domain: str, clock: Callable[[], datetime], uidvalidity: int = 1) -> None:
        self.domain = domain
        self.clock = clock
        self.accounts: dict[str, Account] = {}
        self.version = 0
        self.check_password = True
        self._next_uidvalidity = uidvalidity

    def new_uidvalidity(self) -> int:
        """Return a value no mailbox had: a name deleted and made again must not reuse its UIDs."""
        self._next_uidvalidity += 1
        return self._next_uidvalidity - 1

    def add_account(self, name: str, password: str, quota: int | None = None) -> Account:
        """Open an account with an empty INBOX. Raises `ValueError` if the name is taken."""
        if name in self.accounts:
            raise ValueError(f"the account {name!r} is already there")
        account = self.accounts[name] = Account(name, password, self, quota)
        return account

    def authenticate(self, user: str, password: str, acting_for: str = "") -> Account | None:
        """Return the account, or None when name or password is wrong (which one is not told).

        Nobody logs in for another account, which is what PLAIN's first name would ask for (RFC 4616 §2).
        """
        account = self.account_for(user)
        if acting_for and self.account_for(acting_for) is not account:
            account = None
        right = (account.password if account else "").encode()
        matches = hmac.compare_digest(right, password.encode("utf-8", "surrogateescape"))
        return account if matches or not self.check_password else None

    def account_for(self, address: str) -> Account | None:
        """Return the account for ``amy`` or ``amy@this.domain``, or None."""
        name, at, domain = in_small_letters(address).partition("@")
        return self.accounts.get(name) if not at or domain == self.domain else None


def _copied(originals: Collection[Message], target: Mailbox) -> list[Message]:
    target.need_place(len(originals))
    target.flag_set(frozenset().union(*(one.flags for one in originals)))  # refuses before the first copy is made
    return target.put((one.octets, one.internaldate, target.flag_set(one.flags)) for one in originals)


def in_small_letters(name: str) -> str:
    """Return a name of ours as it is kept; beyond ASCII nothing changes: the Kelvin sign is no ``k``."""
    return name.lower() if name.isascii() else name


def _listed(names: Iterable[str]) -> str:
    """Name some, each in quotes: some clients wait for a literal after a line that ends in ``{5}``.

    >>> _listed(["Work", "INBOX"]), _listed(f"Box {number}" for number in range(10, 40))[-30:]
    ("'INBOX', 'Work'", "'Box 18', 'Box 19' and 20 more")
    """
    known = [repr(name) for name in sorted(names)]
    return ", ".join(known[:10]) + f" and {len(known) - 10} more" * (len(known) > 10)


def check_name(name: str) -> None:
    """Raise `MailboxError` where no mailbox can have this name."""
    if not all(name.split(DELIMITER)) or _CONTROLS.search(name):
        raise MailboxError(f"{name!r} cannot name a mailbox; use names without controls, joined by '/'", "CANNOT")
    if len(name) > MAX_NAME:
        raise MailboxError(TOO_LONG, "LIMIT")


def superiors(name: str) -> list[str]:
    """Return the names of the levels above a mailbox, the topmost first (RFC 3501 §5.1.1).

    >>> superiors("Work/2026/May")
    ['Work', 'Work/2026']
    """
    parts = name.split(DELIMITER)
    return [DELIMITER.join(parts[:depth]) for depth in range(1, len(parts))]


def canonical_name(name: str) -> str:
    """Spell INBOX, and INBOX at the start of a path, in capitals (RFC 3501 §5.1); a dotless ı is no ``i``.

    >>> canonical_name("inbox"), canonical_name("Inbox/Bills"), canonical_name("Sent"), canonical_name("ınbox")
    ('INBOX', 'INBOX/Bills', 'Sent', 'ınbox')
    """
    first, delimiter, rest = name.partition(DELIMITER)
    return "INBOX" + delimiter + rest if in_small_letters(first) == "inbox" else name
