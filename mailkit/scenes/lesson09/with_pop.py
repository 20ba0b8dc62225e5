"""Lesson 09, two complaints about a maildrop that is full or locked."""

from __future__ import annotations

import smtplib
from dataclasses import replace

from mailkit.device import Device
from mailkit.exercise import Exercise, Mistake, World
from mailkit.message import DELETED
from mailkit.samples import letter, letters
from mailkit.scenes.lesson09.boxes import INVOICE, LEAVE_ALL, THREE, inbox, kept, lost, twice
from mailkit.scenes.mistakes import FLAGGED_DELETED, QUIT_IN_A_LOOP, digests, marked_unsaved, threatened, unsaved
from mailkit.scenes.popclient import PopClient
from mailkit.scenes.programs import by_pop
from mailkit.server import MailServer
from mailkit.snapshot import Snapshot

TICKETS = "Your concert tickets"


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


def _in_danger(now: Snapshot) -> bool:
    """Tell whether a letter is to go, by DELE or by its flag, that the laptop has not, or not whole."""
    marks = now.marks("amy")
    return any(one.uid in marks or DELETED in one.flags for one in unsaved("laptop", now, now))


full = Exercise(
    "09.7",
    "The mailbox is full",
    _full,
    goal=lambda before, now: (
        (TICKETS in inbox(now) or _took_tickets(now)) and not (lost(before, now) or _in_danger(now))
    ),
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
        replace(FLAGGED_DELETED, when=lambda before, now: _in_danger(now)),
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
        kept(now, "laptop") == inbox(now) == THREE
        and digests(now) == digests(before)
        and not (_held(now) or threatened(now))
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


exercises = (full, locked)
