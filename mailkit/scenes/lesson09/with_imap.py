"""Lesson 09, five complaints that IMAP can mend."""

from __future__ import annotations

import imaplib

from mailkit.device import Device
from mailkit.exercise import Exercise, Mistake, World
from mailkit.message import DELETED, FLAGGED, SEEN
from mailkit.samples import letters
from mailkit.scenes.lesson09.boxes import (
    INVOICE,
    LEAVE_ALL,
    LUNCH,
    PHOTOS,
    TAKE_ALL,
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
    EMPTIED_FIRST,
    FLAGGED_DELETED,
    LAPTOP_TOO,
    NOT_AS_IT_WAS,
    digests,
    flagged,
    gap_notes,
    noted,
    only_a_part,
    rewritten,
    still_has,
)
from mailkit.scenes.popclient import PopClient
from mailkit.scenes.programs import ImapProgram, PopProgram, by_pop
from mailkit.server import MailServer
from mailkit.snapshot import Snapshot

BILL, TRIP, PARTY = "Your water bill", "School trip: form by Monday", "Come to my birthday"


# ---- 11: read marks are not shared


def _read_on_the_laptop() -> World:
    """Read two letters on a laptop that collects by POP; the phone, by IMAP, has starred one."""
    server, laptop, phone = MailServer(letters("three-letters"), password="secret"), Device("laptop"), Device("phone")
    pop = by_pop(server)
    for number in (1, 2, 3):
        laptop.save(pop.retr(number), flags=[SEEN] if number != 2 else [])
    pop.quit()
    on_phone = ImapProgram(server, phone)
    on_phone.look()
    on_phone.mark(PHOTOS, FLAGGED)
    return World(server, laptop=laptop, phone=phone)


read_marks = Exercise(
    "09.11",
    "Read here, new there",
    _read_on_the_laptop,
    goal=lambda before, now: (
        flagged(now, SEEN) == {LUNCH, PHOTOS}
        and flagged(now, FLAGGED) == {PHOTOS}
        and not flagged(now, DELETED)
        and inbox(now) == inbox(before)
    ),
    untouched=r"The server knows of no letter that it has been read. Set `\Seen` on 1 and 3 with `imap.store`.",
    mistakes=(
        FLAGGED_DELETED,
        Mistake(
            "star-lost",
            lambda before, now: not flagged(now, FLAGGED),
            "The photos have lost their star. `FLAGS` replaces all flags by yours; `+FLAGS` adds yours to them.",
        ),
        Mistake(
            "starred-too",
            lambda before, now: flagged(now, FLAGGED) != {PHOTOS},
            r"A letter has a star that it never had. `+FLAGS` keeps what is there: add `\Seen` alone.",
        ),
        Mistake(
            "all-read",
            lambda before, now: INVOICE in flagged(now, SEEN),
            "The invoice counts as read now, and nobody has read it. Name the letters, `1,3`; and mind that fetching "
            r"`BODY[]` sets `\Seen` by itself.",
        ),
        Mistake(
            "one-missing",
            lambda before, now: len(flagged(now, SEEN)) == 1,
            "One of the two is marked. The laptop's picture shows which letters were read there: 1 and 3.",
        ),
    ),
    praise="The phone agrees with the laptop, until the laptop reads the next letter: POP has no word for “read”. Only "
    "IMAP on both keeps them together.",
)


# ---- 12: POP misses what a filter filed


def _filed_by_a_filter() -> World:
    """Let the server's filter file letters from school, then collect by POP."""
    server, laptop = MailServer(letters("lunch", "school-trip", "walk"), password="secret"), Device("laptop")
    by_imap(server, _file_school)
    program = PopClient(server, laptop, LEAVE_ALL)
    program.poll()
    return World(server, laptop=laptop, program=program)


def _file_school(imap: imaplib.IMAP4) -> None:
    imap.create("School")
    imap.uid("MOVE", imap.uid("SEARCH", "SUBJECT", "school")[1][0].decode(), "School")  # it is one letter


def _uids(now: Snapshot) -> list[int]:
    return [letter.uid for letter in now.mailbox("amy").letters]


filtered = Exercise(
    "09.12",
    "The school never writes",
    _filed_by_a_filter,
    goal=lambda before, now: (
        staying(now) == anywhere(now) == anywhere(before) and digests(before) <= {*now.device("laptop").digests}
    ),
    untouched="The letter is in `School`, and POP opens INBOX only. Select `School`, and move it: there its UID is 1.",
    mistakes=(
        Mistake(
            "lost",
            lost,
            "A letter is gone, or only a part of it is left. `delete` removes a mailbox with all that is in it; `MOVE` "
            "takes a letter along as it is.",
        ),
        Mistake(
            "saved-by-hand",
            lambda before, now: TRIP not in inbox(now) and TRIP in kept(now, "laptop"),
            "The laptop has the letter, because you carried it there. On the server it still lies where POP does not "
            "look. Move it to INBOX, and the laptop will fetch it by itself.",
        ),
        Mistake(
            "copied",
            lambda before, now: anywhere(now).count(TRIP) > 1,
            "The letter lies in two mailboxes now. `COPY` leaves the first where it is; `MOVE` takes it along.",
        ),
        Mistake(
            "others-gone",
            lambda before, now: not {LUNCH, WALK} <= {*inbox(now)},
            "Another letter has left INBOX, and only the school's was in the wrong place. Move that one alone.",
        ),
        Mistake(
            "wrong-one-open",
            lambda before, now: TRIP not in inbox(now) and _uids(now) != _uids(before),
            'INBOX was open, and its own letters went into it once more. `imap.select("School")` comes first.',
        ),
        FLAGGED_DELETED,
        LAPTOP_TOO,
        Mistake(
            "not-collected",
            lambda before, now: TRIP in inbox(now),
            "The letter is in INBOX. The laptop has not looked since: keep `box.program.poll()` at the end.",
        ),
    ),
    praise="POP sees one mailbox, INBOX. Tell the filter to leave the school's mail there, or read it by IMAP.",
)


# ---- 13: POP and IMAP on one box


def _half_and_half() -> World:
    """Collect two letters with POP and delete them; then leave the next two, which the phone sees by IMAP."""
    server = MailServer(letters("lunch", "invoice"), password="secret")
    laptop, phone = Device("laptop"), Device("phone")
    program = PopClient(server, laptop, TAKE_ALL)
    program.poll()
    program.settings = LEAVE_ALL
    for octets in letters("photos", "walk"):
        server.deliver(octets)
    program.poll()
    ImapProgram(server, phone).look()
    return World(server, laptop=laptop, phone=phone, _gap=gap_notes(server))


FOUR = sorted((LUNCH, INVOICE, PHOTOS, WALK))

half_and_half = Exercise(
    "09.13",
    "Four here, two there",
    _half_and_half,
    goal=lambda before, now: (
        staying(now) == anywhere(now) == FOUR
        and still_has("laptop", before, now)
        and not (rewritten(before, now) or noted(now, "_gap"))
    ),
    untouched="The server has two letters of the laptop's four. Append those whose octets are not in `there`.",
    mistakes=(
        LAPTOP_TOO,
        EMPTIED_FIRST,
        NOT_AS_IT_WAS,
        Mistake(
            "twice",
            lambda before, now: twice(anywhere(now)),
            "Some letters are in the box twice: each `append` adds one. Append only what is not in `there`.",
        ),
        FLAGGED_DELETED,
        Mistake(
            "wrong-half",
            lambda before, now: len(inbox(now)) == 3,
            "One letter is still missing. Go through all four of the laptop's letters.",
        ),
    ),
    praise="Four here, four there. POP and IMAP show one box; as soon as POP takes letters out of it, they show two. "
    "Leaving the mail there from the first day would have prevented it, or IMAP on both.",
)


# ---- 14: switched from POP to IMAP, and the inbox is empty


def _switched() -> World:
    """Collect by POP, read everything, file the bills on the laptop; then set up IMAP: the box is empty."""
    server, laptop = MailServer(letters("lunch", "invoice", "photos", "bill"), password="secret"), Device("laptop")
    program = PopProgram(server, laptop)
    program.look()
    for subject in (LUNCH, INVOICE, PHOTOS, BILL):
        program.mark(subject, SEEN)
    for subject in (INVOICE, BILL):
        program.file(subject, "Bills")
    return World(server, laptop=laptop)


AT_HOME, BILLS = sorted((LUNCH, PHOTOS)), sorted((INVOICE, BILL))

switched = Exercise(
    "09.14",
    "IMAP, and all is gone",
    _switched,
    goal=lambda before, now: (
        (staying(now), staying(now, "Bills")) == (AT_HOME, BILLS)
        and len(anywhere(now)) == 4
        and digests(now) == digests(before)
        and still_has("laptop", before, now)
        and flagged(now, SEEN) | flagged(now, SEEN, "Bills") == {*AT_HOME, *BILLS}
    ),
    untouched="The server's INBOX is empty, and there is no `Bills`. Create it, then append what the laptop's two "
    "folders hold.",
    mistakes=(
        LAPTOP_TOO,
        NOT_AS_IT_WAS,
        Mistake(
            "no-bills",
            lambda before, now: (
                inbox(now) == AT_HOME and not any(view.letters for view in now.mailboxes if view.name == "Bills")
            ),
            "The bills are missing. Is there a mailbox `Bills`, spelled so? APPEND into one that is not there is "
            "refused, and `imaplib` says so only in what it returns: `NO`. Create `Bills`, then append each of "
            '`box.laptop.letters("Bills")`.',
        ),
        Mistake(
            "no-inbox",
            lambda before, now: not inbox(now) and inbox(now, "Bills") == BILLS,
            'The bills are there. Now append each of `box.laptop.letters("INBOX")` to `INBOX`, in the same way.',
        ),
        Mistake(
            "twice",
            lambda before, now: twice(anywhere(now)),
            "A letter is on the server twice. Each `append` adds one, so append each letter once.",
        ),
        Mistake(
            "one-heap",
            lambda before, now: len(inbox(now)) == 4,
            "All four letters are in INBOX: saved, and unsorted. What was in the folder `Bills` belongs in a mailbox "
            "`Bills`.",
        ),
        Mistake(
            "wrong-place",
            lambda before, now: bool(anywhere(now)) and (inbox(now), inbox(now, "Bills")) != (AT_HOME, BILLS),
            "The server does not have all four letters, or not each in the mailbox of its folder. Append all that a "
            "folder holds, inside the loop; the first argument of `append` says where.",
        ),
        FLAGGED_DELETED,
        Mistake(
            "unread",
            lambda before, now: (inbox(now), inbox(now, "Bills")) == (AT_HOME, BILLS),
            "Every letter is in its place, and some look new on every device. All four have been read: append each "
            r"with the flag `\Seen`.",
        ),
    ),
    praise="The letters live on the server now, sorted and read as they were. Keep the laptop's folders until you have "
    "looked at every mailbox. Whoever carries them up before the switch is not frightened.",
)


# ---- 15: is IMAP a backup?


def _no_backup() -> World:
    """Copy INBOX, and only that, to a stick; then the phone empties INBOX, and the laptop follows."""
    server = MailServer(letters("lunch", "photos", "party", "postcard", "plum-cake"), password="secret")
    laptop, phone, stick = Device("laptop"), Device("phone"), Device("stick")
    by_imap(server, _file_family)
    pop = by_pop(server)
    for number in (1, 2, 3):
        stick.save(pop.retr(number))
    pop.quit()
    on_phone = ImapProgram(server, phone)
    on_phone.look()
    for subject in (LUNCH, PHOTOS, PARTY):
        on_phone.delete(subject)
    ImapProgram(server, laptop).look()
    return World(server, laptop=laptop, phone=phone, stick=stick)


def _file_family(imap: imaplib.IMAP4) -> None:
    imap.create("Family")
    imap.uid("MOVE", "4,5", "Family")


def _all_saved(before: Snapshot, now: Snapshot) -> bool:
    return {*now.device("stick").digests} == digests(before)


backup = Exercise(
    "09.15",
    "Is IMAP a backup?",
    _no_backup,
    goal=lambda before, now: (
        staying(now) == sorted((LUNCH, PHOTOS, PARTY))
        and not rewritten(before, now)
        and _all_saved(before, now)
        and len(folder(now, "stick", "Family")) == 2
        and len(folder(now, "stick", "INBOX")) == 3
        and now.mailbox("amy", "Family").letters == before.mailbox("amy", "Family").letters
    ),
    untouched="INBOX is empty on the server and on both devices. The stick has its letters, and none of `Family`.",
    mistakes=(
        Mistake(
            "emptied",
            lambda before, now: sum(len(view.letters) for view in now.mailboxes if view.name == "Family") < 2,
            "`Family` has lost letters on the server, and every device will follow. A backup copies, and removes "
            "nothing.",
        ),
        NOT_AS_IT_WAS,
        only_a_part(lambda before, now: not {*now.device("stick").digests} <= digests(before)),
        Mistake(
            "into-family",
            lambda before, now: bool({LUNCH, PHOTOS, PARTY} & {*inbox(now, "Family")}),
            "The stick's letters are in `Family` on the server now, and they belong in INBOX: "
            '`imap.append("INBOX", …)`.',
        ),
        Mistake(
            "heap",
            lambda before, now: twice(inbox(now)) or not {*inbox(now)} <= {LUNCH, PHOTOS, PARTY},
            "INBOX holds more than it did: letters of `Family`, or doubles. Restore first, and save `Family` after "
            "that, in a folder of its own on the stick.",
        ),
        Mistake(
            "left-a-mark",
            lambda before, now: any(letter.flags for letter in now.mailbox("amy", "Family").letters),
            r"The letters of `Family` bear a flag now; `BODY[]` alone sets `\Seen`. A backup leaves no trace: "
            "`BODY.PEEK[]`, and no `store`.",
        ),
        FLAGGED_DELETED,
        Mistake(
            "saved-inbox",
            lambda before, now: any(
                letter.subject not in inbox(before, "Family") for letter in folder(now, "stick", "Family")
            ),
            'What you saved as `Family` came from INBOX, which was selected: `imap.select("Family")` comes before.',
        ),
        Mistake(
            "one-heap",
            lambda before, now: _all_saved(before, now) and len(inbox(now)) == 3,
            "All is safe, but on the stick `Family` and INBOX are mixed, something is there twice, or the folder is "
            'not spelled `Family`. Name it: `box.stick.save(…, "Family")`.',
        ),
        Mistake(
            "not-saved",
            lambda before, now: len(inbox(now)) == 3,
            "INBOX is back. `Family` is as unsafe as INBOX was: one slip, and every device follows. Save both its "
            "letters on the stick.",
        ),
        Mistake(
            "not-restored",
            lambda before, now: _all_saved(before, now),
            "Now the stick holds everything. INBOX is not complete yet: append to it each letter that the stick has of "
            "it.",
        ),
    ),
    praise="IMAP shows every device the same, and that goes for a loss, too. What brought the letters back was a copy "
    "that does not synchronise.",
)

exercises = (read_marks, filtered, half_and_half, switched, backup)
