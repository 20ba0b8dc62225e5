"""Thirty days with a POP program that leaves mail on the server; lesson 06 plays with its settings.

`thirty_days` is a plain function: it turns the clock and lets the postman, a laptop and a phone come and go, all on
the wire, and returns what there was on each evening.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from mailkit.device import Device
from mailkit.mailbox import MailboxError
from mailkit.plot import bars, steps
from mailkit.render import Picture
from mailkit.samples import compose
from mailkit.scenes.popclient import EVENING, MORNING, Clock, PopClient, PopSettings
from mailkit.server import MailServer

OCTETS = 2_000  # each letter of the thirty days
QUOTA = 35_000  # room for seventeen of them
JUST_LOOKS = PopSettings(leave=True, days=None, until_deleted=False)  # the phone: it takes copies and deletes nothing


@dataclass(frozen=True, slots=True)
class Evening:
    """How things stood on one evening: letters at each place, octets in the box, letters refused so far."""

    day: int
    server: int
    laptop: int
    phone: int
    used: int
    refused: int


@dataclass(frozen=True, slots=True)
class Month:
    """What `thirty_days` saw; ``octets`` came over the laptop's line as whole letters."""

    settings: PopSettings
    quota: int | None
    evenings: tuple[Evening, ...]
    octets: int

    @property
    def last(self) -> Evening:
        """The evening of day 30."""
        return self.evenings[-1]

    @property
    def series(self) -> dict[str, list[tuple[float, float]]]:
        """Letters by place: name → (day, letters), as a plot takes them."""
        return {
            "on the server": [(one.day, one.server) for one in self.evenings],
            "on the laptop": [(one.day, one.laptop) for one in self.evenings],
            "on the phone": [(one.day, one.phone) for one in self.evenings],
        }

    @property
    def picture(self) -> Picture:
        """Letters on server, laptop and phone, evening by evening."""
        return steps("Letters, evening by evening", self.series, "day", "letters")

    @property
    def box(self) -> Picture:
        """How full the box is, and its quota."""
        used = {"in the box": [(one.day, one.used) for one in self.evenings]}
        return steps("How full the box is", used, "day", "octets", quota=self.quota)

    def __str__(self) -> str:
        one = self.last
        places = f"server {one.server}, laptop {one.laptop}, phone {one.phone}"
        return f"day {one.day}: letters on {places}; refused, because the box was full: {one.refused}"


def thirty_days(
    leave: bool = True,
    days: int | None = 14,
    until_deleted: bool = True,
    headers_only: bool = False,
    *,
    quota: int | None = QUOTA,
    uidl: bool = True,
    away_until: int = 0,
    phone_every: int = 7,
) -> Month:
    """Let thirty days pass: a letter every morning, the laptop polls twice a day, the phone looks once a week.

    Every third letter is an offer, which Amy throws away on the laptop at noon. Takes Thunderbird's four settings
    for the laptop (``days=None``: "For at most … days" is not ticked), the quota in octets, whether the server has
    UIDL, the day until whose evening the laptop stays shut, and every how many days the phone looks.
    Raises `PollRefused` where the settings need UIDL and there is none, `ValueError` for other settings than these.
    """
    if phone_every < 1:
        raise ValueError(f"the phone looks every 1, 2 … days, not every {phone_every!r}; phone_every=31 is never")
    return _live(quota, uidl, away_until, phone_every, leave, days, until_deleted, headers_only)


@lru_cache(maxsize=None, typed=True)  # the same days end in the same way; untyped, 1 would pass for True once it was
def _live(quota: int | None, uidl: bool, away_until: int, phone_every: int, *told: Any) -> Month:
    settings, clock = PopSettings(*told), Clock()
    with MailServer(password="secret", quota=quota, uidl=uidl, clock=clock) as server:
        home = Home(server, Device("laptop"), Device("phone"), clock, settings)
        days = range(1, 31)
        evenings = tuple(home.live(day, shut=day <= away_until, look=day % phone_every == 0) for day in days)
        return Month(settings, quota, evenings, home.octets)


class Home:
    """Amy's laptop, which polls twice a day and is tidied at noon, and her phone, which only looks."""

    def __init__(self, server: MailServer, laptop: Device, phone: Device, clock: Clock, settings: PopSettings) -> None:
        self.octets = self.refused = 0
        self._server, self._clock = server, clock
        self._laptop = PopClient(server, laptop, settings, clock)
        self._phone = PopClient(server, phone, JUST_LOOKS, clock)

    def live(self, day: int, shut: bool, look: bool) -> Evening:
        """Live through one day, and write down how its evening finds the box."""
        self._clock.turn_to(day, MORNING)
        self._postman(day)
        self._poll(shut)
        self._clock.turn_to(day, 12)
        if not shut:
            self._throw_offers_away()
        if look:
            self._phone.poll()
        self._clock.turn_to(day, EVENING)
        self._poll(shut)
        return self._write_down(day)

    def _postman(self, day: int) -> None:
        try:
            self._server.deliver(daily_letter(day))
        except MailboxError:  # over quota: refused with 452, in the end for good
            self.refused += 1

    def _poll(self, shut: bool) -> None:
        if not shut:
            self.octets += self._laptop.poll().octets

    def _throw_offers_away(self) -> None:
        for letter in self._laptop.device.snapshot().letters:
            if letter.subject.startswith("Offer"):
                self._laptop.delete(letter.uid)

    def _write_down(self, day: int) -> Evening:
        now = self._server.snapshot(self._laptop.device, self._phone.device)
        box, laptop, phone = now.mailbox("amy"), now.device("laptop"), now.device("phone")
        return Evening(day, len(box.letters), len(laptop.letters), len(phone.letters), box.used, self.refused)


@cache
def daily_letter(day: int) -> bytes:
    """Write the letter of a day, `OCTETS` long; every third is an offer."""
    subject = f"{'Offer' if day % 3 == 0 else 'Letter'} of {day} September"
    line = " ".join(["All is well here."] * 4) + "\n"
    missing = OCTETS - _frame() - len(subject)
    whole, rest = divmod(missing, len(line) + 1)  # a line ends with CRLF
    return compose(subject, text=line * whole + "." * rest + "\n")


@cache
def _frame() -> int:
    """Return how many octets a daily letter has beside its subject and its text."""
    return len(compose("-", text="\n")) - len("-")


def show_months(months: Mapping[str, Month]) -> Picture:
    """Draw how several months end: a group of bars for each, letters by place and letters refused."""
    groups = {
        name: {"server": one.last.server, "phone": one.last.phone, "refused": one.last.refused}
        for name, one in months.items()
    }
    return bars("The evening of day 30", groups, "letters")
