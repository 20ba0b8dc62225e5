"""Lesson 08: three ways side by side, what the tables in ``data`` say, and the exercises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from mailkit.device import Device
from mailkit.diagram import show_columns
from mailkit.exercise import Exercise, Mistake, World
from mailkit.message import SEEN
from mailkit.render import Picture
from mailkit.samples import letters, table
from mailkit.scenes.lesson03 import Steps, two_steps
from mailkit.scenes.lesson06 import LEFT
from mailkit.scenes.mistakes import (
    EMPTIED_FIRST,
    FLAGGED_DELETED,
    LOOK_ONLY,
    NOT_AS_IT_WAS,
    gap_notes,
    noted,
    only_a_part,
    threatened,
)
from mailkit.scenes.popclient import PopClient
from mailkit.scenes.tables import Listing, milestones
from mailkit.scenes.weeks import DEVICES, PEOPLE, ROOM, Weeks, unreadable
from mailkit.server import MailServer
from mailkit.snapshot import DeviceView, LetterView, Snapshot

# ---- the same two steps, three ways


def three_ways() -> dict[str, Steps]:
    """Fetch three letters by each way; return the snapshots: nobody there, connected, fetched."""
    pop, imap = two_steps()
    return {"POP": pop, LEFT: _by_leaving(), "IMAP": imap}


def _by_leaving() -> Steps:
    with MailServer(letters("three-letters"), password="secret") as server:
        laptop = Device("laptop")
        before = server.snapshot(laptop)
        PopClient(server, laptop).poll()
        after = server.snapshot(laptop)
        sessions = (moment.snapshot for moment in server.history() if moment.snapshot.sessions)
        connected = next(snapshot for snapshot in sessions if snapshot.sessions[0].account)
        return before, replace(connected, devices=before.devices), after


def show_ways(ways: dict[str, Steps]) -> Picture:
    """Draw the two steps, a row for each way; over a box that the second has emptied stands why."""
    rows = [(way if looks(steps)[0] else (way, "and deletes"), steps[:2], steps[1:]) for way, steps in ways.items()]
    return show_columns(rows, ["1. A program connects", "2. It fetches"])


def looks(steps: Steps) -> tuple[list[str], list[str]]:
    """Return what one sees after the second step: the subjects on the server, and on the laptop."""
    after = steps[2]
    return _subjects(after.mailbox("amy").letters), _subjects(after.device("laptop").letters)


# ---- what the tables say


def where_it_says(program: str = "") -> Listing:
    """Return where mail programs say whether they use POP or IMAP, from ``data/programs.csv``.

    Takes a part of a program's or a system's name; all by default. Raises `LookupError`, naming those there are.
    """
    rows = {f"{row['program']} ({row['system']})": row for row in table("programs")}
    found = {name: row for name, row in rows.items() if program.strip().casefold() in name.casefold()}
    if not found:
        raise LookupError(f"no program or system {program!r} in the table; it has: {'; '.join(rows)}")
    return Listing([(name, [row["where"], f"says: {row['says']}", _source(row)]) for name, row in found.items()])


def rules(provider: str = "") -> Listing:
    """Return providers' rules, from ``data/providers.csv``: of all, or of those whose name contains these words.

    Raises `LookupError`, naming those there are.
    """
    rows = [row for row in table("providers") if provider.strip().casefold() in row["provider"].casefold()]
    if not rows:
        known = ", ".join(dict.fromkeys(row["provider"] for row in table("providers")))
        raise LookupError(f"no provider {provider!r} in the table; it has: {known}")
    return Listing([(f"{row['provider']}: {row['topic']}", [row["rule"], _source(row)]) for row in rows])


def _source(row: Mapping[str, str]) -> str:
    """Name a row's source, how old that is and, where it bears no date or may change, when it was read."""
    months = {words: [day[:7] for day in row[what].split("; ")] for words, what in (("of", "date"), ("read", "read"))}
    when = (f"{words} {' and '.join(each)}" for words, each in months.items() if any(each))
    return f"({row['source']}; {', '.join(when)})"


def came_next() -> Listing:
    """Return what has come since 2018, from ``data/history.csv``."""
    return milestones(row for row in table("history") if row["when"] >= "2018")


# ---- what the exercises look at


def _subjects(kept: Iterable[LetterView]) -> list[str]:
    return [letter.subject for letter in kept]


def _folder(view: DeviceView, name: str) -> list[LetterView]:
    return list(dict(view.folders).get(name, ()))


# 08.1


def _three_people() -> World:
    server = MailServer(accounts=tuple(DEVICES), password="secret", quota=ROOM)
    devices = {name: Device(name) for names in DEVICES.values() for name in names}
    things = {name.replace("-", "_"): device for name, device in devices.items()}
    return World(server, live=Weeks(server, devices), **things)


def _none_yet(now: Snapshot) -> bool:
    return not any(device.letters for device in now.devices)


three_people = Exercise(
    "08.1",
    "Choose for three people",
    _three_people,
    goal=lambda _, now: not any(unreadable(now, name) for name in PEOPLE),
    untouched="The week has not begun. Choose for each: `box.live(ada=…, bruno=…, chloe=…)`.",
    mistakes=(
        Mistake(
            "ada-pop",
            lambda _, now: not _none_yet(now) and len(unreadable(now, "ada")) > 1,
            "Ada has lost what her laptop had taken by Thursday: with POP it was the only place. She has two devices, "
            "and one of them was stolen.",
        ),
        Mistake(
            "ada-left",
            lambda _, now: len(unreadable(now, "ada")) == 1,
            "Ada's phone has all the letters she received; the one she wrote is lost: its copy was on the laptop "
            "alone, because POP has no command that puts one on the server.",
        ),
        Mistake(
            "bruno-full",
            lambda _, now: not _none_yet(now) and bool(unreadable(now, "bruno")),
            "Bruno's box was full after four pictures, and the rest was refused: a sender's server tries for some "
            "days, then gives up. He keeps everything, on one computer: let him take it home.",
        ),
        Mistake(
            "chloe-filed",
            lambda _, now: not _none_yet(now) and bool(unreadable(now, "chloe")),
            "Chloé never saw the letters that her server's rule had filed: POP opens the INBOX and no other mailbox. "
            "One device does not always mean POP.",
        ),
    ),
    praise="Everybody can read every letter: Ada and Chloé by IMAP, Bruno by POP. Count the devices, and look at the "
    "room, the rules and the sent mail, too.",
)

# 08.2


def _before_the_switch() -> World:
    server, laptop = MailServer(letters("walk"), password="secret"), Device("laptop")
    for octets in letters("lunch", "invoice", "walk"):
        laptop.save(octets)
    for octets in letters("photos", "tickets"):
        laptop.save(octets, "Trips")
    return World(server, laptop=laptop, _gap=gap_notes(server))


def _digests(kept: Iterable[LetterView]) -> list[str]:
    return sorted(letter.digest for letter in kept)


def _all_there(now: Snapshot, name: str) -> bool:
    boxes = {box.name: box.letters for box in now.mailboxes}
    return _digests(boxes.get(name, ())) == _digests(_folder(now.device("laptop"), name))


def _both_there(now: Snapshot) -> bool:
    return _all_there(now, "INBOX") and _all_there(now, "Trips")


def _everywhere(now: Snapshot) -> list[str]:
    return _digests(letter for box in now.mailboxes for letter in box.letters)


def _uploaded(before: Snapshot, now: Snapshot) -> list[LetterView]:
    was = set(_everywhere(before))
    return [letter for box in now.mailboxes for letter in box.letters if letter.digest not in was]


switch = Exercise(
    "08.2",
    "Switch without losing mail",
    _before_the_switch,
    goal=lambda before, now: (
        before.device("laptop") == now.device("laptop")
        and not noted(now, "_gap")
        and _both_there(now)
        and len(_everywhere(now)) == 5
        and all(SEEN in letter.flags for letter in _uploaded(before, now))
        and not threatened(now)
    ),
    untouched="Nothing is on the server yet but the newest letter. Put the others there with `imap.append(…)`.",
    mistakes=(
        Mistake(
            "laptop-emptied",
            lambda before, now: before.device("laptop") != now.device("laptop"),
            "The laptop's copies are what you switch from: leave them alone until you have seen everything on the "
            "server.",
        ),
        EMPTIED_FIRST,
        NOT_AS_IT_WAS,
        Mistake(
            "twice",
            lambda _, now: len(_everywhere(now)) > len(set(_everywhere(now))),
            "A letter is on the server twice: it lay there already, or you appended it more than once. Ask before you "
            "append, `if octets not in on_server`.",
        ),
        Mistake(
            "one-heap",
            lambda _, now: len(now.mailbox("amy").letters) == 5,
            "All are on the server, in one heap: the letters of “Trips” belong in a mailbox of that name. "
            "`imap.create` makes it; `append` takes its name first.",
        ),
        Mistake(
            "inbox-differs",
            lambda before, now: bool(_uploaded(before, now)) and not _all_there(now, "INBOX"),
            "On the server, INBOX does not hold what the laptop's INBOX holds. Go through all of "
            '`box.laptop.letters("INBOX")`, and append to `INBOX` those that are not there yet.',
        ),
        Mistake(
            "folder-forgotten",
            lambda _, now: _all_there(now, "INBOX") and not _both_there(now),
            "The INBOX is complete, and the folder “Trips” has been left behind. Into a mailbox that is not there "
            'APPEND is refused (`NO`, no error): first `imap.create("Trips")`, spelled so; then append what '
            '`box.laptop.letters("Trips")` holds.',
        ),
        FLAGGED_DELETED,
        Mistake(
            "unread",
            lambda _, now: _both_there(now),
            "Every letter is in its place, and the old ones look unread: `append` sets no flag unless it is told. "
            r'Give it `r"(\Seen)"` as its second argument.',
        ),
    ),
    praise="All five letters are on the server, each in its place, once; those you put there are read. Only now is it "
    "safe to close the old account; the laptop's copies can stay as a backup.",
)

# 08.3

LARGE = 10_000


def _full_box() -> World:
    server = MailServer(letters("lunch", "photos", "walk", "panorama"), password="secret", quota=60_000)
    return World(server, laptop=Device("laptop"))


def _large(before: Snapshot) -> set[str]:
    return {letter.digest for letter in before.mailbox("amy").letters if letter.size > LARGE}


def _still(now: Snapshot) -> set[str]:
    return {*now.mailbox("amy").digests}


def _archived(now: Snapshot) -> list[str]:
    return _digests(_folder(now.device("laptop"), "Archive"))


def _at_home(now: Snapshot) -> set[str]:
    return {*_archived(now)}


def _twice_home(before: Snapshot, now: Snapshot) -> bool:
    """Tell whether the laptop has a large letter more than once, in whatever folders."""
    copies = [digest for digest in now.device("laptop").digests if digest in _large(before)]
    return len(copies) > len(set(copies))


def _missing(before: Snapshot, now: Snapshot) -> set[str]:
    """Return the digests of what has left INBOX and is not in the laptop's Archive."""
    return _still(before) - _still(now) - _at_home(now)


def _kept_somewhere(now: Snapshot) -> set[str]:
    return {*_everywhere(now), *_digests(now.device("laptop").letters)}


make_room = Exercise(
    "08.3",
    "Make room",
    _full_box,
    goal=lambda before, now: (
        _still(now) == {*_everywhere(now)} == _still(before) - _large(before)
        and _archived(now) == sorted(_large(before))
        and not _twice_home(before, now)
        and not any(letter.flags for letter in now.mailbox("amy").letters)
    ),
    untouched="Nothing has changed. `numbers` holds the numbers of the large letters: fetch, save with "
    "`box.laptop.save`, flag, expunge.",
    mistakes=(
        only_a_part(lambda before, now: not _kept_somewhere(now) <= {*_everywhere(before)}),
        Mistake(
            "elsewhere",
            lambda before, now: bool(_missing(before, now)) and _missing(before, now) <= _kept_somewhere(now),
            "Nothing is lost, but what has left INBOX is not in the laptop's folder `Archive`, spelled so. The folder "
            'is the second argument of `save`: `box.laptop.save(…, "Archive")`.',
        ),
        Mistake(
            "lost",
            lambda before, now: bool(_missing(before, now)),
            "A letter has left the server and is not in the laptop's Archive: it is lost. First fetch and save, with "
            "`box.laptop.save`, and only then flag and expunge.",
        ),
        Mistake(
            "moved",
            lambda before, now: _still(now) != {*_everywhere(now)} == {*_everywhere(before)},
            "What has left INBOX lies in another mailbox on the server now, and fills the same room. Flag it there, "
            "too, and expunge it.",
        ),
        Mistake(
            "expunged-in-the-loop",
            lambda before, now: bool(_large(before) & _still(now)) and bool(_large(before) - _still(now)),
            "One large letter has gone home, another is still on the server. Did you expunge inside the loop? Each "
            "time the later numbers shift, and the next one you noted is wrong: expunge once, after the loop. `save` "
            "and `store` stand inside it.",
        ),
        Mistake(
            "flagged-only",
            lambda _, now: any("\\Deleted" in letter.flags for letter in now.mailbox("amy").letters),
            "Letters carry `\\Deleted`, and they still fill the box: flagged is not removed. Is each of them large, "
            "and in the Archive? Then `imap.expunge()`.",
        ),
        Mistake(
            "copied-only",
            lambda before, now: _still(now) == _still(before) and _large(before) <= _at_home(now),
            "The large letters are at home, and they are still on the server: no room has been made yet.",
        ),
        Mistake(
            "twice",
            lambda before, now: len(_archived(now)) > len(_at_home(now)) or _twice_home(before, now),
            "A letter lies on the laptop twice: saving copies, as often as you say it. Save each letter once, in the "
            "Archive: one number at a time inside the loop, or all of them before it.",
        ),
        Mistake(
            "small-ones-too",
            lambda before, now: bool(_at_home(now) - _large(before)),
            "A small letter was archived as well. Amy wants those on all her devices: only what is larger than "
            "10,000 octets is to go.",
        ),
        Mistake(
            "left-a-mark",
            lambda before, now: any(
                SEEN in letter.flags for letter in now.mailbox("amy").letters if letter.digest not in _large(before)
            ),
            rf"A small letter bears `\Seen` now, as if Amy had read it. {LOOK_ONLY}",
        ),
    ),
    praise="Both ways in one: the large letters taken home, the rest on the server for every device.",
)

exercises = {one.key: one for one in (three_people, switch, make_room)}
