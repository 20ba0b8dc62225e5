"""Misconceptions, and what tells them, that exercises of more than one lesson look for."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mailkit.exercise import Mistake, Predicate
from mailkit.message import DELETED, SEEN
from mailkit.server import MailServer
from mailkit.snapshot import DeviceView, LetterView, Moment, Snapshot

_IN_A_LOOP = "`pop.quit()` stands inside the loop, and belongs after it."
QUIT_IN_A_LOOP = f"Is there `NoneType` in a red box? Then {_IN_A_LOOP}"

OTHER_SENT = Mistake(
    "other-spelling",
    lambda before, now: any(
        (one.letters or not now.mailbox("amy", "Sent").letters)
        for one in now.mailboxes
        if one.name not in ("INBOX", "Sent")
    ),
    "There is a mailbox now beside `Sent`. Append to `Sent`, spelled so, and to no other: to IMAP, names that differ "
    "only in a capital are two.",
)

INTO_INBOX = Mistake(
    "into-inbox",
    lambda before, now: bool(now.mailbox("amy").letters),
    "A copy lies in INBOX, as if it had come in. It belongs in `Sent`: do not send it, and put it "
    'there with `imap.append("Sent", …)`.',
)

SENT_TWICE = Mistake(
    "twice",
    lambda before, now: len(now.mailbox("amy", "Sent").letters) > 1,
    "There is more than one letter in `Sent`: each `append` adds one. Append once.",
)

MARKED = Mistake(
    "marked",
    lambda before, now: bool(now.marks("amy")),
    "A letter is marked, and is to stay: `pop.quit()` would remove it. Leave `pop.dele(…)` out.",
)

FLAGGED_DELETED = Mistake(
    "flagged-deleted",
    lambda before, now: threatened(now),
    r"A letter bears `\Deleted`, and is to stay: the next `imap.expunge()`, from any device, removes it. `-FLAGS` "
    "takes the flag off.",
)

LOOK_ONLY = (
    "`BODY[]` sets that flag, and so does `RFC822`, its older name. To look and leave no trace, say `BODY.PEEK[]`."
)


def digests(now: Snapshot) -> set[str]:
    """Return what tells the octets of all letters apart, wherever they are."""
    return set[str]().union(*(view.digests for view in now.mailboxes), *(device.digests for device in now.devices))


def rewritten(before: Snapshot, now: Snapshot) -> bool:
    """Tell whether Amy has a letter on the server that nobody had before: a part of one, or one that was sent anew."""
    on_server = {letter.digest for view in now.mailboxes if view.account == "amy" for letter in view.letters}
    return not on_server <= digests(before)


NOT_AS_IT_WAS = Mistake(
    "not-as-it-was",
    rewritten,
    "There is a letter on the server that is not, octet for octet, what it was before: append each one as it is on the "
    "device, whole, and do not send it again, because SMTP puts a new `Received:` line on top.",
)

LAPTOP_TOO = Mistake(
    "laptop-too",
    lambda before, now: not still_has("laptop", before, now),
    "The laptop has lost letters, and it was to keep what it had.",
)

EMPTIED_FIRST = Mistake(
    "emptied-first",
    lambda before, now: bool(noted(now, "_gap")),
    "What the server had, you removed before its copy lay beside it: meanwhile the laptop was the only place, and any "
    "other device would have seen its mail go. Nothing needs to be removed here. Append only what is missing.",
)


def flagged(now: Snapshot, flag: str, name: str = "INBOX") -> set[str]:
    """Return the subjects of the letters in a mailbox of Amy's that have this flag. Raises `LookupError`."""
    return {letter.subject for letter in now.mailbox("amy", name).letters if flag in letter.flags}


def threatened(now: Snapshot) -> bool:
    r"""Tell whether a letter bears `\Deleted`, in whatever mailbox: the next EXPUNGE there removes it."""
    return any(DELETED in letter.flags for view in now.mailboxes for letter in view.letters)


def elsewhere(now: Snapshot) -> set[str]:
    """Return the subjects of the letters in other mailboxes than INBOX."""
    return {letter.subject for mailbox in now.mailboxes if mailbox.name != "INBOX" for letter in mailbox.letters}


def settled(now: Snapshot) -> bool:
    """Tell whether no letter is marked, to go at the next QUIT, and none was moved to another mailbox."""
    return not (now.marks("amy") or elsewhere(now))


def only_in_sent(now: Snapshot) -> bool:
    """Tell whether `Sent` alone has letters of Amy's; an empty mailbox beside it does no harm."""
    return {view.name for view in now.mailboxes if view.account == "amy" and view.letters} == {"Sent"}


REFILED = Mistake(
    "refiled",
    lambda before, now: bool(elsewhere(now)),
    "A letter lies in another mailbox of the same server now. That is moved, not removed: mark what is to go with "
    "`pop.dele(…)` where it was, and say `pop.quit()`.",
)


def filed_away(subject: str, what: str) -> Mistake:
    """Return the mistake of moving a letter, such as "leaflet", to another mailbox, when it is to be thrown away."""
    advice = rf"The {what} lies in another mailbox now. Thrown away means flagged `\Deleted` and expunged, there too."
    return Mistake("filed-away", lambda before, now: subject in elsewhere(now), advice)


def still_has(device: str, before: Snapshot, now: Snapshot) -> bool:
    """Tell whether a device has what it had, in the same places, whatever came after it."""
    there = dict(now.device(device).folders)
    return all(there.get(folder, ())[: len(had)] == had for folder, had in before.device(device).folders)


def as_it_was(subject: str, before: Snapshot, now: Snapshot) -> bool:
    """Tell whether the letters of this subject in Amy's INBOX bear the UIDs and flags that they bore."""

    def marks(moment: Snapshot) -> list[tuple[int, frozenset[str]]]:
        return [(one.uid, one.flags) for one in moment.mailbox("amy").letters if one.subject == subject]

    return marks(now) == marks(before)


def marked(now: Snapshot) -> set[str]:
    """Return the subjects of the letters in Amy's maildrop that a session has marked with DELE."""
    return {one.subject for one in now.mailbox("amy").letters if one.uid in now.marks("amy")}


def unsaved(device: str, then: Snapshot, now: Snapshot) -> list[LetterView]:
    """Return the letters of Amy's INBOX of then of which a device has no copy, octet for octet."""
    saved = {*now.device(device).digests}
    return [one for one in then.mailbox("amy").letters if one.digest not in saved]


def marked_unsaved(device: str, where: str) -> Mistake:
    """Return the mistake of marking letters (DELE) of which a device has no whole copy, while nothing is lost yet.

    Takes the device, and what its advice calls it ("at home").
    """

    def when(before: Snapshot, now: Snapshot) -> bool:
        marks = now.marks("amy")
        return any(one.uid in marks for one in unsaved(device, now, now))

    advice = (
        f"Letters are marked that are not {where}, or not whole: `pop.quit()` would lose them. Save first, with "
        f"`box.{device}.save`, then mark."
    )
    return Mistake("marked-unsaved", when, advice)


class Notes:
    """What a check sees beside the devices: the names in a ledger, or what a program's visits have done."""

    def __init__(self, name: str, lines: Callable[[], Iterable[str]]) -> None:
        self._name, self._lines = name, lines

    def snapshot(self) -> DeviceView:
        """Freeze the lines, one a row."""
        rows = tuple(LetterView(at, line, "", 0, frozenset(), line) for at, line in enumerate(self._lines(), 1))
        return DeviceView(self._name, (("lines", rows),))


def noted(now: Snapshot, name: str) -> list[str]:
    """Return the lines of `Notes`."""
    return [row.subject for row in now.device(name).letters]


def fact(name: str, holds: Callable[[], bool]) -> Notes:
    """Let a world tell whether something holds: only then is anything `noted` under this name."""
    return Notes(name, lambda: [name] * holds())


def gap_notes(server: MailServer) -> Notes:
    """Let a world tell whether a letter that its server has now was ever missing there, in whatever mailbox."""
    gaps: list[str] = []

    def on_server(now: Snapshot) -> set[str]:
        return set[str]().union(*(view.digests for view in now.mailboxes))

    def watch(moment: Moment) -> None:
        if not had <= on_server(moment.snapshot):
            gaps.append("a gap")

    had = on_server(server.snapshot())
    server.on_change(watch)
    return Notes("_gap", lambda: gaps)


def half_way_notes(is_half_way: Callable[[], bool]) -> Notes:
    """Let a world tell whether a red box has stopped what the learner's function was handed to."""
    return fact("_half-way", is_half_way)


def half_way(advice: str) -> Mistake:
    """Return the mistake that it has; the world has `half_way_notes`."""
    return Mistake("half-way", lambda before, now: bool(noted(now, "_half-way")), advice)


def visits_stopped(what: str, kind: str, note: str) -> Mistake:
    """Return the same for a function that polls with a ledger: of this kind (`set`), into which these words write."""
    return half_way(
        f"{what} stopped half-way. The last line of the red box says why."
        f"\n`NoneType`: {_IN_A_LOOP}"
        "\nA `b` before the number: `.decode()` is missing."
        f"\n`'{kind}'`: into this ledger you write with `{note}`."
        "\n`[IN-USE]`: the `pop` that your function gets is logged in already; open no other. Or the visit before "
        "did not end: after the loop comes `pop.quit()`."
    )


def read_aloud(subject: str) -> Mistake:
    """Return the mistake of reading a letter of Amy's INBOX that is to stay as it was in the way that marks it."""
    advice = rf"“{subject}” bears `\Seen` now, as if somebody had read it. {LOOK_ONLY}"
    return Mistake("left-a-mark", lambda before, now: subject in flagged(now, SEEN), advice)


def only_a_part(when: Predicate) -> Mistake:
    """Return the mistake of saving parts of letters, where `imap.fetch` is what they come from."""
    advice = (
        "Only a part of each letter was saved. The whole letter is `BODY.PEEK[]`, with nothing between the brackets."
    )
    return Mistake("only-a-part", when, advice)
