"""Lessons 05, 06 and 08: ten events in a life with laptop, phone and webmail, run by POP, by IMAP, and with both mixed.

`run` plays them on the wire and returns what was photographed; `measured` reads its findings from those
snapshots alone, and lesson 08 builds on them.
"""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from mailkit.device import Device
from mailkit.diagram import show_change, show_columns
from mailkit.message import ANSWERED, FLAGGED, SEEN
from mailkit.render import Picture
from mailkit.samples import compose, letters
from mailkit.scenes.popclient import LeavingProgram
from mailkit.scenes.programs import ImapProgram, PopProgram, Program
from mailkit.scenes.tables import Table
from mailkit.server import MailServer
from mailkit.snapshot import DeviceView, Moment, Snapshot

EVENTS = {  # in the order in which they happen
    "arrives": "Three letters arrive, and everyone looks, the laptop first",
    "read": "On the laptop you read Ben's letter about lunch",
    "answered": "On the laptop you answer it",
    "deleted": "On the laptop you delete the invoice",
    "filed": "On the laptop you file the photos under Trips",
    "sent": "On the laptop you write to Ben, and keep a copy",
    "lost": "The laptop is left on the train",
    "new": "You set up a new laptop",
    "offline": "A letter comes; then the laptop has no line, and you star the letter; another comes meanwhile",
    "back": "The laptop is back on line",
}
WAYS = {  # the laptop's program, the phone's; webmail reads at the server always
    "POP": (PopProgram, PopProgram),
    "IMAP": (ImapProgram, ImapProgram),
    "mixed": (PopProgram, ImapProgram),
    "POP (leaves mail)": (LeavingProgram, LeavingProgram),  # lesson 06
}
LUNCH, INVOICE, PHOTOS = "Lunch on Thursday", "Invoice 2026-114", "Photos of the lake"
PARTY, WALK, NOTE = "Come to my birthday", "Walk this afternoon?", "The map"
DEVICES = ("laptop", "phone", "webmail")


# ---- the ten events


@dataclass(frozen=True, slots=True)
class Step:
    """One event run one way: the snapshots around it, and the commands that changed something on the server."""

    event: str
    before: Snapshot
    after: Snapshot
    said: tuple[str, ...] = ()


class Household:
    """Amy's server, with laptop, phone and webmail on one account."""

    def __init__(self, way: str) -> None:
        self.server = MailServer(accounts=("amy", "ben"), password="secret")
        laptop, phone = WAYS[way]
        self.laptop: Program = laptop(self.server, Device("laptop"))
        self.phone: Program = phone(self.server, Device("phone"))
        self.webmail: Program = ImapProgram(self.server, Device("webmail"))

    def happen(self, event: str) -> None:
        """Let one event happen; then everyone who is on line looks at the server."""
        getattr(self, f"_{event}")()
        for program in (self.laptop, self.phone, self.webmail):
            program.look()

    def _arrives(self) -> None:
        self._deliver("three-letters")

    def _read(self) -> None:
        self.laptop.mark(LUNCH, SEEN)

    def _answered(self) -> None:
        self.laptop.mark(LUNCH, ANSWERED)

    def _deleted(self) -> None:
        self.laptop.delete(INVOICE)

    def _filed(self) -> None:
        self.laptop.file(PHOTOS, "Trips")

    def _sent(self) -> None:
        note = compose(NOTE, sender="amy@example.org", to="ben@example.org")
        with smtplib.SMTP(*self.server.smtp, local_hostname="laptop.example.org") as smtp:
            smtp.sendmail("amy@example.org", ["ben@example.org"], note)
        self.laptop.keep(note)

    def _lost(self) -> None:
        self.laptop.device.empty()
        self.laptop.on_line = False

    def _new(self) -> None:
        self.laptop.on_line = True

    def _offline(self) -> None:
        self._deliver("party")
        self.laptop.look()
        self.laptop.on_line = False
        self.laptop.mark(PARTY, FLAGGED)
        self._deliver("walk")

    def _back(self) -> None:
        self.laptop.on_line = True

    def _deliver(self, names: str) -> None:
        for octets in letters(names):
            self.server.deliver(octets)

    def photograph(self) -> Snapshot:
        """Freeze Amy's mailboxes and the three devices; folders with nothing in them are left out."""
        taken = self.server.snapshot(self.laptop.device, self.phone.device, self.webmail.device)
        boxes = [box for box in taken.mailboxes if box.account == "amy" and (box.letters or box.name == "INBOX")]
        boxes.sort(key=lambda box: box.name)  # INBOX first, as it happens, and then each beside its copies
        return Snapshot(tuple(boxes), devices=tuple(_without_empty(device) for device in taken.devices))


def _without_empty(device: DeviceView) -> DeviceView:
    kept = tuple(sorted(pair for pair in device.folders if pair[1] or pair[0] == "INBOX"))
    return DeviceView(device.name, kept, keeps=device.name != "webmail")  # that one reads at the server


@lru_cache
def run(way: str) -> tuple[Step, ...]:
    """Play the ten events one way, on the wire, and return a step for each.

    Takes "POP", "IMAP", "mixed" (the laptop by POP, the phone by IMAP) or "POP (leaves mail)" (as lesson 06 does it).
    Raises `LookupError` for any other.
    """
    if way not in WAYS:
        raise LookupError(f"no way {way!r}; there are: {', '.join(WAYS)}")
    home = Household(way)
    with home.server:
        steps, before, known = [], home.photograph(), len(home.server.history())
        for event in EVENTS:
            home.happen(event)
            after, moments = home.photograph(), home.server.history()
            steps.append(Step(event, before, after, tuple(_said(moments[known - 1 :]))))
            before, known = after, len(moments)
    return tuple(steps)


def _said(moments: Sequence[Moment]) -> Iterator[str]:
    """Yield the commands that changed a mailbox, or a POP3 session's marks."""
    for earlier, later in pairwise(moments):
        was, now = ((one.snapshot.mailboxes, one.snapshot.marks("amy")) for one in (earlier, later))
        if was != now and " amy: " in later.cause:
            yield re.sub(r"^a\d+ | \{\d+\}$", "", later.cause.partition(" amy: ")[2])


def show_event(event: str, ways: Sequence[str] = ("POP", "IMAP")) -> Picture:
    """Draw one event, a row for each way: the server and the three devices as they are after it.

    Raises `LookupError` for an event or a way that there is not.
    """
    steps = [(way, step_of(way, event)) for way in _each(ways)]
    rows = [(f"{way}: {', '.join(step.said) or 'no device changes the server'}", _change(step)) for way, step in steps]
    drawn = show_columns(rows)
    return replace(drawn, words=f"{EVENTS[event]}.\n{drawn.words}", alt=f"{EVENTS[event]}: {drawn.alt}")


def _each(ways: str | Sequence[str]) -> Sequence[str]:
    return [ways] if isinstance(ways, str) else ways


def _change(step: Step) -> Picture:
    return show_change(step.before, step.after, after_only=True, width=884)


def step_of(way: str, event: str) -> Step:
    """Return one step of a run. Raises `LookupError`, naming what there is."""
    if event not in EVENTS:
        raise LookupError(f"no event {event!r}; there are: {', '.join(EVENTS)}")
    return next(step for step in run(way) if step.event == event)


# ---- what was measured


def holders(snapshot: Snapshot, subject: str, flag: str = "", folder: str = "") -> tuple[str, ...]:
    """Return the devices that show a letter, if asked for with this flag or in this folder."""
    return tuple(
        device.name
        for device in snapshot.devices
        for name, kept in device.folders
        if folder in ("", name)
        for letter in kept
        if letter.subject == subject and (not flag or flag in letter.flags)
    )


def left(snapshot: Snapshot) -> int:
    """Return how many different letters there still are, on the server and on all devices together."""
    kept = [*(box.letters for box in snapshot.mailboxes), *(device.letters for device in snapshot.devices)]
    return len({letter.digest for letters_here in kept for letter in letters_here})


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the table: an event, a question, and for each way the answer that its snapshots give."""

    event: str
    question: str
    answers: Mapping[str, str]


_Answer = Callable[[Step], str]


def _who(subject: str, flag: str = "", folder: str = "") -> _Answer:
    return lambda step: ", ".join(holders(step.after, subject, flag, folder)) or "nobody"


def _who_lost(subject: str) -> _Answer:
    def answer(step: Step) -> str:
        still = holders(step.after, subject)
        return ", ".join(name for name in holders(step.before, subject) if name not in still) or "nobody"

    return answer


def _on_laptop(step: Step) -> int:
    return len(step.after.device("laptop").letters)


def _news_on_laptop(step: Step) -> int:
    """Count only what is new: how many letters a device had before is another matter, and differs from way to way."""
    return sum("laptop" in holders(step.after, subject) for subject in (PARTY, WALK))


QUESTIONS: tuple[tuple[str, str, _Answer], ...] = (
    ("arrives", "A letter arrives: who can read it?", _who(LUNCH)),
    ("read", "You read it on the laptop: who sees that?", _who(LUNCH, SEEN)),
    ("answered", "You answer it: who sees that?", _who(LUNCH, ANSWERED)),
    ("deleted", "You delete one: from where does it vanish?", _who_lost(INVOICE)),
    ("filed", "You file one under Trips: who finds it there?", _who(PHOTOS, folder="Trips")),
    ("sent", "You write one: who has the copy?", _who(NOTE, folder="Sent")),
    ("lost", "The laptop is lost: letters left?", lambda step: f"{left(step.after)} of {left(step.before)}"),
    ("new", "A new laptop: letters on it?", lambda step: f"{_on_laptop(step)}"),
    ("offline", "No line, two new letters: on the laptop?", lambda step: f"{_news_on_laptop(step)} of 2"),
    ("back", "The star set off line: who sees it?", _who(PARTY, FLAGGED)),
    ("back", "What came meanwhile: who can read it now?", _who(WALK)),
)


def measured(ways: Sequence[str] = ("POP", "IMAP", "mixed")) -> tuple[Finding, ...]:
    """Return what the snapshots of `run` say, a finding a question."""
    return tuple(
        Finding(event, question, {way: answer(step_of(way, event)) for way in _each(ways)})
        for event, question, answer in QUESTIONS
    )


def show_findings(findings: Sequence[Finding]) -> Table:
    """Return findings as a table, a column for each way."""
    heads = list(findings[0].answers)
    return Table(["", *heads], [[one.question, *one.answers.values()] for one in findings])
