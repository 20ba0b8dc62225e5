"""Lesson 05: ten events in a life with laptop, phone and webmail, run by POP, by IMAP, and with both mixed.

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
from mailkit.exercise import Exercise, Mistake, World
from mailkit.message import ANSWERED, DELETED, FLAGGED, SEEN
from mailkit.render import Picture
from mailkit.samples import compose, letters
from mailkit.scenes.popclient import LeavingProgram
from mailkit.scenes.programs import ImapProgram, PopProgram, Program, logged_in, refresh
from mailkit.scenes.tables import show_table
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
    "POP (left)": (LeavingProgram, LeavingProgram),  # lesson 06
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
    return DeviceView(device.name, tuple(sorted(pair for pair in device.folders if pair[1] or pair[0] == "INBOX")))


@lru_cache
def run(way: str) -> tuple[Step, ...]:
    """Play the ten events one way, on the wire, and return a step for each.

    Takes "POP", "IMAP", "mixed" (the laptop by POP, the phone by IMAP) or "POP (left)" (as lesson 06 does it).
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
    steps = [(way, step_of(way, event)) for way in ways]
    rows = [(f"{way}: {', '.join(step.said) or 'no command changes the server'}", _change(step)) for way, step in steps]
    drawn = show_columns(rows)
    return replace(drawn, words=f"{EVENTS[event]}.\n{drawn.words}", alt=f"{EVENTS[event]}: {drawn.alt}")


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
    """One line of the table: an event, a question, and for each way the answer that its snapshots give."""

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


QUESTIONS: tuple[tuple[str, str, _Answer], ...] = (
    ("arrives", "A letter arrives: who can read it?", _who(LUNCH)),
    ("read", "You read it on the laptop: who sees that?", _who(LUNCH, SEEN)),
    ("answered", "You answer it: who sees that?", _who(LUNCH, ANSWERED)),
    ("deleted", "You delete one: from where does it vanish?", _who_lost(INVOICE)),
    ("filed", "You file one under Trips: who finds it there?", _who(PHOTOS, folder="Trips")),
    ("sent", "You write one: who has the copy?", _who(NOTE, folder="Sent")),
    ("lost", "The laptop is lost: letters left?", lambda step: f"{left(step.after)} of {left(step.before)}"),
    ("new", "A new laptop: letters on it?", lambda step: str(len(step.after.device("laptop").letters))),
    ("offline", "No line: letters you can read on it?", lambda step: str(len(step.after.device("laptop").letters))),
    ("back", "The star set off line: who sees it?", _who(PARTY, FLAGGED)),
    ("back", "What came meanwhile: who can read it now?", _who(WALK)),
)


def measured(ways: Sequence[str] = ("POP", "IMAP", "mixed")) -> tuple[Finding, ...]:
    """Return what the snapshots of `run` say, a finding a question."""
    return tuple(
        Finding(event, question, {way: answer(step_of(way, event)) for way in ways})
        for event, question, answer in QUESTIONS
    )


def show_findings(findings: Sequence[Finding]) -> Picture:
    """Draw findings as a table, a column for each way."""
    heads = list(findings[0].answers)
    return show_table(["", *heads], [[one.question, *one.answers.values()] for one in findings])


# ---- the exercises


def _sent_by_smtp() -> World:
    server = MailServer(accounts=("amy", "ben"), password="secret", mailboxes=("Sent",))
    note = compose(NOTE, sender="amy@example.org", to="ben@example.org")
    with smtplib.SMTP(*server.smtp, local_hostname="laptop.example.org") as smtp:
        smtp.sendmail("amy@example.org", ["ben@example.org"], note)
    return World(server, laptop=Device("laptop"), note=note)


def _is_kept(now: Snapshot) -> bool:
    return [(one.subject, one.flags) for one in now.mailbox("amy", "Sent").letters] == [(NOTE, frozenset({SEEN}))]


def _with_accident() -> World:
    server, laptop = MailServer(letters("three-letters"), password="secret"), Device("laptop")

    def accident() -> None:
        """Delete all there is, from the phone; then the laptop synchronises."""
        with logged_in(server) as imap:
            if len(imap.list()[1]) == 1 and not laptop.snapshot().letters:
                raise RuntimeError("nothing is saved yet: after the accident there is nothing to copy; save first")
            for line in imap.list()[1]:
                imap.select(line.decode().rpartition(" ")[2])  # type: ignore[union-attr]
                imap.store("1:*", "+FLAGS", f"({DELETED})")
                imap.close()
            refresh(imap, laptop)

    return World(server, laptop=laptop, accident=accident)


def _saved(now: Snapshot) -> int:
    return len({letter.digest for folder, kept in now.device("laptop").folders if folder != "INBOX" for letter in kept})


def _after_the_phone() -> World:
    """Make a box from which the phone has removed letter 1, after the laptop had noted what it did off line."""
    server = MailServer(letters("lunch", "invoice", "leaflet", "party"), password="secret")
    with logged_in(server) as imap:
        imap.select()
        imap.store("1", "+FLAGS", f"({DELETED})")
        imap.expunge()
    return World(server, notes=[("2", FLAGGED), ("3", DELETED)])


def _flags(now: Snapshot) -> dict[int, frozenset[str]]:
    return {letter.uid: letter.flags for letter in now.mailbox("amy").letters}


exercises = {
    one.key: one
    for one in (
        Exercise(
            "05.1",
            "Keep what you sent",
            _sent_by_smtp,
            goal=lambda _, now: _is_kept(now) and len(now.mailbox("ben").letters) == 1,
            untouched="Ben has the letter, and you have no copy: `Sent` is empty. `imap.append` puts one there.",
            mistakes=(
                Mistake(
                    "sent-again",
                    lambda _, now: len(now.mailbox("ben").letters) > 1,
                    "Ben has it twice now. SMTP delivers to others; a copy for yourself is put into a mailbox by IMAP.",
                ),
                Mistake(
                    "wrong-mailbox",
                    lambda _, now: bool(now.mailbox("amy").letters),
                    "The copy lies in INBOX, as if you had got it. The first argument of `append` says where: `Sent`.",
                ),
                Mistake(
                    "unread",
                    lambda _, now: any(SEEN not in one.flags for one in now.mailbox("amy", "Sent").letters),
                    r"The copy is there, and every device will show it as unread. Append it with the flag `\Seen`.",
                ),
                Mistake(
                    "laptop-only",
                    lambda _, now: bool(now.device("laptop").letters),
                    "The copy lies on the laptop, where neither the phone nor webmail can look.",
                ),
            ),
            praise="The letter went out by SMTP, the copy was put there by IMAP; every device finds it.",
        ),
        Exercise(
            "05.2",
            "A real backup",
            _with_accident,
            goal=lambda _, now: _saved(now) == 3 and not now.mailbox("amy").letters,
            untouched="Nothing is saved yet. Fetch all three with `BODY.PEEK[]`, and save what you get.",
            mistakes=(
                Mistake(
                    "on-the-server",
                    lambda _, now: len(now.mailboxes) > 1,
                    "Your second copies are in a mailbox of the same account: what empties one can empty the other. "
                    'Keep them on the laptop: `box.laptop.save(answer, "Backup")`.',
                ),
                Mistake(
                    "in-the-cache",
                    lambda _, now: not _saved(now) and not now.mailbox("amy").letters,
                    "All is lost. What lies in the laptop's INBOX is the program's cache, and follows the server. "
                    'Before the accident, save into a folder of its own: `box.laptop.save(answer, "Backup")`.',
                ),
                Mistake(
                    "incomplete",
                    lambda _, now: 0 < _saved(now) < 3,
                    'Some letters are missing in the backup. `"1:*"` means: from the first to the last.',
                ),
                Mistake(
                    "never-tested",
                    lambda _, now: _saved(now) == 3,
                    "The copies are there. Now see whether they survive: `box.accident()`.",
                ),
            ),
            praise="Server and cache are empty, and you have all three. This is what a backup is.",
        ),
        Exercise(
            "05.3",
            "Back on line",
            _after_the_phone,
            goal=lambda _, now: _flags(now) == {2: frozenset({FLAGGED}), 4: frozenset()},
            untouched="The server does not know yet what you did off line. Go through `box.notes`.",
            mistakes=(
                Mistake(
                    "by-number",
                    lambda _, now: FLAGGED in _flags(now).get(3, ()) or _flags(now).get(4) != frozenset(),
                    "The marks are on the wrong letters. The phone has removed one meanwhile, so places have shifted; "
                    "your notes are UIDs. Say so: `imap.uid(...)`.",
                ),
                Mistake(
                    "only-marked",
                    lambda _, now: DELETED in _flags(now).get(3, ()),
                    r"The leaflet is flagged `\Deleted`, and still there. `expunge` comes last.",
                ),
                Mistake(
                    "half-replayed",
                    lambda before, now: _flags(now) != _flags(before),
                    "Only a part of the notes has been carried out: one letter gets a star, one goes.",
                ),
            ),
            praise="What you did without a line has happened on the server, to the letters you meant.",
        ),
    )
}
