"""Lesson 01: two ways to empty a letterbox, step by step; and the exercises.

Way 1 takes everything home, and is played by a POP3 client. Way 2 reads at the box, and is played by an IMAP
client. The box in the street is the server's, the home is a device.
"""

from __future__ import annotations

import imaplib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from mailkit.device import Device
from mailkit.diagram import Picture, show_columns
from mailkit.exercise import Exercise, Mistake, World
from mailkit.message import DELETED
from mailkit.samples import letters
from mailkit.scenes.mistakes import (
    FLAGGED_DELETED,
    MARKED,
    REFILED,
    elsewhere,
    filed_away,
    flagged,
    marked,
    marked_unsaved,
    threatened,
)
from mailkit.scenes.programs import by_pop, logged_in
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
    with letterbox() as server:
        return tuple(walk(way, server, Device("home")))


def side_by_side(first: int = 1, last: int = 6) -> Picture:
    """Draw both ways beside each other, from one step to another (1 to 6)."""
    pairs = list(zip(*map(steps, WAYS), strict=True))[first - 1 : last]
    rows = [(_caption(number, *pair), *(step.snapshot for step in pair)) for number, pair in enumerate(pairs, first)]
    return show_columns(rows, HEADS)


def _caption(number: int, one: Step, other: Step) -> str | tuple[str, str]:
    first = f"{number}. {one.caption}"
    return first if one.caption == other.caption else (first, other.caption)


def letterbox(**settings: Any) -> MailServer:
    """Return a server with the postman's five letters; takes the settings of `MailServer`."""
    return MailServer(letters("postman"), password="secret", **settings)


def walk(way: Way, server: MailServer, home: Device) -> Iterator[Step]:
    """Go one of the two ways, step by step. Raises `LookupError`, naming both, for any other."""
    ways = {"take home": _take_home, "read there": _read_there}
    if way not in ways:
        raise LookupError(f"there is no way {way!r}; there are: {', '.join(ways)}")
    yield Step("The postman has been", server.snapshot(home))
    for caption in ways[way](server, home):
        yield Step(caption, server.snapshot(home))


def _take_home(server: MailServer, home: Device) -> Iterator[str]:
    pop = by_pop(server)
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
    with logged_in(server) as imap:
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


def _number(imap: imaplib.IMAP4, subject: str) -> str:
    found: str = imap.search(None, "SUBJECT", f'"{subject}"')[1][0].decode()
    return found


# ---- what the exercises look at


def _by_hand() -> World:
    return World(letterbox(), home=Device("home"))


def _in_box(now: Snapshot) -> list[str]:
    return [letter.subject for letter in now.mailbox("amy").letters]


def _at_home(now: Snapshot) -> list[str]:
    return sorted(letter.subject for letter in now.device("home").letters)


def _all_home(before: Snapshot, now: Snapshot) -> bool:
    """Tell whether each letter is at home: once, and whole."""
    return sorted(_digests(now)) == sorted(before.mailbox("amy").digests)


def _digests(now: Snapshot) -> list[str]:
    return now.device("home").digests


def _in_parts(before: Snapshot, now: Snapshot) -> bool:
    return not set(_digests(now)) <= {*before.mailbox("amy").digests}


def _only_leaflet_gone(now: Snapshot) -> bool:
    kept = _in_box(now) == [POSTCARD, BILL, PARTY, CARD] and LEAFLET not in elsewhere(now)
    return kept and not flagged(now, DELETED)


way_1 = Exercise(
    "01.1",
    "Way 1 by hand",
    _by_hand,
    goal=lambda before, now: not _in_box(now) and not elsewhere(now) and _all_home(before, now),
    untouched="Five letters are in the box and none is at home. For each number: take it, save it with "
    "`box.home.save`, mark it.",
    mistakes=(
        marked_unsaved("home", "at home"),
        Mistake(
            "not-all-marked",
            lambda before, now: 0 < len(now.marks("amy")) < 5,
            "Not all five are marked. Inside the loop say `pop.dele(number)`, because `pop.dele(1)` means letter 1 "
            "each time, and let `range(1, 6)` count.",
        ),
        Mistake(
            "no-goodbye",
            lambda before, now: bool(now.marks("amy")),
            "The letters are only marked: the box waits for your goodbye. After the loop say `pop.quit()`.",
        ),
        replace(
            REFILED,
            advice="Letters lie in another mailbox of the same server now. By way 1 nothing stays there: what you have "
            "saved at home, remove with `pop.dele(number)` and `pop.quit()`.",
        ),
        Mistake(
            "thrown-away",
            lambda before, now: not _in_box(now) and len(set(_at_home(now))) < 5,
            "The box is empty, and not every letter is at home: what was not saved is lost. Save each with "
            "`box.home.save(letter)`, inside the loop and before you mark it.",
        ),
        Mistake(
            "only-a-part",
            _in_parts,
            "What is at home is not all of a letter. Save what `pop.retr(number)` returns; `pop.top(…)` brings a part.",
        ),
        Mistake(
            "twice",
            lambda before, now: len(_at_home(now)) > 5,
            "Some letters came home twice: saving copies, as often as you say it. Save each letter once.",
        ),
        Mistake(
            "copied-only",
            lambda before, now: len(_in_box(now)) == 5 and bool(_at_home(now)),
            "What came home is still in the box, too: mail is copied. To empty the box, mark each letter with "
            "`pop.dele(number)` (the number, not `letter`), then say `pop.quit()`; after `pop.close()` all marks are "
            "forgotten.",
        ),
        Mistake(
            "some-left",
            lambda before, now: len(_in_box(now)) in range(1, 5),
            "Some letters are left in the box. `range(1, 6)` counts from 1 to 5; what is done for each letter stands "
            "inside the loop, indented; `pop.quit()` comes after it, not indented.",
        ),
    ),
    praise="The box is empty and all five letters are at home. That is way 1.",
)

way_2 = Exercise(
    "01.2",
    "Way 2 by hand",
    _by_hand,
    goal=lambda before, now: _only_leaflet_gone(now) and not _at_home(now) and not now.marks("amy"),
    untouched="Nothing has changed in the box. The leaflet is letter 3: mark it, then throw away what is marked. If "
    "you did write lines, print what they returned: `NO` says why.",
    mistakes=(
        Mistake(
            "wrong-mark",
            lambda before, now: bool(flagged(now, DELETED) - {LEAFLET}),
            "The flag `\\Deleted` is on a letter that you want to keep: `imap.expunge()` would throw it away. The "
            "leaflet is number 3.",
        ),
        Mistake("marked", lambda before, now: bool(marked(now) - {LEAFLET}), MARKED.advice),
        Mistake(
            "only-marked",
            lambda before, now: bool(flagged(now, DELETED)),
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
            lambda before, now: len(_in_box(now)) < 4,
            'The leaflet is gone, and other letters with it. Give `store` one number, `"3"`: once the leaflet is '
            "gone, another letter is number 3.",
        ),
        filed_away(LEAFLET, "leaflet"),
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
    goal=lambda before, now: (
        len(_in_box(now)) == 5 and _all_home(before, now) and not now.sessions and not threatened(now)
    ),
    untouched="All five letters are in the box and none is at home: a closed road would cut you off. What "
    "`pop.retr(number)` fetches, `box.home.save(…)` keeps.",
    mistakes=(
        Mistake(
            "only-a-part",
            _in_parts,
            "What is at home is not all of a letter: a fire at the box would take the rest. Save what "
            "`pop.retr(number)` returns.",
        ),
        Mistake(
            "box-emptied",
            lambda before, now: len(_in_box(now)) < 5,
            "Letters have left the box: a fire at home takes what lies only there. This time, do not mark anything.",
        ),
        Mistake(
            "twice",
            lambda before, now: len(_digests(now)) > len(set(_digests(now))),
            "Some letters came home twice. A copy does not know that its twin is there already; go through the "
            "numbers once.",
        ),
        Mistake(
            "some-missing",
            lambda before, now: 0 < len(_at_home(now)) < 5,
            "Some letters are not at home yet. There are five, numbered from 1 to 5; `range(1, 6)` counts them. What "
            "is done for each stands inside the loop, indented; `pop.quit()` comes after it, not indented.",
        ),
        Mistake(
            "marked",
            lambda before, now: bool(now.marks("amy")),
            "Letters are marked: at your goodbye they would leave the box. Leave `pop.dele(number)` out.",
        ),
        FLAGGED_DELETED,
        Mistake(
            "line-open",
            lambda before, now: len(_in_box(now)) == 5 and _all_home(before, now),
            "All five are in both places. One thing is left: a line is still open. End with `pop.quit()` (by IMAP: "
            "`imap.logout()`); nothing is marked, so nothing is removed.",
        ),
    ),
    praise="Five letters in the box, five copies at home. Paper cannot do this. Lesson 06 shows what it costs.",
)

exercises = {one.key: one for one in (way_1, way_2, both_places)}
