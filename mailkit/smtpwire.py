"""The SMTP dialogue as `aiosmtpd` holds it, made strict and recorded; the rules are in `mailkit.smtp`."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from aiosmtpd.smtp import SMTP, syntax

from mailkit.settings import Settings
from mailkit.smtpanswers import worded
from mailkit.sockets import LINGER, acknowledge, send_at_once

_ATOM = r'[^\s<>()\[\]:;,.\\"@\x00-\x1f\x7f\ud800-\udfff]+'
_ATOMS = rf"{_ATOM}(?:\.{_ATOM})*"
_PATH = re.compile(  # RFC 5321 §4.1.2; a source route is passed over (appendix C)
    rf'<(?:@[^<>:\s]+:)?((?:{_ATOMS}|"(?:[ !#-\[\]-~]|\\[ -~])*")(?:@(?:{_ATOMS}|\[[!-Z^-~]+\]))?)?>(?: +(.*))?'
)
_AUTH_PARAMETER = re.compile(r"(?:^| )AUTH=[!-~]+", re.IGNORECASE)
_FORGOTTEN = re.compile(
    rb"(?:quit|rset|noop|data|(?:ehlo|helo|auth) .*|(?:mail from|rcpt to):.*)\r\n", re.IGNORECASE | re.DOTALL
)
PATIENCE = 2.0  # seconds with a client that says such a thing in place of a message; RFC 5321 §4.5.3.2.7: rather 300
_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_HOST = re.compile(  # §4.1.2 Domain or address-literal; and "_", or a dot at the end, as they are met in the wild
    rf"(?=.{{1,255}}$){_LABEL}(?:\.{_LABEL})*\.?|\[[A-Za-z0-9.:-]{{1,255}}\]"
)
_PARAMETER = re.compile(r"([A-Z0-9][A-Z0-9-]*)(?:=([!-<>-~]+))?")  # §4.1.2 esmtp-param, in capitals
MAX_PATH = 900  # characters; written into Return-Path:, whose lines have 998 at most (RFC 5322 §2.1.1)

logging.getLogger("mail.log").addHandler(logging.NullHandler())  # aiosmtpd's: silent unless somebody asked for it


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the server wants to be told of one connection.

    ``record`` gets all octets: "C", the client's, before they are handled; "S", ours, before they are sent.
    ``opened`` may refuse a connection by False. ``ended`` is called, at least once, before the last reply or
    at the line's end; ``lost`` when the connection is no more. ``turn`` returns how many seconds a turn has,
    ``is_crowded`` whether nobody may linger.
    """

    record: Callable[[Literal["C", "S"], bytes], None]
    opened: Callable[[SmtpWire], bool]
    ended: Callable[[SmtpWire], None]
    lost: Callable[[SmtpWire], None]
    turn: Callable[[], float]
    is_crowded: Callable[[], bool]


class _Left(BaseException):
    """Ends aiosmtpd's own loop; of a `CancelledError` it would close the line at once, input unread."""


class _Methods(dict[str, Any]):
    """What aiosmtpd looks commands up in; it has cut them at a blank, but left a tab at the end (RFC 5321 §4.1.1)."""

    def get(self, command: str, default: Any = None) -> Any:
        return super().get(command.rstrip("\t"), default)


class SmtpWire(SMTP):
    """One connection. A subclass, because aiosmtpd asks its handler about meaning, never about octets.

    Takes the rules, which aiosmtpd calls the handler; ``secure``: TLS is on from the first octet (RFC 8314 §3.3);
    ``tls``, which returns the context for STARTTLS. To be made on the loop.
    """

    transport: Any  # None before and after, which aiosmtpd's own types make us ask about everywhere
    envelope: Any
    session: Any
    _handler_coroutine: Any
    _timeout_handle: Any

    def __init__(
        self, rules: Any, settings: Settings, hooks: Hooks, secure: bool, tls: Callable[[], ssl.SSLContext]
    ) -> None:
        self.line_length_limit = settings.max_line
        self.command_size_limits = defaultdict(lambda: settings.max_line)  # aiosmtpd's own is shared by all lines
        self._settings, self._hooks, self._secure, self._tls = settings, hooks, secure, tls
        super().__init__(
            rules,
            data_size_limit=settings.max_message,
            enable_SMTPUTF8=True,
            hostname=settings.host_name,
            ident="ESMTP",
            timeout=settings.smtp_idle,
            auth_require_tls=not (settings.plaintext_login or secure),
            loop=asyncio.get_running_loop(),
        )
        self._lingering: asyncio.TimerHandle | None = None
        self._said_all = False  # the client has closed its end
        self._smtp_methods = _Methods(self._smtp_methods)

    @property
    def secure(self) -> bool:
        """Whether TLS is on."""
        return self._secure or self._tls_protocol is not None

    @property
    def may_log_in(self) -> bool:
        """Whether AUTH is on offer: with `plaintext_login` switched off, only under TLS."""
        return self.secure or self._settings.plaintext_login

    # ---- the line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or refuse one connection too many; called again when STARTTLS is done."""
        super().connection_made(transport)
        if self._original_transport is not None:
            return
        send_at_once(transport)
        self.raw: Any = transport  # beneath TLS, too
        self._turn_ends = 0.0
        self._handler_coroutine.add_done_callback(self._dialogue_ended)
        if not self._hooks.opened(self):
            self._handler_coroutine.cancel()
            self.goodbye("421 4.3.2", "too many connections; close one, or try again later")

    def _dialogue_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.exception()  # asyncio's log
        if self.transport is not None and not self._lingering:
            self.transport.close()

    def data_received(self, octets: bytes) -> None:
        """Take octets in; whoever sends is not idle."""
        if self._lingering:
            return
        self._hooks.record("C", octets)
        if not self._timeout_handle.cancelled():  # else he waits for us, whatever he sends meanwhile
            self._reset_timeout()
        super().data_received(octets)
        acknowledge(self.transport)

    def eof_received(self) -> bool | None:
        """Answer all that came before; aiosmtpd would break off at once. TLS knows no such half line."""
        self._said_all = True
        if self._lingering:
            return False  # both ends are closed now
        if self.secure or self.tls_context:  # TLS is on, or about to be
            return super().eof_received()
        return asyncio.StreamReaderProtocol.eof_received(self)  # the dialogue ends where it finds this

    async def handle_exception(self, error: Exception) -> str:
        """Return the reply to an error; none where the client has said all."""
        return "" if isinstance(error, asyncio.IncompleteReadError) else await super().handle_exception(error)

    def connection_lost(self, error: Exception | None) -> None:
        """Let go of the connection; a message that was not delivered before is not delivered any more."""
        self._hooks.ended(self)
        self._hooks.lost(self)
        if self._lingering:
            self._lingering.cancel()
        super().connection_lost(error)

    def goodbye(self, code: str, why: str = "") -> None:
        """Hang up, and say so; the server's name is the first word (RFC 5321 §4.3.1)."""
        self._hooks.ended(self)
        self._timeout_handle.cancel()
        reply = f"{code} {self.hostname} signing off{': ' * bool(why)}{why}"
        octets = worded(reply, self._settings) + b"\r\n"
        self._hooks.record("S", octets)
        self.transport.write(octets)
        self._lingering = self.loop.call_later(LINGER, self.raw.abort)  # who does not read would stay for ever
        if self.transport.can_write_eof() and not (self._said_all or self._hooks.is_crowded()):
            self.transport.write_eof()  # a close, with octets unread, would take the words back (RFC 1122 §4.2.2.13)
            self.transport.resume_reading()
        else:
            self.transport.close()

    async def leave(self, code: str, why: str = "") -> NoReturn:
        """Say goodbye, and end the dialogue, whatever commands the client has already sent."""
        self.goodbye(code, why)
        raise _Left

    def _timeout_cb(self) -> None:
        self.goodbye("421 4.4.2", "nothing was said for too long; connect again")

    async def push(self, status: str | bytes) -> None:
        """Send a reply line; end the dialogue where there is nothing more to reply to."""
        if not status:
            raise _Left
        if isinstance(status, str) and status.startswith("502 5.5.1 Too many"):
            await self.leave("421 4.7.0", "five lines are no commands; connect again")
        reply = status if isinstance(status, bytes) else worded(status, self._settings)
        self._hooks.record("S", reply + b"\r\n")
        await super().push(reply)
        if self._lingering:  # he did not read, and was told meanwhile that this took too long
            raise _Left
        await self._take_turns()

    async def _take_turns(self) -> None:
        """Let others have their turn, when this line's is over."""
        if self.loop.time() > self._turn_ends:
            await asyncio.sleep(0)
            self._turn_ends = self.loop.time() + self._hooks.turn()

    # ---- where aiosmtpd's own commands are not strict enough

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Cut a path from its parameters; AUTH=, allowed by RFC 4954 §5, is believed of nobody and dropped."""
        path = _PATH.fullmatch(arg)
        if not path or len(path[1] or "") > MAX_PATH:
            return None, None
        return path[1] or "<>", _AUTH_PARAMETER.sub("", path[2] or "")

    def _getparams(self, params: Sequence[str]) -> dict[str, str | bool] | None:
        """Take parameters apart; None if one is malformed or comes twice (RFC 5321 §4.1.2; SIZE: RFC 1870 §3)."""
        found = [_PARAMETER.fullmatch(one) for one in params]
        named: dict[str, str | bool] = {one[1]: one[2] or True for one in found if one}
        size_is_right = re.fullmatch("[0-9]{1,20}", str(named.get("SIZE", 0)))
        return named if len(named) == len(params) and size_is_right else None

    @syntax("HELP [<command>]")
    async def smtp_HELP(self, arg: str | None) -> None:
        """List what may be said now, or how a command is said (RFC 5321 §4.1.1.8)."""
        missing = {"EXPN": True, "STARTTLS": self.secure, "AUTH": not self.may_log_in}
        known = {name: method for name, method in sorted(self._smtp_methods.items()) if not missing.get(name)}
        method = known.get((arg or "").upper())
        if arg and not method:
            await self.push(f"504 5.5.4 no help for that; these are known: {' '.join(known)}")
        else:
            await self.push(f"214 2.0.0 {method.__smtp_syntax__ if method else ' '.join(known)}")

    @syntax("VRFY <string>")
    async def smtp_VRFY(self, arg: str | None) -> None:
        """Neither confirm nor deny an address (RFC 5321 §3.5.3, §7.3)."""
        await self.push("252 2.5.0 send mail to it, and you will see" if arg else "501 VRFY takes an address or a name")

    @syntax("HELO <hostname>")
    async def smtp_HELO(self, hostname: str | None) -> None:
        """Greet (RFC 5321 §4.1.1.1)."""
        if await self._may_greet(hostname):
            await super().smtp_HELO(hostname)

    @syntax("EHLO <hostname>")
    async def smtp_EHLO(self, hostname: str | None) -> None:
        """Greet, and begin the extended protocol (RFC 5321 §4.1.1.1)."""
        if await self._may_greet(hostname):
            await super().smtp_EHLO(hostname)

    async def _may_greet(self, hostname: str | None) -> bool:
        """Refuse a name that would break Received:, before anything is changed by it (RFC 5321 §4.1.4)."""
        if hostname and not _HOST.fullmatch(hostname):
            await self.push("501 5.5.4 this is not the name of a host; send for example EHLO laptop.example.org")
            return False
        return True

    @syntax("QUIT")
    async def smtp_QUIT(self, arg: str | None) -> None:
        """Say goodbye (RFC 5321 §4.1.1.10)."""
        if arg:
            await self.push("501 QUIT takes no argument")
        else:
            await self.leave("221 2.0.0")

    @syntax("STARTTLS")
    async def smtp_STARTTLS(self, arg: str | None) -> None:
        """Begin TLS (RFC 3207); its context is made only now, and never a second time on one line."""
        if self.secure or arg:
            await self.push("501 Syntax: STARTTLS" if arg else "503 5.5.1 TLS is already on; go on without STARTTLS")
            return
        self.tls_context = self._tls()
        self._reset_timeout(self._settings.handshake)  # until it is done
        if self._said_all and self._handler_coroutine:
            self._handler_coroutine.cancel()  # after the answer: nobody is there to shake hands with
        try:
            await super().smtp_STARTTLS(arg)
            if not self.session.ssl:  # asyncio tells in the same way of a handshake done and of one given up
                raise _Left
        except BaseException:  # a connection that ends in the handshake is lost to asyncio's protocol alone
            self._hooks.ended(self)
            self._hooks.lost(self)
            self._timeout_handle.cancel()
            self.raw.abort()
            raise

    @syntax("AUTH <mechanism>")
    async def smtp_AUTH(self, arg: str | None) -> None:
        """Log in (RFC 4954)."""
        if not self.may_log_in:
            await self.push("538 5.7.11 no password in the clear; send STARTTLS first")
            return
        mechanism, space, initial = (arg or "").partition(" ")
        await super().smtp_AUTH(mechanism.upper() + space + initial)

    async def credentials(self, mechanism: str, initial: str | None = None) -> tuple[str, str, str] | None:
        """Hold the dialogue of PLAIN (RFC 4616) or LOGIN; return name, password, and for whom (or "").

        None if it failed, which is answered already.
        """
        first = await self._secret("" if mechanism == "PLAIN" else "Username:", initial)
        if first is None:
            return None
        if mechanism == "PLAIN":
            if first.count("\0") != 2:
                await self.push("501 5.5.2 PLAIN takes NUL, name, NUL, password")
                return None
            acting_for, user, password = first.split("\0")
            return user, password, acting_for
        second = await self._secret("Password:")
        return None if second is None else (first, second, "")

    async def _secret(self, challenge: str, initial: str | None = None) -> str | None:
        if initial is None:
            await self.push(b"334 " + b64encode(challenge.encode()))
            line = await self._response()
        else:
            line = b"" if initial == "=" else initial.encode()
        if line is None:
            await self.push(f"500 5.5.6 the response is too long; {self._settings.max_line} octets is the most")
        elif line == b"*":
            await self.push("501 5.7.0 AUTH given up, as you wished")
        else:
            try:
                return b64decode(line, validate=True).decode("utf-8", "surrogateescape")
            except ValueError:
                await self.push("501 5.5.2 this is not base64")
        return None

    async def _response(self) -> bytes | None:
        """Read the line that answers a challenge; None if it is too long, and then nothing of it is kept."""
        too_long = False
        while True:
            try:
                line: bytes = await self._reader.readuntil(b"\n")
                return None if too_long else line.strip()
            except asyncio.LimitOverrunError as error:
                await self._reader.read(error.consumed)
                too_long = True

    @syntax("DATA")
    async def smtp_DATA(self, arg: str | None) -> None:
        """Take a message in and have it delivered (RFC 5321 §4.1.1.4)."""
        if arg or not self.envelope.rcpt_tos:
            await self.push("501 DATA takes no argument" if arg else "503 nobody to send to; send MAIL and RCPT first")
            return
        await self.push("354 go on; end with a dot on a line of its own")
        try:
            self.envelope.content, status = await self._read_message()
            self._timeout_handle.cancel()  # now the client waits for us
            status = status or await self._call_handler_hook("DATA")
            self._reset_timeout()
        except Exception:  # not when the line is lost: then no timer may run
            self._reset_timeout()
            raise
        finally:
            self.envelope = self._create_envelope()
        await self.push(status)

    async def _read_message(self) -> tuple[bytes, str]:
        """Read as far as CRLF.CRLF; return the text, dots unstuffed (RFC 5321 §4.5.2), and why it is refused, if so.

        Nothing but CRLF ends a line: who takes less can be made to see two messages where the sender saw
        one ("SMTP smuggling"). Of a message that is refused nothing more is kept in memory. A client that begins its
        message with a command and then waits is dropped: `smtplib` does so when the message it was given is no text,
        which it finds out after DATA, and neither side would ever say a word again.
        """
        text = bytearray()
        lines, size, refusal, cut, most = 0, 0, "", False, self._settings
        while True:
            await self._take_turns()
            forgotten = lines == 1 and _FORGOTTEN.fullmatch(text)
            try:
                line = await asyncio.wait_for(self._reader.readuntil(b"\r\n"), PATIENCE if forgotten else None)
            except TimeoutError:
                self._hooks.ended(self)
                self.transport.close()
                raise _Left from None
            except asyncio.LimitOverrunError as error:
                await self._reader.read(error.consumed)
                refusal = refusal or f"500 5.5.2 a line is too long; {most.max_line} octets is the most"
                text.clear()
                cut = True
                continue
            if line == b".\r\n" and not cut:
                return bytes(text), refusal
            lines += 1
            if line.startswith(b".") and not cut:
                line = line[1:]
            size += len(line)
            if size > most.max_message:
                refusal = refusal or f"552 5.3.4 the message is too large; {most.max_message} octets is the most"
            elif b"\n" in line[:-2] or b"\r" in line[:-2]:
                refusal = refusal or "554 5.5.2 a CR or LF stands alone; end every line with CRLF"
            if refusal:
                text.clear()
            else:
                text += line
            cut = False
