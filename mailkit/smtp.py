"""Mail comes in: submission, recipients, trace lines, delivery, relay to another server (RFC 5321, RFC 6409).

`aiosmtpd` holds the dialogue; what it leaves to us is here. One reply answers for all of a message's
recipients, so a message reaches all of them or none: whatever can be refused is refused before the
first copy is written. The header section is the sender's and stays as it was sent, Bcc too: to take
that out is the sending program's work (RFC 5322 §3.6.3), and `smtplib.send_message` does it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from email.utils import format_datetime
from typing import Any

from aiosmtpd.smtp import TLSSetupException

from mailkit.mailbox import MailboxError
from mailkit.message import end_of_header
from mailkit.relay import Refused, next_hop
from mailkit.settings import Settings
from mailkit.smtpwire import SmtpWire
from mailkit.sockets import Address
from mailkit.store import Account, Store

MAX_RECIPIENTS = 100  # the least that RFC 5321 §4.5.3.1.8 allows
MAX_HOPS = 100  # Received: lines; RFC 5321 §6.3 asks for a large threshold
NOT_ASCII = "553 5.6.7 an address beyond ASCII needs the SMTPUTF8 parameter of MAIL"

_RETURN_PATH = re.compile(rb"^Return-Path:.*\r\n(?:[ \t].*\r\n)*", re.IGNORECASE | re.MULTILINE)
_RECEIVED = re.compile(rb"^Received:", re.IGNORECASE | re.MULTILINE)

log = logging.getLogger("mailkit")


class SmtpRules:
    """What aiosmtpd asks about the commands of one connection: ``handle_X`` returns the reply to X.

    Takes the store that mail is delivered to; the settings; ``routes``, domain → address of the server that
    takes its mail, which may still grow; ``happened``, which gets each message, in words, when it is
    delivered, or passed on, and not yet answered.
    """

    def __init__(
        self, store: Store, settings: Settings, routes: Mapping[str, Address], happened: Callable[[str], None]
    ) -> None:
        self._store, self._settings, self._routes, self._happened = store, settings, routes, happened
        self._failed_logins = 0

    async def handle_HELO(self, wire: SmtpWire, session: Any, envelope: Any, name: str) -> str:
        """Note the client's name (RFC 5321 §4.1.1.1)."""
        session.host_name = name
        return f"250 {wire.hostname}"

    async def handle_EHLO(self, wire: SmtpWire, session: Any, envelope: Any, name: str, answer: list[str]) -> list[str]:
        """Greet, and say what is on offer."""
        session.host_name = name
        offers = [wire.hostname, f"SIZE {self._settings.max_message}", "8BITMIME", "SMTPUTF8", "PIPELINING"]
        offers += [] if wire.secure else ["STARTTLS"]
        offers += ["AUTH PLAIN LOGIN"] if wire.may_log_in else []
        return [f"250-{offer}" for offer in [*offers, "ENHANCEDSTATUSCODES"]] + ["250 HELP"]

    async def handle_AUTH(self, wire: SmtpWire, session: Any, envelope: Any, args: list[str]) -> str | None:
        """Log in (RFC 4954); too many failures end the line."""
        if envelope.mail_from:
            return "503 5.5.1 AUTH is not valid inside a mail transaction; send RSET first"
        credentials = await wire.credentials(*args)
        if credentials is None:
            return None
        account = self._store.authenticate(*credentials)
        if account:
            session.authenticated, session.auth_data = True, account.name
            return f"235 2.7.0 welcome, {account.name}"
        self._failed_logins += 1
        if self._failed_logins < self._settings.max_failed_logins:
            return "535 5.7.8 wrong name or password"
        await wire.leave("421 4.7.0", f"wrong name or password, {self._failed_logins} times")

    async def handle_MAIL(self, wire: SmtpWire, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        """Take the reverse-path (RFC 5321 §4.1.1.2)."""
        if self._settings.smtp_login and not session.authenticated:
            return f"530 5.7.0 this server takes mail only after a login; send {_before_mail(wire)} first"
        if not address.isascii() and not envelope.smtp_utf8:
            return NOT_ASCII
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 sender accepted"

    async def handle_RCPT(self, wire: SmtpWire, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        """Take one forward-path, or say why not (RFC 5321 §4.1.1.3)."""
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return f"452 4.5.3 {MAX_RECIPIENTS} recipients is the most; send the message again for the others"
        if not address.isascii() and not envelope.smtp_utf8:
            return NOT_ASCII
        sizes = [int(option[5:]) for option in envelope.mail_options if option.startswith("SIZE=")]
        refusal = self._refuse(address, max([1, *sizes]), "" if session.authenticated else _before_mail(wire))
        if not refusal:
            envelope.rcpt_tos.append(address)
        return refusal or "250 2.1.5 recipient accepted"

    def _refuse(self, address: str, size: int, first: str) -> str:
        """Return why this recipient cannot have a message of this size; empty: it can.

        ``first``: the command that must come before a relay.
        """
        domain = self._foreign(address)
        if domain and domain not in self._routes:
            return f"550 5.7.1 no relay to {domain}; this server takes mail for {self._store.domain}"
        if domain:
            return f"530 5.7.0 no relay to {domain} without a login; send {first} first" if first else ""
        account = self._account(address)
        if account is None:
            return f"550 5.1.1 no account here for <{address.strip('<>')}>; check the address"
        try:
            account.need_room(size)
        except MailboxError as full:
            return f"452 4.2.2 {full}"
        return ""

    def _foreign(self, address: str) -> str:
        """Return the address's domain if it is not ours."""
        domain = address.rpartition("@")[2].lower() if "@" in address else ""
        return "" if domain == self._store.domain else domain

    def _account(self, address: str) -> Account | None:
        """Find whose mail this is; postmaster's, which nobody may refuse (RFC 5321 §4.5.1), is the first account's."""
        name = address.rpartition("@")[0] or address
        if name.startswith('"'):  # quoted or not, it is the same name (RFC 5321 §4.1.2)
            name = re.sub(r"\\(.)", r"\1", name[1:-1])
        first = next(iter(self._store.accounts.values()), None)
        return self._store.accounts.get(name.lower()) or (first if name.lower() == "postmaster" else None)

    async def handle_DATA(self, wire: SmtpWire, session: Any, envelope: Any) -> str:
        """Stamp the message and pass it on to every recipient's mailbox or server, or to none.

        Two things can still part the recipients, and the sender is told of a failure: a server that fails after
        another took the message, and a mailbox that fills up while a relay is under way. A real MTA queues instead,
        answers at once, and sends a bounce for those it could not reach (RFC 5321 §4.2.5, §6.1).
        """
        if len(_RECEIVED.findall(envelope.content, 0, end_of_header(envelope.content))) >= MAX_HOPS:
            return f"554 5.4.6 the message has passed {MAX_HOPS} servers; it runs in a loop"
        sender = envelope.mail_from.strip("<>")
        stamped = self._received(wire, session, envelope).encode() + envelope.content
        accounts, abroad = self._destinations(envelope.rcpt_tos)
        final = f"Return-Path: <{sender}>\r\n".encode() + _without_return_path(stamped) if accounts else b""
        try:
            async with AsyncExitStack() as hops:
                send = []
                for domain, names in abroad.items():
                    hop = next_hop(
                        domain, self._routes[domain], wire.hostname, sender, names, stamped, envelope.smtp_utf8
                    )
                    send.append(await hops.enter_async_context(hop))
                _check_room(accounts, len(final))
                for one in send:
                    await one()
                _check_room(accounts, len(final))
                for account in accounts:
                    account.inbox.append(final)
                self._happened(f"<{sender}> to {', '.join(envelope.rcpt_tos)}")
        except Refused as refusal:
            return str(refusal)
        return "250 2.6.0 message accepted"

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

    def _received(self, wire: SmtpWire, session: Any, envelope: Any) -> str:
        """Return the time stamp line (RFC 5321 §4.4); ``for`` only where it betrays no other recipient (§7.2)."""
        protocol = "UTF8SMTP" if envelope.smtp_utf8 else "ESMTP"  # the names are IANA's (RFC 3848, RFC 6531 §4.3)
        protocol += "S" * wire.secure + "A" * bool(session.authenticated)
        recipient = f" for <{envelope.rcpt_tos[0]}>" if len(envelope.rcpt_tos) == 1 else ""
        return (
            f"Received: from {session.host_name} ([{session.peer[0]}])\r\n"
            f"\tby {wire.hostname} with {protocol if session.extended_smtp else 'SMTP'}{recipient};\r\n"
            f"\t{format_datetime(self._store.clock())}\r\n"
        )

    async def handle_exception(self, error: Exception) -> str:
        """Answer what should not have happened; the session goes on."""
        if not isinstance(error, TLSSetupException):  # a client that does not trust us may well hang up
            log.error("an SMTP command failed", exc_info=error)
        return "451 4.3.0 this server made a mistake; try again"


def _before_mail(wire: SmtpWire) -> str:
    """Return which command comes next for who wants to do what takes a login."""
    return "AUTH" if wire.may_log_in else "STARTTLS"


def _check_room(accounts: Iterable[Account], size: int) -> None:
    for account in accounts:
        try:
            account.need_room(size)
        except MailboxError as full:
            raise Refused(f"452 4.2.2 {account.name}'s {full}; nothing was delivered") from full


def _without_return_path(octets: bytes) -> bytes:
    """Take out what earlier deliveries left, so that there is exactly one (RFC 5321 §4.4)."""
    end = end_of_header(octets)
    return _RETURN_PATH.sub(b"", octets[:end]) + octets[end:]
