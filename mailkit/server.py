"""`MailServer`: SMTP, POP3 and IMAP over one store, on loopback, inside the learner's own process."""

from __future__ import annotations

import re
import secrets
import ssl
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from difflib import get_close_matches
from email.message import Message
from functools import partial
from inspect import signature
from io import IOBase
from typing import Any, Literal, Protocol, get_args

from mailkit.engine import Engine
from mailkit.line import Line
from mailkit.message import with_crlf
from mailkit.render import warm
from mailkit.settings import Settings
from mailkit.snapshot import DeviceView, Moment, Snapshot
from mailkit.sockets import Address
from mailkit.store import Store, in_small_letters
from mailkit.transcript import Transcript

ACCOUNT = "(?=.{1,248}$)[a-z0-9]+([.-][a-z0-9]+)*"  # as much as POP3's USER has room for (RFC 2449 §4)
PASSWORD = r"[^\x00-\x1f\x7f\ud800-\udfff]{1,60}"  # POP3's PASS has room for no more (RFC 2449 §4)
MAX_SETTING = 2**31 - 1  # octets, seconds, days: more is a slip, and too much for patterns, timers and RFC 1870's SIZE
ProtocolName = Literal["SMTP", "POP3", "IMAP"]
LABEL = "(?!-|..--)[a-z0-9-]{1,63}(?<!-)"  # no "xn--": beyond ASCII is not ours (RFC 5321 §4.1.2, RFC 5891 §4.2.3.1)
HOST = rf"(?=.{{,253}}$){LABEL}(\.{LABEL})*"


class Photographed(Protocol):
    """What can be in a snapshot beside the server: a `Device`."""

    def snapshot(self) -> DeviceView: ...  # noqa: D102


def fixed_clock() -> datetime:
    """Return the same moment always, so that a lesson gives the same answers at every run."""
    return datetime(2026, 9, 1, 9, 0, tzinfo=UTC)


class MailServer:
    """A mail server that runs as soon as it is made, until `stop`, ``with`` or the loss of its name.

    Args:
        letters: octets of messages, delivered in order to the first account's INBOX.
        accounts: account names, or a mapping of names to passwords.
        password: the password of accounts given by name only; by default an unguessable one.
        domain: what stands behind the @ of every account; the server is called ``mail.`` and this.
        mailboxes: names of mailboxes that each account has beside INBOX, as ``("Sent", "Trash")``.
        quota: how many octets an account may hold; None: no bound.
        clock: returns the time, with its zone, for INTERNALDATE and ``Received:``; fixed by default.
        uidvalidity: the first mailbox's UIDVALIDITY (RFC 3501 §2.3.1.1); others count up from it.
        **settings: switches and limits, see `mailkit.settings.Settings`; for example ``uidl=False``.

    Raises:
        ValueError, TypeError: an argument is wrong; the message says what is allowed.
        mailkit.mailbox.MailboxError: the letters do not fit the quota, or no mailbox can have such a name.

    After `stop` only the addresses and passwords are left; whatever asks the server raises `RuntimeError`.

    """

    def __init__(
        self,
        letters: Iterable[bytes] = (),
        *,
        accounts: Iterable[str] | Mapping[str, str] = ("amy",),
        password: str | None = None,
        domain: str = "example.org",
        mailboxes: Iterable[str] = (),
        quota: int | None = None,
        clock: Callable[[], datetime] = fixed_clock,
        uidvalidity: int = 1,
        **settings: Any,
    ) -> None:
        if not (isinstance(domain, str) and re.fullmatch(HOST, domain)) or len(domain) > 248:  # the host is mail.DOMAIN
            raise ValueError(f'{domain!r} is no domain; write it in lower case, such as domain="example.org"')
        if quota is not None and not _is_number(quota, 2**63 - 1):  # RFC 9208 §3.1.2
            raise ValueError(f"a quota is a number of octets, such as quota=35_000, not {quota!r:.40}")
        now = clock() if callable(clock) else clock
        if not callable(clock) or not isinstance(now, datetime) or now.tzinfo is None:
            words = "a clock is a function that returns a datetime with a time zone"
            raise TypeError(f"{words}, not {now!r:.60}; write clock=lambda: datetime.now().astimezone()")
        if type(uidvalidity) is not int or not 1 <= uidvalidity < 2**32 - 2**16:  # others count up from it
            raise ValueError(f"uidvalidity is a number from 1 to {2**32 - 2**16 - 1}, not {uidvalidity!r}")
        checked = [_octets(letter) for letter in _sequence("letters", letters)]
        store = Store(domain, clock, uidvalidity)
        self.domain = domain
        self._passwords = _passwords(accounts, password)
        names = _sequence("mailboxes", mailboxes)
        for name, word in self._passwords.items():
            account = store.add_account(name, word, quota)
            for mailbox in names:
                account.subscribed.add(account.create(mailbox).name)
        self._first = next(iter(self._passwords))
        for letter in checked:
            store.accounts[self._first].inbox.append(letter)
        switches = _settings(domain, settings)
        store.check_password = switches.check_password
        self._engine = engine = Engine(store, switches)
        self._finalizer = weakref.finalize(self, engine.stop)
        try:
            self._ports = {  # a line holds the engine alone, for the thread must not keep `self` from being lost
                (protocol, tls): engine.listen(partial(Line, engine, protocol, tls))
                for protocol in get_args(ProtocolName)
                for tls in (False, True)
            }
            engine.call(lambda: engine.record("the server started"))
        except BaseException:  # a traceback that is kept would keep thread and ports
            engine.stop()
            raise
        warm()  # a picture will be asked for next

    # ---- where to connect

    @property
    def smtp(self) -> Address:
        """Host and port for `smtplib.SMTP`; STARTTLS is offered (RFC 6409, RFC 3207)."""
        return self._ports["SMTP", False]

    @property
    def pop3(self) -> Address:
        """Host and port for `poplib.POP3`; STLS is offered (RFC 1939, RFC 2595)."""
        return self._ports["POP3", False]

    @property
    def imap(self) -> Address:
        """Host and port for `imaplib.IMAP4`; STARTTLS is offered (RFC 3501)."""
        return self._ports["IMAP", False]

    @property
    def smtps(self) -> Address:
        """Host and port for `smtplib.SMTP_SSL`: TLS from the first octet (RFC 8314 §3.3)."""
        return self._ports["SMTP", True]

    @property
    def pop3s(self) -> Address:
        """Host and port for `poplib.POP3_SSL`: TLS from the first octet (RFC 8314 §3.1)."""
        return self._ports["POP3", True]

    @property
    def imaps(self) -> Address:
        """Host and port for `imaplib.IMAP4_SSL`: TLS from the first octet (RFC 8314 §3.2)."""
        return self._ports["IMAP", True]

    @property
    def ssl_context(self) -> ssl.SSLContext:
        """A client's context that trusts this server's own authority, and nobody else."""
        return self._engine.call(self._engine.tls).client

    @property
    def authority(self) -> str:
        """The certificate of this server's own authority as PEM, for ``create_default_context(cadata=…)``."""
        return self._engine.call(self._engine.tls).authority

    def password(self, account: str | None = None) -> str:
        """Return an account's password. Raises `LookupError`, naming the accounts."""
        return self._passwords[self._known(account)]

    # ---- what happens to the mail

    def deliver(self, letter: bytes, account: str | None = None) -> None:
        """Put a letter into an account's INBOX, as a postman would; by default the first account's.

        Raises `TypeError`, `LookupError`, or `mailkit.mailbox.MailboxError` where the quota is used up.
        """
        octets, name, engine = _octets(letter), self._known(account), self._engine

        def put() -> None:
            engine.store.accounts[name].inbox.append(octets)
            engine.record(f"the postman brought a letter to {name}")

        engine.call(put)

    def relay_to(self, other: MailServer) -> None:
        """From now on, pass mail for another server's domain on to it (RFC 5321 §3.6).

        Raises `TypeError` where it is no other `MailServer`, `ValueError` where its domain is this one's.
        """
        if other is self or not hasattr(other, "smtp"):
            raise TypeError(f"relay_to takes another MailServer, not {other!r}; write for example org.relay_to(net)")
        if other.domain == self.domain:
            words = f"both servers take mail for {self.domain}"
            raise ValueError(f'{words}; make one of another domain, such as MailServer(domain="example.net")')
        self._engine.routes[other.domain] = other.smtp

    # ---- what can be seen

    def snapshot(self, *devices: Photographed) -> Snapshot:
        """Freeze mailboxes, open sessions and the given devices; all that clients did so far is in it."""
        views = tuple(_view(device) for device in devices)
        return self._engine.call(lambda: self._engine.snapshot(views))

    def transcript(self, protocol: ProtocolName | None = None, which: int = -1, *, mask: bool = True) -> Transcript:
        """Return what was said on one line, by default the newest; passwords are masked unless told otherwise.

        Args:
            protocol: "SMTP", "POP3" or "IMAP"; None: whichever line is newest.
            which: 0 is the first line of that kind, -1 the last; the newest 200 lines of all kinds are kept.
            mask: whether to hide passwords, and in POP3 and SMTP whatever is no command, for it may be one.

        Raises:
            LookupError: there was no such line, or there is no such protocol.

        """
        if protocol not in (None, *get_args(ProtocolName)):
            raise LookupError(f"no protocol {protocol!r}; there are: {', '.join(get_args(ProtocolName))}")
        recorders = self._engine.call(
            lambda: [one for one in self._engine.recorders if protocol in (None, one.protocol)]
        )
        if not (isinstance(which, int) and -len(recorders) <= which < len(recorders)):
            kind = protocol or "client"
            raise LookupError(f"{kind} lines so far: {len(recorders)}; connect first, or ask for a lower number")
        return self._engine.call(lambda: recorders[which].transcript(mask))

    def history(self) -> tuple[Moment, ...]:
        """Return the states since the start, each with the command that led to it.

        Only the last 500 are kept, and none while there are more than 100 messages and mailboxes.
        """
        return self._engine.call(lambda: tuple(self._engine.moments))

    def on_change(self, listener: Callable[[Moment], None]) -> Callable[[], None]:
        """Call ``listener`` with each new state, on the server's thread; return a function that ends this.

        It must not speak to the server as a client does, for the server waits until it returns; and one that knows the
        `MailServer` keeps it alive until `stop`. What it raises is logged. Raises `TypeError` where it is no function.
        """
        if not callable(listener):
            raise TypeError(f"on_change takes a function of one argument, not {listener!r}")
        listeners = self._engine.listeners
        self._engine.call(lambda: listeners.append(listener))
        return lambda: listeners.remove(listener) if listener in listeners else None

    # ---- ends

    def hang_up(self) -> int:
        """Drop all POP3 and IMAP lines, as a cut cable would; nothing is committed. Returns how many."""
        return self._engine.call(self._engine.hang_up)

    def wait_for_hang_up(self, timeout: float = 5.0) -> None:
        """Return when the server has noticed that every POP3 and IMAP line is down.

        Raises `TimeoutError` after so many seconds, naming the sessions that are still open.
        """
        self.snapshot()  # whatever has already arrived is handled first
        if not self._engine.quiet.wait(min(timeout, threading.TIMEOUT_MAX)):
            still = ", ".join(f"{one.protocol} {one.account or '(not logged in)'}" for one in self.snapshot().sessions)
            raise TimeoutError(
                f"still connected: {still}; close these clients, or drop them with server.hang_up() "
                "(in an exercise box.server.hang_up())"
            )

    def stop(self) -> None:
        """Drop all lines, free ports and thread. Calling it again does nothing."""
        self._finalizer()

    def __enter__(self) -> MailServer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "running" if self._finalizer.alive else "stopped"
        return f"<MailServer {self.domain}, {state}: {', '.join(self._passwords)}>"

    # ---- inside

    def _known(self, account: str | None) -> str:
        name = self._first if account is None else account
        if name not in list(self._passwords):  # not even a list is taken for a name
            raise LookupError(f"no account {name!r} on this server; it has: {', '.join(self._passwords)}")
        return name


def _view(device: Photographed) -> DeviceView:
    view = device.snapshot() if hasattr(device, "snapshot") else None
    if not isinstance(view, DeviceView):
        raise TypeError(f"snapshot takes devices, not {type(device).__name__}; write server.snapshot(laptop)")
    return view


def _octets(letter: object) -> bytes:
    if isinstance(letter, (bytes, bytearray)):
        return with_crlf(bytes(letter))
    if isinstance(letter, list):
        raise TypeError("a letter is bytes, not list; take one out of the list, such as letters('lunch')[0]")
    kind, remedy = type(letter).__name__, "letters('three-letters') or text.encode()"
    remedy = "message.as_bytes()" if isinstance(letter, Message) else remedy
    raise TypeError(f"a letter is bytes, not {kind}; use {remedy}")


def _sequence(what: str, items: Iterable[Any]) -> list[Any]:
    if what == "letters" and (isinstance(items, str) or callable(items)):
        raise TypeError("""letters takes a list of letters; write for example MailServer(letters("three-letters"))""")
    if isinstance(items, (str, bytes, IOBase)) or not isinstance(items, Iterable):
        shown = f"[{items!r:.40}]" if isinstance(items, (str, bytes)) else f"{what}=[…]"
        raise TypeError(f"{what} takes a list, not one {type(items).__name__}; write {shown}")
    found = list(items)
    if what != "letters" and not all(isinstance(item, str) for item in found):
        raise TypeError(f"{what} are names, each in quotes; not {found!r:.60}")
    return found


def _passwords(accounts: Iterable[str] | Mapping[str, str], password: str | None) -> dict[str, str]:
    if isinstance(accounts, Mapping) and password is not None:
        raise TypeError("accounts says each password already; leave password out")
    if isinstance(accounts, Mapping):
        found = dict(accounts)
    else:
        names = _sequence("accounts", accounts)
        found = {name: secrets.token_urlsafe(9) if password is None else password for name in names}
    wrong = [name for name in found if not (isinstance(name, str) and re.fullmatch(ACCOUNT, name))]
    if wrong or not found:
        words = "account names are lower-case ASCII letters, digits, . and - within, 248 at most; at least one account"
        raise ValueError(f"{words}; not {wrong}")
    if not all(isinstance(word, str) and re.fullmatch(PASSWORD, word) for word in found.values()):
        words = "a password is text, 1 to 60 characters in one line"
        raise TypeError(f'{words}; put it in quotes, such as "secret"')
    return found


def _is_number(value: object, most: int = MAX_SETTING) -> bool:
    return type(value) is int and 0 <= value <= most


def _settings(domain: str, given: dict[str, Any]) -> Settings:
    usual: dict[str, Any] = {field.name: field.default for field in fields(Settings)}
    unknown = sorted(set(given) - set(usual))
    if unknown:
        known = [*usual, *signature(MailServer).parameters]
        close = get_close_matches(unknown[0], known, n=1)
        guess = f"; did you mean {close[0]}?" if close else "."
        raise TypeError(f"MailServer takes no {', '.join(unknown)}{guess} Settings are: {', '.join(usual)}")
    expire = given.pop("expire", usual["expire"])
    if expire not in ("NEVER", None) and not _is_number(expire):
        raise ValueError(f'expire is a number of days, "NEVER" or None, not {expire!r:.40}')
    for name, value in given.items():
        kind = type(usual[name])
        if type(value) not in ((int, float) if kind is float else (kind,)):  # True is no number
            raise TypeError(f"{name}={value!r} is no {kind.__name__}; if left out, it is {usual[name]!r}")
        if kind in (int, float) and not 0 < value <= MAX_SETTING:  # SIZE 0 would mean that there is none (RFC 1870 §4)
            raise ValueError(f"{name} is more than 0, and at most {MAX_SETTING}; if left out, it is {usual[name]!r}")
    settings = Settings(**{"host_name": f"mail.{domain}", "expire": expire, **given})
    if not re.fullmatch(HOST, in_small_letters(settings.host_name)):
        raise ValueError(f'{settings.host_name!r} is no name of a host; write for example host_name="mail.{domain}"')
    return settings
