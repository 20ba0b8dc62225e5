"""A recording relay on loopback: what somebody on the wire hears, and what a man in the middle can do."""

from __future__ import annotations

import asyncio
import re
import ssl
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

from mailkit.loopthread import LoopThread, Result
from mailkit.sockets import LINGER, Address, send_at_once
from mailkit.transcript import Recorder, Said, Speaker, Transcript

LOOPBACK = ("127.0.0.1", "::1", "localhost")
RECORD_TYPES = {20: "change cipher spec", 21: "alert", 22: "handshake", 23: "application data"}  # RFC 8446 §5.1
LONGEST_COMMAND = 10_000  # octets; of a line that offers or asks for TLS
CLIENT_HELLO = b"\x16"  # no command of SMTP, POP3 or IMAP begins so

_DISTRUST = "the client does not trust it, and hangs up"
_UPGRADE = re.compile(rb"^((?:\S+ +)?)(?:STLS|STARTTLS)(?=\s*$)", re.IGNORECASE)
_BEFORE_LETTERS = re.compile(rb"(?:PASS|AUTH|DATA|\S+ +(?:LOGIN|AUTHENTICATE))\b", re.IGNORECASE)


class Wiretap:
    """A listener between a client and one port of a server, until `stop`, ``with`` or the loss of its name.

    It records every octet before it passes it on: what a client's call has returned, is recorded. To
    hear, let the client connect to it instead of the server: ``poplib.POP3(*tap.address)``.

    Args:
        target: the server's port, as ``server.pop3`` or ``server.imaps``.
        certificate: "its own": when the client starts TLS, at once or by STLS or STARTTLS, the wiretap
            answers with a certificate of its own authority, and speaks TLS to the server itself.
        strip_tls: take the offer of STLS and STARTTLS out of the server's answers, and spoil these commands
            (RFC 3207 §6), until a login or a message is begun.

    Raises:
        TypeError, ValueError: an argument is wrong; the message says what is allowed.

    """

    def __init__(
        self, target: Address, *, certificate: Literal["its own"] | None = None, strip_tls: bool = False
    ) -> None:
        if not isinstance(target, tuple) or len(target) != 2:
            raise TypeError(f"a wiretap needs a server's port, not {target!r}; write for example Wiretap(server.pop3)")
        if target[0] not in LOOPBACK:
            raise ValueError(f"{target[0]} is not on this machine; a wiretap listens only to {', '.join(LOOPBACK)}")
        if type(target[1]) is not int or not 0 < target[1] < 65536:
            raise ValueError(f"{target[1]!r} is no port, which is 1 to 65535; write for example Wiretap(server.pop3)")
        if certificate not in (None, "its own"):
            raise ValueError(f'certificate={certificate!r} is unknown; write certificate="its own", or leave it out')
        if not isinstance(strip_tls, bool):
            raise TypeError(f"strip_tls is True or False, not {strip_tls!r}")
        context = _own_certificate() if certificate else None
        self._lines: list[_Line] = []
        lines = self._lines

        def tapped() -> _Leg:
            lines.append(_Line(target, context, strip_tls))
            return lines[-1].client

        def let_go() -> None:
            for line in lines:
                for leg in (line.client, line.server):
                    if leg.transport:
                        leg.transport.abort()

        self._thread = LoopThread("mailkit wiretap", let_go)
        self._finalizer = weakref.finalize(self, self._thread.stop)
        try:
            self.address = self._thread.listen(tapped)  # for the client
        except BaseException:  # a traceback that is kept would keep the thread
            self.stop()
            raise

    def heard(self) -> Transcript:
        """Return what a listener understands, passwords too; of TLS only the kinds of records, for that is all."""
        return Transcript("TCP", tuple(self._ask(lambda: [said for line in self._lines for said in line.heard()])))

    def __contains__(self, secret: bytes | str) -> bool:
        """Say whether these octets passed by, in either direction, so that the listener could read them.

        As they stand: AUTH PLAIN spells a password in base64, which a listener reads as easily.
        """
        wanted = secret.encode() if isinstance(secret, str) else secret
        return self._ask(lambda: any(wanted in octets for line in self._lines for octets in line.speech.values()))

    @property
    def octets(self) -> bytes:
        """All octets as they came in off the wire, from clients and from the server, line after line."""
        return self._ask(lambda: b"".join(octets for line in self._lines for octets in line.wire))

    @property
    def encrypted(self) -> int:
        """How many octets the listener could not read; differs from run to run."""
        return self._ask(lambda: sum(len(octets) for line in self._lines for octets in line.sealed.values()))

    def stop(self) -> None:
        """Hang up all lines, free port and thread. Calling it again does nothing."""
        self._finalizer()

    def _ask(self, question: Callable[[], Result]) -> Result:
        with suppress(RuntimeError):  # it has stopped, or is stopping; what was heard is kept
            return self._thread.call(question)
        return question()

    def __enter__(self) -> Wiretap:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Wiretap, {'listening' if self._finalizer.alive else 'stopped'}: {len(self._lines)} lines>"


class _Line:
    """One tapped connection: its two legs, and what was heard on it."""

    def __init__(self, target: Address, context: ssl.SSLContext | None, strip: bool) -> None:
        self._target, self._context, self._strip = target, context, strip
        self._recorder = Recorder("TCP")
        self._is_sealed = False  # TLS is on, and not ours
        self._is_over = False
        self.wire: list[bytes] = []
        self.speech: dict[Speaker, bytearray] = {"C": bytearray(), "S": bytearray()}
        self.sealed: dict[Speaker, bytearray] = {"C": bytearray(), "S": bytearray()}
        self.client, self.server = _Leg("C", self), _Leg("S", self)
        self.client.other, self.server.other = self.server, self.client

    async def begin(self) -> None:
        """Connect to the server, then let the client speak."""
        try:
            await asyncio.get_running_loop().create_connection(lambda: self.server, *self._target)
        except OSError:
            self.hang_up()
        else:
            self.client.transport.resume_reading()

    def take(self, leg: _Leg, octets: bytes) -> None:
        """Record what one side sent, and pass it on: opened or changed, where we are in a position to."""
        self.wire.append(octets)
        if leg is self.client and octets.startswith(CLIENT_HELLO) and self._may_meet_tls():
            self._meet_tls()
        if self._is_sealed:
            self.sealed[leg.who] += octets
            leg.other.transport.write(octets)
            return
        try:
            text = leg.open(octets)
        except ssl.SSLError as error:
            reason = error.reason or ""
            distrust = "CERT" in reason or "UNKNOWN_CA" in reason
            self.hang_up(_DISTRUST if distrust else "the handshake fails: what came is no TLS that can be answered")
            return
        if leg is self.client and leg.tls and leg.tls.ready and not self.server.tls:
            self.server.tls = _Tls(_trusting_anybody(), server_side=False)
            self.server.open(b"")
        if text:
            self._pass_on(leg, text)
        if leg.tls and leg.tls.ended and leg is self.server:
            self.hang_up()
        elif leg.tls and leg.tls.ended:
            self.server.say_goodbye()  # behind what the client said before it; the server may still answer
            asyncio.get_running_loop().call_later(LINGER, self.hang_up)

    def _may_meet_tls(self) -> bool:
        """Tell whether TLS can begin here: at once, or after STLS or STARTTLS. Elsewhere the octet is a letter's."""
        said = bytes(self.speech["C"][-99:]).splitlines()
        return not (self.client.tls or self._is_sealed) and (not said or bool(_UPGRADE.search(said[-1])))

    def _meet_tls(self) -> None:
        if self._context is None:
            self._is_sealed = True
        else:
            self._note("here the wiretap answers with a certificate of its own")
            self.client.tls = _Tls(self._context, server_side=True)

    def _pass_on(self, leg: _Leg, text: bytes) -> None:
        if leg is self.server and not self.speech["S"] and text.startswith(b"* "):
            self._recorder.protocol = "IMAP"  # whose tags a transcript renumbers
        self.speech[leg.who] += text
        text, leg.held = leg.held + text, b""
        leg.other.send(self._spoilt(leg, text) if self._strip else self._recorded(leg.who, text))

    def _spoilt(self, leg: _Leg, text: bytes) -> bytes:
        """Record, and return the whole lines so far without STLS and STARTTLS: none slips through in two pieces.

        From a login, or from DATA on, all passes as it is, for a line may be a letter's: a login that is refused
        brings the offer back, which is less bad than a letter that is altered.
        """
        lines = text.splitlines(keepends=True)
        leg.held = b"" if lines[-1].endswith(b"\n") or len(lines[-1]) > LONGEST_COMMAND else lines.pop()
        passed = []
        for line in lines:
            self._strip = self._strip and not (leg is self.client and _BEFORE_LETTERS.match(line))
            passed.append(self._recorded(leg.who, line))
            if self._strip:
                passed[-1] = _without_offer(line) if leg is self.server else _UPGRADE.sub(rb"\1XXXX", line)
            if passed[-1] != line:
                self._note("the wiretap takes the offer out" if leg is self.server else "the wiretap spoils this")
        if not self._strip:
            passed.append(self._recorded(leg.who, leg.held))
            leg.held = b""
        return b"".join(passed)

    def pass_rest_on(self, leg: _Leg) -> None:
        """Pass on the beginning of a line that will have no end."""
        rest, leg.held = leg.held, b""
        leg.other.send(self._recorded(leg.who, rest))

    def _recorded(self, who: Speaker, text: bytes) -> bytes:
        self._recorder.add(who, text)
        return text

    def hang_up(self, why: str = "") -> None:
        """Drop both legs; note ``why``, where that is what ends a handshake."""
        if why and self.client.tls and not (self.client.tls.ready or self._is_over):
            self._note(why)
        self._is_over = True
        for leg in (self.client, self.server):
            if leg.transport and not leg.transport.is_closing():
                leg.say_goodbye()
                leg.transport.close()

    def _note(self, words: str) -> None:
        """Say what the wiretap did, in the place of the server's answer."""
        self._recorder.add("S", f"({words})\r\n".encode())

    def heard(self) -> list[Said]:
        """Return the words; of TLS, the kinds of records."""
        spoken = self._recorder.transcript(mask=False).lines
        sealed = {who: ", ".join(_record_types(octets)) for who, octets in self.sealed.items()}
        kinds = [Said(who, f"(TLS: {records})") for who, records in sealed.items() if records]
        return [*spoken, *kinds]


class _Leg(asyncio.Protocol):
    """One end of a tapped line: the client's (C) or the server's (S)."""

    def __init__(self, who: Speaker, line: _Line) -> None:
        self.who, self.line = who, line
        self.other: _Leg
        self.transport: Any = None  # an asyncio.Transport, once there is one
        self.tls: _Tls | None = None
        self.held = b""
        self.ended = False  # this side has said all

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        send_at_once(transport)
        if self.who == "C":
            loop = asyncio.get_running_loop()
            loop.call_soon(self.transport.pause_reading)  # at once, asyncio before 3.11.4 forgets it
            self._task = loop.create_task(self.line.begin())

    def data_received(self, octets: bytes) -> None:
        self.line.take(self, octets)

    def eof_received(self) -> bool:
        """Pass on that this side has said all; the other may still answer. TLS knows no such half line."""
        if self.tls or self.other.tls or self.other.ended:
            return False
        self.ended = True
        self.line.pass_rest_on(self)
        self.other.transport.write_eof()
        if self.who == "S":  # asyncio reads this leg no more, so it would not see the server go
            asyncio.get_running_loop().call_later(LINGER, self.line.hang_up)
        return True

    def connection_lost(self, error: Exception | None) -> None:
        if self.who == "S":
            self.line.hang_up("the server hangs up")
        else:  # on Windows a line that is reset loses what came on it before, such as an alert
            self.line.hang_up(_DISTRUST if error and self.tls and self.tls.has_answered else "")

    def pause_writing(self) -> None:
        self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        self.other.transport.resume_reading()

    def open(self, octets: bytes) -> bytes:
        """Return what these octets say once TLS, if it is ours, is taken off."""
        if self.tls is None:
            return octets
        try:
            return self.tls.open(octets)
        finally:
            self.transport.write(self.tls.outgoing.read())

    def send(self, text: bytes) -> None:
        self.transport.write(self.tls.seal(text) if self.tls else text)

    def say_goodbye(self) -> None:
        """End TLS, if it is ours, in this direction (RFC 8446 §6.1)."""
        if self.tls:
            self.tls.say_goodbye()
            self.transport.write(self.tls.outgoing.read())


class _Tls:
    """TLS without a socket, so that it can begin in the middle of a line."""

    def __init__(self, context: ssl.SSLContext, server_side: bool) -> None:
        self._incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ssl = context.wrap_bio(self._incoming, self.outgoing, server_side)
        self._waiting = b""  # said before the handshake was done
        self._leaving = False  # we have said goodbye, or will when it is done
        self.has_answered = False
        self.ready = False
        self.ended = False  # the other side has said goodbye

    def open(self, octets: bytes) -> bytes:
        """Take octets off the wire; return the text in them. Raises `ssl.SSLError` where the other side refuses."""
        self._incoming.write(octets)
        text, was_ready = b"", self.ready
        try:
            if not self.ready:
                self._ssl.do_handshake()
                self.ready = True
                self._ssl.write(self._waiting)
            while piece := self._ssl.read(65536):
                text += piece
            self.ended = True
        except ssl.SSLWantReadError:
            self.has_answered |= self.outgoing.pending > 0
        except ssl.SSLZeroReturnError:  # the same, where we have said goodbye ourselves
            self.ended = True
        if self._leaving and not was_ready:
            self.say_goodbye()
        return text

    def say_goodbye(self) -> None:
        """Say that nothing more will come, once all that was said is on its way, and all that came is read."""
        self._leaving = True
        if self.ready:
            with suppress(ssl.SSLError):  # it would like to read the other's goodbye, too
                self._ssl.unwrap()

    def seal(self, text: bytes) -> bytes:
        """Return the octets for the wire."""
        if self.ready:
            with suppress(ssl.SSLError):  # after a goodbye nothing more is said
                self._ssl.write(text)
        else:
            self._waiting += text
        return self.outgoing.read()


def _own_certificate() -> ssl.SSLContext:
    import trustme  # only whoever swaps certificates waits for it

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA(organization_name="a wiretap").issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


def _trusting_anybody() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _without_offer(line: bytes) -> bytes:
    r"""Take STLS or STARTTLS out of a line of POP3's CAPA, SMTP's EHLO, IMAP's CAPABILITY.

    >>> _without_offer(b"* CAPABILITY IMAP4rev1 STARTTLS IDLE\r\n"), _without_offer(b"STLS\r\n")
    (b'* CAPABILITY IMAP4rev1 IDLE\r\n', b'')
    """
    if line in (b"250-STARTTLS\r\n", b"STLS\r\n"):
        return b""
    return re.sub(rb" STARTTLS(?=[ \]\r])", b"", line) if b"CAPABILITY " in line else line


def _record_types(octets: bytearray) -> list[str]:
    """Name the kinds of TLS records, each once, in the order in which they first come (RFC 8446 §5.1)."""
    kinds: dict[str, None] = {}
    at = 0
    while at + 5 <= len(octets):
        kinds[RECORD_TYPES.get(octets[at], "unknown")] = None
        at += 5 + int.from_bytes(octets[at + 3 : at + 5])
    return list(kinds)
