"""`MailServer`: SMTP, POP3 and IMAP over one store, on loopback, inside the learner's own process."""

from __future__ import annotations

import ssl
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from inspect import signature
from typing import Any, Literal, Protocol, get_args

from mailkit.arguments import (
    check_clock,
    check_domain,
    check_quota,
    check_uidvalidity,
    listed,
    octets_of,
    passwords_of,
    settings_of,
)
from mailkit.engine import Engine
from mailkit.line import Line
from mailkit.render import warm
from mailkit.snapshot import DeviceView, Moment, Snapshot
from mailkit.sockets import Address
from mailkit.store import Store
from mailkit.transcript import Transcript

ProtocolName = Literal["SMTP", "POP3", "IMAP"]


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
        check_domain(domain)
        check_quota(quota)
        check_clock(clock)
        check_uidvalidity(uidvalidity)
        octets = [octets_of(letter) for letter in listed("letters", letters)]
        store = Store(domain, clock, uidvalidity)
        self.domain = domain
        self._passwords = passwords_of(accounts, password)
        names = listed("mailboxes", mailboxes)
        for name, word in self._passwords.items():
            account = store.add_account(name, word, quota)
            for mailbox in names:
                account.subscribed.add(account.create(mailbox).name)
        self._first = next(iter(self._passwords))
        for letter in octets:
            store.accounts[self._first].inbox.append(letter)
        switches = settings_of(domain, settings, signature(MailServer).parameters)
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
        octets, name, engine = octets_of(letter), self._known(account), self._engine

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
