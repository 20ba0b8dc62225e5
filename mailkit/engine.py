"""The thread, loop, sockets and idle clock beneath `mailkit.server`: octets in, octets out.

Everything that touches the store runs on the engine's own thread, one piece at a time, so no session
ever sees another's half-done work. The engine knows nothing of the `MailServer` that owns it: when
that is lost, the engine is stopped.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

from mailkit.mailbox import Account, Mailbox, Store
from mailkit.relay import Address
from mailkit.settings import Settings
from mailkit.snapshot import DeviceView, MailboxView, Moment, SessionView, Snapshot, view_letter
from mailkit.tls import Tls, make_tls
from mailkit.transcript import Recorder

log = logging.getLogger("mailkit")
Result = TypeVar("Result")

HANDSHAKE = 10.0  # seconds; where TLS begins, a client that is silent or speaks in the clear is dropped
TURN = 0.02  # seconds that one line is answered while others wait
LINGER = 10.0  # seconds that a client has to read our last words and close its end
KEPT_RECORDS = 200  # conversations that transcript() can still show
KEPT_MOMENTS = 500  # states that history() can go back
HISTORY_SIZE = 100  # above this many messages and mailboxes, states are not kept: pictures are for lessons
TOO_MANY = {
    "POP3": b"-ERR [SYS/TEMP] too many connections; close one and try again\r\n",  # RFC 3206 §4
    "IMAP": b"* BYE [UNAVAILABLE] too many connections; close one and try again\r\n",  # RFC 5530 §3
}


class Session(Protocol):
    """The shape that `Pop3Session` and `ImapSession` share; neither does any IO."""

    closed: bool
    upgrade: bool

    def greeting(self) -> bytes: ...  # noqa: D102
    def receive(self, octets: bytes) -> Iterator[bytes]: ...  # noqa: D102
    def pending(self) -> bytes: ...  # noqa: D102
    def tls_started(self) -> None: ...  # noqa: D102
    def autologout(self) -> bytes: ...  # noqa: D102
    def end(self) -> None: ...  # noqa: D102
    def snapshot(self) -> SessionView: ...  # noqa: D102


MakeSession = Callable[[bool, Callable[[], None]], Session]


class Line(asyncio.BufferedProtocol):
    """One connection: hands octets to its session, sends what that yields, no faster than they are read."""

    def __init__(self, engine: Engine, protocol: str, secure: bool, idle: float, make: MakeSession) -> None:
        self.engine = engine
        self.recorder = Recorder(protocol)
        self.session = make(secure, self._wake)
        self.view = self.session.snapshot()
        self._idle = idle
        self._answers: Iterator[bytes] = iter(())
        self._inbox: list[bytes] = []
        self._paused = self._busy = self._waiting = self._woken = self._ended = self._upgrading = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, or refuse one connection too many."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.engine.transports.add(transport)
        self._heard = self.engine.loop.time()
        self._timer = self.engine.loop.call_later(self._idle, self._check_idle)
        if not self.engine.admit(self):
            self.session.end()
            self._say(TOO_MANY[self.recorder.protocol])
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
        self.recorder.add("C", octets)
        self._inbox.append(octets)
        self._pump()

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
        self._settle()
        return self._transport.get_extra_info("sslcontext") is None  # TLS knows no half-closed line

    def drop(self) -> None:
        """End the session without a word."""
        self.session.end()
        self.engine.forget(self, "the line dropped")
        self._transport.abort()

    def cause(self, what: str) -> str:
        """Say who did what, as history() shows it: ``POP3 amy: DELE 1``."""
        return f"{self.recorder.protocol} {self.view.account or ''}".rstrip() + f": {what}"

    def _pump(self) -> None:
        """Answer what came in until the turn is over; then the other lines have theirs."""
        if self._busy or self._waiting:
            return
        self._busy = True
        end = self.engine.loop.time() + TURN
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
                    self._answers = self.session.receive(b"".join(self._inbox))
                    self._inbox.clear()
                else:
                    break
        except Exception:  # a session answers its own errors; this one is ours, and ends this line only
            log.exception("a %s session failed", self.recorder.protocol)
            self.drop()
        finally:
            self._busy = False
        self._settle()

    def _go_on(self) -> None:
        self._waiting = False
        if not (self._paused or self._upgrading):
            self._transport.resume_reading()
        self._pump()

    def _settle(self) -> None:
        if self._ended and not (self._paused or self._waiting):
            self.session.end()
            self.engine.forget(self, "the line dropped")
            self._transport.close()
        elif self.session.closed:
            self._hang_up()
        elif self.session.upgrade and not self._upgrading:
            self._upgrading = True
            self._inbox.clear()  # said in the clear, by anybody; what comes from now on comes under TLS
            self._answers = iter(())
            self._transport.pause_reading()
            self.engine.spawn(self._start_tls())

    async def _start_tls(self) -> None:
        """Shake hands (RFC 2595); octets that come with the client's last handshake message wait in the inbox."""
        try:
            secure = await self.engine.loop.start_tls(
                self._transport, self, self.engine.tls().server, server_side=True, ssl_handshake_timeout=HANDSHAKE
            )
        except (OSError, ssl.SSLError):
            self.drop()
            return
        assert isinstance(secure, asyncio.Transport)
        self.engine.transports.discard(self._transport)
        self.engine.transports.add(secure)
        self._transport = secure
        self._upgrading = False
        self.session.tls_started()
        self._pump()

    def _say(self, octets: bytes) -> None:
        if self.session.closed:
            self.session.end()
            self.engine.forget(self, self.recorder.last_command())
        if octets and not self._transport.is_closing():
            self.recorder.add("S", octets)
            self._transport.write(octets)

    def _wake(self) -> None:
        """Ask to be run soon, once, however many changes the store reports."""
        if not self._woken:
            self._woken = True
            self.engine.loop.call_soon(self._tell_news)

    def _tell_news(self) -> None:
        self._woken = False
        if not (self._busy or self._paused or self.session.closed):
            self._say(self.session.pending())

    def _check_idle(self) -> None:
        left = self._heard + self._idle - self.engine.loop.time()
        if left > 0:
            self._timer = self.engine.loop.call_later(left, self._check_idle)
            return
        self._say(self.session.autologout())
        self._hang_up()

    def _hang_up(self) -> None:
        """Close so that our last words arrive: a line closed with input unread is reset, and they are lost."""
        self._timer.cancel()
        self._timer = self.engine.loop.call_later(LINGER, self._transport.abort)
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()


class Engine:
    """Owns the loop, its thread, the listening sockets and the register of open lines."""

    def __init__(self, store: Store, settings: Settings, host: str) -> None:
        self.store = store
        self.settings = settings
        self.host = host
        self.loop = asyncio.SelectorEventLoop()
        self.buffer = memoryview(bytearray(262_144))  # where octets arrive, on whichever line
        self.lines: dict[Line, None] = {}  # in the order of arrival
        self.transports: set[asyncio.Transport] = set()  # until each is really closed
        self.mailers: set[Any] = set()  # SMTP connections, aiosmtpd's
        self.recorders: list[Recorder] = []
        self.moments: list[Moment] = []
        self.listeners: list[Callable[[Moment], None]] = []
        self.quiet = threading.Event()  # set while no POP3 or IMAP line is open
        self.quiet.set()
        self._seen_version = -1
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._tls: Tls | None = None
        self.loop.set_exception_handler(lambda loop, context: log.debug("%s", context.get("message")))
        self._thread = threading.Thread(target=self._run, name="mailkit server", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            self.loop.close()

    # ---- from the learner's thread

    def call(self, function: Callable[[], Result]) -> Result:
        """Run a function on the engine's thread, after all that has already arrived there; return its result."""
        if threading.current_thread() is self._thread:
            return function()
        if not self._thread.is_alive() or self.loop.is_closed():
            raise RuntimeError("this server was stopped; run the cell that makes it again")
        return asyncio.run_coroutine_threadsafe(self._after_arrivals(function), self.loop).result()

    async def _after_arrivals(self, function: Callable[[], Result]) -> Result:
        for _ in range(4):  # each turn of the loop reads what the system holds: data, then ends of lines
            await asyncio.sleep(0)
        return function()

    def listen(self, factory: Callable[[], asyncio.BaseProtocol], tls: bool = False) -> Address:
        """Open a port that the system chooses; return its address."""

        async def open_port() -> Address:
            context = self.tls().server if tls else None
            patience = HANDSHAKE if tls else None
            server = await self.loop.create_server(factory, self.host, 0, ssl=context, ssl_handshake_timeout=patience)
            self._servers.append(server)
            host, port = server.sockets[0].getsockname()[:2]
            return host, port

        return asyncio.run_coroutine_threadsafe(open_port(), self.loop).result()

    def stop(self) -> None:
        """Drop all lines, free ports, thread and loop. Calling it again does nothing."""
        if self.loop.is_closed() or not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self._shut_down(), self.loop)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    async def _shut_down(self) -> None:
        try:
            for server in self._servers:
                server.close()
            self.hang_up()
            for transport in self.transports | {mailer.transport for mailer in self.mailers}:
                transport.abort()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            for _ in range(4):  # let transports close their sockets
                await asyncio.sleep(0)
            await self.loop.shutdown_default_executor()
        finally:
            self.loop.stop()

    # ---- on the engine's thread

    def hang_up(self) -> int:
        """Drop all POP3 and IMAP lines; return how many there were."""
        lines = list(self.lines)
        for line in lines:
            line.drop()
        return len(lines)

    def admit(self, line: Line) -> bool:
        """Register a new line; False, and the session is closed, where there are too many."""
        self._keep(line.recorder)
        if len(self.lines) >= self.settings.max_connections:
            return False
        self.lines[line] = None
        self.quiet.clear()
        return True

    def admit_mailer(self, mailer: Any, recorder: Recorder) -> bool:
        """Register an SMTP connection; False where there are too many."""
        self._keep(recorder)
        if len(self.mailers) >= self.settings.max_connections:
            return False
        self.mailers.add(mailer)
        return True

    def _keep(self, recorder: Recorder) -> None:
        self.recorders.append(recorder)
        del self.recorders[:-KEPT_RECORDS]

    def forget(self, line: Line, cause: str) -> None:
        """Take a line out of the register, before its last words are sent."""
        if line in self.lines:
            del self.lines[line]
            self.record(line.cause(cause))
            if not self.lines:
                self.quiet.set()

    def spawn(self, coroutine: Any) -> None:
        """Run a coroutine to its end; the loop alone would not hold it."""
        task = self.loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def notice(self, line: Line) -> None:
        """Keep the state, if the line's last command changed the store or its own session."""
        if line.session.closed:
            return  # `forget` keeps that state, once the line is out of the register
        view = line.session.snapshot()
        if view != line.view or self.store.version != self._seen_version:
            line.view = view
            self.record(lambda: line.cause(line.recorder.last_command()))

    def record(self, cause: str | Callable[[], str]) -> None:
        """Keep the present state with its cause, and tell the listeners."""
        self._seen_version = self.store.version
        if sum(1 + len(box) for _, box in self._mailboxes()) > HISTORY_SIZE:
            return
        moment = Moment(cause if isinstance(cause, str) else cause(), self.snapshot())
        self.moments.append(moment)
        del self.moments[:-KEPT_MOMENTS]
        for listener in self.listeners:
            listener(moment)

    def snapshot(self, devices: tuple[DeviceView, ...] = ()) -> Snapshot:
        """Freeze all mailboxes and open sessions, and the devices given."""
        mailboxes = tuple(_view(account, box) for account, box in self._mailboxes())
        return Snapshot(mailboxes, tuple(line.session.snapshot() for line in self.lines), devices)

    def _mailboxes(self) -> Iterator[tuple[Account, Mailbox]]:
        return ((account, box) for account in self.store.accounts.values() for box in account.mailboxes.values())

    def tls(self) -> Tls:
        """Return the contexts for TLS; made when first needed."""
        if self._tls is None:
            self._tls = make_tls(self.settings.host_name)
        return self._tls


def _view(account: Account, box: Mailbox) -> MailboxView:
    letters = tuple(view_letter(message) for message in box.messages)
    return MailboxView(account.name, box.name, box.uidvalidity, letters, account.used, account.quota)
