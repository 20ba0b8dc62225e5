"""Lesson 09, the complaint about two computers that both collect with POP."""

from __future__ import annotations

import poplib
from collections.abc import Callable, Iterable
from itertools import islice

from mailkit.device import Device
from mailkit.exercise import Exercise, Mistake, World
from mailkit.samples import letters
from mailkit.scenes.lesson09.boxes import TAKE_ALL, inbox, kept, twice
from mailkit.scenes.mistakes import fact, half_way_notes, noted, visits_stopped
from mailkit.scenes.popclient import PopClient
from mailkit.scenes.programs import by_pop
from mailkit.scenes.visits import PopLine
from mailkit.server import MailServer, fixed_clock
from mailkit.snapshot import Snapshot, digest

# ---- 10: only the first computer gets the mail

LETTERS_A_DAY = (1, 1, 1, 1, 2, 0, 1)


class Week:
    """Seven days, seven letters; each day the desktop collects, then the laptop; on the fourth one letter goes."""

    def __init__(self, server: MailServer, brought: Iterable[bytes], *devices: Device) -> None:
        self._server, self._brought, self._devices, self._line = server, iter(brought), devices, PopLine(server)
        self.stop = self._line.stop
        self._begun = self._over = self._crossed = False

    def __call__(self, collect: Callable[[poplib.POP3, Device], object]) -> None:
        """Let ``collect(pop, device)`` work twice a day, each time with a new session that is logged in.

        Raises `RuntimeError` the second time.
        """
        if self._begun:
            raise RuntimeError("this week is over; run the cell from its first line for a new one")
        self._begun = True
        for day, count in enumerate(LETTERS_A_DAY, 1):
            for octets in islice(self._brought, count):
                self._server.deliver(octets)
            for device in self._devices:
                had = self._others_have(device)
                self._line.visit(collect, device)
                self._crossed |= self._others_have(device) != had
            if day == 4:
                self._tidy()
        self._over = True

    def is_half_way(self) -> bool:
        """Tell whether the week began and never ended."""
        return self._begun and not self._over

    def is_over(self) -> bool:
        """Tell whether all seven days have been."""
        return self._over

    def is_crossed(self) -> bool:
        """Tell whether a visit of one computer ever changed what another has."""
        return self._crossed

    def _others_have(self, device: Device) -> list[int]:
        return [len(other.snapshot().letters) for other in self._devices if other is not device]

    def _tidy(self) -> None:
        """Remove the first letter, as one does in webmail; by now both computers should have it."""
        webmail = by_pop(self._server)
        if webmail.stat()[0]:
            webmail.dele(1)
        webmail.quit()


def _two_computers() -> World:
    """Let both computers collect and delete: the desktop came first."""
    server, desktop, laptop = MailServer(letters("thread"), password="secret"), Device("desktop"), Device("laptop")
    for device in (desktop, laptop):
        PopClient(server, device, TAKE_ALL).poll()
    week = Week(server, letters("week"), desktop, laptop)
    half, over = half_way_notes(week.is_half_way), fact("_week", week.is_over)
    seen = {"_half": half, "_over": over, "_crossed": fact("_crossed", week.is_crossed)}
    return World(server, desktop=desktop, laptop=laptop, now=fixed_clock(), one_week=week, **seen)


THE_WEEK = sorted(map(digest, letters("week")))


first_computer = Exercise(
    "09.10",
    "Only the first computer",
    _two_computers,
    goal=lambda before, now: (
        sorted(_new(before, now, "desktop")) == sorted(_new(before, now, "laptop")) == THE_WEEK
        and not noted(now, "_crossed")
    ),
    untouched="The new week has not begun: hand the function to `box.one_week(collect)`.",
    mistakes=(
        visits_stopped("The week", "dict", "device.seen_uidls[name] = box.now"),
        Mistake(
            "other-device",
            lambda before, now: _one_took_both(before, now),
            "One computer has all that came, and the other has nothing. `collect` works for both in turn: `device`, "
            "which it gets, is the one that saves.",
        ),
        Mistake(
            "across",
            lambda before, now: bool(noted(now, "_crossed")),
            "At its visit one computer saved on the other, whose disk it cannot reach. Save on `device` alone, the one "
            "that visits, and leave the letters on the server for the other.",
        ),
        Mistake(
            "again-and-again",
            lambda before, now: twice(_new(before, now, "desktop")),
            "The same letters came more than once. Leaving them is right; now each computer must know what it has. "
            "Look for the UIDL in its ledger, `device.seen_uidls`, and note it there after saving: the name alone; "
            "a whole line, `1 1.2`, begins with the number, which changes.",
        ),
        Mistake(
            "one-ledger",
            lambda before, now: bool(_new(before, now, "desktop") and inbox(now)) and not kept(now, "laptop"),
            "The desktop has the week, and the laptop skipped it all, though the letters were there: both go by one "
            "ledger. Each needs its own, `device.seen_uidls`.",
        ),
        Mistake(
            "headers",
            lambda before, now: _new(before, now, "desktop")[0] not in THE_WEEK,
            "The letters that came are not whole: `top` brings a header, `retr` a letter.",
        ),
        Mistake(
            "nothing",
            lambda before, now: (
                bool(noted(now, "_week")) and not _new(before, now, "desktop") + _new(before, now, "laptop")
            ),
            "The letters lay there, and nothing was fetched. Does your `if` say `not in`? What is not in the ledger "
            "yet is to be fetched, and only then noted; and `device`, which your function gets, is what saves.",
        ),
        Mistake(
            "numbers",
            lambda before, now: bool(inbox(now)) and 0 < len(_new(before, now, "desktop")) < 7,
            "A letter never came, though it lies on the server. The numbers moved up when another was deleted in "
            "webmail (lesson 06), so the new one got a number that was in the ledger. Note the UIDL; and what is done "
            "for each letter stands inside the loop, indented, and no `break` ends that early.",
        ),
        Mistake(
            "first-takes-all",
            lambda before, now: len(_new(before, now, "desktop")) == 7,
            "The desktop came first each day and left nothing for the laptop: what one program marks with `dele` and "
            "ends with `quit`, no other will see. Leave the letters on the server.",
        ),
    ),
    praise="Both computers have the whole week. If nobody clears it, the box grows: one of the two should, after some "
    "days.",
    instead=dict.fromkeys(("desktop", "laptop", "pop", "server"), "what `collect(pop, device)` is given"),
)


def _one_took_both(before: Snapshot, now: Snapshot) -> bool:
    desktop, laptop = (len(_new(before, now, name)) for name in ("desktop", "laptop"))
    return (not laptop and desktop > len(THE_WEEK)) or (not desktop and laptop >= len(THE_WEEK))


def _new(before: Snapshot, now: Snapshot, device: str) -> list[str]:
    """Return the digests of what came to a device, one entry a copy."""
    had = {one.uid for one in before.device(device).letters}
    return [one.digest for one in now.device(device).letters if one.uid not in had]
