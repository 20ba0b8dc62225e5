"""Lesson 04: two programs on one box, and the exercises."""

from __future__ import annotations

import imaplib
from collections.abc import Callable

from mailkit.device import Device
from mailkit.exercise import Exercise, Mistake, World
from mailkit.message import DELETED, SEEN
from mailkit.samples import compose, letters
from mailkit.scenes.mistakes import as_it_was, digests, elsewhere, filed_away, flagged, read_aloud
from mailkit.server import MailServer
from mailkit.snapshot import Snapshot

# Two programs on one box


def two_clients(*names: str) -> tuple[MailServer, imaplib.IMAP4, imaplib.IMAP4]:
    """Return a fresh server and two clients of it, the laptop's and the phone's, each with INBOX selected.

    Takes names of letters or of sets, or none for eleven small ones.
    """
    server = MailServer(letters(*names) if names else eleven(), password="secret")
    return server, open_inbox(server), open_inbox(server)


def open_inbox(server: MailServer) -> imaplib.IMAP4:
    """Connect, log in as Amy, and select INBOX."""
    imap = imaplib.IMAP4(*server.imap)
    imap.login("amy", "secret")
    imap.select()
    return imap


def eleven() -> list[bytes]:
    """Return eleven small letters, for the EXPUNGE example of RFC 3501 §6.4.3.

    >>> len(eleven())
    11
    """
    return [compose(f"Letter {number}") for number in range(1, 12)]


# The exercises


BILLS = {"Your water bill", "Invoice 2026-114"}
LEAFLET, PARTY, WALK = "Two pizzas for one!", "Come to my birthday", "Walk this afternoon?"
PHOTOS, PRIZE = "Photos of the lake", "!!! You have won a yacht, Dear Friend !!!"
FRIENDS = {PARTY, PHOTOS, WALK}


def _inbox(snapshot: Snapshot, name: str = "INBOX") -> set[str]:
    return {letter.subject for letter in snapshot.mailbox("amy", name).letters}


def _with_laptop() -> World:
    return World(MailServer(letters("three-letters"), password="secret"), laptop=Device("laptop"))


def _digests(now: Snapshot, device: str = "", uid: int = 0) -> set[str]:
    kept = now.device(device).letters if device else now.mailbox("amy").letters
    return {letter.digest for letter in kept if uid in (0, letter.uid)}


def _has_invoice(before: Snapshot, now: Snapshot) -> bool:
    return _digests(now, "laptop") == _digests(before, uid=2)


def _no_trace(before: Snapshot, now: Snapshot) -> bool:
    """Tell whether the mailboxes, their letters and flags are those of the beginning."""
    return now.mailboxes == before.mailboxes and not now.marks("amy")


def _twice(now: Snapshot) -> bool:
    return len(now.device("laptop").letters) > len(_digests(now, "laptop"))


def _all(now: Snapshot) -> set[str]:
    return {letter.subject for mailbox in now.mailboxes for letter in mailbox.letters}


def _to_sort() -> World:
    return World(MailServer(letters("sorting"), password="secret"))


def _sorted(now: Snapshot) -> bool:
    count = sum(len(mailbox.letters) for mailbox in now.mailboxes)
    in_place = _inbox(now) == FRIENDS and _inbox(now, "Bills") == BILLS and count == len(FRIENDS | BILLS)
    return in_place and not any(DELETED in one.flags for box in now.mailboxes for one in box.letters)


def _lost(before: Snapshot, now: Snapshot) -> bool:
    """Tell whether a bill or a friend's letter is nowhere any more, octet for octet."""
    wanted = {one.digest for one in before.mailbox("amy").letters if one.subject in BILLS | FRIENDS}
    return not wanted <= digests(now)


def _meanwhile(server: MailServer, phone: Device, uid: str) -> Callable[[], None]:
    """Return what the phone does while you look away: it keeps what lies there unflagged, and removes one letter."""

    def visit() -> None:
        imap = open_inbox(server)
        there = imap.uid("SEARCH", "UNDELETED")[1][0].decode().replace(" ", ",")
        if there and not phone.letters():
            phone.save(imap.uid("FETCH", there, "(BODY.PEEK[])"))
        imap.uid("STORE", uid, "+FLAGS", r"(\Deleted)")
        imap.uid("EXPUNGE", uid)  # this letter alone, whatever you have flagged
        imap.logout()

    return visit


def _with_phone() -> World:
    """Make a box from which a letter has gone, so that no number agrees with its UID: the leaflet is 2, UID 3."""
    server = MailServer(letters("newsletter", "bill", "leaflet", "walk", "party"), password="secret")
    _meanwhile(server, Device("phone"), "1")()
    phone = Device("phone")
    return World(server, phone=phone, phone_deletes_the_bill=_meanwhile(server, phone, "2"))


def _phone_found(now: Snapshot) -> set[str]:
    return {letter.subject for letter in now.device("phone").letters}


def _handled(now: Snapshot) -> bool:
    """Tell whether the leaflet is gone, or on its way."""
    return LEAFLET not in _inbox(now) or LEAFLET in flagged(now, DELETED)


def _with_marks() -> World:
    """Make a box where the phone has marked the photos, and may still change its mind."""
    server = MailServer(letters("three-letters", "prize"), password="secret")
    imap = open_inbox(server)
    imap.uid("STORE", "3", "+FLAGS", r"(\Deleted)")
    imap.logout()
    return World(server)


exercises = {
    one.key: one
    for one in (
        Exercise(
            "04.1",
            "Read the invoice and leave no mark",
            _with_laptop,
            goal=lambda before, now: _has_invoice(before, now) and not _twice(now) and _no_trace(before, now),
            untouched="Nothing is on the laptop yet: fetch letter 2, then hand the answer to `box.laptop.save`.",
            mistakes=(
                Mistake(
                    "left-a-mark",
                    lambda _, now: bool(flagged(now, SEEN)),
                    r"The server now says `\Seen` of a letter that you looked at: whoever looks next believes that you "
                    "have read it. `BODY[]`, by its older name `RFC822`, reads and marks; its quiet sister "
                    "`BODY.PEEK[]` only reads.",
                ),
                Mistake(
                    "removed",
                    lambda before, now: not _digests(before) <= _digests(now),
                    "A letter has left INBOX, and you were only to read one. Remove or move nothing.",
                ),
                Mistake(
                    "other-traces",
                    lambda before, now: not _no_trace(before, now),
                    "Something on the server shows that you were there: a flag or mark, a copy or a mailbox. `fetch` "
                    "is enough.",
                ),
                Mistake(
                    "wrong-letter",
                    lambda _, now: bool(_digests(now, "laptop") & _digests(now) - _digests(now, uid=2)),
                    "The laptop has a letter other than the invoice. The first argument of `fetch` says which one; "
                    "the invoice is number 2.",
                ),
                Mistake(
                    "twice",
                    lambda _, now: _twice(now),
                    "The laptop has the same thing twice: saving copies, as often as you say it. Save once.",
                ),
                Mistake(
                    "only-a-part",
                    lambda _, now: bool(now.device("laptop").letters),
                    "What is on the laptop is not the whole letter. With something between the brackets you get a "
                    "part, as `BODY.PEEK[TEXT]`; with nothing between them, all of it.",
                ),
            ),
            praise="The laptop has a copy, and on the server nothing shows it. Mail programs use this to look ahead.",
        ),
        Exercise(
            "04.2",
            "Sort the box",
            _to_sort,
            goal=lambda before, now: _sorted(now) and not _lost(before, now),
            untouched="The eight letters lie as they came. Begin with the bills: `create` the mailbox they go into. If "
            "you did write lines, print what they returned: `NO` says why.",
            mistakes=(
                Mistake(
                    "lost-a-letter",
                    _lost,
                    "A letter worth keeping is gone for good. Either it was never copied (without a mailbox `Bills` "
                    "the server answers NO), or not as a whole, or a sequence number was used after others had moved "
                    "up, or `Bills` was selected, whose UIDs are others. `create` it, stay in INBOX, and "
                    "use `imap.uid(…)`.",
                ),
                Mistake(
                    "other-spelling",
                    lambda _, now: any(
                        box.name.lower().endswith("bills") or {one.subject for one in box.letters} >= BILLS
                        for box in now.mailboxes
                        if box.name not in ("INBOX", "Bills")
                    ),
                    "The mailbox for bills is to be named `Bills`, just so: another letter, a capital, or a name "
                    "before it makes another mailbox.",
                ),
                Mistake(
                    "more-than-bills",
                    lambda _, now: _inbox(now, "Bills") >= {LEAFLET, PARTY},
                    'More than bills lies in `Bills`. `"1:4"` means 1 to 4, and `"1,4"` means 1 and 4.',
                ),
                Mistake(
                    "advertising-kept",
                    lambda _, now: bool(elsewhere(now) - BILLS - FRIENDS),
                    "The advertising lies in another mailbox; thrown away means flagged and expunged. Number and UID "
                    "differ as soon as a letter has gone: use `imap.uid(…)`.",
                ),
                Mistake(
                    "copied-only",
                    lambda _, now: bool(_inbox(now) & _inbox(now, "Bills")),
                    "A bill lies in both mailboxes. `COPY` leaves the first one where it is; `MOVE` takes it along.",
                ),
                Mistake(
                    "wrong-mark",
                    lambda _, now: bool(flagged(now, DELETED) & (FRIENDS | BILLS)),
                    r"The flag `\Deleted` is on a letter worth keeping, and `expunge` would remove it. "
                    "Number and UID differ as soon as a letter has gone: use `imap.uid(…)`.",
                ),
                Mistake(
                    "only-marked",
                    lambda _, now: bool(flagged(now, DELETED)),
                    r"Letters flagged `\Deleted` are still in the box, for everyone to see. The flag is a wish; "
                    "`expunge` grants it.",
                ),
                Mistake(
                    "friend-filed",
                    lambda _, now: not _inbox(now) >= FRIENDS,
                    "A friend's letter has left the INBOX. Only bills go into `Bills`; friends stay where they are. Or "
                    "a number had moved up: use `imap.uid(…)`.",
                ),
                Mistake(
                    "bills-unfiled",
                    lambda _, now: _all(now) == _inbox(now) == BILLS | FRIENDS,
                    "The advertising is gone; the bills are still in INBOX. They go into a mailbox `Bills`.",
                ),
                Mistake(
                    "bills-empty",
                    lambda _, now: not _inbox(now, "Bills") and _inbox(now) >= BILLS,
                    '`Bills` is there, and empty. Now move 1 and 4 into it: `imap.uid("MOVE", …)`.',
                ),
                Mistake(
                    "one-bill",
                    lambda _, now: len(_inbox(now) & BILLS) == 1,
                    "One bill is filed, the other is still in INBOX: the water bill and the invoice both go into "
                    "`Bills`.",
                ),
                Mistake(
                    "filed-twice",
                    lambda _, now: len(now.mailbox("amy", "Bills").letters) > len(_inbox(now, "Bills")),
                    "A letter lies in `Bills` twice: it was copied, and then moved. One of the two is enough.",
                ),
                Mistake(
                    "marked-copies",
                    lambda _, now: bool(flagged(now, DELETED, "Bills")),
                    r"In `Bills` a bill is flagged `\Deleted`: you flagged it before you copied it, and `COPY` takes "
                    'flags along. `imap.select("Bills")`, and take the flag off with `-FLAGS`.',
                ),
                Mistake(
                    "half-done",
                    lambda _, now: _inbox(now, "Bills") == BILLS,
                    "The bills are filed. The advertising is still there: flag 2, 6 and 7 by UID, "
                    '`imap.uid("STORE", …)`, and expunge. Their numbers have moved up since the bills left; UIDs stay.',
                ),
            ),
            praise="The box is not empty, it is sorted, and every device of yours finds it like this.",
        ),
        Exercise(
            "04.3",
            "Somebody else is tidying, too",
            _with_phone,
            goal=lambda _, now: (
                _inbox(now) == {WALK, PARTY}
                and LEAFLET in _phone_found(now)
                and not (LEAFLET in elsewhere(now) or flagged(now, DELETED))
            ),
            untouched="Nothing has happened yet. Look for the leaflet first, then let the phone do its part.",
            mistakes=(
                Mistake(
                    "by-number",
                    lambda _, now: not _inbox(now) >= {WALK, PARTY},
                    "A friend's letter is gone. A sequence number is a place: when a letter "
                    "before it goes, the next one slides into it. Note a UID, and say `imap.uid(…)` both when you "
                    "search and when you remove.",
                ),
                Mistake(
                    "too-early",
                    lambda _, now: _handled(now) and LEAFLET not in _phone_found(now),
                    "You were quicker than the phone, which proves little. Look for the leaflet, then call "
                    "`box.phone_deletes_the_bill()`, with its brackets, and `imap.noop()`, and only then remove it.",
                ),
                filed_away(LEAFLET, "leaflet"),
                Mistake(
                    "wrong-mark",
                    lambda _, now: bool(flagged(now, DELETED) & {WALK, PARTY}),
                    "The flag is on a friend's letter: a number is a place, and places shift. Look for the leaflet "
                    "by UID, and flag it by UID: `imap.uid(…)`.",
                ),
                Mistake(
                    "only-marked",
                    lambda _, now: flagged(now, DELETED) == {LEAFLET},
                    r"The leaflet is flagged `\Deleted`, and no more than that. Send `expunge`, too.",
                ),
                Mistake(
                    "phone-only",
                    lambda _, now: bool(_phone_found(now)),
                    "The phone has done its part; the leaflet is still there. Remove it by the UID that you noted. If "
                    'you did: what `imap.search` gives is a number and no UID; `imap.uid("SEARCH", …)` gives UIDs.',
                ),
            ),
            praise="The leaflet is gone, and nothing else of yours. Did you note it before the phone came, and ask for "
            "news before you flagged it? Then it was a UID that saved you.",
        ),
        Exercise(
            "04.4",
            "Leave the others' marks alone",
            _with_marks,
            goal=lambda before, now: (
                _inbox(now) == _all(now) == {"Lunch on Thursday", "Invoice 2026-114", PHOTOS}
                and as_it_was(PHOTOS, before, now)
                and flagged(now, DELETED) == {PHOTOS}
            ),
            untouched=r"The prize is still there. Flag it `\Deleted`; how to expunge it alone is the riddle.",
            mistakes=(
                Mistake(
                    "expunged-all",
                    lambda _, now: PHOTOS not in _inbox(now),
                    r"The photos are gone. `EXPUNGE` removes everything flagged `\Deleted`, whoever flagged it, and so "
                    "does `imap.close()`. `UID EXPUNGE` takes a list, and `imap.logout()` leaves the rest as it is.",
                ),
                read_aloud(PHOTOS),
                filed_away(PRIZE, "prize"),
                Mistake(
                    "put-back",
                    lambda before, now: 3 not in {one.uid for one in now.mailbox("amy").letters},
                    "The photos went away and came back, as a new letter with a new UID: the phone will take them for "
                    "one that it never saw. Leave them where they are, and name what is to be expunged: `UID EXPUNGE`.",
                ),
                Mistake(
                    "took-the-mark-away",
                    lambda _, now: PHOTOS not in flagged(now, DELETED),
                    "The photos are safe, but you took away the mark that the phone had set. Leave it, and name what "
                    "is to be expunged: `UID EXPUNGE`.",
                ),
                Mistake(
                    "only-marked",
                    lambda _, now: flagged(now, DELETED) == {PHOTOS, PRIZE},
                    "The prize is flagged, and that is all. Expunge it, by its UID: `imap.expunge` takes no number, "
                    '`imap.uid("EXPUNGE", "4")` does.',
                ),
            ),
            praise="One letter removed, and the phone may still change its mind about the other.",
        ),
    )
}
