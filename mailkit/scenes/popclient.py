"""Lesson 06: a POP3 mail program that can leave mail on the server, and a clock that is turned by hand.

It obeys four settings as Thunderbird does (its ``Pop3Client``, August 2026), with Python's own `poplib` on the
wire. Which letters it has had is in its ledger, ``device.seen_uidls``: the letter's UIDL, and when it was fetched.
"""

from __future__ import annotations

import poplib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from mailkit.device import Device
from mailkit.samples import table
from mailkit.scenes.programs import PopProgram, find
from mailkit.server import MailServer, fixed_clock

MORNING, EVENING = 8, 20  # o'clock: when the program polls


class Clock:
    """Time that passes only when it is told to; day 1 is 1 September 2026, and it is eight in the morning.

    Call it for the time: a `MailServer` and a `PopClient` can share one.
    """

    def __init__(self) -> None:
        self.now = datetime(2026, 9, 1, MORNING, tzinfo=UTC)
        self._first_day = self.now.date()

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def __repr__(self) -> str:
        return f"<Clock: day {self.day}, {self.now:%H:%M}>"

    @property
    def day(self) -> int:
        """Which day it is; the first is 1."""
        return (self.now.date() - self._first_day).days + 1

    def turn_to(self, day: int, hour: int = MORNING) -> None:
        """Let time pass until this day and hour. Raises `ValueError` if they are over."""
        then = self.now.replace(hour=hour, minute=0) + timedelta(days=day - self.day)
        if then < self.now:
            raise ValueError(f"it is day {self.day}, {self.now:%H:%M} already; a clock cannot be turned back")
        self.now = then

    def twice_a_day(self, until: int) -> Iterator[datetime]:
        """Let time pass from one poll to the next, eight in the morning and in the evening, until a day's evening."""
        while (self.day, self.now.hour) < (until, EVENING):
            self.turn_to(self.day + (self.now.hour >= EVENING), MORNING if self.now.hour >= EVENING else EVENING)
            yield self.now


@dataclass(slots=True)
class PopSettings:
    """The four settings about mail on a POP server; ``days`` is None where "For at most … days" is not ticked.

    Each program has its own copy, in which they may be set one by one.
    """

    leave: bool = True
    days: int | None = 14
    until_deleted: bool = True
    headers_only: bool = False

    def __post_init__(self) -> None:
        told = {"leave": self.leave, "until_deleted": self.until_deleted, "headers_only": self.headers_only}
        if wrong := [f"{name}={value!r}" for name, value in told.items() if not isinstance(value, bool)]:
            raise ValueError(f"a setting is ticked (True) or not (False); {', '.join(wrong)} is neither")
        if self.days is not None and (type(self.days) is not int or self.days < 1):  # True is no number
            raise ValueError(f"days is 1 or more, or None where the box is not ticked; not {self.days!r}")

    @classmethod
    def from_table(cls, column: str) -> PopSettings:
        """Read them from ``data/thunderbird.csv``: column ``new_account`` or ``fallback``."""
        value = {row["setting"]: row[column] for row in table("thunderbird")}
        return cls(
            leave=value["leave_on_server"] == "true",
            days=int(value["days"]) if value["for_at_most"] == "true" else None,
            until_deleted=value["until_i_delete"] == "true",
            headers_only=value["headers_only"] == "true",
        )

    def panel(self, language: str = "english") -> str:
        """Return the settings as the program's own words, ticked or not; ``language``: "english" or "french"."""
        words = {row["setting"]: row[language] for row in table("thunderbird")}
        for_at_most = words["for_at_most"].replace("…", str(self.days or "…"))
        lines = (
            ("", self.headers_only, words["headers_only"]),
            ("", self.leave, words["leave_on_server"]),
            ("    ", self.days is not None, for_at_most),
            ("    ", self.until_deleted, words["until_i_delete"]),
        )
        return "\n".join(f"{indent}[{'x' if ticked else ' '}] {said}" for indent, ticked, said in lines)


NEW_ACCOUNT = PopSettings.from_table("new_account")
"""What Thunderbird gives a new POP account."""


class PollRefused(Exception):
    """The program cannot do what its settings ask for; says why, and what to change."""


@dataclass(frozen=True, slots=True)
class Poll:
    """What one visit to the server did; ``octets`` is what came over the line as letters."""

    fetched: int = 0
    headers: int = 0
    deleted: int = 0
    left: int = 0
    octets: int = 0

    def __str__(self) -> str:
        headers = f", {self.headers} of them only the header" if self.headers else ""
        return f"fetched {self.fetched}{headers}; deleted on the server {self.deleted}; left there {self.left}"


class _Plan(Enum):
    """What is to become of a letter that the ledger knows; one without a plan is kept."""

    HEADER = "only its header was fetched"
    FETCH = "the rest shall be fetched"
    DELETE = "it shall be deleted on the server"


class PopClient:
    """A mail program for one POP account, on one device.

    Takes the server, the device, the settings, a clock (anything that returns the time), name and password.
    ``ledger`` is the device's: a letter whose UIDL is in it is not fetched again. ``polls`` are its visits so far.
    """

    def __init__(
        self,
        server: MailServer,
        device: Device,
        settings: PopSettings = NEW_ACCOUNT,
        clock: Callable[[], datetime] = fixed_clock,
        account: str = "amy",
        password: str = "secret",
    ) -> None:
        self.device, self.settings, self.clock = device, settings, clock
        self.polls: list[Poll] = []
        self._server, self._login = server, (account, password)
        self._copies: dict[str, int] = {}  # UIDL → number of the copy on the device
        self._plans: dict[str, _Plan] = {}

    @property
    def settings(self) -> PopSettings:
        """A copy of its own of what it was told. Raises `TypeError` where it is told anything else."""
        return self._settings

    @settings.setter
    def settings(self, told: PopSettings) -> None:
        if not isinstance(told, PopSettings):
            raise TypeError(f"settings takes PopSettings, such as PopSettings(leave=True, days=None), not {told!r:.40}")
        self._settings = replace(told)

    @property
    def ledger(self) -> dict[str, datetime]:
        """UIDL → when this program fetched the letter."""
        return self.device.seen_uidls

    def delete(self, number: int) -> None:
        """Throw away a letter on the device; whether it goes on the server too, at the next poll, the settings say.

        Raises `LookupError`, naming the letters there are.
        """
        self.device.throw_away(number)
        uidl = self._uidl_of(number)
        told = self.settings
        # A letter of which only the header came is always still there; deleting it means the server's copy.
        if uidl and (told.until_deleted if told.leave else self._plans.get(uidl) is _Plan.HEADER):
            self._plans[uidl] = _Plan.DELETE

    def want_the_rest(self, number: int) -> None:
        """Let the next poll fetch the whole of a letter that came as a header. Raises `LookupError`."""
        uidl = self._uidl_of(number)
        if uidl is None or self._plans.get(uidl) is not _Plan.HEADER:
            raise LookupError(f"letter {number} on {self.device.name} is no header that waits for its letter")
        self._plans[uidl] = _Plan.FETCH

    def poll(self) -> Poll:
        """Visit the server once: CAPA, login, STAT, LIST, UIDL, then RETR, TOP or DELE, QUIT.

        Raises `PollRefused` where the settings need UIDL and the server has none; `poplib.error_proto`; `ValueError`
        where a setting has been given a value that it cannot have.
        """
        self.settings = replace(self.settings)  # looks at what has been set since
        self.polls.append(self._visit())
        return self.polls[-1]

    def _visit(self) -> Poll:
        self._forget_all_but(set(self.ledger))  # somebody may have lost it since
        with self._session() as (pop, capabilities):
            count, _ = pop.stat()
            sizes = dict(_pairs(pop.list()[1])) if count else {}
            try:
                names = _pairs(pop.uidl()[1]) if count else []
            except poplib.error_proto:
                if why := self._refusal("UIDL" in capabilities):
                    pop.quit()
                    raise PollRefused(why) from None
                return self._take_all(pop, sizes)
            return self._handle(pop, names, sizes)

    @contextmanager
    def _session(self) -> Iterator[tuple[poplib.POP3, dict[str, Any]]]:
        """Give a session that is logged in; where a visit fails, the line is dropped, and nothing is removed."""
        pop = poplib.POP3(*self._server.pop3)
        try:
            capabilities = pop.capa()
            pop.user(self._login[0])
            pop.pass_(self._login[1])
            yield pop, capabilities
        finally:
            pop.close()  # after QUIT this does nothing

    def _handle(self, pop: poplib.POP3, names: Sequence[tuple[str, str]], sizes: dict[str, str]) -> Poll:
        """Do what is to be done with each letter on the server, then forget those that are not there any more."""
        done: dict[str, list[str]] = {"RETR": [], "TOP": [], "DELE": []}
        going: set[str] = set()
        for number, uidl in names:
            for command in self._commands(uidl):
                done[command].append(number)
                getattr(self, f"_{command.lower()}")(pop, number, uidl)
                going |= {uidl} if command == "DELE" else set()
        pop.quit()
        self._forget_all_but({uidl for _, uidl in names} - going)
        return Poll(
            fetched=len(done["RETR"]) + len(done["TOP"]),
            headers=len(done["TOP"]),
            deleted=len(done["DELE"]),
            left=len(names) - len(done["DELE"]),
            octets=sum(int(sizes[number]) for number in done["RETR"]),
        )

    def _commands(self, uidl: str) -> tuple[str, ...]:
        """Decide about one letter."""
        told = self.settings
        if uidl in self.ledger:
            plan = self._plans.get(uidl)
            if plan is _Plan.DELETE or (plan is None and (not told.leave or self._is_old(uidl))):
                return ("DELE",)
            if plan is not _Plan.FETCH:
                return ()
        elif told.headers_only:
            return ("TOP",)
        return ("RETR",) if told.leave else ("RETR", "DELE")

    def _is_old(self, uidl: str) -> bool:
        """Tell whether it was fetched more than so many days ago: the age is that of the copy, not the letter's."""
        days = self.settings.days
        return days is not None and self.ledger[uidl] < self.clock() - timedelta(days=days)

    def _retr(self, pop: poplib.POP3, number: str, uidl: str) -> None:
        answer = pop.retr(number)
        if self._plans.pop(uidl, None) is _Plan.FETCH:
            self.device.throw_away(self._copies[uidl])  # the header makes way for the letter
        self._note(uidl, answer)

    def _top(self, pop: poplib.POP3, number: str, uidl: str) -> None:
        self._note(uidl, pop.top(number, 0))
        self._plans[uidl] = _Plan.HEADER

    def _dele(self, pop: poplib.POP3, number: str, _: str) -> None:
        pop.dele(number)

    def _note(self, uidl: str, answer: Any) -> None:
        """Keep what was fetched, and write it into the ledger at once: the line may break at the next letter."""
        self.device.save(answer)
        self._copies[uidl] = max(letter.uid for letter in self.device.snapshot().letters)
        self.ledger[uidl] = self.clock()

    def _forget_all_but(self, uidls: set[str]) -> None:
        """Strike out the letters that are gone from the server, or the ledger would grow for ever."""
        for kept in (self.ledger, self._copies, self._plans):
            for uidl in set(kept) - uidls:
                del kept[uidl]

    def _refusal(self, offered: bool) -> str:
        """Say why this poll cannot go on without UIDL; nothing where it can."""
        if offered:
            return "the server offers UIDL but refused it this time; nothing was fetched, try again later"
        if not (self.settings.leave or self.settings.headers_only):
            return ""
        wish = "Leave messages on server" if self.settings.leave else "Fetch headers only"
        return f"this server has no UIDL, so the program cannot tell old letters from new; untick “{wish}” here"

    def _take_all(self, pop: poplib.POP3, sizes: dict[str, str]) -> Poll:
        """Without names every letter is new: fetch and delete."""
        for number in sizes:
            self.device.save(pop.retr(number))
            pop.dele(number)
        pop.quit()
        return Poll(fetched=len(sizes), deleted=len(sizes), octets=sum(map(int, sizes.values())))

    def _uidl_of(self, number: int) -> str | None:
        return next((uidl for uidl, copy in self._copies.items() if copy == number), None)


def _pairs(lines: Sequence[bytes]) -> list[tuple[str, str]]:
    """Split the lines of a LIST or UIDL answer: ``b'1 439'``."""
    return [(number, value) for number, value in (line.decode().split() for line in lines)]


class LeavingProgram:
    """Lesson 05's POP program with leave-on-server ticked, as Thunderbird sets up a new account; same buttons."""

    def __init__(self, server: MailServer, device: Device) -> None:
        self.device, self.on_line = device, True
        self._client = PopClient(server, device)
        self._at_home = PopProgram(server, device)  # what happens to a copy, happens on the device alone
        self.mark, self.file, self.keep = self._at_home.mark, self._at_home.file, self._at_home.keep

    def look(self) -> None:
        """Poll once."""
        if self.on_line:
            self._client.poll()

    def delete(self, subject: str) -> None:
        """Throw the copy away; the server hears of it at the next poll."""
        self._client.delete(find(self.device, subject)[1])
