"""Lesson 00: does everything work on this machine? And the exercises."""

from __future__ import annotations

import imaplib
import os
import poplib
import smtplib
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mailkit.device import Device
from mailkit.diagram import show
from mailkit.exercise import Exercise, Mistake, World
from mailkit.message import DELETED
from mailkit.progress import Progress
from mailkit.render import card, in_lines
from mailkit.samples import compose, letters
from mailkit.scenes.mistakes import FLAGGED_DELETED, MARKED, flagged
from mailkit.server import MailServer
from mailkit.snapshot import Snapshot

# ---- the environment check


class Bench:
    """What the parts are tried on: one server, started by the part that tries it."""

    def __init__(self) -> None:
        self._server: MailServer | None = None

    def start(self) -> None:
        """Start the server."""
        self._server = MailServer(password="secret")

    @property
    def server(self) -> MailServer:
        """The running server. Raises `RuntimeError` where it never started."""
        if self._server is None:
            raise RuntimeError("not tried, because the mail server did not start")
        return self._server

    def stop(self) -> None:
        """Stop the server, if it runs."""
        if self._server is not None:
            self._server.stop()


@dataclass(frozen=True, slots=True)
class Part:
    """One thing the course needs: what it is, how to try it, and what to do if it does not work."""

    name: str
    trial: Callable[[Bench], object]
    remedy: str


def _letters(bench: Bench) -> None:
    letters("all")


def _post(bench: Bench) -> None:
    with smtplib.SMTP(*bench.server.smtp, local_hostname="laptop.example.org") as smtp:
        smtp.sendmail("ben@example.net", ["amy@example.org"], compose("A test"))


def _by_pop3(bench: Bench) -> None:
    pop = poplib.POP3(*bench.server.pop3)
    try:
        pop.user("amy")
        pop.pass_("secret")
        _expect(1, pop.stat()[0])
    finally:
        pop.close()


def _by_imap(bench: Bench) -> None:
    with imaplib.IMAP4(*bench.server.imap) as imap:
        imap.login("amy", "secret")
        _expect([b"1"], imap.select()[1])


def _by_tls(bench: Bench) -> None:
    context: ssl.SSLContext = bench.server.ssl_context
    poplib.POP3_SSL(*bench.server.pop3s, context=context).quit()


def _picture(bench: Bench) -> None:
    if not show(bench.server.snapshot()).svg.startswith("<"):
        raise RuntimeError("the picture is empty")


def _widget(bench: Bench) -> None:
    import ipywidgets  # here, so that its absence is told and not raised

    seen: list[int] = []
    slider = ipywidgets.IntSlider(0, 0, 2)
    slider.observe(lambda change: seen.append(change["new"]), names="value")
    slider.value = 1
    slider.close()
    _expect([1], seen)


def _progress(bench: Bench) -> None:
    folder = Progress().path.parent
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"nothing can be written in {folder}")


def _expect(wanted: object, found: object) -> None:
    if wanted != found:
        raise RuntimeError(f"{wanted!r} was expected, and {found!r} came")


_AGAIN = "run the command under “Begin” in the README again, then Kernel → Restart Kernel"
_LOOPBACK = "let programs on this machine talk to each other: a firewall or a VPN may forbid 127.0.0.1"
PARTS = (
    Part("the sample letters are here", _letters, "open the notebook inside the course's folder, as it was downloaded"),
    Part("the mail server starts", lambda bench: bench.start(), _LOOPBACK),
    Part("a letter goes in, by SMTP", _post, _LOOPBACK),
    Part("a letter comes out, by POP3", _by_pop3, _LOOPBACK),
    Part("a letter can be read, by IMAP", _by_imap, _LOOPBACK),
    Part("a line can be encrypted, by TLS", _by_tls, _AGAIN),
    Part("a picture is drawn", _picture, _AGAIN),
    Part("a widget answers", _widget, _AGAIN),
    Part("your progress can be kept", _progress, "move the course to a folder that is yours; all else works without"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of a part: its problem, or None."""

    part: Part
    problem: str | None

    def __str__(self) -> str:
        if self.problem is None:
            return f"✓ {self.part.name}"
        return f"✗ {self.part.name}: {self.problem}. What to do: {self.part.remedy}."


@dataclass(frozen=True, slots=True)
class Report:
    """What works here and what does not, drawn as text and as HTML."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether all parts work."""
        return not any(one.problem for one in self.findings)

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield from map(str, self.findings)
        yield "Everything works. Go on." if self.ok else "Mend the first ✗, then run this cell again."

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": card(in_lines(repr(self)))}


def check_everything(parts: tuple[Part, ...] = PARTS) -> Report:
    """Run every part of the course once on this machine; nothing leaves it.

    Takes the parts, by default all. Returns a report that names what fails, and the remedy; raises nothing.
    """
    bench = Bench()
    try:
        return Report(tuple(Finding(part, _problem(part, bench)) for part in parts))
    finally:
        bench.stop()


def _problem(part: Part, bench: Bench) -> str | None:
    try:
        part.trial(bench)
    except Exception as error:  # whatever it is, the learner is told which part and what to do
        return f"{type(error).__name__}: {error}"
    return None


# ---- what the exercises look at


def _three_letters() -> World:
    server = MailServer(letters("three-letters"), password="secret")
    return World(server, laptop=Device("laptop"), phone=Device("phone"))


def _laptop_full() -> World:
    world = _three_letters()
    for octets in letters("three-letters"):
        vars(world)["laptop"].save(octets)
    return world


def _on_server(now: Snapshot) -> int:
    return len(now.mailbox("amy").letters)


def _all_stay(now: Snapshot) -> bool:
    """Tell whether the server has all three, and none of them is marked to go."""
    return _on_server(now) == 3 and not now.marks("amy") and not flagged(now, DELETED)


def _digests(now: Snapshot, device: str = "") -> list[str]:
    """Return what tells whole letters apart, of those on a device or on the server."""
    return (now.device(device) if device else now.mailbox("amy")).digests


def _on(now: Snapshot, device: str) -> list[str]:
    return [letter.subject for letter in now.device(device).letters]


LUNCH, INVOICE, PHOTOS = "Lunch on Thursday", "Invoice 2026-114", "Photos of the lake"

first_copy = Exercise(
    "00.1",
    "A copy for the phone",
    _three_letters,
    goal=lambda before, now: _digests(now, "phone") == _digests(before)[:1] and _all_stay(now),
    untouched="The phone is still empty. Write one line, before `pop.quit()`: `box.phone.save(…)`, with what "
    "`pop.retr(1)` returns.",
    mistakes=(
        Mistake(
            "taken-away",
            lambda before, now: _on_server(now) < 3,
            "The server has lost mail: `pop.dele(…)` asked for its removal, and `pop.quit()` did it. A copy was "
            "wanted; leave `pop.dele(…)` out.",
        ),
        MARKED,
        Mistake(
            "only-a-part",
            lambda before, now: _on(now, "phone") == [LUNCH],
            "The phone has only a part of the letter. `pop.retr(1)` brings all of it.",
        ),
        Mistake(
            "other-letter",
            lambda before, now: len(_on(now, "phone")) == 1,
            "Another letter is on the phone. The number in `retr` chooses it, and counting begins at 1.",
        ),
        Mistake(
            "other-device",
            lambda before, now: LUNCH in _on(now, "laptop"),
            "The letter is on the laptop. It was the phone that wanted one: `box.phone.save(…)`.",
        ),
        Mistake(
            "too-many",
            lambda before, now: bool(_on(now, "phone")),
            "More than one letter is on the phone. One line, with letter 1, is enough.",
        ),
    ),
    praise="The phone has a copy, and the server still has all three. You have just talked to a mail server.",
)

throw_one_away = Exercise(
    "00.2",
    "Throw one away",
    _laptop_full,
    goal=lambda before, now: sorted(_on(now, "laptop")) == [LUNCH, PHOTOS] and _all_stay(now),
    untouched="The laptop still has all three. `box.laptop.throw_away(…)` takes the number that the picture shows.",
    mistakes=(
        Mistake(
            "server-too",
            lambda before, now: _on_server(now) < 3,
            "A letter has left the server, and only the laptop's copy was to go. Say nothing to the server.",
        ),
        MARKED,
        Mistake(
            "counted-from-zero",
            lambda before, now: _on(now, "laptop") == [INVOICE, PHOTOS],
            "The lunch is gone, and it was the invoice that should go. The numbers begin at 1, so the invoice is 2.",
        ),
        Mistake(
            "too-many",
            lambda before, now: INVOICE not in _on(now, "laptop") and len(_on(now, "laptop")) < 2,
            "More than the invoice is gone. One line, with number 2, is enough.",
        ),
        Mistake(
            "other-letter",
            lambda before, now: _on(now, "laptop") == [LUNCH, INVOICE],
            "The photos are gone. The invoice is number 2: look at the first picture of this page.",
        ),
    ),
    praise="Gone from the laptop; and the server still has it. A device's copy is its own.",
)

both_full = Exercise(
    "00.3",
    "Both full",
    _three_letters,
    goal=lambda before, now: (
        sorted(_digests(now, "phone")) == sorted(_digests(now, "laptop")) == sorted(_digests(before)) and _all_stay(now)
    ),
    untouched="Both are still empty. Let each save what `imap.fetch` returns. They are `box.laptop` and `box.phone`.",
    mistakes=(
        Mistake(
            "taken-away",
            lambda before, now: _on_server(now) < 3,
            "The server has lost letters. Copies were wanted: leave `dele` and `expunge` out.",
        ),
        MARKED,
        FLAGGED_DELETED,
        Mistake(
            "only-a-part",
            lambda before, now: not {*_digests(now, "phone"), *_digests(now, "laptop")} <= set(_digests(before)),
            "What was saved is only a part of a letter. With nothing between its brackets, `BODY.PEEK[]` brings all.",
        ),
        Mistake(
            "only-one",
            lambda before, now: sorted((len(_on(now, "laptop")), len(_on(now, "phone")))) == [0, 3],
            "One device is full and the other is empty. IMAP has not taken anything away, so the other one can do "
            "exactly the same: they are `box.laptop` and `box.phone`.",
        ),
        Mistake(
            "too-few",
            lambda before, now: 0 < len(_on(now, "laptop")) + len(_on(now, "phone")) < 6,
            'Some letters came, not all. `"1:*"` means: from the first to the last. Save the whole answer of `fetch`, '
            "not one entry of it.",
        ),
        Mistake(
            "same-device",
            lambda before, now: sorted((len(_on(now, "laptop")), len(_on(now, "phone")))) == [0, 6],
            "One device has everything twice, and the other nothing. One line is for `box.laptop`, the other for "
            "`box.phone`.",
        ),
        Mistake(
            "twice",
            lambda before, now: len(_on(now, "laptop")) + len(_on(now, "phone")) >= 6,
            "Something was saved twice: each device saves once.",
        ),
    ),
    praise="Three on the server, three on the laptop, three on the phone. Did you do it by IMAP? It is made for this.",
)

exercises = {one.key: one for one in (first_copy, throw_one_away, both_full)}
