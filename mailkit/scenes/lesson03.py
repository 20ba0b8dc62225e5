"""Lesson 03: the two steps of POP3 and of IMAP, and the exercises."""

from __future__ import annotations

from mailkit.device import Device
from mailkit.diagram import Picture, show_columns
from mailkit.exercise import Exercise, Mistake, World
from mailkit.samples import letters
from mailkit.scenes.mistakes import (
    QUIT_IN_A_LOOP,
    REFILED,
    fact,
    half_way,
    half_way_notes,
    marked,
    marked_unsaved,
    noted,
    settled,
    unsaved,
)
from mailkit.scenes.programs import by_pop, logged_in
from mailkit.scenes.visits import Disk, Visits
from mailkit.server import MailServer
from mailkit.snapshot import Snapshot

# ---- the same two steps, by POP3 and by IMAP

Steps = tuple[Snapshot, Snapshot, Snapshot]  # nobody there, connected, fetched


def two_steps() -> tuple[Steps, Steps]:
    """Collect three letters by POP3 and read three by IMAP; return the snapshots of each: before, connected, done."""
    return _by_pop(), _by_imap()


def show_two_steps(pop: tuple[Snapshot, Snapshot], imap: tuple[Snapshot, Snapshot]) -> Picture:
    """Draw the two steps of both protocols beside each other; takes what was there, connected and fetched, of each."""
    connecting = ("1. A program connects", pop[0], imap[0])
    fetching = (("2. It fetches, and deletes", "It fetches"), pop, imap)
    return show_columns([connecting, fetching], ["POP3: take it home", "IMAP: read it there"])


def _by_pop() -> Steps:
    with MailServer(letters("three-letters"), password="secret") as server:
        laptop = Device("laptop")
        before = server.snapshot(laptop)
        pop = by_pop(server)
        connected = server.snapshot(laptop)
        for number in range(1, pop.stat()[0] + 1):
            laptop.save(pop.retr(number))
            pop.dele(number)
        pop.quit()
        return before, connected, server.snapshot(laptop)


def _by_imap() -> Steps:
    with MailServer(letters("three-letters"), password="secret") as server:
        laptop = Device("laptop")
        before = server.snapshot(laptop)
        with logged_in(server) as imap:
            imap.select()
            connected = server.snapshot(laptop)
            laptop.save(imap.fetch("1:*", "(BODY[])"))
        return before, connected, server.snapshot(laptop)


# ---- what the exercises look at

LUNCH, INVOICE, PHOTOS = "Lunch on Thursday", "Invoice 2026-114", "Photos of the lake"


def _on_server(now: Snapshot) -> set[str]:
    return {letter.subject for letter in now.mailbox("amy").letters}


def _at_home(now: Snapshot) -> set[str]:
    return {letter.subject for letter in now.device("laptop").letters}


def _there(now: Snapshot) -> list[str]:
    """Return the digests of the letters on the server."""
    return now.mailbox("amy").digests


def _saved(now: Snapshot) -> list[str]:
    """Return the digests of what is on the laptop: a part of a letter has another one than the letter."""
    return now.device("laptop").digests


def _lost(before: Snapshot, now: Snapshot) -> set[str]:
    return {*_there(before)} - {*_there(now)} - {*_saved(now)}


def _three_letters() -> World:
    return World(MailServer(letters("three-letters"), password="secret"), laptop=Device("laptop"))


# 03.1

first_letter = Exercise(
    "03.1",
    "Bring the first letter home",
    _three_letters,
    goal=lambda before, now: (
        _on_server(now) == {INVOICE, PHOTOS} and _saved(now) == _there(before)[:1] and settled(now)
    ),
    untouched="Nothing has changed yet. Fetch letter 1, save it on `box.laptop`, mark it, and end the session.",
    mistakes=(
        Mistake(
            "marked-others",
            lambda before, now: bool(marked(now) - {LUNCH}),
            "A letter other than 1 is marked, and `pop.quit()` would remove it; `pop.rset()` takes all marks back. "
            "Give `retr` and `dele` the number 1, both.",
        ),
        marked_unsaved("laptop", "on the laptop"),
        Mistake(
            "no-quit",
            lambda before, now: bool(now.marks("amy")),
            "The letter is marked, but it is still in the box: `DELE` only marks. The mark takes effect when you "
            "say goodbye with `pop.quit()`.",
        ),
        REFILED,
        Mistake(
            "deleted-unsaved",
            lambda before, now: LUNCH not in _on_server(now) | _at_home(now),
            "The letter is gone from the server, but it is not on `box.laptop`: now nobody has it. "
            "`retr` before `dele`, both with the number 1, and give what it returns to `box.laptop.save(…)`.",
        ),
        Mistake(
            "everything",
            lambda before, now: not _on_server(now),
            "You emptied the whole box. Only letter 1 was asked for: give `retr` and `dele` that number.",
        ),
        Mistake(
            "another-lost",
            lambda before, now: bool(_lost(before, now) - {*_there(before)[:1]}),
            "A letter that you did not save has left the server: now nobody has it. `retr` and `dele` want the same "
            "number.",
        ),
        Mistake(
            "twice",
            lambda before, now: len(_on_server(now)) == 1,
            "Two letters have left the server. If your lines ran twice: in a new session the numbers begin anew, and "
            "another letter is number 1.",
        ),
        Mistake(
            "other-letter",
            lambda before, now: LUNCH in _on_server(now) and _on_server(now) != _on_server(before),
            f"Another letter has left the server, and “{LUNCH}” is still there. POP3 counts from 1, not from 0: "
            "the first letter is `pop.retr(1)` and `pop.dele(1)`.",
        ),
        Mistake(
            "copied-only",
            lambda before, now: {*_there(before)[:1]} <= {*_there(now)} & {*_saved(now)},
            "The letter is on the laptop and still on the server: `RETR` copies. Mark it with `pop.dele(1)` and end "
            "with `pop.quit()`; after `pop.close()` or `pop.rset()` a mark is forgotten.",
        ),
        Mistake(
            "not-one-whole",
            lambda before, now: _on_server(now) == {INVOICE, PHOTOS} or LUNCH in _at_home(now),
            "More than letter 1 is on the laptop, or not all of it: save once, and what `pop.retr(1)` returns "
            "(`pop.top(…)` brings a part).",
        ),
    ),
    praise="One letter came home, two still wait. Copied, marked, removed: in POP3, RETR, DELE, QUIT.",
)

# 03.2


def _full_disk() -> World:
    server, laptop = MailServer(letters("three-letters"), password="secret"), Disk(Device("laptop"))
    visits = Visits(server, laptop)
    half, done = half_way_notes(visits.is_half_way), fact("_done", visits.is_done)
    return World(server, laptop=laptop, two_visits=visits, _half=half, _done=done)


bug_hunt = Exercise(
    "03.2",
    "Bug hunt",
    _full_disk,
    goal=lambda before, now: not _there(now) and not unsaved("laptop", before, now) and bool(noted(now, "_done")),
    untouched="Nothing has changed. Hand the function to `box.two_visits(collect)`; what that prints says how each "
    "visit ended.",
    mistakes=(
        half_way(
            f"A visit stopped half-way, and the last line of the red box says why. {QUIT_IN_A_LOOP} Or it comes after "
            "another `quit` or `close`: a line ends once. If not, look at the line of `collect` that the red box "
            "points to."
        ),
        Mistake(
            "lost",
            lambda before, now: bool(_lost(before, now)),
            "A letter is neither on the server nor on the laptop: it was marked, not saved, and then `pop.quit()` made "
            "the server remove it. Saving fails when the disk is full, and what stands under `finally` runs after a "
            "crash, too.",
        ),
        Mistake(
            "left-open",
            lambda before, now: bool(now.sessions and unsaved("laptop", before, now)),
            "Nothing is lost, but the first session was never ended, so the second visit met `[IN-USE]`. A script that "
            "fails must still let go of the line: `pop.close()` does it and removes nothing. Did visit 1 meet "
            "`[IN-USE]`, too? The `pop` that `collect` gets is logged in already; open no other.",
        ),
        Mistake(
            "by-hand",
            lambda before, now: not (_there(now) or noted(now, "_done")),
            "The three are home, but it was not the script's two visits that emptied the box. Mend `collect`, run the "
            "cell from its first line, and leave the rest to `box.two_visits(collect)`.",
        ),
        Mistake(
            "never-deletes",
            lambda before, now: not unsaved("laptop", before, now),
            "All are home, and letters are left in the box. Mark each one once it is saved, inside the loop; end a "
            "good visit with `pop.quit()`.",
        ),
        Mistake(
            "not-all",
            lambda before, now: bool(_saved(now)),
            "Nothing is lost, but not every letter came home. What was printed says how each visit ended. `retr` and "
            "`dele` get the loop's `number`, each once, and `range` leaves its end out: hence the `+ 1`.",
        ),
    ),
    praise="Nothing is lost, and in the end everything is home. Mark only what is saved: QUIT removes what is marked.",
    instead=dict.fromkeys(("laptop", "pop", "server"), "what `collect(pop, laptop)` is given"),
)

# 03.3


def _all_marked() -> World:
    server = MailServer(letters("lunch", "newsletter", "photos"), password="secret")
    pop = by_pop(server)
    for number in (1, 2, 3):
        pop.dele(number)
    return World(server, pop=pop)


NEWSLETTER = "This week at the library"

change_your_mind = Exercise(
    "03.3",
    "Change your mind",
    _all_marked,
    goal=lambda before, now: _on_server(before) - _on_server(now) == {NEWSLETTER} and settled(now),
    untouched="The session is open and all three letters are marked. Take the marks back first.",
    mistakes=(
        REFILED,
        Mistake(
            "all-gone",
            lambda before, now: not _on_server(now),
            "All three are gone: you said `pop.quit()` while all were marked. First `pop.rset()`, which takes the "
            "marks back.",
        ),
        Mistake(
            "other-letter",
            lambda before, now: bool(_on_server(before) - _on_server(now) - {NEWSLETTER}),
            "A letter was removed, but not the newsletter alone. In a session numbers never shift, so it is always 2.",
        ),
        Mistake(
            "dropped",
            lambda before, now: not now.sessions,
            "The session is over and nothing was removed: the line was dropped, or no mark was left at `pop.quit()`. "
            "After `pop.rset()` mark letter 2 again, `pop.dele(2)`, and say `pop.quit()`.",
        ),
        Mistake(
            "marked-wrong",
            lambda before, now: now.marks("amy") not in ({2}, before.marks("amy"), frozenset()),
            "Another letter is marked. `pop.rset()`, then `pop.dele(2)`.",
        ),
        Mistake(
            "no-quit",
            lambda before, now: now.marks("amy") == {2},
            "The right letter is marked, the other two are safe. Nothing happens, though, until you say `pop.quit()`.",
        ),
        Mistake(
            "no-marks",
            lambda before, now: not now.marks("amy"),
            "All marks are taken back, the newsletter's too: `pop.rset()` takes no number. Mark letter 2 again with "
            "`pop.dele(2)`, then `pop.quit()`.",
        ),
    ),
    praise="Until QUIT you may change your mind: the old marks are gone, and only the one you set afterwards counted.",
    instead={"server": "the session that is `box.pop`"},
)

# 03.4


def _a_week() -> World:
    server = MailServer(letters("lunch", "photos", "walk", "panorama", "invoice"), password="secret")
    return World(server, laptop=Device("laptop"))


def _small(before: Snapshot) -> set[str]:
    return {letter.subject for letter in before.mailbox("amy").letters if letter.size <= 10_000}


def _all_small(before: Snapshot) -> list[str]:
    return [letter.digest for letter in before.mailbox("amy").letters if letter.size <= 10_000]


def _large_marked(before: Snapshot, now: Snapshot) -> bool:
    return any(one.uid in now.marks("amy") and one.size > 10_000 for one in now.mailbox("amy").letters)


only_small_ones = Exercise(
    "03.4",
    "Only the small ones",
    _a_week,
    goal=lambda before, now: (
        sorted(_saved(now)) == sorted(_all_small(before))
        and _small(before) == _on_server(before) - _on_server(now)
        and settled(now)
    ),
    untouched="Nothing has changed yet. `pop.list()` gives number and size of each letter, as text: make numbers of "
    "them with `int(…)`, then compare. Ten thousand is written `10_000`; `10.000` is ten. Save with `box.laptop.save`.",
    mistakes=(
        Mistake(
            "everything",
            lambda before, now: len(_at_home(now)) == 5,
            "You fetched every letter, the two large ones too, and paid for the minutes. Look at the size in the line "
            "before you call `retr`; compare numbers, so turn it into one with `int(…)`.",
        ),
        Mistake(
            "marked-wrong",
            _large_marked,
            "Large letters are marked; nothing is lost yet. `dele` belongs under the `if`, beside `save`, and the `if` "
            "compares the second number, the size.",
        ),
        marked_unsaved("laptop", "on the laptop"),
        Mistake(
            "no-quit",
            lambda before, now: bool(now.marks("amy")),
            "The letters are marked and still there: say `pop.quit()`, after the loop.",
        ),
        REFILED,
        Mistake(
            "large-ones",
            lambda before, now: bool(_at_home(now) - _small(before)),
            "A large letter came home. The comparison is the wrong way round, or it looks at the wrong number: in "
            "`b'2 21481'` the first is the letter's number, the second its size. In a new session the numbers begin "
            "anew.",
        ),
        Mistake(
            "large-lost",
            lambda before, now: bool(_lost(before, now) - {*_all_small(before)}),
            "Large letters have left the server, and nobody has them: `dele` belongs under the `if`, beside `save`.",
        ),
        Mistake(
            "unsaved",
            lambda before, now: bool(_lost(before, now)),
            "A letter was removed and is not on `box.laptop`, or not all of it. Save what `pop.retr(number)` returns "
            "before you mark it.",
        ),
        Mistake(
            "only-a-part",
            lambda before, now: not {*_saved(now)} <= {*_there(before)},
            "What was saved on the laptop is not all of a letter: `top` brings a header, `retr` a letter.",
        ),
        Mistake(
            "twice",
            lambda before, now: len(_saved(now)) > len({*_saved(now)}),
            "A letter is on the laptop twice. Save each once: `retr`, `save` and `dele`, one line of each in the loop.",
        ),
        Mistake(
            "copied-only",
            lambda before, now: _at_home(now) == _small(before),
            "The right letters came home, and there are still some of them on the server. Mark each with "
            "`pop.dele(number)`, beside `save` under the `if`, and end with `pop.quit()`: after `pop.close()` all "
            "marks are forgotten.",
        ),
        Mistake(
            "too-few",
            lambda before, now: bool(_at_home(now)),
            "Not all of the three small letters came: ten thousand is `10_000`. What is done for each stands inside "
            "the loop, indented; `pop.quit()` comes after it, not indented, because it ends the session.",
        ),
    ),
    praise="Three small letters came home; the two large ones wait on the server. Did you call `retr` for the small "
    "ones only? Then you paid for no other minutes. This is how people read mail by telephone.",
)

exercises = {one.key: one for one in (first_letter, bug_hunt, change_your_mind, only_small_ones)}
