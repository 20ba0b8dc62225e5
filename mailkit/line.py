"""One connection to a session: octets in, octets out, TLS, timeouts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from mailkit.imap.session import ImapSession
from mailkit.pop3 import Pop3Session
from mailkit.settings import CHUNK
from mailkit.smtp import SmtpSession
from mailkit.sockets import IDLE, LINGER, acknowledge, send_at_once
from mailkit.transcript import Recorder, shown

if TYPE_CHECKING:
    from mailkit.engine import Engine

log = logging.getLogger(__name__)

LOOK_AGAIN = 1.0  # seconds, where a client that has been told goodbye still reads
TOO_MANY = {
    "POP3": "-ERR [SYS/TEMP] too many connections; close one and try again\r\n",  # RFC 3206 §4
    "IMAP": "* BYE [UNAVAILABLE] too many connections; close one and try again\r\n",  # RFC 5530 §3
    "SMTP": "421 4.3.2 {host} signing off: too many connections; close one, or try again later\r\n",  # RFC 5321 §3.8
}


Session = Pop3Session | ImapSession | SmtpSession  # one shape; none does any IO, and only `end` sets ``closed``


class Line(asyncio.BufferedProtocol):
    """One connection: hands octets to its session, sends what that yields, no faster than they are read."""

    def __init__(self, engine: Engine, protocol: str, tls: bool) -> None:
        self.engine = engine
        self.recorder = Recorder(protocol)
        self.session: Session  # once the connection is made
        self._tls_first = tls
        self._idle: float = getattr(engine.settings, f"{protocol.lower()}_idle")
        self._answers: Iterator[bytes] = iter(())
        self._inbox: list[bytes] = []
        # each of these is True while …
        self._paused = False  # the client does not read
        self._waiting = False  # the turn is over; others have theirs
        self._busy = False  # `_pump` is at work
        self._woken = False  # `_tell_news` will run
        self._silent = False  # nothing was said since octets came in
        self._upgrading = False  # to TLS
        self._ended = False  # the client has closed its end
        self._unsent = 0  # octets of the last words, when that was looked at last
        self._task: asyncio.Task[None] | None = None  # the session's errand; the client waits for what comes of it
        self._transport: asyncio.Transport
        self._raw: asyncio.Transport  # the same, or what lies beneath its TLS

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; where TLS comes first (RFC 8314 §3), with no more in their handshake at once than may be connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = self._raw = transport
        self.session = self._new_session((transport.get_extra_info("peername") or ("unknown",))[0])
        self.view = self.session.outline()
        send_at_once(transport)
        self._heard = self.engine.loop.time()
        self._timer = self.engine.loop.call_later(self._idle, self._check_idle)
        if self.engine.is_full() or (self._tls_first and not self.engine.begin_handshake(self)):
            transport.abort()
        elif self._tls_first:
            self._begin_tls()
        else:
            self._begin()

    def _new_session(self, peer: str) -> Session:
        store, settings, secure = self.engine.store, self.engine.settings, self._tls_first
        if self.recorder.protocol == "SMTP":
            return SmtpSession(store, settings, secure=secure, peer=peer, routes=self.engine.routes)
        if self.recorder.protocol == "POP3":
            return Pop3Session(store, settings, secure=secure)
        return ImapSession(store, settings, secure=secure, wake=self._wake)

    def _begin(self) -> None:
        """Greet, or refuse one connection too many."""
        self.engine.transports.add(self._transport)
        if not self.engine.admit(self):
            self.session.end()
            if self.engine.is_crowded():
                self._transport.abort()
            else:
                self._say(TOO_MANY[self.recorder.protocol].format(host=self.engine.settings.host_name).encode())
                self._hang_up()
            return
        self._say(self.session.greeting())

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where octets go; all lines share the place, for each takes its own out at once."""
        return self.engine.buffer

    def buffer_updated(self, count: int) -> None:
        """Take octets in; they are handled when what came before has been answered."""
        if self.session.closed:
            return
        octets = bytes(self.engine.buffer[:count])
        self._heard = self.engine.loop.time()
        self._inbox.append(octets)
        if self._upgrading:  # it came with the end of the handshake
            return
        self.recorder.add("C", octets)
        self._silent = True
        if self._task:
            self._transport.pause_reading()  # this is enough until it is done
        self._pump()
        if self._silent:
            acknowledge(self._transport)

    def pause_writing(self) -> None:
        """Stop answering: the client does not read as fast as we write."""
        self._paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on where `pause_writing` stopped."""
        self._paused = False
        self._heard = self.engine.loop.time()  # who reads is not idle
        self._transport.resume_reading()
        self._pump()
        self._tell_news()

    def connection_lost(self, error: Exception | None) -> None:
        """Let go of everything the session held; nothing is committed."""
        self._timer.cancel()
        self.drop()
        self.engine.transports.discard(self._transport)

    def eof_received(self) -> bool:
        """End the session: no command can follow. What is still to be said is said (the client may read on)."""
        self._ended = True
        if not self._upgrading:
            self._settle()
        return not self._upgrading and self._transport.get_extra_info("sslcontext") is None  # TLS has no half line

    def drop(self) -> None:
        """End the session without a word."""
        if self._task:
            self._task.cancel()
        self.session.end()
        self.engine.forget(self, self.cause("the line dropped"))
        self._transport.abort()

    def dismiss(self, why: str) -> None:
        """End the session because the server stops; say why, but not within an answer."""
        if not self._is_amid_something:
            self._send_away(why)
        self.drop()

    def _send_away(self, why: str) -> None:
        words = self.session.dismiss(why)
        self.engine.forget(self, self.cause("the server ended the session"))
        self._say(words)

    @property
    def _is_amid_something(self) -> bool:
        """Whether what we said now would come in the middle of an answer, or of a handshake."""
        return self._paused or self._upgrading or (self._waiting and not self._task)

    def cause(self, what: str) -> str:
        """Say who did what, as history() shows it: ``POP3 amy: DELE 1``."""
        return f"{self.recorder.protocol} {self.view.account or ''}".rstrip() + f": {what}"

    def asked(self) -> str:
        """Say so of the command that is being answered."""
        return self.cause(shown(self.recorder.protocol, self.session.asked))

    def _pump(self) -> None:
        """Answer what came in until the turn is over; then the other lines have theirs."""
        if self._busy or self._waiting or self._upgrading:
            return
        self._busy = True
        end = self.engine.loop.time() + self.engine.turn()
        try:
            while not (self._paused or self._waiting or self.session.closed or self.session.upgrade):
                chunk = next(self._answers, None)
                if chunk is not None:
                    self.engine.notice(self)
                    self._say(chunk)
                    if self.engine.loop.time() > end:
                        self._waiting = True
                        self._transport.pause_reading()
                        self.engine.loop.call_soon(self._go_on)
                elif self._inbox:
                    self._answers = _in_pieces(self.session, b"".join(self._inbox))
                    self._inbox.clear()
                else:
                    break
        except Exception:
            self._fail()
        finally:
            self._busy = False
        self._settle()

    def _fail(self) -> None:
        """End this line, and no other: a session answers its own errors, and the one at hand is ours."""
        log.exception("a %s session failed", self.recorder.protocol)
        self.drop()

    def _go_on(self) -> None:
        self._waiting = False
        if not (self._paused or self._upgrading):
            self._transport.resume_reading()
        self._pump()
        self._tell_news()

    def _settle(self) -> None:
        """Do what the answers led to, the first of these: an errand, the client's end, ours, TLS, another timeout."""
        if self.session.errand and not self._task:
            self._waiting = True
            self._task = self.engine.loop.create_task(self._run_errand(self.session.errand))
        elif self._ended and not (self._paused or self._waiting):
            self.session.end()
            self.engine.forget(self, self.cause("the line dropped"))
            if not self._transport.is_closing():  # closed twice, one under TLS knows nothing of itself any more
                self._transport.close()
        elif self.session.closed and not self._transport.is_closing():
            self.engine.forget(self, self.asked())  # where an error of ours has ended it, nothing was said
            self._hang_up()
        elif self.session.upgrade and not (self._upgrading or self._paused):
            self._inbox.clear()  # said in the clear, by anybody; what comes from now on comes under TLS
            self._answers = iter(())
            self._begin_tls()
        elif self.session.timeout:
            self._timer.cancel()
            self._timer = self.engine.loop.call_later(self.session.timeout, self._check_idle)

    async def _run_errand(self, errand: Callable[[], Awaitable[bytes]]) -> None:
        """Let others have their turn while the session waits for what takes time, such as a relay."""
        try:
            reply = await errand()
            self._task = None
            self._heard = self.engine.loop.time()
            self.engine.notice(self)
            self._say(reply)
            self._inbox.append(b"")  # go on with what came after it
            self._go_on()
        except Exception:
            self._fail()

    def _begin_tls(self) -> None:
        self._upgrading = True
        self._raw.pause_reading()
        self._handshake = self.engine.loop.create_task(self._start_tls())  # the loop alone would not hold it

    async def _start_tls(self) -> None:
        """Shake hands (RFC 2595 §3.1, §4; RFC 3207 §4); octets that come with the client's last message wait."""
        loop, timeout = self.engine.loop, self.engine.settings.handshake
        secure = None
        try:
            context = self.engine.tls().server
            with suppress(OSError):  # the client's: what it said was no handshake, or it hung up
                if not self._raw.is_closing():  # else asyncio would wait for a handshake all the same
                    secure = await loop.start_tls(
                        self._raw, self, context, server_side=True, ssl_handshake_timeout=timeout
                    )
        except Exception:  # ours, and the line would be left without anybody
            log.exception("a handshake failed")
        finally:
            self.engine.shaking.discard(self)
        self.engine.transports.discard(self._raw)
        if not isinstance(secure, asyncio.Transport):  # None where the line was dropped meanwhile
            self.drop()  # of this asyncio tells its own protocol alone, so do what connection_lost would
            self._timer.cancel()
            return
        self._transport = secure
        self._upgrading = False
        if self._tls_first:
            self._begin()
        else:
            self.engine.transports.add(secure)
            self.session.tls_started()
        for octets in self._inbox:
            self.recorder.add("C", octets)
        self._pump()

    def _say(self, octets: bytes) -> None:
        if self.session.closed:
            self.engine.forget(self, self.asked())
        if octets and not (self._transport.is_closing() or self._raw.is_closing()):  # TLS may not know of it yet
            self._silent = False
            self.recorder.add("S", octets)
            self._transport.write(octets)

    def _wake(self) -> None:
        """Ask to be run soon, once, however many changes the store reports."""
        if not self._woken:
            self._woken = True
            self.engine.loop.call_soon(self._tell_news)

    def _tell_news(self) -> None:
        self._woken = False
        if not (self._busy or self._paused or self._waiting or self._upgrading or self.session.closed):
            try:
                self._say(self.session.pending())
                self._settle()  # these may be the last words
            except Exception:
                self._fail()

    def _check_idle(self) -> None:
        idle = self.session.timeout or self._idle
        left = self._heard + idle - self.engine.loop.time() if not self._task else idle
        if left > 0:
            self._timer = self.engine.loop.call_later(left, self._check_idle)
            return
        if self._is_amid_something:
            self.drop()
        else:
            self._send_away(IDLE)
            self._hang_up()

    def _hang_up(self) -> None:
        """Close so that our last words arrive: a line closed with input unread is reset, and they are lost."""
        half = self._transport.can_write_eof() and not self.engine.is_crowded()
        if half:
            self._transport.write_eof()
        self._part(half)

    def _part(self, half: bool) -> None:
        """Wait while the client reads, as long for each piece as for one that says nothing; then close.

        ``half``: our end is closed already, so closing is left to the client. TLS closes both ends at once, and drops
        30 s later what is unsent.
        """
        self._timer.cancel()
        loop = self.engine.loop
        before, self._unsent = self._unsent, self._transport.get_write_buffer_size() + self._raw.get_write_buffer_size()
        if self._unsent < before:
            self._heard = loop.time()
        if self._unsent and loop.time() < self._heard + self._idle and not self.engine.is_crowded():
            self._timer = loop.call_later(LOOK_AGAIN, self._part, half)
            return
        self._timer = loop.call_later(LINGER, self._raw.abort)
        if not half:
            self._transport.close()


def _in_pieces(session: Session, octets: bytes) -> Iterator[bytes]:
    """Cut what is long: under TLS, asyncio calls `Line.pause_writing` one write late.

    The last words of a session, and those before TLS, stay whole: `Line` asks for no second piece.
    """
    for chunk in session.receive(octets):
        size = CHUNK if not (session.closed or session.upgrade) else len(chunk) or 1
        for at in range(0, len(chunk) or 1, size):
            yield chunk[at : at + size]
