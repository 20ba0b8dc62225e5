"""Lesson 03: what it cost in 1999 to collect mail over the telephone line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mailkit.diagram import Picture, show_columns
from mailkit.plot import bars
from mailkit.samples import table


@dataclass(frozen=True, slots=True)
class Call:
    """One telephone call to collect mail: how long, and what it cost in France in 1999."""

    fetching: float  # minutes
    reading: float  # minutes, on the line
    francs: float
    euros: float

    @property
    def minutes(self) -> float:
        """How long the line was open, and the telephone engaged."""
        return self.fetching + self.reading

    def __str__(self) -> str:
        parts = f" ({self.fetching:.0f} fetching, {self.reading:.0f} reading)" if self.reading else ""
        engaged = f"telephone engaged for {self.minutes:.0f} minutes{parts}"
        return f"{engaged}; cost {self.francs:.2f} F ({self.euros:.2f} EUR)"


def dial_up(
    megabytes: float = 5.0, modem: str | float = "28.8", reading: float = 30.0, on_line: bool = False, peak: bool = True
) -> Call:
    """Work out one telephone call that fetches a mailbox.

    Takes megabytes (of a million octets), a modem of ``data/modems.csv``, the minutes it takes to read the mail,
    whether it is read with the line open, and whether the call is made at peak time. The speeds and the price of
    a local call in France in 1999 come from the tables in ``data``.
    Raises `LookupError`, naming the modems, and `ValueError` for a negative size or time.
    """
    if min(megabytes, reading) < 0:
        raise ValueError("megabytes and minutes of reading are 0 or more")
    speeds = {row["modem"]: float(row["real_kbit_s"]) for row in table("modems")}
    modem = modem if isinstance(modem, str) else f"{modem:g}"
    if modem not in speeds:
        raise LookupError(f"no modem {modem!r}; there are: {', '.join(speeds)}")
    fetching = megabytes * 8000 / speeds[modem] / 60
    read_on_line = reading if on_line else 0.0
    francs = _price(fetching + read_on_line, peak)
    return Call(fetching, read_on_line, francs, francs / _tariffs()["francs in one euro"])


def _price(minutes: float, peak: bool) -> float:
    """Return francs: a first unit, which pays for three minutes, and then so much an hour."""
    tariffs = _tariffs()
    return tariffs["first unit of a local call"] + max(0.0, minutes - 3) / 60 * _an_hour(peak)


def _an_hour(peak: bool) -> float:
    return _tariffs()["local call, peak" if peak else "local call, off-peak"]


def _tariffs() -> dict[str, float]:
    return {row["tariff"]: float(row["value"]) for row in table("phone-tariffs")}


def dial_up_picture(megabytes: float = 5.0, reading: float = 30.0, peak: bool = True) -> Picture:
    """Draw what the call takes with each modem, in minutes and in francs, when mail is read off line and on line."""
    calls = {
        f"{row['modem']} kbit/s": {
            "read off line": dial_up(megabytes, row["modem"], reading, False, peak),
            "read on line": dial_up(megabytes, row["modem"], reading, True, peak),
        }
        for row in table("modems")
    }

    def drawn(title: str, unit: str, decimals: int, measure: Callable[[Call], float]) -> Picture:
        values = {modem: {way: measure(call) for way, call in pair.items()} for modem, pair in calls.items()}
        return bars(f"{megabytes:g} MB of mail: {title}", values, unit, decimals=decimals)

    minutes = drawn("how long the telephone is engaged", "min", 0, lambda call: call.minutes)
    first, an_hour = _tariffs()["first unit of a local call"], _an_hour(peak)
    price = f"{first:.2f} F for 3 minutes, then {an_hour:.2f} F an hour"
    francs = drawn(f"the call costs {price}", "F", 2, lambda call: call.francs)
    return show_columns([("Time", minutes), ("Money", francs)])
