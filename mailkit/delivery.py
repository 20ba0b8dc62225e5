"""What becomes of mail that came by SMTP: who may have it, delivery, relay to another server (RFC 5321 §3.6, §6.1).

A message reaches all of its recipients or none, for one reply answers for all: whatever can be refused is
refused before the first copy is written. The header section is the sender's and stays as it was sent, Bcc too: to
take that out is the sending program's work (RFC 5322 §3.6.3), and `smtplib.send_message` does it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from mailkit.mailbox import MailboxError
from mailkit.message import end_of_header
from mailkit.relay import next_hop
from mailkit.smtpsyntax import Refusal, split_address
from mailkit.sockets import Address
from mailkit.store import Account, Store, in_small_letters

MAX_HOPS = 100  # Received: lines; RFC 5321 §6.3 asks for a large threshold

LONGEST_TRACE = 1_000_000  # octets that are looked through for trace fields, which stand on top

_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:|>?From |\r\n")  # or a line of the mbox format, or the end of the section
_RETURN_PATH = re.compile(rb"^Return-Path[ \t]*:.*\r\n(?:[ \t].*\r\n)*+", re.IGNORECASE | re.MULTILINE)
_RECEIVED = re.compile(rb"^Received[ \t]*:", re.IGNORECASE | re.MULTILINE)


@dataclass(slots=True)
class Envelope:
    """What MAIL and RCPT said of one message (RFC 5321 §2.3.1); addresses without brackets, ``size`` in octets."""

    sender: str
    size: int
    utf8: bool  # MAIL said SMTPUTF8
    recipients: list[str] = field(default_factory=list)


class Delivery:
    """Brings mail to the mailboxes of a store, and to other servers.

    Takes the store, this server's name, and ``routes``: domain → address of the server that takes its mail, which may
    still grow.
    """

    def __init__(self, store: Store, host_name: str, routes: Mapping[str, Address]) -> None:
        self._store, self._host_name, self._routes = store, host_name, routes

    def check_recipient(self, address: str, size: int, login_command: str) -> None:
        """Raise `Refusal` where this recipient cannot have a message of this size.

        ``size``: octets; ``login_command``: what must come before a relay; empty: the sender has logged in.
        """
        domain = self._foreign(address)
        if domain and domain not in self._routes:
            raise Refusal(f"550 5.7.1 no relay to {domain}; this server takes mail for {self._store.domain}")
        if domain and login_command:
            raise Refusal(f"530 5.7.0 no relay to {domain} without a login; send {login_command} first")
        if domain:
            return
        account = self._account(address)
        if account is None:
            raise Refusal(f"550 5.1.1 no account here for <{address}>; check the address")
        _check_room(account, size)

    def _foreign(self, address: str) -> str:
        """Return the address's domain if it is not ours."""
        domain = split_address(address)[1]
        return "" if domain == self._store.domain else domain

    def _account(self, address: str) -> Account | None:
        """Find whose mail this is; postmaster's, which nobody may refuse (RFC 5321 §4.5.1), is the first account's."""
        name = split_address(address)[0]
        if name.startswith('"'):  # quoted or not, it is the same name (RFC 5321 §4.1.2)
            name = re.sub(r"\\(.)", r"\1", name[1:-1])
        first = next(iter(self._store.accounts.values()), None)
        name = in_small_letters(name)
        return self._store.accounts.get(name) or (first if name == "postmaster" else None)

    async def deliver(self, envelope: Envelope, octets: bytes) -> None:
        """Pass a stamped message on to every recipient's mailbox or server, or to none. Raises `Refusal`.

        Two things can still part the recipients, and the sender is told who has it: a server that fails after
        another took the message, and a mailbox that fills up while a relay is under way. A real MTA queues instead,
        answers at once, and sends a bounce for those it could not reach (RFC 5321 §4.2.5, §6.1).
        """
        accounts, abroad = self._destinations(envelope.recipients)
        route = f"Return-Path: <{envelope.sender}>\r\n".encode()
        final = route + _without_return_path(octets) if accounts else b""
        taken: list[str] = []
        try:
            async with AsyncExitStack() as hops:
                send = {}
                for domain, names in abroad.items():
                    to = self._routes[domain]
                    hop = next_hop(domain, to, self._host_name, envelope.sender, names, octets, envelope.utf8)
                    send[domain] = await hops.enter_async_context(hop)
                _check_rooms(accounts, len(final))
                for domain, hand_over in send.items():
                    await hand_over()
                    taken.append(domain)
                _check_rooms(accounts, len(final))
                for account in accounts:
                    account.inbox.append(final)
        except Refusal as refusal:
            if len(accounts) + len(abroad) == 1:
                raise
            others = f"delivered to {', '.join(taken)} alone" if taken else "nothing was delivered"
            raise Refusal(f"{refusal}; {others}") from refusal

    def _destinations(self, addresses: Iterable[str]) -> tuple[list[Account], dict[str, list[str]]]:
        """Return our own accounts among the recipients, each once, and the others by domain."""
        accounts: dict[str, Account] = {}
        abroad: dict[str, list[str]] = {}
        for address in addresses:
            if domain := self._foreign(address):
                abroad.setdefault(domain, []).append(address)
            elif account := self._account(address):
                accounts[account.name] = account
        return list(accounts.values()), abroad


def check_hops(octets: bytes) -> None:
    """Raise `Refusal` for a message that runs in a loop (RFC 5321 §6.3)."""
    if len(_RECEIVED.findall(octets, 0, end_of_header(octets, 0, LONGEST_TRACE))) >= MAX_HOPS:
        raise Refusal(
            f"554 5.4.6 the message has passed {MAX_HOPS} servers and runs in a loop; its Received: lines name them"
        )


def as_message(octets: bytes) -> bytes:
    """Put an empty line before text that has no header section, or trace fields on top would make it one."""
    return octets if _FIELD.match(octets) or not octets else b"\r\n" + octets


def _check_room(account: Account, size: int, name: str = "") -> None:
    """Raise `Refusal` where a mailbox has no room: for now, or for good (RFC 3463 §3.3 X.2.2, X.2.3)."""
    try:
        account.need_room(size)
        account.inbox.need_place(1)
    except MailboxError as full:
        status = "552 5.2.3" if account.never_fits(size) else "452 4.2.2"
        raise Refusal(f"{status} {name}{full}") from full


def _check_rooms(accounts: Iterable[Account], size: int) -> None:
    for account in accounts:
        _check_room(account, size, f"{account.name}: ")


def _without_return_path(octets: bytes) -> bytes:
    """Take out what earlier deliveries left, so that there is exactly one (RFC 5321 §4.4)."""
    end = end_of_header(octets, 0, LONGEST_TRACE)
    return _RETURN_PATH.sub(b"", octets[:end]) + octets[end:]
