"""Lesson 09, four complaints about collecting with POP."""

from __future__ import annotations

import smtplib

from mailkit.device import Device
from mailkit.exercise import Exercise, Mistake, World
from mailkit.samples import letter, letters
from mailkit.scenes.lesson09.boxes import (
    INVOICE,
    LEAVE_ALL,
    LUNCH,
    PHOTOS,
    WALK,
    anywhere,
    inbox,
    kept,
    lost,
    twice,
)
from mailkit.scenes.mistakes import LAPTOP_TOO, QUIT_IN_A_LOOP, Notes, digests, marked, marked_unsaved, noted, still_has
from mailkit.scenes.popclient import NEW_ACCOUNT, Clock, PopClient
from mailkit.scenes.programs import by_pop
from mailkit.server import MailServer, fixed_clock
from mailkit.snapshot import Snapshot

THREE = sorted((LUNCH, INVOICE, PHOTOS))
TICKETS, POSTCARD, PARCEL = "Your concert tickets", "A postcard from Lisbon", "Your parcel is waiting"


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
        kept(now, "laptop") == inbox(now) == sorted([*THREE, WALK])
        and still_has("laptop", before, now)
        and sorted(noted(now, "_ledger")) == sorted(_names(now))
        and set(noted(now, "_visits")) <= {"0", "1"}
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
            "The laptop's own three letters are gone, and so they had to come again. They were good: leave them there, "
            "and write down in the ledger what the laptop has.",
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
            lambda before, now: len(kept(now, "laptop")) == 4,
            "All four letters are there, and the ledger does not know them all: at its next visit the program brings "
            "them again. Note the first three names; the visit itself fetches the fourth letter, and notes it.",
        ),
        Mistake(
            "noted-all",
            lambda before, now: _names(now)[3] in noted(now, "_ledger"),
            "Nothing came twice, and the invitation to a walk did not come at all: you noted its name as well. Note "
            "only letters that are on the laptop; the walk, letter 4, is not.",
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
    praise="One letter came, the new one. Whoever restores a POP program's mail must restore its ledger, too.",
)


# ---- 7: the mailbox is full


class Postman:
    """Somebody who tries to send a letter to Amy, as often as you like."""

    def __init__(self, server: MailServer, octets: bytes) -> None:
        self._address, self._octets = server.smtp, octets

    def __call__(self) -> str:
        """Try once; return what the server said."""
        with smtplib.SMTP(*self._address, local_hostname="shop.example.com") as smtp:
            try:
                smtp.sendmail("tickets@example.com", ["amy@example.org"], self._octets)
            except smtplib.SMTPRecipientsRefused as refused:
                code, words = refused.recipients["amy@example.org"]
                return f"refused: {code} {words.decode()}"
        return "delivered"


def _full() -> World:
    """Leave everything on the server until nothing more fits; the invoice came last and is not on the laptop."""
    server = MailServer(letters("lunch", "photos", "panorama"), password="secret", quota=60_000)
    laptop = Device("laptop")
    PopClient(server, laptop, LEAVE_ALL).poll()
    server.deliver(letter("invoice"))
    postman = Postman(server, letter("tickets"))
    postman()
    return World(server, laptop=laptop, ledger=laptop.seen_uidls, postman_comes_back=postman)


def _room(now: Snapshot) -> int:
    view = now.mailbox("amy")
    return (view.quota or 0) - view.used


def _took_tickets(now: Snapshot) -> bool:
    """Tell whether the laptop has the whole letter: the server puts lines on top, so it is no shorter than sent."""
    return any(one.subject == TICKETS and one.size >= len(letter("tickets")) for one in now.device("laptop").letters)


full = Exercise(
    "09.7",
    "The mailbox is full",
    _full,
    goal=lambda before, now: (TICKETS in inbox(now) or _took_tickets(now)) and not lost(before, now),
    untouched="The box is as full as it was. Remove letters that the laptop has: their names are in `box.ledger`, as "
    "text such as `1.1`. Marks count with `pop.quit()`; then let the postman come back.",
    mistakes=(
        Mistake(
            "lost",
            lambda before, now: lost(before, now) and INVOICE not in inbox(now),
            "There is room, and the invoice is gone for good: it had come last, and is not on `box.laptop`. Remove "
            "only letters whose UIDL is in the laptop's ledger, `box.ledger`.",
        ),
        Mistake(
            "laptop-too",
            lost,
            "The laptop has lost letters that are no longer on the server either: room is needed there, not at home.",
        ),
        marked_unsaved("laptop", "on the laptop"),
        Mistake(
            "no-quit",
            lambda before, now: bool(now.marks("amy")),
            "Letters are marked, and marks make no room. Say `pop.quit()`, then let the postman come back.",
        ),
        Mistake(
            "header-only",
            lambda before, now: TICKETS in kept(now, "laptop"),
            "The tickets have left the server, and only a part of them is on the laptop: `top` serves to look, `retr` "
            "to fetch.",
        ),
        Mistake(
            "too-little",
            lambda before, now: len(inbox(now)) < 4 and _room(now) < 4_000,
            "You removed something, and it still is not enough for the tickets. `pop.list()` says where the octets "
            "are: the two pictures have nearly all of them. What was moved to another mailbox fills the same room. "
            + QUIT_IN_A_LOOP,
        ),
        Mistake(
            "not-called",
            lambda before, now: len(inbox(now)) < 4,
            "There is room now. What was refused before does not come by itself: after `pop.quit()`, call "
            "`box.postman_comes_back()`.",
        ),
    ),
    praise="There is room, the tickets are in, and nothing was lost. For good, tick “For at most … days”, or collect "
    "without leaving.",
)


# ---- 8: the mailbox is locked


def _locked() -> World:
    """Leave a session open, all letters fetched and marked, none saved: the phone's program has crashed."""
    server = MailServer(letters("three-letters"), password="secret")
    line = by_pop(server)
    for number in (1, 2, 3):
        line.retr(number)
        line.dele(number)
    return World(server, laptop=Device("laptop"), phone=Device("phone"), phone_line=line)


def _held(now: Snapshot) -> bool:
    """Tell whether somebody holds the lock of Amy's maildrop (RFC 1939 §4)."""
    return any(one.protocol == "POP3" for one in now.sessions)


locked = Exercise(
    "09.8",
    "The mailbox is locked",
    _locked,
    goal=lambda before, now: (
        kept(now, "laptop") == inbox(now) == THREE and digests(now) == digests(before) and not _held(now)
    ),
    untouched="A session holds the maildrop, with three marks, and nothing is saved. Is it the phone's? There are two "
    "ways to end it; one of them keeps the letters. Your own? `pop.rset()` comes before any `quit`.",
    mistakes=(
        Mistake(
            "quit-it",
            lost,
            "The letters are gone, and nobody has them: a QUIT made marks come true, and nothing had been saved. Drop "
            "the phone's line: `line.close()` removes nothing; and mark nothing yourself.",
        ),
        Mistake(
            "took-all",
            lambda before, now: not inbox(now),
            "The laptop has the letters, and the server none. The phone will want them, too: collect without `dele`, "
            "and let no `quit` make the phone's marks come true.",
        ),
        Mistake(
            "still-marked",
            lambda before, now: bool(now.marks("amy")) and set(kept(now, "laptop")) == {*THREE} == {*inbox(now)},
            "The letters are at home, and marked in a session that is still open: its `quit` would remove them. If it "
            "is yours, say `pop.rset()`, then `pop.quit()`; if it is the phone's, `line.close()`.",
        ),
        Mistake(
            "headers",
            lambda before, now: digests(now) != digests(before),
            "The letters on the laptop are not whole: `top` brings a header, `retr` a letter.",
        ),
        Mistake(
            "still-locked",
            lambda before, now: _held(now) and kept(now, "laptop") == THREE,
            "All three letters are on the laptop, and the maildrop is still locked, maybe by yourself. Nothing is "
            "marked: say `pop.quit()`; and `line.quit()`, if the phone's is still open.",
        ),
        Mistake(
            "twice",
            lambda before, now: twice(kept(now, "laptop")),
            "The laptop has a letter twice: saving copies, as often as you say it. Save each letter once.",
        ),
        Mistake(
            "not-all",
            lambda before, now: 0 < len(kept(now, "laptop")) < 3,
            "Not all three letters are on the laptop. Save those that are missing: their numbers are 1, 2 and 3.",
        ),
        Mistake(
            "only-unlocked",
            lambda before, now: not now.sessions and not kept(now, "laptop"),
            "The maildrop is free, and no letter is lost. Now collect: log in from the laptop, and save all three with "
            "`box.laptop.save`.",
        ),
        Mistake(
            "only-unmarked",
            lambda before, now: not now.marks("amy") and not kept(now, "laptop"),
            "The marks are gone, and a session still holds the maildrop. If it is the phone's, end it: without marks "
            "even `line.quit()` removes nothing. If it is yours, save all three letters.",
        ),
    ),
    praise="A lock lasts as long as its session, and a session that is cut removes nothing. Left alone, the server "
    "would have ended it too, after ten minutes or more (autologout).",
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


exercises = (downloaded_again, full, locked, fourteen_days)
