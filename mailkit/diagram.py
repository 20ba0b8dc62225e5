"""Mailboxes and devices as pictures, and what changed between two moments: each time the same in words.

A cluster is a mailbox or a device's folder, a node is a letter. Graphviz draws; the rows are placed here,
so that one letter stands at one height before and after.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from mailkit.flow import show_route, show_states
from mailkit.layout import NOT_YET, REMOVED, Box, Row, Spot, draw
from mailkit.render import WIDEST, Picture, clean, columns, framed, pad, strong_pixels, svg_text
from mailkit.snapshot import LetterView, PlaceChange, Snapshot, compare

__all__ = ["Picture", "show", "show_change", "show_columns", "show_route", "show_states"]

_TWO_PANELS = 640  # px: a page narrower than this has no room for before and after
_ROWS = 24  # of a box: of more letters an excerpt is shown
_TOLD = 3  # rows: of more, the alternative text tells the last alone, for it is heard in one piece
_SYSTEM = ("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft")


def show(snapshot: Snapshot, only: str | Collection[str] | None = None, *, width: int = WIDEST) -> Picture:
    """Draw one moment: mailboxes on the server at the left, devices at the right.

    Takes ``only``, the names to show: an account, a mailbox (``"amy/INBOX"``) or a device; and the
    greatest width in px. Raises `LookupError`, naming what there is, where one of them is not; `TypeError`.
    """
    pairs, foot = _compared(snapshot, snapshot, only)  # a moment is a change in which nothing happens
    boxes = [now for _, now in pairs]
    return Picture(_words(boxes, foot), draw([("", _columns(boxes))], foot, (), width), f"{_sentence(boxes)}.")


def show_change(
    before: Snapshot,
    after: Snapshot,
    only: str | Collection[str] | None = None,
    *,
    after_only: bool = False,
    width: int = WIDEST,
) -> Picture:
    r"""Draw what changed between two moments: before beside after, or the second alone where both are too wide.

    New letters are bold with ``+``, gone ones dashed with ``−``, changed flags underlined and named; an
    arrow leads from a letter on the server to the copy a device saved. Takes ``only`` and ``width`` as
    `show` does. Raises `LookupError` for a name that is in neither snapshot.
    """
    pairs, foot = _compared(before, after, only)
    then, now = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    still = _stillness(then, now, _loose(before) == _loose(after))
    if after_only or width <= _TWO_PANELS:  # one moment needs no panel; "After" says nothing where there is no "Before"
        panels, told = [("", _columns(now, apart=width > _TWO_PANELS))], [*[still] * bool(still), *foot]
    else:
        later = f"After{' · ' * bool(still)}{still.lower().rstrip('.')}"
        panels, told = [("Before", _columns(then)), (later, _columns(now))], foot
    words = "\n".join([*[still] * bool(still), _words(now, foot)])
    heard = _sentence(sorted(now, key=_is_same))  # what changed comes first: nobody can skim by ear
    return Picture(words, draw(panels, told, _arrows(panels[-1][1]), width), f"{still or 'What changed.'} {heard}.")


def _compared(
    before: Snapshot, after: Snapshot, only: str | Collection[str] | None
) -> tuple[list[tuple[Box, Box]], list[str]]:
    """Return the boxes to show, each before and after, the server's first; and what is said beneath them."""
    change = _Change(before, after)
    known = [change.new.get(key) or change.old[key] for key in {**change.new, **change.old}]
    known.sort(key=lambda box: bool(box.device))
    pairs = [_pair(change, box) for box in _select(known, only)]
    foot = _foot([box for _, box in pairs], _arrow(_loose(before), _loose(after)))
    return [pair for pair in pairs if not pair[1].bare] or pairs, foot


def _stillness(then: Sequence[Box], now: Sequence[Box], same_waiting: bool) -> str:
    """Say so where nothing changed, or no letter did."""
    if not all(map(_is_same, now)):
        return ""
    same = same_waiting and [box.lines for box in then] == [box.lines for box in now]
    return "Nothing changed." if same else "No letter changed."


def _is_same(box: Box) -> bool:
    """Tell whether nothing became of its letters; a mark may stay."""
    return not any(row and row.look in ("new", "gone", "changed") for row in box.rows)


Cell = Picture | Snapshot | tuple[Snapshot, Snapshot]
Caption = str | tuple[str, ...]  # over the whole row, or a part over each cell


def show_columns(rows: Sequence[tuple[Caption, *tuple[Cell, ...]]], heads: Sequence[str] = ()) -> Picture:
    """Draw several pictures as one: captioned rows of one or more columns under ``heads``, POP beside IMAP for one.

    Takes rows of a caption, or a tuple of one for each cell, and cells: a picture, a snapshot, or two of them
    (before, after; the second is drawn).
    Raises `ValueError` where the rows differ in length.
    """
    count = len(heads) or len(rows[0]) - 1 if rows else 0
    if not count or any(len(row) - 1 != count for row in rows):
        raise ValueError("every row needs a caption and a cell for each head")
    wide = (WIDEST - 16 - 12 * (count - 1)) // count
    lefts = range(8, WIDEST, wide + 12)
    drawn = [svg_text(left + 1, 22, head, 14, strong=True) for left, head in zip(lefts, heads, strict=False)]
    words, said, used, y = [], [], [0.0], 30 if heads else 6
    for at, (caption, *cells) in enumerate(rows, 1):
        pictures = [_cell(cell, wide) for cell in cells]
        parts = [clean(part) for part in ([caption] if isinstance(caption, str) else caption)]
        over = zip(lefts, parts, strict=False)
        drawn += [svg_text(left + 1, y + 15, part, 13, strong=not heads) for left, part in over]
        drawn += [picture.inside(left, y + 24, wide) for left, picture in zip(lefts, pictures, strict=False)]
        y += 34 + max(picture.height(wide) for picture in pictures)
        used += [*(picture.size[0] for picture in pictures), *(strong_pixels(part, 13) for part in parts)]
        words.append(" · ".join(parts))
        said.append(f"{words[-1].rstrip('.')}.")
        for head, picture in zip(heads or [""] * count, pictures, strict=True):
            if at == len(rows) or len(rows) <= _TOLD:
                said.append(f"{head}: {picture.alt}" if head else picture.alt)
            words += [f"  {head}"] * bool(head)
            words += [f"{'    ' if head else '  '}{line}" for line in picture.words.splitlines()]
    across = WIDEST if heads or count > 1 else min(WIDEST, 16 + round(max(used)))
    return Picture("\n".join(words), framed("\n".join(drawn), across, y), " ".join(said))


def _cell(cell: Cell, width: int) -> Picture:
    if isinstance(cell, Picture):
        return cell
    return show(cell, width=width) if isinstance(cell, Snapshot) else show_change(*cell, after_only=True, width=width)


# What there is to show


def _boxes(snapshot: Snapshot) -> list[Box]:
    """List the places of a snapshot: mailboxes, then device folders, with their letters."""
    if not isinstance(snapshot, Snapshot):
        raise TypeError(f"a picture shows a snapshot, not {snapshot!r:.60}; write show(server.snapshot(laptop))")
    found = [Box(view.key, f"Server · {clean(view.key)}", kept=view.letters) for view in snapshot.mailboxes]
    for device in snapshot.devices:
        name = clean(device.name.capitalize() if device.name.islower() else device.name)
        name, comes = (name, "saved") if device.keeps else (f"{name} shows", "shown")
        folders = device.folders or (("INBOX", ()),)
        for folder, letters in folders:
            title = name if [folder] == ["INBOX"] else f"{name} · {clean(folder)}"
            found.append(Box(f"{device.name}/{folder}", title, device.name, comes, kept=letters))
    return found


def _select(boxes: list[Box], only: str | Collection[str] | None) -> list[Box]:
    if only is None:
        return boxes
    wanted = {only} if isinstance(only, str) else only if isinstance(only, (list, tuple, set, frozenset)) else [only]
    if not all(isinstance(name, str) for name in wanted):
        raise TypeError(f'what is to be shown is named: write its name, such as "laptop", not {only!r}')
    wanted = set(wanted)
    names = {box.key: {box.key, box.key.partition("/")[0]} for box in boxes}
    known = set().union(*names.values())
    if missing := wanted - known:
        raise LookupError(f"nothing here is called {', '.join(sorted(missing))}; there is: {', '.join(sorted(known))}")
    return [box for box in boxes if names[box.key] & wanted]


def _excerpt(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that are shown: of too many, those with a change before the others."""
    chosen = sorted(range(len(rows)), key=lambda at: rows[at].look == "plain")[:_ROWS]
    return [rows[at] for at in sorted(chosen)]


def _tally(rows: Iterable[Row]) -> str:
    happened = Counter(_happened(row) for row in rows if row.look != "plain")
    return ", ".join(f"{count} {what}" for what, count in happened.items())


def _happened(row: Row) -> str:
    """Say in a word or three what became of a letter: what was moved is not just gone, a mark no flag."""
    first = row.notes[0][0]
    marking = {"now marked (DELE)": "marked", "no longer marked": first}
    return first if row.look == "gone" else marking.get(first, row.look)


def _marks(snapshot: Snapshot, box: Box) -> frozenset[int]:
    """UIDs that a POP3 session marked; its maildrop is the INBOX."""
    account, _, name = box.key.partition("/")
    return snapshot.marks(account) if name == "INBOX" else frozenset()


def _ordered(flags: Iterable[str]) -> list[str]:
    known = [flag for flag in _SYSTEM if flag in flags]
    return known + [clean(flag) for flag in sorted(set(flags) - set(known))]


def _letters(count: int) -> str:
    return f"{count} letter{'s' * (count != 1)}"


def _facts(snapshot: Snapshot, box: Box) -> dict[str, str]:
    """Gather what else a mailbox has to say: the sessions open on it and the account's quota, at its first mailbox.

    A device has neither, for none is called as an account is (`Snapshot`).
    """
    open_here = [
        f"{session.protocol} {session.state}"
        for session in snapshot.sessions
        if session.account and f"{session.account}/{session.mailbox or 'INBOX'}" == box.key
    ]
    facts = {"session": ", ".join(_counted(open_here))} if open_here else {}
    account = box.key.partition("/")[0]
    first = next((view for view in snapshot.mailboxes if view.account == account), None)
    if first and first.key == box.key and first.quota is not None:
        facts["quota"] = f"{first.used:,} of {first.quota:,} octets"
    return facts


def _counted(items: Iterable[str]) -> list[str]:
    return [item if times == 1 else f"{item} ×{times}" for item, times in Counter(items).items()]


def _loose(snapshot: Snapshot) -> dict[str, str]:
    """Sessions that nobody has logged in on yet."""
    waiting = [f"{session.protocol} {session.state}" for session in snapshot.sessions if not session.account]
    return {"not logged in": ", ".join(_counted(waiting))} if waiting else {}


def _arrow(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    """Join the facts of two moments: ``session: none → POP3 TRANSACTION``."""
    joined = {}
    for what in sorted(before | after, reverse=True):  # the session, then the quota, then what is not shown
        was, is_now = before.get(what, "none"), after.get(what, "none")
        if was.partition(" of ")[2] == is_now.partition(" of ")[2]:  # "23,100 → 20,000 of 50,000 octets"
            was = was.partition(" of ")[0]
        joined[what] = is_now if before.get(what) == after.get(what) else f"{was} → {is_now}"
    return joined


# Two moments


class _Change:
    """Two moments, what `compare` says of them by place, and which texts were in a mailbox before and are after.

    ``was_in`` and ``is_in``: a mailbox's key → its letters' digests.
    """

    def __init__(self, before: Snapshot, after: Snapshot) -> None:
        self.before, self.after = before, after
        self.old, self.new = ({box.key: box for box in _boxes(snapshot)} for snapshot in (before, after))
        self.was_in, self.is_in = ({view.key: set(view.digests) for view in one.mailboxes} for one in (before, after))
        self.places = {change.place: change for change in compare(before, after).places}


def _pair(change: _Change, box: Box) -> tuple[Box, Box]:
    """Describe one place before and after, a row of the one beside the same letter's row in the other."""
    was, is_now = change.old.get(box.key), change.new.get(box.key)
    rows = _changed_rows(change, box, is_now.kept if is_now else ())
    marks = _marks(change.before, box)
    earlier = {one.uid: _kept_row(one, one.uid in marks, one.uid in marks) for one in (was.kept if was else ())}
    hidden = {"not shown": _letters(len(rows) - _ROWS)} if len(rows) > _ROWS else {}
    then, now = _facts(change.before, box) | hidden, _facts(change.after, box) | hidden
    joined = _arrow(then, now)
    if not box.device and not (was and is_now):
        words = ("there", REMOVED, REMOVED) if was else (NOT_YET, "new", "new")
        then, now, joined = ({"mailbox": word} | facts for word, facts in zip(words, (then, now, joined), strict=True))
    shown = _excerpt(rows)
    slots = tuple(None if row.look == "new" else earlier[row.letter.uid] for row in shown)
    counts = [_letters(len(place.kept) if place else 0) for place in (was, is_now)]
    count = counts[0] if counts[0] == counts[1] else f"{counts[0]} → {counts[1].split()[0]}"
    bare = not (rows or joined or box.device or box.key.endswith("/INBOX"))
    box = replace(box, count=count, joined=_told(joined, joined), rows=tuple(shown), tally=_tally(rows), bare=bare)
    return (
        replace(box, rows=slots, lines=_told(joined, then), fate=then.get("mailbox", "")),
        replace(box, lines=_told(joined, now), fate=now.get("mailbox", "")),
    )


def _told(order: Iterable[str], facts: dict[str, str]) -> tuple[str, ...]:
    return tuple(f"{what}: {facts.get(what, 'none')}" for what in order)


def _changed_rows(change: _Change, box: Box, kept: Iterable[LetterView]) -> list[Row]:
    """Return a row for each letter there is and each that is gone, in UID order."""
    place = change.places.get(box.key, PlaceChange(box.key))
    rows = [Row(letter, ((_end(change, box, letter), False),), "gone") for letter in place.gone]
    new = {letter.uid for letter in place.new}
    flags = {letter.uid: (given, cleared) for letter, given, cleared in place.flagged}
    marks = _marks(change.before, box), _marks(change.after, box)
    for letter in kept:
        if letter.uid in new:
            notes = [(_origin(change, box, letter), False), *((flag, False) for flag in _ordered(letter.flags))]
            rows.append(Row(letter, tuple(notes), "new"))
        else:
            was, is_now = (letter.uid in marked for marked in marks)
            rows.append(_kept_row(letter, was, is_now, *flags.get(letter.uid, ((), ()))))
    return sorted(rows, key=lambda row: row.letter.uid)


def _kept_row(
    letter: LetterView, was: bool, is_now: bool, given: Collection[str] = (), cleared: Collection[str] = ()
) -> Row:
    """Describe a letter that stayed: was it marked, is it now, which flags were given and cleared."""
    notes = [("marked (DELE)" if was else "now marked (DELE)", not was)] * is_now
    notes += [("no longer marked", True)] * (was and not is_now)
    notes += [(f"{flag} (new flag)" if flag in given else flag, flag in given) for flag in _ordered(letter.flags)]
    notes += [(f"{flag} (flag cleared)", True) for flag in _ordered(cleared)]
    changed = was != is_now or given or cleared
    return Row(letter, tuple(notes), "changed" if changed else "marked" if is_now else "plain")


def _end(change: _Change, box: Box, letter: LetterView) -> str:
    """Say how a letter went: moved to another of an account's mailboxes, or just gone."""
    account = f"{box.key.partition('/')[0]}/"
    others = (place for key, place in change.places.items() if key.startswith(account) and key != box.key)
    moved = any(letter.digest == one.digest for place in others for one in place.new)
    return "moved" if moved and not box.device else "gone"


def _origin(change: _Change, box: Box, letter: LetterView) -> str:
    """Say how a letter came: saved by a device, copied or moved between an account's mailboxes, or just new."""
    account = f"{box.key.partition('/')[0]}/"
    for key, digests in change.was_in.items():
        if not box.device and key.startswith(account) and key != box.key and letter.digest in digests:
            stays = letter.digest in change.is_in.get(key, ())
            return f"{'copied' if stays else 'moved'} from {clean(key.removeprefix(account))}"
    return box.comes


# Words


def _words(boxes: Sequence[Box], foot: Sequence[str]) -> str:
    rows = [row for box in boxes for row in box.rows if row]
    wide = max((columns(row.subject) for row in rows), default=0)
    digits = max((len(str(row.letter.uid)) for row in rows), default=1)
    lines = []
    for box in boxes:
        lines.append(f"{box.title}: {box.count}")
        lines += [f"  {line}" for line in box.joined]
        lines += [
            f"  {row.sign} {row.letter.uid:>{digits}} {pad(row.subject, wide)}  {row.note}".rstrip()
            for row in box.rows
            if row
        ] or ["    (empty)"]
    return "\n".join([*lines, *foot])


def _foot(boxes: Sequence[Box], loose: dict[str, str]) -> list[str]:
    bare = [clean(box.key) for box in boxes if box.bare]
    lines = [f"Server · empty: {', '.join(bare)}"] if bare and len(bare) < len(boxes) else []
    return lines + [f"Server · {what}: {value}" for what, value in loose.items()]


def _sentence(boxes: Iterable[Box]) -> str:
    """Say in one sentence what a picture shows, for its alternative text."""
    clauses = (f"{box.title}: {box.count}{f' ({box.tally})' if box.tally else ''}" for box in boxes)
    return "; ".join(clauses) or "No mailbox"


# Columns and arrows


def _columns(boxes: Iterable[Box], apart: bool = False) -> list[list[Box]]:
    """Put the server in the first column and the devices in the second, or, ``apart``, in up to three."""
    boxes = list(boxes)
    devices = [list(group) for _, group in groupby((box for box in boxes if box.device), key=lambda box: box.device)]
    beside = min(len(devices), 3 if apart else 1)
    placed = [[box for box in boxes if not box.device]]
    placed += [[box for device in devices[at::beside] for box in device] for at in range(beside)]
    return [column for column in placed if column] or [[Box("", "Nothing to show")]]


def _arrows(placed: Sequence[Sequence[Box]]) -> list[tuple[Spot, Spot]]:
    """Lead from letters on the server, while they are there, to the copies saved in the column beside it."""
    there: dict[str, Spot] = {}
    for box, row in _present(placed[0]):
        if not box.device and row.look != "new":  # of one that came meanwhile, nobody knows which was first
            there.setdefault(row.letter.digest, (box.key, row.letter.uid))
    saved = [
        (box, row)
        for box, row in _present([box for column in placed[1:] for box in column])
        if row.look == "new" and row.letter.digest in there
    ]
    near = {box.key for box in (placed[1] if len(placed) > 1 else ())}
    if len({box.device for box, _ in saved}) > 1 or any(box.key not in near for box, _ in saved):
        return []  # to one device only would be wrong, to all of them a tangle; each row says "saved"
    return [(there[row.letter.digest], (box.key, row.letter.uid)) for box, row in saved]


def _present(boxes: Iterable[Box]) -> list[tuple[Box, Row]]:
    return [(box, row) for box in boxes for row in box.rows if row and row.look != "gone"]
