"""Lesson 09, the five complaints that everybody meets."""

from __future__ import annotations

import smtplib

from mailkit.device import Device
from mailkit.exercise import Exercise, Mistake, World
from mailkit.message import DELETED, SEEN
from mailkit.samples import compose, letters
from mailkit.scenes.lesson09.boxes import (
    PHOTOS,
    TAKE_ALL,
    THREE,
    WALK,
    anywhere,
    by_imap,
    folder,
    inbox,
    kept,
    lost,
    staying,
    twice,
)
from mailkit.scenes.mistakes import (
    FLAGGED_DELETED,
    INTO_INBOX,
    NOT_AS_IT_WAS,
    OTHER_SENT,
    QUIT_IN_A_LOOP,
    SENT_TWICE,
    Notes,
    as_it_was,
    digests,
    flagged,
    marked_unsaved,
    noted,
    only_in_sent,
    read_aloud,
    rewritten,
    still_has,
    threatened,
)
from mailkit.scenes.popclient import PopClient, PopSettings
from mailkit.scenes.programs import ImapProgram, by_pop
from mailkit.server import MailServer
from mailkit.snapshot import Snapshot

LEAFLET, PRIZE, PARTY = "Two pizzas for one!", "!!! You have won a yacht, Dear Friend !!!", "Come to my birthday"
MAP = "The map"


# ---- 1: mail vanished from webmail after POP was set up


def _taken_home() -> World:
    server, laptop = MailServer(letters("three-letters"), password="secret"), Device("laptop")
    program = PopClient(server, laptop, TAKE_ALL)
    program.poll()
    visits = Notes("_visits", lambda: [f"{poll.deleted} deleted, {poll.left} left" for poll in program.polls[1:]])
    told = Notes("_told", lambda: _unwanted(program.settings))
    return World(server, laptop=laptop, program=program, _visits=visits, _told=told)


def _unwanted(told: PopSettings) -> list[str]:
    """Return which of a program's settings, beside the first, bring trouble here."""
    return ["days"] * (told.days is not None) + ["headers"] * told.headers_only


vanished = Exercise(
    "09.1",
    "My webmail is empty",
    _taken_home,
    goal=lambda before, now: (
        staying(now) == THREE
        and not rewritten(before, now)
        and noted(now, "_visits")[-1] == "0 deleted, 3 left"
        and not noted(now, "_told")
    ),
    untouched="The box is still empty; all three letters are on the laptop. Put each of them back with `imap.append`.",
    mistakes=(
        Mistake(
            "taken-again",
            lambda before, now: not inbox(now) and any(line[0] != "0" for line in noted(now, "_visits")),
            "The letters were back, and at its next visit the laptop took them again. The cause is a setting: change "
            "`box.program.settings` before the visit, so that the program leaves mail on the server.",
        ),
        NOT_AS_IT_WAS,
        Mistake(
            "twice",
            lambda before, now: twice(inbox(now)),
            "Letters are in the box twice: each `append` adds one.",
        ),
        Mistake(
            "not-all",
            lambda before, now: 0 < len(inbox(now)) < 3,
            "Not all of the letters are back. `box.laptop.letters()` is a list; append each letter in it.",
        ),
        Mistake(
            "too-soon",
            lambda before, now: not inbox(now) and bool(noted(now, "_visits")),
            "The laptop has looked, and the box was still empty. First the letters, with `imap.append`, then the "
            "settings, then the visit.",
        ),
        FLAGGED_DELETED,
        Mistake(
            "for-a-fortnight",
            lambda before, now: noted(now, "_visits")[-1] == "0 deleted, 3 left" and "days" in noted(now, "_told"),
            "The letters are back, and not to stay: the settings hold a number of days, 14 if you name none. Say "
            "`days=None` beside `leave=True`.",
        ),
        Mistake(
            "headers",
            lambda before, now: noted(now, "_visits")[-1] == "0 deleted, 3 left",
            "The letters are back, and will stay; but with `headers_only` the laptop gets only headers from now on. "
            "Leave it out.",
        ),
        Mistake(
            "not-tried",
            lambda before, now: inbox(now) == THREE,
            "All three are back. Will they stay? Let the laptop look for mail with `box.program.poll()`, and see that "
            "its settings are right before.",
        ),
    ),
    praise="The box is full again and stays full. What you append is a new message to POP, with a new UIDL: unless its "
    "name is in the ledger before, the laptop fetches it a second time.",
)


# ---- 2: deleted on the phone, gone everywhere


def _deleted_on_the_phone() -> World:
    server = MailServer(letters("three-letters"), password="secret")
    laptop, phone = Device("laptop"), Device("phone")
    on_laptop, on_phone = ImapProgram(server, laptop), ImapProgram(server, phone)
    on_laptop.look()
    on_phone.look()
    on_phone.delete(PHOTOS)
    return World(server, laptop=laptop, phone=phone, laptop_goes_on_line=on_laptop.look)


def _synchronised(now: Snapshot) -> bool:
    """Tell whether the laptop's copies bear the UIDs of the server's letters: it has looked."""
    on_server = [(letter.uid, letter.digest) for letter in now.mailbox("amy").letters]
    return on_server == [(letter.uid, letter.digest) for letter in folder(now, "laptop", "INBOX")]


gone_everywhere = Exercise(
    "09.2",
    "Deleted on the phone, gone everywhere",
    _deleted_on_the_phone,
    goal=lambda before, now: staying(now) == THREE and _synchronised(now) and not lost(before, now),
    untouched="The photos are on the laptop only, and it is still without a line. Append them to INBOX from there.",
    mistakes=(
        NOT_AS_IT_WAS,
        Mistake(
            "everything",
            lambda before, now: twice(inbox(now)),
            "Some letters are in the box twice: each `append` adds one, and only the photos were missing. Append the "
            "last of `box.laptop.letters()` alone, before the laptop goes on line.",
        ),
        Mistake(
            "on-line-first",
            lost,
            "The photos are nowhere any more. The laptop went on line, saw that the server has no such letter, and "
            "removed its copy: synchronising is not keeping. Put the letter back before it goes on line.",
        ),
        FLAGGED_DELETED,
        Mistake(
            "still-off-line",
            lambda before, now: inbox(now) == THREE,
            "The photos are back on the server. Now let the laptop synchronise, to see whether they stay: "
            "`box.laptop_goes_on_line()`.",
        ),
    ),
    praise="Saved, because one device had not looked yet. Next time that may be different: keep a backup.",
)


# ---- 3: deleted mail still there, struck through


def _struck_through() -> World:
    server = MailServer(letters("leaflet", "walk", "party", "prize"), password="secret")
    by_imap(server, lambda imap: imap.uid("STORE", "1,2,4", "+FLAGS", f"({DELETED})"))
    return World(server)


struck_through = Exercise(
    "09.3",
    "Deleted, and still there",
    _struck_through,
    goal=lambda before, now: (
        inbox(now) == anywhere(now) == sorted((PARTY, WALK))
        and not flagged(now, DELETED)
        and as_it_was(PARTY, before, now)
        and not rewritten(before, now)
    ),
    untouched=r"Three letters are flagged `\Deleted`, the walk among them. Which of the three shall go?",
    mistakes=(
        Mistake(
            "walk-gone",
            lambda before, now: WALK not in anywhere(now),
            r"The invitation to a walk is gone, too. `EXPUNGE`, like `CLOSE`, removes whatever is flagged `\Deleted`. "
            "Take the flag from letter 2 first.",
        ),
        read_aloud(PARTY),
        Mistake(
            "walk-moved",
            lambda before, now: WALK not in inbox(now),
            r"The walk lies in another mailbox, and Amy will look for it in INBOX. Nothing needs to be moved: `-FLAGS` "
            r"takes `\Deleted` away.",
        ),
        Mistake(
            "into-trash",
            lambda before, now: len(anywhere(now)) == 4 and len(inbox(now)) < 4,
            "What shall be gone lies in another mailbox now, and takes the same room there. For good is: flagged "
            r"`\Deleted`, and expunged.",
        ),
        Mistake(
            "all-unflagged",
            lambda before, now: len(inbox(now)) == 4 and not flagged(now, DELETED),
            "No letter is struck through any more, not even the advertising. Only letter 2 was a slip: take the "
            "flag from that one alone, and expunge.",
        ),
        Mistake(
            "wrong-ones",
            lambda before, now: bool({LEAFLET, PRIZE} & {*inbox(now)} - flagged(now, DELETED)),
            r"The leaflet or the yacht has no `\Deleted` any more, and both are to go. Take the flag from letter 2 "
            "alone.",
        ),
        Mistake(
            "not-expunged",
            lambda before, now: flagged(now, DELETED) == {LEAFLET, PRIZE},
            r"The walk is safe. The other two are flagged, and that is all they are: `imap.expunge()` makes it final.",
        ),
        Mistake(
            "still-a-wish",
            lambda before, now: inbox(now) == sorted((PARTY, WALK)) and flagged(now, DELETED) == {WALK},
            r"The right two are gone. The walk is there, and still flagged `\Deleted`: the next EXPUNGE, from any "
            r"device, takes it. Take the flag away with `-FLAGS`, from UID 2, which is number 1 now.",
        ),
    ),
    praise="The flag is a wish: two are granted, and the walk is still there. Many programs expunge only when told to, "
    "or when they close the mailbox.",
)


# ---- 4: the line was cut half-way


def _cut_half_way() -> World:
    server, laptop = MailServer(letters("three-letters"), password="secret"), Device("laptop")
    pop = by_pop(server)
    for number in (1, 2):
        laptop.save(pop.retr(number))
        pop.dele(number)
    pop.close()
    server.wait_for_hang_up()
    return World(server, laptop=laptop)


half_way = Exercise(
    "09.4",
    "The line was cut",
    _cut_half_way,
    goal=lambda before, now: not anywhere(now) and kept(now, "laptop") == THREE and not lost(before, now),
    untouched="All three letters are on the server, because the session that was cut never said QUIT, and two are on "
    "the laptop as well. Which one is still to be fetched? Save it with `box.laptop.save`.",
    mistakes=(
        Mistake(
            "lost",
            lost,
            "A letter is gone and not, or not whole, on the laptop. Letter 3 had not been fetched when the line was "
            "cut: save it, `box.laptop.save(pop.retr(3))`, before you mark it.",
        ),
        Mistake(
            "only-a-part",
            lambda before, now: digests(now) != digests(before),
            "What was saved on the laptop is not all of a letter: `top` brings a header, `retr` a letter. Remove "
            "nothing before the whole is there.",
        ),
        Mistake(
            "twice",
            lambda before, now: twice(kept(now, "laptop")),
            "The laptop has a letter twice. The first two were saved before the line was cut; only the third is "
            "missing. Removing them from the server needs no second copy.",
        ),
        marked_unsaved("laptop", "on the laptop"),
        Mistake(
            "no-quit",
            lambda before, now: 0 < len(now.marks("amy")) == len(inbox(now)),
            "The letters are marked, as they were in the tunnel, and that is worth nothing without `pop.quit()`.",
        ),
        Mistake(
            "third-unsaved",
            lambda before, now: bool(now.marks("amy")) and kept(now, "laptop") != THREE,
            "What is marked is at home already. Letter 3 is not: save it, `box.laptop.save(pop.retr(3))`, see that all "
            "three are marked, and say `pop.quit()`.",
        ),
        Mistake(
            "third-left",
            lambda before, now: (
                inbox(now) == [PHOTOS] and now.mailbox("amy").digests[0] not in now.device("laptop").digests
            ),
            "Two are done. The third is on the server only: save it, `box.laptop.save(pop.retr(3))`, and mark it, "
            "before you say `pop.quit()`.",
        ),
        Mistake(
            "not-removed",
            lambda before, now: kept(now, "laptop") == THREE,
            "All three letters are on the laptop now. They shall leave the server, too: mark all three, because "
            f"the old marks died with the old session. Then `pop.quit()`. {QUIT_IN_A_LOOP}",
        ),
    ),
    praise="Nothing was lost, nothing is there twice. A broken line costs a second visit and no letter.",
)


# ---- 5: sent mail missing on the other device


def _sent_from_the_phone() -> World:
    server = MailServer(accounts=("amy", "ben"), password="secret", mailboxes=("Sent",))
    phone, octets = Device("phone"), compose(MAP, "amy@example.org", "ben@example.org")
    with smtplib.SMTP(*server.smtp, local_hostname="phone.example.org") as smtp:
        smtp.sendmail("amy@example.org", ["ben@example.org"], octets)
    phone.save(octets, "Sent", [SEEN])
    return World(server, phone=phone)


def _is_filed(before: Snapshot, now: Snapshot) -> bool:
    return now.mailbox("amy", "Sent").digests == before.device("phone").digests


sent = Exercise(
    "09.5",
    "What I sent from the phone",
    _sent_from_the_phone,
    goal=lambda before, now: (
        _is_filed(before, now)
        and flagged(now, SEEN, "Sent") == {MAP}
        and not threatened(now)
        and len(_of_ben(now)) == 1
        and only_in_sent(now)
        and still_has("phone", before, now)
    ),
    untouched="The copy is on the phone, and Amy's `Sent` on the server is empty. Append it there.",
    mistakes=(
        Mistake(
            "sent-again",
            lambda before, now: len(_of_ben(now)) > 1,
            "Ben has the letter twice now. SMTP delivers; it keeps no copy for the sender, however often you send. A "
            "copy is put into `Sent` with `imap.append`.",
        ),
        OTHER_SENT,
        INTO_INBOX,
        SENT_TWICE,
        FLAGGED_DELETED,
        Mistake(
            "not-as-sent",
            lambda before, now: bool(inbox(now, "Sent")) and not _is_filed(before, now),
            "What lies in `Sent` is not, octet for octet, the phone's copy. Append "
            '`box.phone.letters("Sent")[0]`, as it is.',
        ),
        Mistake(
            "unread",
            lambda before, now: _is_filed(before, now) and SEEN not in now.mailbox("amy", "Sent").letters[0].flags,
            "The copy is in `Sent`, and every device shows it as new mail. Amy has read what she wrote: append it "
            r"with the flag `\Seen`.",
        ),
    ),
    praise="Every device of Amy's finds it now. Her phone should do so by itself: sending is one step (SMTP), keeping "
    "a copy on the server another (IMAP).",
)


def _of_ben(now: Snapshot) -> list[str]:
    return inbox(now, account="ben")


exercises = (vanished, gone_everywhere, struck_through, half_way, sent)
