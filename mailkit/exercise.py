"""Exercises: a fresh world to work in, and a check that looks at the state it is left in."""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from mailkit.cells import cells_run, never_ran, taken_elsewhere
from mailkit.progress import Progress
from mailkit.render import card, in_lines
from mailkit.snapshot import Snapshot, compare

Predicate = Callable[[Snapshot, Snapshot], bool]  # (before, now): does this hold?
Status = Literal["not yet", "not right", "right"]

_CODE = r'<code style="background-color:#ffffff;color:#000000;padding:0">\1</code>'
_LOOKS = {"right": ("✓", "#009e73"), "not right": ("✗", "#d55e00"), "not yet": ("…", "#0072b2")}


class Stage(Protocol):
    """What an exercise needs of a world: a picture of it, and an end."""

    def snapshot(self) -> Snapshot:
        """Freeze the world as it is now."""

    def stop(self) -> None:
        """End it; whatever it held is given back."""


class World:
    """A server and the things around it, by name: ``World(server, laptop=Device("laptop"))``.

    Devices appear in the snapshot; any other thing (a second server, a script) is only within reach.
    Whatever can be stopped is stopped with the world.
    """

    def __init__(self, server: Any, **things: Any) -> None:
        vars(self).update(things, server=server)
        self._devices = [one for one in things.values() if hasattr(one, "snapshot") and not hasattr(one, "stop")]

    def snapshot(self) -> Snapshot:
        """Freeze the server with the devices."""
        picture: Snapshot = self.server.snapshot(*self._devices)  # type: ignore[attr-defined]
        return picture

    def stop(self) -> None:
        """Stop the server, and any other."""
        for thing in vars(self).values():
            if hasattr(thing, "stop"):
                thing.stop()


@dataclass(frozen=True)
class Mistake:
    """A misconception, how the mailbox shows it, and what to say to it: `code` in backticks, in lines."""

    name: str
    when: Predicate
    advice: str


@dataclass(frozen=True)
class Verdict:
    """The answer of a check, drawn as text and as HTML; ``mistake`` names the misconception seen, if any."""

    key: str
    title: str
    status: Status
    advice: str
    mistake: str | None = None

    def __repr__(self) -> str:
        icon, _ = _LOOKS[self.status]
        return f"{icon} {self.status.capitalize()}: exercise {self.key}, {self.title}\n{self.advice}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        icon, colour = _LOOKS[self.status]
        advice = re.sub(r"`([^`]+)`", _CODE, in_lines(self.advice))
        heading = f"<strong>{icon} {self.status.capitalize()}</strong> · exercise {self.key}, {in_lines(self.title)}"
        html = card(f"{heading}<br>{advice}", colour, role="status")  # read out by a screen reader
        return {"text/plain": repr(self), "text/html": html}


class Box:
    """One learner's try at an exercise: the things of its world as attributes, and ``check()``."""

    __slots__ = ("__weakref__", "_exercise", "_refused", "_started", "_world", "before")
    before: Snapshot

    def __init__(self, exercise: Exercise, world: Any) -> None:
        self._exercise = exercise
        self._world = world
        object.__setattr__(self, "before", world.snapshot())
        self._refused = _refused(_by_imap(world))
        self._started = len(cells_run())

    def __getattr__(self, name: str) -> Any:
        try:
            return getattr(self._world, name)
        except AttributeError:
            raise AttributeError(f"this exercise has no {name!r}; it has: {', '.join(dir(self))}") from None

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_"):
            getattr(self, name)  # raises where the box has no such thing
            raise AttributeError(
                f"box.{name} stays the one it is: change what is in it, or give yours a name without 'box.'"
            )
        object.__setattr__(self, name, value)

    def __dir__(self) -> set[str]:
        return {"before", "check", *(one for one in vars(self._world) if not one.startswith("_"))}

    def __repr__(self) -> str:
        return f"<Box of exercise {self._exercise.key}: {', '.join(dir(self))}>"

    def check(self) -> Verdict:
        """Compare the world with what it was at the start, note the progress, and return the verdict."""
        unread = never_ran(cells_run()[self._started :])
        if ".start()" in unread:
            return Verdict(self._exercise.key, self._exercise.title, "not yet", f"{_OLD_BOX} {_UNREADABLE}")
        verdict = self._exercise.judge(self.before, self._world.snapshot())
        if verdict.status != "not yet":
            Progress().note(verdict.key, "done" if verdict.status == "right" else "tried")
        if verdict.status == "right":
            return verdict
        more = [f"The cell before did not run. {_UNREADABLE}"] if unread else []
        advice = ("\n" if "\n" in verdict.advice else " ").join([verdict.advice, *self._overheard(), *more])
        return replace(verdict, advice=advice + _AFRESH * (verdict.status == "not right" and not unread))

    def _overheard(self) -> Iterator[str]:
        """Yield what the cells since the start, and the IMAP sessions, add to an advice."""
        yield from self._mistaken_names()
        sessions = _by_imap(self._world)
        if (refused := _refused(sessions)) != self._refused:
            yield f"The server refused what you sent: `{refused[-1]}`."
        for session in sessions:
            flagging = [line for line in session.said("C") if re.search(r" (?:STORE|APPEND) ", line)]
            if flagging and (bare := _BARE_FLAG.search(flagging[-1])):
                flag = rf"(\{bare[2].capitalize()})"
                yield (
                    f"You wrote the flag `{bare[1]}{bare[2]}`, one of your own; "
                    f'with its backslash{" (not a slash)" if bare[1] else ""} it is `r"{flag}"`.'
                )
                return

    def _mistaken_names(self) -> Iterator[str]:
        """Yield what to say of names that the cells since the start took for things of the box."""
        things = {name: thing for name, thing in vars(self._world).items() if not name.startswith("_")}
        instead = self._exercise.instead
        for name, meant in taken_elsewhere(cells_run()[self._started - 1 :], {**instead, **things}):
            if not meant:
                yield f"You wrote `{name}`, which was connected before this `box` was made: connect anew."
                continue
            which = "" if name in meant else f", which takes the lesson's {_in_code(meant)}"
            own = f"this exercise has its own: {_in_code(f'box.{thing}' for thing in meant)}"
            other = next((f"take {instead[thing]}" for thing in meant if thing in instead), own)
            yield f"You wrote `{name}`{which}; {other}."


@dataclass(eq=False)
class Exercise:
    """A task whose answer is a state of the mailbox.

    ``world`` makes a fresh one; ``goal`` says when the task is done; ``untouched`` is the advice while
    nothing has changed, or, where the cell does something by itself, while ``idle`` says that this was all;
    ``mistakes`` are looked at in order; ``praise`` says what the right answer shows; ``instead`` says, for a name
    of the lesson's, what is to be taken where it is not the box's thing of that name.
    A predicate that looks up a mailbox or device that is not there (`LookupError`) does not hold.
    """

    key: str
    title: str
    world: Callable[[], Stage]
    goal: Predicate
    untouched: str
    mistakes: tuple[Mistake, ...] = ()
    praise: str = "The mailbox is exactly as it was asked for."
    idle: Predicate | None = None
    instead: Mapping[str, str] = field(default_factory=dict)
    _last: weakref.ref[Box] | None = field(default=None, init=False, repr=False)

    def start(self) -> Box:
        """Make a fresh world, and stop that of the try before it."""
        if self._last and (last := self._last()):
            last.stop()
        box = Box(self, self.world())
        self._last = weakref.ref(box)
        return box

    def look(self) -> Snapshot:
        """Return how its world begins; a try that is under way goes on."""
        box = Box(self, self.world())
        box.stop()
        return box.before

    def judge(self, before: Snapshot, now: Snapshot) -> Verdict:
        """Return the verdict on what a learner made of ``before``."""
        if _holds(self.goal, before, now):
            return self._verdict("right", self.praise)
        if self.idle and _holds(self.idle, before, now):
            return self._verdict("not yet", self.untouched)
        for mistake in self.mistakes:
            if _holds(mistake.when, before, now):
                return self._verdict("not right", mistake.advice, mistake.name)
        if _same(before, now):
            return self._verdict("not yet", self.untouched)
        return self._verdict("not right", f"This is what changed so far: {_changes(before, now)}. {_READ_AGAIN}")

    def _verdict(self, status: Status, advice: str, mistake: str | None = None) -> Verdict:
        return Verdict(self.key, self.title, status, advice, mistake)


_BARE_FLAG = re.compile(  # `imap.store` sends brackets of its own, `imap.uid` does not
    r"(?:\(|FLAGS\S* )(?:[^)]* )?(/?)(seen|answered|flagged|deleted|draft)\b", re.IGNORECASE
)
_AFRESH = "\nMend your lines, and run the cell from its first line: that makes a new box."
_READ_AGAIN = "Read the task once more and compare; the hints are below."
_OLD_BOX = "Nothing of the cell before ran, not even its first line, so this `box` is still the one of an earlier try."
_UNREADABLE = (
    "`SyntaxError` or `IndentationError` means that Python cannot read the cell. Mend the line that its red box shows, "
    "and run that cell again."
)


def _by_imap(world: Any) -> list[Any]:
    """Return the transcripts of the IMAP sessions."""
    sessions: list[Any] = []
    with suppress(AttributeError, LookupError, RuntimeError):  # no server, no session more, a server that was stopped
        while True:
            sessions.append(world.server.transcript("IMAP", len(sessions)))
    return sessions


def _refused(sessions: list[Any]) -> list[str]:
    """Return what they were told NO to: `imaplib` returns it, and lines that do not look go on."""
    lines = (line for session in sessions for line in session.said("S"))
    return [line.partition(" ")[2].replace("`", "'") for line in lines if re.match(r"a\d+ NO ", line)]


def _holds(predicate: Predicate, before: Snapshot, now: Snapshot) -> bool:
    try:
        return predicate(before, now)
    except LookupError:  # a mailbox or device it asks for is not there (yet)
        return False


def _same(before: Snapshot, now: Snapshot) -> bool:
    """Tell whether nothing happened but logging in and out."""
    return (before.mailboxes, before.devices) == (now.mailboxes, now.devices) and not compare(before, now)


def _changes(before: Snapshot, now: Snapshot) -> str:
    """Say in a line what is different now: ``amy/INBOX: 1 gone; laptop/INBOX: 1 new``; of private things nothing."""
    difference = compare(before, now)
    lines = [
        f"{place.place}: {_counts(place.new, place.gone, place.flagged)}"
        for place in difference.places
        if not place.place.startswith("_")
    ]
    lines += [f"{account}: {len(marked)} marked for deletion" for account, marked, _ in difference.marks if marked]
    was, there = ({view.key for view in moment.mailboxes} for moment in (before, now))
    lines += [f"mailbox {name} {'made' if name in there else 'removed'}" for name in sorted(was ^ there)]
    return "; ".join(lines) or "little"


def _counts(*changes: tuple[object, ...]) -> str:
    names = zip(("new", "gone", "with other flags"), changes, strict=True)
    return ", ".join(f"{len(change)} {name}" for name, change in names if change)


def _in_code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
