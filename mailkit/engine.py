"""The thread, loop, ports and register of lines beneath `mailkit.server`.

Everything that touches the store runs on the engine's own thread, one piece at a time, so nothing needs a
lock. Between the pieces of a long answer, and while a relay is under way, others have their turn. The engine
knows nothing of the `MailServer` that owns it: when that is lost, the engine is stopped.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator

from mailkit.line import Line
from mailkit.loopthread import STOPPED, LoopThread
from mailkit.mailbox import Mailbox
from mailkit.settings import Settings
from mailkit.snapshot import DeviceView, MailboxView, Moment, Snapshot, view_letter
from mailkit.sockets import Address
from mailkit.store import Account, Store
from mailkit.tls import Tls
from mailkit.transcript import Recorder

log = logging.getLogger(__name__)

TURN = 0.02  # seconds that one line is answered while others wait
KEPT_RECORDS = 200  # conversations that transcript() can still show
KEPT_MOMENTS = 500  # states that history() can go back
MAX_PICTURED = 100  # above this many messages and mailboxes, states are not kept: pictures are for lessons


class Engine:
    """Owns the thread with its loop, the listening sockets and the register of open lines."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.settings = settings
        self.buffer = memoryview(bytearray(262_144))  # where octets arrive, on whichever line
        self.routes: dict[str, Address] = {}  # domain → the server that takes its mail
        self.lines: dict[Line, None] = {}  # POP3 and IMAP, in the order of arrival
        self.smtp_lines: dict[Line, None] = {}  # SMTP
        self.shaking: set[Line] = set()  # lines in their first handshake, not registered yet
        self.transports: set[asyncio.Transport] = set()  # until each is really closed
        self.recorders: deque[Recorder] = deque(maxlen=KEPT_RECORDS)
        self.moments: deque[Moment] = deque(maxlen=KEPT_MOMENTS)
        self.listeners: list[Callable[[Moment], None]] = []
        self.quiet = threading.Event()  # set while no POP3 or IMAP line is open
        self.quiet.set()
        self._seen_version = -1
        self._frozen: tuple[int, tuple[MailboxView, ...]] = -1, ()  # all mailboxes, at a version of the store
        self.tls = functools.cache(lambda: Tls(settings.host_name))  # the contexts; made when first needed
        self._thread = LoopThread("mailkit server", self._let_go)
        self.loop, self.call, self.stop = self._thread.loop, self._thread.call, self._thread.stop
        self.listen = self._thread.listen

    # ---- on the engine's thread

    def _let_go(self) -> None:
        try:
            for line in [*self.lines, *self.smtp_lines]:
                line.dismiss(STOPPED)
        finally:
            for transport in list(self.transports):
                transport.abort()

    def hang_up(self) -> int:
        """Drop all POP3 and IMAP lines; return how many there were."""
        lines = list(self.lines)
        for line in lines:
            line.drop()
        return len(lines)

    def admit(self, line: Line) -> bool:
        """Register a new line; False where there are too many of its kind."""
        self.recorders.append(line.recorder)
        register = self.smtp_lines if line.recorder.protocol == "SMTP" else self.lines
        if len(register) >= self.settings.max_connections:
            return False
        register[line] = None
        if self.lines:
            self.quiet.clear()
        return True

    def begin_handshake(self, line: Line) -> bool:
        """Note a line that begins with TLS; False where too many of its protocol are at that."""
        already = sum(one.recorder.protocol == line.recorder.protocol for one in self.shaking)
        if already >= self.settings.max_connections:
            return False
        self.shaking.add(line)
        return True

    def turn(self) -> float:
        """Return for how many seconds a line is answered while others wait: the more lines, the shorter."""
        return TURN / max(1, len(self.transports))

    def is_crowded(self) -> bool:
        """Whether too many are here, those included who still read why they are refused, to wait until all is read."""
        return len(self.transports) > 3 * self.settings.max_connections  # SMTP, the others, and those who leave

    def is_full(self) -> bool:
        """Whether one more could be one too many for the system: Windows' ``select()`` takes 512, relays included."""
        return len(self.transports) + len(self.shaking) >= 4 * self.settings.max_connections

    def forget(self, line: Line, cause: str) -> None:
        """Take a line out of the register, before its last words are sent."""
        self.smtp_lines.pop(line, None)
        if line in self.lines:
            del self.lines[line]
            self.record(cause)
            if not self.lines:
                self.quiet.set()

    def notice(self, line: Line) -> None:
        """Keep the state, if the line's last command changed the store or its own session."""
        if line.session.closed:
            return  # `forget` keeps that state, once the line is out of the register
        view = line.session.outline()
        if view != line.view or self.store.version != self._seen_version:
            line.view = view
            self.record(line.asked)

    def record(self, cause: str | Callable[[], str]) -> None:
        """Keep the present state with its cause, which is put into words only then, and tell the listeners."""
        self._seen_version = self.store.version
        kept = sum(1 + len(box) for _, box in self._mailboxes()) <= MAX_PICTURED
        if not (kept or self.listeners):
            return
        moment = Moment(cause if isinstance(cause, str) else cause(), self.snapshot())
        if kept:
            self.moments.append(moment)
        for listener in list(self.listeners):
            try:
                listener(moment)
            except BaseException:  # a client's session is none of its business, nor is the server
                log.exception("a listener of this server failed")

    def snapshot(self, devices: tuple[DeviceView, ...] = ()) -> Snapshot:
        """Freeze all mailboxes and open sessions, and the devices given."""
        if self._frozen[0] != self.store.version:
            self._frozen = self.store.version, tuple(_view(account, box) for account, box in self._mailboxes())
        return Snapshot(self._frozen[1], tuple(line.session.snapshot() for line in self.lines), devices)

    def _mailboxes(self) -> Iterator[tuple[Account, Mailbox]]:
        return ((account, box) for account in self.store.accounts.values() for box in account.mailboxes.values())


def _view(account: Account, box: Mailbox) -> MailboxView:
    letters = tuple(view_letter(message) for message in box.messages)
    return MailboxView(account.name, box.name, box.uidvalidity, letters, account.used, account.quota)
