"""Lessons 03 and 06: a learner's script goes to the box more than once, and between its visits things happen."""

from __future__ import annotations

import poplib
from collections.abc import Callable
from typing import Any

from mailkit.device import Device
from mailkit.samples import letter
from mailkit.scenes.programs import by_pop
from mailkit.server import MailServer

_AS_LONG_AS_LUNCH = b"P.S. No cake left? Then come all the same, please.\r\n"  # a ledger of sizes then misses the walk


class Visits:
    """Two visits to the box with one script: at the first, the laptop's disk is full when letter 3 arrives."""

    def __init__(self, server: MailServer, laptop: Disk) -> None:
        self._server, self._laptop = server, laptop
        self._lines: list[poplib.POP3] = []  # a line left open stays open, as it would on a wire
        self._under_way = self._done = False

    def __call__(self, collect: Callable[[poplib.POP3, Any], object]) -> None:
        """Let ``collect(pop, laptop)`` work twice, each time with a new session that is logged in."""
        self._under_way = True
        self._laptop._room = 2
        self._visit("Visit 1", collect)
        self._laptop._room = 1_000
        self._visit("Visit 2", collect)
        self._under_way = False
        self._done = not self._server.snapshot().mailbox("amy").letters

    def is_half_way(self) -> bool:
        """Tell whether an error of the script's own has stopped it."""
        return self._under_way

    def is_done(self) -> bool:
        """Tell whether two visits have left the server empty."""
        return self._done

    def _visit(self, name: str, collect: Callable[[poplib.POP3, Any], object]) -> None:
        pop = poplib.POP3(*self._server.pop3)
        self._lines.append(pop)
        try:
            pop.user("amy")
            pop.pass_("secret")
            collect(pop, self._laptop)
        except (OSError, poplib.error_proto) as error:
            said = error.args[0] if error.args else type(error).__name__
            words = said.decode() if isinstance(said, bytes) else said
            print(f"{name} stopped: {words}")  # noqa: T201
        else:
            print(f"{name} ended without an error")  # noqa: T201
        if pop.sock is None:
            self._lines.remove(pop)
            if not self._lines:
                self._server.wait_for_hang_up()

    def stop(self) -> None:
        """Drop the lines that were left open."""
        for pop in self._lines:
            pop.close()


class Disk:
    """A device with room for so many letters more, which only `Visits` makes."""

    def __init__(self, device: Device) -> None:
        self._device, self._room = device, 1_000

    def __getattr__(self, name: str) -> Any:
        return getattr(self._device, name)

    def save(self, answer: Any, *where: Any, **how: Any) -> None:
        """Keep a letter, as a device does. Raises `OSError` when the disk is full."""
        if not self._room:
            raise OSError("the disk is full, the letter could not be saved")
        self._device.save(answer, *where, **how)
        self._room -= 1


class PopLine:
    """The line of a script that logs in again and again; one that it does not end stays open, as it would on a wire."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._pop: poplib.POP3 | None = None

    def visit(self, work: Callable[..., object], *things: Any) -> None:
        """Call ``work(pop, *things)`` with a new session that is logged in; what it raises drops the line."""
        pop = self._pop = by_pop(self._server)
        try:
            work(pop, *things)
        except BaseException:
            pop.close()
            raise
        if pop.sock is None:
            self._server.wait_for_hang_up()

    def stop(self) -> None:
        """Drop the line, if it was left open."""
        if self._pop:
            self._pop.close()


class ThreeVisits:
    """A script's first three polls; before the second, webmail deletes letter 1 and the postman brings another."""

    def __init__(self, server: MailServer, laptop: Device) -> None:
        self._server, self._laptop, self._line = server, laptop, PopLine(server)
        self._ledger: set[Any] = set()
        self.stop = self._line.stop
        self._begun = self._over = self._used = False
        self._fetched: list[int] = []

    def __call__(self, poll: Callable[[poplib.POP3, set[Any], Device], object]) -> None:
        """Let ``poll(pop, ledger, laptop)`` work three times, with one ledger, each time logged in anew.

        Raises `RuntimeError` the second time: then the ledger is not empty any more.
        """
        if self._begun:
            raise RuntimeError("these three days have begun already; run the cell from its first line for a new laptop")
        self._begun = True
        self._visit("Monday", poll)
        webmail = by_pop(self._server)
        if webmail.stat()[0]:
            webmail.dele(1)
        webmail.quit()
        self._server.deliver(letter("walk") + _AS_LONG_AS_LUNCH)
        self._visit("Tuesday", poll)
        self._visit("Wednesday", poll)
        self._over = True

    def is_half_way(self) -> bool:
        """Tell whether the days began and never ended."""
        return self._begun and not self._over

    def is_cut_short(self) -> bool:
        """Tell whether only some of the first day's three letters were fetched on that day."""
        return self._fetched[:1] in ([1], [2])

    def is_all_fetched(self) -> bool:
        """Tell whether the visits brought four letters, as many as there were."""
        return sum(self._fetched) == 4

    def is_passed_by(self) -> bool:
        """Tell whether nothing has been said in the sessions that the function was given."""
        return not self._used

    def _visit(self, day: str, poll: Callable[[poplib.POP3, set[Any], Device], object]) -> None:
        before = self._count()
        try:
            self._line.visit(poll, self._ledger, self._laptop)
        finally:
            self._used |= not self._server.transcript("POP3").said("C")[-1].startswith("PASS")
        self._fetched.append(self._count() - before)
        print(f"{day}: {self._fetched[-1]} fetched")  # noqa: T201

    def _count(self) -> int:
        return len(self._laptop.snapshot().letters)  # in whatever folder
