"""Lesson 03: one script goes to the box twice, for a laptop whose disk may be full."""

from __future__ import annotations

import poplib
from collections.abc import Callable
from typing import Any

from mailkit.device import Device
from mailkit.server import MailServer


class Visits:
    """Two visits to the box with one script: at the first, the laptop's disk is full when letter 3 arrives."""

    def __init__(self, server: MailServer, laptop: Disk) -> None:
        self._server, self._laptop = server, laptop
        self._lines: list[poplib.POP3] = []  # a line left open stays open, as it would on a wire
        self._under_way = False

    def __call__(self, collect: Callable[[poplib.POP3, Any], object]) -> None:
        """Let ``collect(pop, laptop)`` work twice, each time with a new session that is logged in."""
        self._under_way = True
        self._laptop.room = 2
        self._visit("Visit 1", collect)
        self._laptop.room = 1_000
        self._visit("Visit 2", collect)
        self._under_way = False

    def is_half_way(self) -> bool:
        """Tell whether an error of the script's own has stopped it."""
        return self._under_way

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
    """A device with ``room`` for so many letters more."""

    def __init__(self, device: Device) -> None:
        self._device, self.room = device, 1_000

    def __getattr__(self, name: str) -> Any:
        return getattr(self._device, name)

    def save(self, answer: Any, *where: Any, **how: Any) -> None:
        """Keep a letter, as a device does. Raises `OSError` when the disk is full."""
        if not self.room:
            raise OSError("the disk is full, the letter could not be saved")
        self._device.save(answer, *where, **how)
        self.room -= 1
