"""Lesson 01: two ways to empty a letterbox, step by step; five troubles, each computed; and the exercises.

Way 1 takes everything home, and is played by a POP3 client. Way 2 reads at the box, and is played by an IMAP
client. The box in the street is the server's, the home is a device.
"""

from __future__ import annotations

import imaplib
import poplib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any, Literal

from mailkit.device import Device
from mailkit.diagram import Picture, show_columns
from mailkit.exercise import Exercise, Mistake, World
from mailkit.plot import bars
from mailkit.samples import letters
from mailkit.server import MailServer
from mailkit.snapshot import Snapshot

Way = Literal["take home", "read there"]
WAYS: tuple[Way, ...] = ("take home", "read there")
HEADS = ("Way 1: take it home", "Way 2: read it there")

POSTCARD, BILL, LEAFLET = "A postcard from Lisbon", "Your water bill", "Two pizzas for one!"
PARTY, CARD = "Come to my birthday", "Your new library card"
FOLDERS = {BILL: "Bills", POSTCARD: "Friends", PARTY: "Friends"}  # the card stays at hand


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a way: what you do, and the world when it is done."""

    caption: str
    snapshot: Snapshot


# ---- the two ways


def steps(way: Way) -> tuple[Step, ...]:
    """Play one of the two ways with real messages on a real server, and return its six steps.

    Takes "take home" or "read there". Raises `LookupError`, naming both, for any other.
    """
    with _box() as server:
        return tuple(_walk(way, server, Device("home")))


def side_by_side(first: int = 1, last: int = 6) -> Picture:
    """Draw both ways beside each other, from one step to another (1 to 6)."""
    pairs = list(zip(*map(steps, WAYS), strict=True))[first - 1 : last]
    rows = [(_caption(number, *pair), *(step.snapshot for step in pair)) for number, pair in enumerate(pairs, first)]
    return show_columns(rows, HEADS)


def _caption(number: int, one: Step, other: Step) -> str:
    return f"{number}. {one.caption}" if one.caption == other.caption else f"{number}. {one.caption} · {other.caption}"


def _box(**settings: Any) -> MailServer:
    return MailServer(letters("postman"), password="secret", **settings)


def _walk(way: Way, server: MailServer, home: Device) -> Iterator[Step]:
    ways = {"take home": _take_home, "read there": _read_there}
    if way not in ways:
        raise LookupError(f"there is no way {way!r}; there are: {', '.join(ways)}")
    yield Step("The postman has been", server.snapshot(home))
    for caption in ways[way](server, home):
        yield Step(caption, server.snapshot(home))


def _take_home(server: MailServer, home: Device) -> Iterator[str]:
    pop = _log_in(server)
    yield "You walk to the box and open it"
    for number in range(1, pop.stat()[0] + 1):
        home.save(pop.retr(number))
        pop.dele(number)
    yield "You take everything out"
    pop.quit()
    yield "You walk home; the box is empty"
    kept = home.snapshot().letters
    home.throw_away(next(letter.uid for letter in kept if letter.subject == LEAFLET))
    yield "At home you throw the leaflet away"
    for letter, octets in zip(home.snapshot().letters, home.letters(), strict=True):
        if folder := FOLDERS.get(letter.subject):
            home.throw_away(letter.uid)
            home.save(octets, folder)
    yield "You sort the rest at home"


def _read_there(server: MailServer, home: Device) -> Iterator[str]:
    with imaplib.IMAP4(*server.imap) as imap:
        imap.login("amy", "secret")
        imap.select()
        yield "You walk to the box and open it"
        imap.fetch("1:*", "(BODY[])")
        yield "You read each letter where it lies"
        imap.store(_number(imap, LEAFLET), "+FLAGS", r"(\Deleted)")
        imap.expunge()
        yield "You throw the leaflet away, there"
        for subject, folder in FOLDERS.items():
            imap.create(folder)
            imap.copy(_number(imap, subject), folder)
            imap.store(_number(imap, subject), "+FLAGS", r"(\Deleted)")
            imap.expunge()
        yield "You put the rest back, sorted"
    yield "You lock the box and walk home"


def _log_in(server: MailServer, password: str = "secret") -> poplib.POP3:
    pop = poplib.POP3(*server.pop3)
    pop.user("amy")
    pop.pass_(password)
    return pop


def _number(imap: imaplib.IMAP4, subject: str) -> str:
    found: str = imap.search(None, "SUBJECT", f'"{subject}"')[1][0].decode()
    return found


# ---- five troubles


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
        return self._picture().words

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return self._picture()._repr_mimebundle_()

    def _picture(self) -> Picture:
        both = (self.take_home, self.read_there)
        heads = [f"{head} → {len(reach.subjects)}" for head, reach in zip(HEADS, both, strict=True)]
        return show_columns([(f"{self.told} {self.asked}", *(reach.snapshot for reach in both))], heads)


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
        pop = _log_in(server)
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


def scenario(name: str) -> Scenario:
    """Play both ways to their end, let one trouble happen, and return what can be reached then.

    Takes one of `SCENARIOS`. Raises `LookupError`, naming them, for any other.
    """
    if name not in _TROUBLES:
        raise LookupError(f"there is no scenario {name!r}; there are: {', '.join(SCENARIOS)}")
    trouble, told, asked = _TROUBLES[name]
    return Scenario(name, told, asked, *(_meet(trouble, way) for way in WAYS))


def scenarios_picture() -> Picture:
    """Draw all five: how many letters can be reached, by either way."""
    measured = [scenario(name) for name in SCENARIOS]
    values = {
        one.name: {"way 1": len(one.take_home.subjects), "way 2": len(one.read_there.subjects)} for one in measured
    }
    return bars("Letters that can be reached (without a lock: by a stranger)", values)


def _meet(trouble: _Trouble, way: Way) -> Reach:
    with _box(check_password=trouble is not _no_lock) as server:
        home = Device("home")
        for _ in _walk(way, server, home):
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


# ---- what the exercises look at


def _by_hand() -> World:
    return World(_box(), home=Device("home"))


def _in_box(now: Snapshot) -> list[str]:
    return [letter.subject for letter in now.mailbox("amy").letters]


def _at_home(now: Snapshot) -> list[str]:
    return sorted(letter.subject for letter in now.device("home").letters)


def _all_home(now: Snapshot) -> bool:
    return _at_home(now) == sorted((POSTCARD, BILL, LEAFLET, PARTY, CARD))


way_1 = Exercise(
    "01.1",
    "Way 1 by hand",
    _by_hand,
    goal=lambda before, now: not _in_box(now) and _all_home(now),
    untouched="Five letters are in the box and none is at home. For each number: take it, save it, mark it.",
    mistakes=(
        Mistake(
            "no-goodbye",
            lambda before, now: bool(now.marks("amy")),
            "The letters are only marked: the box waits for your goodbye. After the loop say `pop.quit()`.",
        ),
        Mistake(
            "thrown-away",
            lambda before, now: not _in_box(now) and len(set(_at_home(now))) < 5,
            "The box is empty, but not every letter came home: what was not saved is lost. Save each with "
            "`box.home.save(letter)`, inside the loop and before you mark it.",
        ),
        Mistake(
            "twice",
            lambda before, now: len(_at_home(now)) > 5,
            "Some letters came home twice: saving copies, as often as you say it. Save each letter once.",
        ),
        Mistake(
            "copied-only",
            lambda before, now: len(_in_box(now)) == 5 and bool(_at_home(now)),
            "The letters came home, and they are still in the box: mail is copied. To empty the box, mark each letter "
            "with `pop.dele(number)`, then say `pop.quit()`.",
        ),
        Mistake(
            "some-left",
            lambda before, now: len(_in_box(now)) in range(1, 5),
            "Some letters are left in the box. `range(1, 6)` counts from 1 to 5; what is done for each letter stands "
            "inside the loop, indented.",
        ),
    ),
    praise="The box is empty and all five letters are at home. That is way 1.",
)

way_2 = Exercise(
    "01.2",
    "Way 2 by hand",
    _by_hand,
    goal=lambda before, now: _in_box(now) == [POSTCARD, BILL, PARTY, CARD] and not _at_home(now),
    untouched="Nothing has changed in the box. The leaflet is letter 3: mark it, then throw away what is marked.",
    mistakes=(
        Mistake(
            "only-marked",
            lambda before, now: any(r"\Deleted" in letter.flags for letter in now.mailbox("amy").letters),
            "The flag `\\Deleted` is on, and the letter is still in the box: in way 2 too, marking is not removing. "
            "`imap.expunge()` throws away what is marked.",
        ),
        Mistake(
            "other-letter",
            lambda before, now: LEAFLET in _in_box(now) and len(_in_box(now)) < 5,
            "Another letter went into the bin, and the leaflet is still there. Count the rows in the first picture of "
            "this lesson: the leaflet is number 3.",
        ),
        Mistake(
            "too-many",
            lambda before, now: LEAFLET not in _in_box(now) and len(_in_box(now)) < 4,
            'The leaflet is gone, and other letters with it. Give `store` one number: `"3"`.',
        ),
        Mistake(
            "carried-home",
            lambda before, now: bool(_at_home(now)),
            "A copy came home. By way 2 you carry nothing: mark the leaflet where it lies and throw it away there.",
        ),
    ),
    praise="Four letters lie in the box, and you carried nothing home. That is way 2.",
)

both_places = Exercise(
    "01.3",
    "Safe from fire and from a closed road",
    _by_hand,
    goal=lambda before, now: len(_in_box(now)) == 5 and _all_home(now) and not now.sessions,
    untouched="All five letters are in the box and none is at home: a closed road would cut you off. What "
    "`pop.retr(number)` fetches, `box.home.save(…)` keeps.",
    mistakes=(
        Mistake(
            "box-emptied",
            lambda before, now: len(_in_box(now)) < 5,
            "The letters left the box: now a fire at home takes them all. This time, do not mark anything.",
        ),
        Mistake(
            "twice",
            lambda before, now: len(_at_home(now)) > 5,
            "Some letters came home twice. A copy does not know that its twin is there already; go through the "
            "numbers once.",
        ),
        Mistake(
            "some-missing",
            lambda before, now: 0 < len(_at_home(now)) < 5,
            "Some letters are not at home yet. There are five, numbered from 1 to 5; `range(1, 6)` counts them.",
        ),
        Mistake(
            "marked",
            lambda before, now: bool(now.marks("amy")),
            "Letters are marked: at your goodbye they would leave the box. Leave `pop.dele(number)` out.",
        ),
        Mistake(
            "line-open",
            lambda before, now: bool(now.sessions) and _all_home(now),
            "All five are in both places. One thing is left: your line is still open. End with `pop.quit()`; nothing "
            "is marked, so nothing is removed.",
        ),
    ),
    praise="Five letters in the box, five copies at home. Paper cannot do this. Lesson 06 shows what it costs.",
)

exercises = {one.key: one for one in (way_1, way_2, both_places)}
