"""The exercises of lesson 05; its ten events are in `mailkit.scenes.events`."""

from __future__ import annotations

import re
import smtplib
from typing import Any

from mailkit.device import Device
from mailkit.exercise import Exercise, Mistake, World
from mailkit.message import DELETED, FLAGGED, SEEN
from mailkit.samples import compose, letters
from mailkit.scenes.events import NOTE
from mailkit.scenes.mistakes import INTO_INBOX, OTHER_SENT, SENT_TWICE, Notes, noted, only_a_part, only_in_sent
from mailkit.scenes.programs import logged_in, refresh
from mailkit.server import MailServer
from mailkit.snapshot import DeviceView, Snapshot, digest

_NOTE = compose(NOTE, sender="amy@example.org", to="ben@example.org")
_SENT = digest(_NOTE)


def _sent_by_smtp() -> World:
    server = MailServer(accounts=("amy", "ben"), password="secret", mailboxes=("Sent",))
    with smtplib.SMTP(*server.smtp, local_hostname="laptop.example.org") as smtp:
        smtp.sendmail("amy@example.org", ["ben@example.org"], _NOTE)
    return World(server, laptop=Device("laptop"), note=_NOTE)


def _is_kept(now: Snapshot) -> bool:
    return [(one.digest, one.flags) for one in now.mailbox("amy", "Sent").letters] == [(_SENT, frozenset({SEEN}))]


def _named(line: Any) -> str:
    """Return the mailbox of a line that ``imap.list()`` gives."""
    name: bytes = re.findall(rb'"[^"]*"$|\S+$', line)[0]
    return name.decode()


def _with_accident() -> World:
    server, laptop = MailServer(letters("three-letters"), password="secret"), Device("laptop")
    happened: list[str] = []

    def accident() -> None:
        """Delete all there is, from the phone; then the laptop synchronises."""
        with logged_in(server) as imap:
            if imap.select()[1] == [b"0"]:
                raise RuntimeError("the accident has happened already; run the cell from its first line for a new box")
            if len(imap.list()[1]) == 1 and not laptop.snapshot().letters:
                raise RuntimeError("nothing is saved on box.laptop yet, and after the accident it is too late")
            apart = _apart(laptop.snapshot())
            for line in imap.list()[1]:
                if imap.select(_named(line))[1] != [b"0"]:
                    imap.store("1:*", "+FLAGS", f"({DELETED})")
                imap.close()
            refresh(imap, laptop)
        happened.extend(("an accident", *apart))

    return World(server, laptop=laptop, accident=accident, _happened=Notes("_happened", lambda: happened))


def _apart(view: DeviceView) -> set[str]:
    """Return the digests of what lies in a device's own folders, outside the cache."""
    return {letter.digest for folder, kept in view.folders if folder != "INBOX" for letter in kept}


def _saved(now: Snapshot) -> set[str]:
    return _apart(now.device("laptop"))


def _letters(before: Snapshot) -> set[str]:
    return {*before.mailbox("amy").digests}


def _after_the_phone() -> World:
    """Make a box from which the phone has removed letter 1, after the laptop had noted what it did off line."""
    server = MailServer(letters("lunch", "invoice", "leaflet", "party"), password="secret")
    with logged_in(server) as imap:
        imap.select()
        imap.store("1", "+FLAGS", f"({DELETED})")
        imap.expunge()
    return World(server, notes=[("2", FLAGGED), ("3", DELETED)])


def _flags(now: Snapshot) -> dict[int, frozenset[str]]:
    return {letter.uid: letter.flags - {SEEN} for letter in now.mailbox("amy").letters}  # looking is allowed


def _filed(now: Snapshot) -> bool:
    return any(box.letters for box in now.mailboxes if box.name != "INBOX")


exercises = {
    one.key: one
    for one in (
        Exercise(
            "05.1",
            "Keep what you sent",
            _sent_by_smtp,
            goal=lambda _, now: _is_kept(now) and len(now.mailbox("ben").letters) == 1 and only_in_sent(now),
            untouched="Ben has the letter, and you have no copy: `Sent` is empty. `imap.append` puts one there.",
            mistakes=(
                Mistake(
                    "sent-again",
                    lambda _, now: len(now.mailbox("ben").letters) > 1,
                    "Ben has it twice now. SMTP delivers to others; a copy for yourself is put into a mailbox by IMAP.",
                ),
                OTHER_SENT,
                INTO_INBOX,
                SENT_TWICE,
                Mistake(
                    "unread",
                    lambda _, now: any(SEEN not in one.flags for one in now.mailbox("amy", "Sent").letters),
                    r"The copy is there, and every device will show it as unread. Append it with the flag `\Seen`.",
                ),
                Mistake(
                    "too-many-flags",
                    lambda _, now: {one.digest for one in now.mailbox("amy", "Sent").letters} == {_SENT},
                    r"The right letter, with one flag too many: nobody has answered or starred it. `\Seen` alone.",
                ),
                Mistake(
                    "not-as-sent",
                    lambda _, now: bool(now.mailbox("amy", "Sent").letters),
                    "What lies in `Sent` is not, octet for octet, what was sent: append `box.note`, as it is, and "
                    "do not send it to yourself.",
                ),
                Mistake(
                    "laptop-only",
                    lambda _, now: bool(now.device("laptop").letters),
                    "The copy lies on the laptop, where neither the phone nor webmail can look.",
                ),
            ),
            praise="The letter went out by SMTP, the copy was put there by IMAP; every device finds it.",
        ),
        Exercise(
            "05.2",
            "A real backup",
            _with_accident,
            goal=lambda before, now: _letters(before) <= _saved(now) & {*noted(now, "_happened")},
            untouched="Nothing is saved yet. Fetch all three with `BODY.PEEK[]`, and save what you get.",
            mistakes=(
                Mistake(
                    "on-the-server",
                    lambda _, now: len(now.mailboxes) > 1,
                    "A second mailbox of the same account is no backup: what empties one can empty the other, "
                    "and the laptop's folder of that name with it. Take that mailbox out of your lines, and keep the "
                    'copies on the laptop alone: `box.laptop.save(answer, "Backup")`.',
                ),
                Mistake(
                    "in-the-cache",
                    lambda _, now: not _saved(now) and not now.mailbox("amy").letters,
                    "All is lost. What lies in the laptop's INBOX is the program's cache, and follows the server. "
                    'Before the accident, save into a folder of its own: `box.laptop.save(answer, "Backup")`.',
                ),
                Mistake(
                    "in-the-inbox",
                    lambda _, now: not _saved(now) and bool(now.device("laptop").letters),
                    "They lie in the laptop's INBOX, which follows the server: what is deleted there vanishes here, "
                    'too. Save into a folder of its own: `box.laptop.save(answer, "Backup")`.',
                ),
                only_a_part(lambda before, now: not _saved(now) <= _letters(before)),
                Mistake(
                    "too-late",
                    lambda _, now: bool(noted(now, "_happened")) and not _saved(now) <= {*noted(now, "_happened")},
                    "Those came into that folder when all was lost already, from what the program still had in its "
                    "memory: an accident leaves none. Run the cell from its first line; save first, then "
                    "`box.accident()`.",
                ),
                Mistake(
                    "incomplete",
                    lambda _, now: 0 < len(_saved(now)) < 3,
                    'Some letters are missing in the backup. `"1:*"` means: from the first to the last. Save the whole '
                    "answer of `fetch`; `data[0][1]` would be one letter out of it.",
                ),
                Mistake(
                    "never-tested",
                    lambda before, now: _saved(now) == _letters(before),
                    "The copies are there. Now see whether they survive: `box.accident()`.",
                ),
            ),
            praise="Server and cache were emptied, and you have all three. This is what a backup is.",
        ),
        Exercise(
            "05.3",
            "Back on line",
            _after_the_phone,
            goal=lambda _, now: _flags(now) == {2: frozenset({FLAGGED}), 4: frozenset()} and not _filed(now),
            untouched="The server does not know yet what you did off line. Go through `box.notes`. Does a red box show "
            "`{flag}`? Then an `f` is missing before the quote.",
            mistakes=(
                Mistake(
                    "into-trash",
                    lambda _, now: _filed(now),
                    r"A letter lies in another mailbox now. “For good” is: flagged `\Deleted`, and expunged.",
                ),
                Mistake(
                    "mixed-up",
                    lambda _, now: DELETED in _flags(now).get(2, {DELETED}),
                    "Letter 2 was to get a star, and it is to go, or gone. Each note is a UID with its flag: 2 gets "
                    r"`\Flagged`, and 3 alone gets `\Deleted`.",
                ),
                Mistake(
                    "removed-another",
                    lambda _, now: 4 not in _flags(now),
                    "A letter is gone that no note speaks of. The phone has removed one meanwhile, so places have "
                    "shifted; your notes are UIDs, and only `imap.uid(…)` takes those. Without `uid` IMAP's commands "
                    "take places, and so do all of POP's.",
                ),
                Mistake(
                    "by-number",
                    lambda _, now: FLAGGED in _flags(now).get(3, ()) or _flags(now).get(4) != frozenset(),
                    "The marks are on the wrong letters. The phone has removed one meanwhile, so places have shifted; "
                    "your notes are UIDs. Say so: `imap.uid(…)`.",
                ),
                Mistake(
                    "flag-in-words",
                    lambda _, now: any(not flag.startswith("\\") for flags in _flags(now).values() for flag in flags),
                    "A letter has got a flag of another name than those in the notes, which begin with a backslash. "
                    '`(flag)` in quotes is the word “flag”: write `f"({flag})"`, with `f` and the braces.',
                ),
                Mistake(
                    "only-marked",
                    lambda _, now: DELETED in _flags(now).get(3, ()),
                    r"The leaflet is flagged `\Deleted`, and still there. `expunge` comes last.",
                ),
                Mistake(
                    "half-replayed",
                    lambda before, now: _flags(now) != _flags(before),
                    "Only a part of the notes has been carried out: one letter gets a star, one goes.",
                ),
            ),
            praise="What you did without a line has happened on the server, to the letters you meant.",
        ),
    )
}
