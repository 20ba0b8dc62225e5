"""Lesson 09, two complaints in which a POP program's ledger decides: it was lost, or it counts the days."""

from __future__ import annotations

from mailkit.device import Device
from mailkit.exercise import Exercise, Mistake, World
from mailkit.samples import letter, letters
from mailkit.scenes.lesson09.boxes import LEAVE_ALL, LUNCH, PHOTOS, THREE, WALK, anywhere, inbox, kept, twice
from mailkit.scenes.mistakes import (
    LAPTOP_TOO,
    QUIT_IN_A_LOOP,
    Notes,
    marked,
    noted,
    still_has,
    threatened,
    unsaved,
)
from mailkit.scenes.popclient import NEW_ACCOUNT, Clock, PopClient
from mailkit.server import MailServer, fixed_clock
from mailkit.snapshot import Snapshot

POSTCARD, PARCEL = "A postcard from Lisbon", "Your parcel is waiting"


# ---- 6: everything was downloaded again


def _ledger_lost() -> World:
    """Lose the ledger: all letters come twice. The doubles are thrown away, and the ledger is lost once more."""
    server, laptop = MailServer(letters("three-letters"), password="secret"), Device("laptop")
    program = PopClient(server, laptop, LEAVE_ALL)
    program.poll()
    laptop.seen_uidls.clear()
    program.poll()
    for double in (4, 5, 6):
        laptop.throw_away(double)
    laptop.seen_uidls.clear()
    server.deliver(letter("walk"))
    names = Notes("_ledger", lambda: laptop.seen_uidls)
    visits = Notes("_visits", lambda: [str(poll.fetched) for poll in program.polls[2:]])
    things = {"laptop": laptop, "program": program, "_names": names, "_visits": visits}
    return World(server, ledger=laptop.seen_uidls, now=fixed_clock(), **things)


def _names(now: Snapshot) -> list[str]:
    """Return the UIDLs of the letters on the server (RFC 1939 §7), which are all to be in the ledger."""
    view = now.mailbox("amy")
    return [f"{view.uidvalidity}.{letter.uid}" for letter in view.letters]


downloaded_again = Exercise(
    "09.6",
    "Everything came again",
    _ledger_lost,
    goal=lambda before, now: (
        inbox(now) == sorted([*THREE, WALK])
        and sorted(now.device("laptop").digests) == sorted(now.mailbox("amy").digests)
        and still_has("laptop", before, now)
        and sorted(noted(now, "_ledger")) == sorted(_names(now))
        and set() < set(noted(now, "_visits")) <= {"0", "1"}
    ),
    untouched="Did the visit fetch 4? Then everything came again: the laptop has seven letters, three of them twice. "
    "To the program a letter is new whose name is not in `box.ledger`. Before `box.program.poll()`, note there the "
    "names of the letters that the laptop has: text such as `1.1`, not the number. Then run the cell from its first "
    "line.",
    idle=lambda before, now: kept(now, "laptop") == sorted([*THREE, *THREE, WALK]),
    mistakes=(
        Mistake(
            "emptied",
            lambda before, now: len(inbox(now)) < 4,
            "Letters have left the server. Then they cannot come again, true; but the other devices wanted to see "
            "them. Only the laptop's list is broken: mend that.",
        ),
        Mistake(
            "started-over",
            lambda before, now: not still_has("laptop", before, now),
            "The laptop has lost letters of its own, which can only come again. They were good: leave them there, and "
            "write down in the ledger what the laptop has.",
        ),
        Mistake(
            "again",
            lambda before, now: twice(kept(now, "laptop")),
            "The laptop has letters twice. A POP program knows a letter by its UIDL alone, and one that is not in "
            "`box.ledger` is new to it. Before it polls, note the names of the letters that it has, as text such as "
            "`1.1`; `print(box.ledger)` shows what stands there.",
        ),
        Mistake(
            "doubles-away",
            lambda before, now: not set(noted(now, "_visits")) <= {"0", "1"},
            "The doubles are thrown away, and they came all the same: that is the complaint. Write the ledger before "
            "the visit.",
        ),
        Mistake(
            "saved-by-hand",
            lambda before, now: not unsaved("laptop", now, now) and not {*_names(now)} <= {*noted(now, "_ledger")},
            "All four letters are there, and the ledger does not know them all: at its next visit the program brings "
            "them again. Note the first three names; the visit itself fetches the fourth letter, and notes it.",
        ),
        Mistake(
            "noted-all",
            lambda before, now: _names(now)[3] in noted(now, "_ledger") and bool(unsaved("laptop", now, now)),
            "Nothing came twice, and the invitation to a walk did not come, or not all of it: you noted its name as "
            "well. Note only letters that are on the laptop; the walk, letter 4, is not.",
        ),
        Mistake(
            "noted-some",
            lambda before, now: bool(noted(now, "_ledger")) and not {*_names(now)[:3]} <= {*noted(now, "_ledger")},
            f"The ledger does not have all of the first three names, such as `1.1`. {QUIT_IN_A_LOOP}",
        ),
        Mistake(
            "not-visited",
            lambda before, now: bool(noted(now, "_ledger")),
            "Names are noted; the program has not visited since: `pop.quit()`, then `box.program.poll()`. While your "
            "own session is open, it is refused.",
        ),
    ),
    praise="The new letter came, and no other. Whoever restores a POP program's mail must restore its ledger, too.",
)


# ---- 9: “14 days”, too early or too late


def _fourteen_days() -> World:
    """Let a program with "for at most 14 days" poll on days 1 and 6, then never again; today is day 20.

    The tablet, which looks every three weeks and deletes nothing, has not seen a letter yet.
    """
    clock, laptop, tablet = Clock(), Device("laptop"), Device("tablet")
    server = MailServer(letters("lunch", "photos"), password="secret", clock=clock)
    program = PopClient(server, laptop, NEW_ACCOUNT, clock)
    program.poll()
    clock.turn_to(6)
    server.deliver(letter("postcard"))
    program.poll()
    clock.turn_to(12)
    server.deliver(letter("parcel"))
    clock.turn_to(20)
    on_tablet = PopClient(server, tablet, LEAVE_ALL, clock)
    ledger = laptop.seen_uidls
    return World(server, laptop=laptop, ledger=ledger, now=clock.now, tablet=tablet, tablet_program=on_tablet)


def _missed(before: Snapshot, now: Snapshot) -> set[str]:
    """Return what has left the server before the tablet had it."""
    return set(inbox(before)) - set(inbox(now)) - set(kept(now, "tablet"))


fourteen_days = Exercise(
    "09.9",
    "Fourteen days",
    _fourteen_days,
    goal=lambda before, now: (
        inbox(now) == anywhere(now) == sorted((POSTCARD, PARCEL))
        and kept(now, "tablet") == inbox(before)
        and still_has("laptop", before, now)
        and not (now.marks("amy") or threatened(now))
    ),
    untouched="All four letters are still there, and the tablet has none. Which of them did the laptop fetch more than "
    "fourteen days ago? `[IN-USE]`? Let the tablet poll before you log in.",
    mistakes=(
        LAPTOP_TOO,
        Mistake(
            "never-fetched",
            lambda before, now: PARCEL not in inbox(now),
            "The parcel's letter is gone, and the laptop's program never fetched it: its name is not in the ledger. "
            "What has not been fetched has no age.",
        ),
        Mistake(
            "by-its-date",
            lambda before, now: POSTCARD not in inbox(now),
            "The postcard is gone from the server. It was written in August, true; but the laptop fetched it on day "
            "6, fourteen days ago and not more: `>`, not `>=`. The ledger says when.",
        ),
        Mistake(
            "marked-unfetched",
            lambda before, now: PARCEL in marked(now),
            "The parcel's letter is marked, and is to stay: this laptop has never fetched it, so it has no age. "
            "Ask the ledger for each name; older than fourteen days is `>`.",
        ),
        Mistake(
            "tablet-first",
            lambda before, now: bool(marked(now) - {*kept(now, "tablet")}),
            "A letter is marked that the tablet has not seen: after `pop.quit()` it never will. Let it poll before you "
            "log in: `box.tablet_program.poll()`.",
        ),
        Mistake(
            "marked-by-its-date",
            lambda before, now: bool(marked(now) - {LUNCH, PHOTOS}),
            "A letter is marked that is not old enough: ask the ledger. The laptop fetched the postcard on day 6, "
            "fourteen days ago and not more: `>`, not `>=`.",
        ),
        Mistake(
            "no-quit",
            lambda before, now: bool(now.marks("amy")),
            "Marked, and not removed: marks count only when you say `pop.quit()`. Is there a red box? A name that is "
            "not in the ledger has no time: `box.ledger.get(name, box.now)`.",
        ),
        Mistake(
            "too-early",
            lambda before, now: bool(_missed(before, now)),
            "For the tablet it was too early: what it has not fetched, it never will. Fourteen days are too few for a "
            "device that looks every three weeks. Let it poll before you log in: `box.tablet_program.poll()`.",
        ),
        Mistake(
            "not-both",
            lambda before, now: len(inbox(now)) == 3 or kept(now, "tablet") == inbox(now) == inbox(before),
            "Two letters were fetched on day 1: both are to go, in one session, because in a new one the numbers begin "
            f"anew. The `if` stands inside the loop, `pop.quit()` after it. {QUIT_IN_A_LOOP} Is it `timedelta`? Then "
            "compare with `timedelta(days=14)`; the age is `box.now - fetched`.",
        ),
    ),
    praise="The days count from the download by this program, and the deletion is sent at its next visit: too late for "
    "Amy, whose laptop did not visit, and too early for a tablet that looks every three weeks. More days than any "
    "device pauses prevent the second; a laptop that visits prevents the first.",
)
