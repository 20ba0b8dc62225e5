"""Lesson 06: what POP that leaves mail on the server still lacks, its history, and the exercises."""

from __future__ import annotations

from datetime import timedelta

from mailkit.device import Device
from mailkit.exercise import Exercise, Mistake, World
from mailkit.samples import letters, table
from mailkit.scenes.events import Finding, measured
from mailkit.scenes.mistakes import (
    LAPTOP_TOO,
    MARKED,
    QUIT_IN_A_LOOP,
    REFILED,
    fact,
    half_way_notes,
    marked,
    noted,
    settled,
    still_has,
    unsaved,
    visits_stopped,
)
from mailkit.scenes.popclient import Clock, PopClient, PopSettings
from mailkit.scenes.programs import by_pop
from mailkit.scenes.tables import Listing, Table, milestones
from mailkit.scenes.thirtydays import OCTETS, QUOTA, Home
from mailkit.scenes.visits import ThreeVisits
from mailkit.server import MailServer
from mailkit.snapshot import Snapshot

# ---- what it lacks, and how it came about

LEFT = "POP (leaves mail)"  # the name of this way in lesson 05's table


def lacking() -> tuple[Finding, ...]:
    """Return the findings of lesson 05's ten events in which POP that leaves mail there differs from IMAP."""
    return tuple(one for one in measured((LEFT, "IMAP")) if one.answers[LEFT] != one.answers["IMAP"])


def history(family: str = "POP") -> Listing:
    """Return the milestones of a family of protocols, from ``data/history.csv``. Raises `LookupError`."""
    families = dict.fromkeys(row["family"] for row in table("history"))
    if family not in families:
        raise LookupError(f"no family {family!r} in the table; it has: {', '.join(families)}")
    return milestones(row for row in table("history") if row["family"] == family)


def preferences() -> Table:
    """Return how Thunderbird names its settings, and their values unset and new, from ``data/thunderbird.csv``."""
    rows = [(row["preference"].rpartition(".")[2], row["fallback"], row["new_account"]) for row in table("thunderbird")]
    return Table(("mail.server.serverN.…", "not set", "new account"), rows)


# ---- what the exercises look at

LUNCH, INVOICE, PHOTOS, WALK = "Lunch on Thursday", "Invoice 2026-114", "Photos of the lake", "Walk this afternoon?"
PARTY = "Come to my birthday"


def _on_server(now: Snapshot) -> list[str]:
    return [letter.subject for letter in now.mailbox("amy").letters]


def _kept(now: Snapshot, device: str = "laptop") -> list[str]:
    return [letter.subject for letter in now.device(device).letters]


# 06.1

WANTED = {f"Letter of {day} September" for day in range(1, 31) if day % 3}  # those that are no offers
BY_SUNDAY = {f"Letter of {day} September" for day in range(1, 29) if day % 3}  # the phone's last look is on day 28


class Choice:
    """Thirty days in this exercise's own world, once."""

    def __init__(self, server: MailServer, laptop: Device, phone: Device, clock: Clock) -> None:
        self._things = server, laptop, phone, clock
        self._over = False
        self._refused = 0

    def __call__(
        self, leave: bool = False, days: int | None = None, until_deleted: bool = False, headers_only: bool = False
    ) -> None:
        """Let thirty days pass with these settings on the laptop. Raises `RuntimeError` the second time."""
        if self._over:
            raise RuntimeError("these thirty days are over; run the cell from its first line for a new month")
        self._over = True
        home = Home(*self._things, PopSettings(leave, days, until_deleted, headers_only))
        for day in range(1, 31):
            home.live(day, shut=False, look=day % 7 == 0)
        self._refused = home.refused

    def is_refused(self) -> bool:
        """Tell whether a letter found the box full, were it an offer."""
        return self._refused > 0


def _a_month() -> World:
    clock = Clock()
    server = MailServer(password="secret", quota=QUOTA, clock=clock)
    laptop, phone = Device("laptop"), Device("phone")
    choice = Choice(server, laptop, phone, clock)
    return World(server, laptop=laptop, phone=phone, live=choice, _refused=fact("_refused", choice.is_refused))


settings_for_two = Exercise(
    "06.1",
    "Settings for two devices",
    _a_month,
    goal=lambda _, now: set(_kept(now, "phone")) >= BY_SUNDAY and not noted(now, "_refused"),
    untouched="No day has passed yet. Give `box.live(…)` the settings: leave, days, until_deleted.",
    mistakes=(
        Mistake(
            "emptied",
            lambda _, now: not _kept(now, "phone") and bool(_kept(now)),
            "The phone has not a single letter: without `leave=True` the laptop deletes each as soon as it has it.",
        ),
        Mistake(
            "headers",
            lambda _, now: any(letter.size < OCTETS for letter in now.device("laptop").letters),
            "With `headers_only` the laptop gets headers, and their letters wait on the server for ever. Leave it out.",
        ),
        Mistake(
            "full",
            lambda _, now: bool(noted(now, "_refused")),
            "Mail was refused: the box filled up. Only seventeen fit, and the phone needs each letter only until "
            "its next look. Give `days` a number (`None` never deletes), or a smaller one.",
        ),
        Mistake(
            "too-short",
            lambda _, now: set(_kept(now)) == WANTED,
            "The laptop has every letter, the phone has not: some were gone before it looked. It looks every seventh "
            "day; a letter must stay until it has.",
        ),
    ),
    praise="Nothing was refused, and of what Amy keeps the phone has all that came by day 28, its last look: each such "
    "letter stayed until the phone had looked, and left before the box was full. What is right depends on the other "
    "devices' habits, which no panel shows.",
)

# 06.2


def _by_age() -> World:
    clock = Clock()
    server, laptop = MailServer(letters("three-letters", "party"), password="secret", clock=clock), Device("laptop")
    fetched_on = {LUNCH: 2, INVOICE: 18, PHOTOS: 5, PARTY: 6}  # the laptop was off line when the invoice came
    pop = by_pop(server)
    for line in pop.uidl()[1]:
        number, uidl = line.decode().split()
        laptop.save(pop.retr(int(number)))
        subject = laptop.snapshot().letters[-1].subject
        laptop.seen_uidls[uidl] = clock.now + timedelta(days=fetched_on[subject] - 1)
    pop.quit()
    clock.turn_to(20)
    server.deliver(letters("walk")[0])
    return World(server, laptop=laptop, ledger=laptop.seen_uidls, now=clock.now)


fourteen_days = Exercise(
    "06.2",
    "Fourteen days by hand",
    _by_age,
    goal=lambda before, now: (
        _on_server(now) == [INVOICE, PARTY, WALK] and still_has("laptop", before, now) and settled(now)
    ),
    untouched="Nothing has changed: five letters on the server. Go through what `uidl` says; for each name, text such "
    "as `1.1`, ask the ledger when that letter was fetched. What you mark counts only with `pop.quit()`. `TypeError` "
    "in a red box? `.days` makes a number of a difference.",
    mistakes=(
        LAPTOP_TOO,
        REFILED,
        Mistake(
            "fetched-now",
            lambda before, now: WALK not in _on_server(now) and not unsaved("laptop", before, now),
            "“Walk this afternoon?” is on the laptop now, and gone from the server. It came today, and it was to "
            "stay: delete only what the ledger knows, `if name in box.ledger and …`.",
        ),
        Mistake(
            "never-fetched",
            lambda _, now: WALK not in _on_server(now),
            "“Walk this afternoon?” came today, and the laptop has not fetched it: it is not in the ledger, and now "
            "it is nowhere. Delete only what the ledger knows: `if name in box.ledger and …`.",
        ),
        Mistake(
            "by-arrival",
            lambda _, now: INVOICE not in _on_server(now) and LUNCH not in _on_server(now),
            "The invoice is gone too. It came long ago, but the laptop fetched it two days ago, and that is the age "
            "that counts: look at the date in the ledger.",
        ),
        Mistake(
            "wrong-way",
            lambda _, now: INVOICE not in _on_server(now),
            "You deleted the letter that was fetched two days ago and kept the old ones: the comparison is the wrong "
            "way round. The age is `box.now - box.ledger[name]`.",
        ),
        Mistake(
            "marked-new",
            lambda _, now: WALK in marked(now),
            "“Walk this afternoon?” is marked, and it is not in the ledger: it came today, and is to stay. Mark "
            "only what the ledger knows: `if name in box.ledger and …`.",
        ),
        Mistake(
            "marked-others",
            lambda _, now: INVOICE in marked(now),
            "The invoice is marked, and the laptop fetched it only two days ago: look at the date in the ledger.",
        ),
        Mistake(
            "fourteenth-day",
            lambda _, now: PARTY in marked(now) or PARTY not in _on_server(now),
            "The invitation to a birthday is gone, or marked. The laptop fetched it fourteen days ago, not more: "
            "`> 14` leaves it, `>= 14` does not.",
        ),
        Mistake(
            "no-quit",
            lambda _, now: bool(now.marks("amy")),
            "Marked, and still there: only `pop.quit()` removes. Is there a `KeyError` in a red box? That name is not "
            "in the ledger: `if name in box.ledger and …`.",
        ),
        Mistake(
            "one-gone",
            lambda _, now: len(_on_server(now)) == 4,
            "One old letter is gone, the other is still there, and fifteen days are more than fourteen: `> 14`. "
            + QUIT_IN_A_LOOP,
        ),
    ),
    praise="Two letters were old enough and are gone; the one fetched late stays, and so does the one fetched fourteen "
    "days ago, not more. This is all that “For at most 14 days” does.",
    instead={"clock": "`box.now`"},
)

# 06.3


def _whole(before: Snapshot, now: Snapshot) -> bool:
    """Tell whether all that is on the laptop was on the server, octet for octet."""
    were = {digest for seen in (before, now) for digest in seen.mailbox("amy").digests}
    return {*now.device("laptop").digests} <= were


def _three_visits() -> World:
    server, laptop = MailServer(letters("three-letters"), password="secret"), Device("laptop")
    visits = ThreeVisits(server, laptop)
    half = half_way_notes(visits.is_half_way)
    passed_by, short = fact("_passed by", visits.is_passed_by), fact("_short", visits.is_cut_short)
    seen = {"_half": half, "_passed_by": passed_by, "_short": short, "_all": fact("_all", visits.is_all_fetched)}
    return World(server, laptop=laptop, three_visits=visits, **seen)


def _all_four(before: Snapshot, now: Snapshot) -> bool:
    """Tell whether the laptop has each letter once and whole, and the server what it should."""
    there = sorted(_kept(now)) == sorted([LUNCH, INVOICE, PHOTOS, WALK]) and len(_on_server(now)) == 3
    return there and _whole(before, now)


bug_hunt = Exercise(
    "06.3",
    "The letter that never comes",
    _three_visits,
    goal=lambda before, now: _all_four(before, now) and bool(noted(now, "_all")),
    untouched="Nothing has changed: hand the function to `box.three_visits(poll)`.",
    mistakes=(
        Mistake(
            "another-line",
            lambda _, now: bool(noted(now, "_passed by") and _kept(now)),
            "`poll` is given a `pop` that is logged in to this box, and said nothing on it: what the laptop has came "
            "another way. Take the line out that makes another `pop`.",
        ),
        visits_stopped("The visits", "set", "ledger.add(name)"),
        Mistake(
            "nothing",
            lambda before, now: _on_server(now) != _on_server(before) and not _kept(now),
            "Nothing was fetched at all. Does your `if` say `not in`? What is not in the ledger yet is to be fetched, "
            "and only then noted; and the function's own `laptop`, which it is given, is what saves.",
        ),
        Mistake(
            "not-each",
            lambda _, now: bool(noted(now, "_short")),
            "On Monday three letters were there, and not all of them came. What is done for each stands inside the "
            "loop, indented, and no `break` ends that early; `range` leaves its end out.",
        ),
        Mistake(
            "numbers",
            lambda _, now: WALK in _on_server(now) and WALK not in _kept(now),
            "“Walk this afternoon?” lies on the server and never comes. Message numbers are given out anew at each "
            "login: letter 1 went, so the new one got number 3, which the ledger knows. A size is no name either: the "
            "new letter is as long as letter 1 was.",
        ),
        Mistake(
            "no-ledger",
            lambda _, now: len(_kept(now)) > len(set(_kept(now))),
            "Letters are on the laptop twice. Before fetching, look whether the name is in the ledger; after fetching, "
            "`ledger.add(name)`. The name alone: a whole line, `1 1.2`, begins with the number, which changes.",
        ),
        Mistake(
            "deletes",
            lambda _, now: len(_on_server(now)) < 3,
            "All is fetched, but the letters have left the server. This script is to leave them there: no `dele`.",
        ),
        Mistake(
            "header-only",
            lambda before, now: not _whole(before, now),
            "The laptop has letters that are not whole: `top` brings a header, `retr` a letter.",
        ),
        Mistake(
            "by-hand",
            _all_four,
            "The laptop has all four, but not as the three visits left it: `poll` is still as it was, or not quite "
            "mended. Mend it, run the cell from its first line, and leave the rest to `box.three_visits(poll)`.",
        ),
    ),
    praise="Four letters, each once. A ledger must hold names that last: UIDLs, not numbers or sizes.",
    instead=dict.fromkeys(("laptop", "ledger", "pop", "server"), "what `poll(pop, ledger, laptop)` is given"),
)

# 06.4


def _ledger_lost() -> World:
    server, laptop = MailServer(letters("three-letters"), password="secret"), Device("laptop")
    PopClient(server, laptop).poll()
    laptop.seen_uidls.clear()
    server.deliver(letters("walk")[0])
    return World(server, laptop=laptop)


lost_ledger = Exercise(
    "06.4",
    "Mend a lost ledger",
    _ledger_lost,
    goal=lambda before, now: (
        _on_server(now) == _on_server(before)
        and still_has("laptop", before, now)
        and sorted(now.device("laptop").digests) == sorted(now.mailbox("amy").digests)
        and not now.marks("amy")
    ),
    untouched="Nothing has changed. `pop.top(number, 0)` gives the header of a letter, and a header is small: is its "
    "`Message-ID` in `at_home`? Fetched the letter already? Then save it with `box.laptop.save`.",
    mistakes=(
        Mistake(
            "deletes",
            lambda before, now: _on_server(now) != _on_server(before),
            "A letter has left the server. Here nothing is to be deleted, only fetched.",
        ),
        MARKED,
        Mistake(
            "started-over",
            lambda before, now: not still_has("laptop", before, now),
            "The laptop has lost letters of its own, which can only come again. They were good: leave them there, and "
            "fetch what is missing.",
        ),
        Mistake(
            "twice",
            lambda _, now: len(_kept(now)) > 4 and {*_kept(now)[3:]} == {WALK},
            "The new letter came more than once, and nothing else did. Of all the lines of a header look only at the "
            "one that begins with `Message-ID`, and save once.",
        ),
        Mistake(
            "everything-again",
            lambda _, now: len(_kept(now)) == 7,
            "All four were fetched, so three are on the laptop twice. Look at the header first, and compare its "
            "`Message-ID` with those on the laptop.",
        ),
        Mistake(
            "had-already",
            lambda _, now: len(_kept(now)) > 3 and WALK not in _kept(now),
            "What the laptop had came again, and the new letter did not: fetch what is not there yet, `if name not in "
            "at_home`.",
        ),
        Mistake(
            "header-only",
            lambda _, now: _kept(now)[3:] == [WALK],
            "The right letter, but only its header is on the laptop: `top` serves to look, `retr` to fetch.",
        ),
    ),
    praise="The laptop has all four, each once. Did you compare the `Message-ID`? Then only the new letter crossed the "
    "line, and that name stood in for the UIDL; a program that loses its ledger could do the same.",
)

exercises = {one.key: one for one in (settings_for_two, fourteen_days, bug_hunt, lost_ledger)}
