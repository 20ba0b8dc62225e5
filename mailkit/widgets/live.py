"""The live mailbox: a picture that follows the server, and goes back through all it has been.

Nothing in it is animated, so there is nothing to hold back where a reader prefers reduced motion.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from html import escape
from threading import Lock
from typing import Any, Protocol

import ipywidgets

from mailkit.diagram import show as picture
from mailkit.diagram import show_change
from mailkit.render import Picture
from mailkit.snapshot import Moment, Snapshot
from mailkit.widgets.form import Result, as_html
from mailkit.widgets.twin import column, heard, show, text


class Watched(Protocol):
    """What is needed of a server."""

    def history(self) -> tuple[Moment, ...]: ...  # noqa: D102
    def snapshot(self) -> Snapshot: ...  # noqa: D102
    def on_change(self, listener: Callable[[Moment], None]) -> Callable[[], None]: ...  # noqa: D102


class LiveMailbox:
    """Draws the server's newest state, or the one whose number is chosen, with the command that led to it.

    A change is told on the server's thread; drawing there would keep a client waiting, so a thread of our
    own draws, once for however many changes came meanwhile.
    """

    def __init__(self, server: Watched) -> None:
        if not hasattr(server, "on_change"):
            raise TypeError(f"live takes a server, not {type(server).__name__}; write live(server)")
        self._moments = list(server.history())
        now = server.snapshot()
        if not self._moments or self._moments[-1].snapshot != now:  # of a large mailbox no history is kept
            self._moments.append(Moment("now", now))
        self._lock = Lock()
        self._waiting = False
        # A number, not a slider: a slider has no name that a screen reader could say, and JupyterLab itself takes
        # the arrow keys (to go from cell to cell) wherever nothing can be typed.
        last = len(self._moments) - 1
        self.state = ipywidgets.BoundedIntText(
            value=last, min=0, max=last, description="State", tooltip="", layout=ipywidgets.Layout(width="12em")
        )
        self.cause = text()
        self.result = Result()
        self.state.observe(lambda _: self._draw(), names="value")
        self._draw()
        self.leave = server.on_change(self._hear)

    def view(self) -> Any:
        """Return the whole as one widget."""
        return column(self.state, self.cause, *self.result.parts)

    def _hear(self, moment: Moment) -> None:
        with self._lock:
            self._moments.append(moment)
            if self._waiting:
                return
            self._waiting = True
        with suppress(RuntimeError):  # Python ends, and takes no more work; the server's last lines drop then
            _drawers().submit(self._follow)

    def _follow(self) -> None:
        """Show the newest state, unless the learner has gone back to an older one."""
        with self._lock:
            self._waiting = False
            last = len(self._moments) - 1
        at_end = self.state.value == self.state.max
        self.state.max = last
        if at_end:
            self.state.value = last

    def _draw(self) -> None:
        at = self.state.value
        cause = escape(self._moments[at].cause, quote=False)
        self.cause.value = heard(f"<code>{at} of {self.state.max}: {cause}</code>")
        self.result.draw(self.picture(at))

    def picture(self, at: int) -> Picture:
        """Return a state's picture, with what its command changed."""
        now = self._moments[at].snapshot
        return show_change(self._moments[at - 1].snapshot, now, after_only=True) if at else picture(now)


@cache
def _drawers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="mailkit-live")


def live(server: Watched) -> LiveMailbox:
    """Display a picture that follows the server by itself, with a number to count back through every state.

    Right-click it and choose "Create New View for Cell Output" to keep it in sight.
    """
    made = LiveMailbox(server)
    first = made.picture(made.state.value)
    show(made.view(), f"Live mailbox (follows the server while the notebook runs)\n{first}", as_html(first))
    return made


def drawn() -> None:
    """Return when everything heard so far is drawn."""
    _drawers().submit(lambda: None).result()
