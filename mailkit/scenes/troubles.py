"""Lesson 01: five troubles, met by either way to empty a letterbox, each computed from real messages."""

from __future__ import annotations

import imaplib
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from functools import cache
from typing import Any

from mailkit.device import Device
from mailkit.diagram import Picture, show_columns
from mailkit.plot import bars
from mailkit.samples import letters
from mailkit.scenes.lesson01 import HEADS, WAYS, Way, letterbox, walk
from mailkit.scenes.programs import by_pop
from mailkit.server import MailServer
from mailkit.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Reach:
    """What somebody gets hold of in the end, and the world as it is then."""

    subjects: tuple[str, ...]
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class Scenario:
    """One trouble, met by both ways."""

    name: str
    told: str  # what happens
    asked: str  # whose letters are counted
    take_home: Reach
    read_there: Reach

    def __repr__(self) -> str:
        return self.picture.words

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return self.picture._repr_mimebundle_()

    @property
    def picture(self) -> Picture:
        """Both ways as they are in the end."""
        both = (self.take_home, self.read_there)
        counts = ", ".join(f"way {at}: {len(reach.subjects)}" for at, reach in enumerate(both, 1))
        return show_columns([(f"{self.told} {self.asked} {counts}.", *(reach.snapshot for reach in both))], HEADS)


_Trouble = Callable[[MailServer, Device, Way], tuple[list[bytes], Snapshot]]  # letters reached, the world after


def _fire(server: MailServer, home: Device, way: Way) -> tuple[list[bytes], Snapshot]:
    home.empty()
    return home.letters() + _visit(server), server.snapshot(home)


def _travelling(server: MailServer, home: Device, way: Way) -> tuple[list[bytes], Snapshot]:
    phone = Device("phone")
    for octets in _visit(server):
        phone.save(octets)
    return phone.letters(), server.snapshot(home, phone)


def _second_home(server: MailServer, home: Device, way: Way) -> tuple[list[bytes], Snapshot]:
    server.deliver(letters("walk")[0])
    cottage = Device("second home")
    for octets in _visit(server):
        cottage.save(octets)
    if way == "take home":
        pop = by_pop(server)
        pop.dele(1)
        pop.quit()
    return cottage.letters(), server.snapshot(home, cottage)


def _no_lock(server: MailServer, home: Device, way: Way) -> tuple[list[bytes], Snapshot]:
    return _visit(server, "let me in"), server.snapshot(home)


def _no_road(server: MailServer, home: Device, way: Way) -> tuple[list[bytes], Snapshot]:
    server.stop()
    kept = [octets for folder, _ in home.snapshot().folders for octets in home.letters(folder)]
    try:
        return kept + _visit(server), Snapshot()
    except OSError:  # nobody answers: the road is closed
        return kept, Snapshot(devices=(home.snapshot(),))


_TROUBLES: dict[str, tuple[_Trouble, str, str]] = {
    "a fire at home": (_fire, "A fire at home: all that was there is lost.", "Letters Amy still reaches:"),
    "travelling": (_travelling, "Amy is travelling, with her phone.", "Letters she reaches from there:"),
    "a second home": (
        _second_home, "One more letter comes; Amy is at her second home.", "Letters she reaches there:",
    ),
    "a box without a lock": (_no_lock, "The box has no lock; a stranger comes.", "Letters the stranger reads:"),
    "no road to the box": (_no_road, "The road to the box is closed; Amy is at home.", "Letters she reaches:"),
}  # fmt: skip
SCENARIOS = tuple(_TROUBLES)
STRANGER = {"a box without a lock": "no lock: a stranger reads (bad)"}


def scenario(name: str) -> Scenario:
    """Play both ways to their end, let one trouble happen, and return what can be reached then.

    Takes one of `SCENARIOS`. Raises `LookupError`, naming them, for any other.
    """
    if name not in _TROUBLES:
        raise LookupError(f"there is no scenario {name!r}; there are: {', '.join(SCENARIOS)}")
    trouble, told, asked = _TROUBLES[name]
    return Scenario(name, told, asked, *(_meet(trouble, way) for way in WAYS))


def scenarios_picture() -> Picture:
    """Draw all five: how many letters Amy reaches by either way, and how many a stranger, which is no gain."""
    measured = [scenario(name) for name in SCENARIOS]
    values = {
        STRANGER.get(one.name, one.name): {"way 1": len(one.take_home.subjects), "way 2": len(one.read_there.subjects)}
        for one in measured
    }
    return bars("Letters that Amy reaches, or that a stranger reads", values)


@cache
def _meet(trouble: _Trouble, way: Way) -> Reach:
    with letterbox(check_password=trouble is not _no_lock) as server:
        home = Device("home")
        for _ in walk(way, server, home):
            pass
        reached, snapshot = trouble(server, home, way)
        return Reach(tuple(_subject(octets) for octets in reached), snapshot)


def _visit(server: MailServer, password: str = "secret") -> list[bytes]:
    """Read what lies in any of the boxes, and leave it there."""
    found = []
    with imaplib.IMAP4(*server.imap) as imap:
        imap.login("amy", password)
        for line in imap.list()[1]:
            assert isinstance(line, bytes)
            held = imap.select(line.decode().rpartition(" ")[2], readonly=True)[1]
            if held != [b"0"]:
                found += [part[1] for part in imap.fetch("1:*", "(BODY.PEEK[])")[1] if isinstance(part, tuple)]
    return found


def _subject(octets: bytes) -> str:
    return str(message_from_bytes(octets)["Subject"])
