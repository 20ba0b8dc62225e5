"""An event loop in a thread of its own: where a server and a wiretap work while the learner's thread does.

A notebook has a loop in the learner's thread already, and that one stands still while a cell runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Coroutine
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from mailkit.sockets import Address

log = logging.getLogger(__name__)
Result = TypeVar("Result")

STOPPED = "this server was stopped; run the cell that makes it again"
PATIENCE = 10.0  # seconds that `stop` waits; what runs on the loop takes much less, unless a listener blocks it


class LoopThread:
    """Runs until `stop`; then ports are closed and ``let_go`` drops all lines, however the loop came to its end."""

    def __init__(self, name: str, let_go: Callable[[], None]) -> None:
        self.loop = asyncio.SelectorEventLoop()
        self.loop.set_exception_handler(_log)
        self._let_go = let_go
        self._servers: list[asyncio.Server] = []
        self._at_work: set[asyncio.Task[None]] = set()  # for callers; the loop alone would not hold them
        self._closing = False  # True: nothing is begun any more
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.loop.run_forever()
        finally:
            self._closing = True
            try:
                self.loop.run_until_complete(self._end())
            finally:
                self.loop.close()

    async def _end(self) -> None:
        """Close all there is, and refuse what was still asked."""
        for server in self._servers:
            server.close()
        try:
            self._let_go()
        finally:
            for _ in range(4):  # let transports close their sockets, and refuse what was asked last
                await asyncio.sleep(0)
                for task in asyncio.all_tasks() - {asyncio.current_task()}:
                    task.cancel()
            await asyncio.sleep(0)
            await self.loop.shutdown_default_executor()

    def listen(self, factory: Callable[[], asyncio.BaseProtocol]) -> Address:
        """Open a port that the system chooses, where no other machine can come in; return its address."""

        async def open_port() -> Address:
            port = socket.create_server(("127.0.0.1", 0), backlog=100)  # asyncio would only log that none is left
            self._servers.append(await self.loop.create_server(factory, sock=port, backlog=4))  # accepted in one turn
            port.listen(100)  # may wait for that; asyncio has set 4 here, too
            address: Address = port.getsockname()
            return address

        return self.run(open_port)

    def call(self, function: Callable[[], Result]) -> Result:
        """Run a function on this thread, after all that has already arrived there; return its result."""

        async def after_arrivals() -> Result:
            for _ in range(4):  # each turn of the loop reads what the system holds: data, then ends of lines
                await asyncio.sleep(0)
            return function()

        return function() if threading.current_thread() is self._thread else self.run(after_arrivals)

    def run(self, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Have this done on the loop; return its result, or raise its error, or `RuntimeError` when it was stopped.

        A queue brings it, for an interrupt (the stop button) in a future may leave that locked, and the loop waiting.
        """
        answers: SimpleQueue[tuple[Result | None, BaseException | None]] = SimpleQueue()

        async def do() -> None:
            try:
                answers.put((await work(), None))
            except asyncio.CancelledError:
                answers.put((None, RuntimeError(STOPPED)))
            except BaseException as error:  # it is the caller's, whatever it is
                answers.put((None, error))

        def begin() -> None:
            if self._closing:
                answers.put((None, RuntimeError(STOPPED)))
                return
            task = self.loop.create_task(do())
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)

        try:
            self.loop.call_soon_threadsafe(begin)
            while True:
                with contextlib.suppress(Empty):
                    result, error = answers.get(timeout=0.1)
                    break
                if not self._thread.is_alive():  # it ended just now, or did not come along in a fork
                    raise RuntimeError(STOPPED)
        except RuntimeError:  # the loop is closed, or has just been
            raise RuntimeError(STOPPED) from None
        if error:
            raise error
        return result  # type: ignore[return-value]

    def stop(self) -> None:
        """End, and wait for it, but not for ever. Calling it again does nothing."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self.loop.call_soon_threadsafe(lambda: None if self._closing else self.loop.stop())
        if threading.current_thread() is not self._thread:
            self._thread.join(PATIENCE)
            if self._thread.is_alive():
                log.error(
                    "%s does not stop: something on it does not return, such as a listener of on_change()",
                    self._thread.name,
                )


def _log(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error that nobody on the loop has caught: a line that breaks is nothing much, anything else is ours."""
    error = context.get("exception")
    level = logging.DEBUG if error is None or isinstance(error, OSError | EOFError) else logging.ERROR
    log.log(level, "%s", context.get("message"), exc_info=error if level == logging.ERROR else None)
