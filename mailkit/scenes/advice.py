"""Lesson 08: lessons 05 and 06 in one table, and a helper that decides by it and shows why.

`decide` is a plain function: what is put in are wishes, what comes out is a way and, for each wish, the row of the
table that speaks to it. Nothing in the table is typed: `comparison` measures it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mailkit.mailbox import MailboxError
from mailkit.message import DELETED
from mailkit.render import card, in_lines
from mailkit.samples import table
from mailkit.scenes.events import Finding, measured
from mailkit.scenes.lesson06 import LEFT
from mailkit.scenes.programs import logged_in
from mailkit.scenes.thirtydays import QUOTA, daily_letter, thirty_days
from mailkit.server import MailServer

WAYS = ("IMAP", "POP", LEFT)  # the first that fits is advised
_LINK = "color:#0b57d0;text-decoration:underline"  # on white, in the dark theme too
REFUSED, STAYS = "A month, room for 17 letters: refused?", "After that month: letters on the server?"
PLACES = {  # event → where in the course it is seen
    "arrives": "05-several-devices.ipynb#The-world",
    "read": "05-several-devices.ipynb#Read,-answer,-delete",
    "answered": "05-several-devices.ipynb#Read,-answer,-delete",
    "deleted": "05-several-devices.ipynb#Read,-answer,-delete",
    "filed": "05-several-devices.ipynb#File,-and-send",
    "sent": "05-several-devices.ipynb#File,-and-send",
    "lost": "05-several-devices.ipynb#The-laptop-is-gone",
    "new": "05-several-devices.ipynb#The-laptop-is-gone",
    "offline": "05-several-devices.ipynb#No-line",
    "back": "05-several-devices.ipynb#No-line",
    "month": "06-pop3-leave-mail-on-the-server.ipynb#Thirty-days",
}


# ---- the table


def comparison(ways: Sequence[str] = ("POP", LEFT, "IMAP")) -> tuple[Finding, ...]:
    """Return what lessons 05 and 06 measured: the ten events, and a month in a small box."""
    refused = {way: str(month(way)[0]) for way in ways}
    stays = {way: str(month(way)[1]) for way in ways}
    return (*measured(ways), Finding("month", REFUSED, refused), Finding("month", STAYS, stays))


@lru_cache
def month(way: str) -> tuple[int, int]:
    """Live lesson 06's thirty days one way; return how many letters were refused, and how many are there at the end.

    Takes one of `WAYS`; POP that leaves mail has the settings of a new Thunderbird account.
    """
    if way == "IMAP":
        return _month_by_imap()
    last = thirty_days(leave=way == LEFT).last
    return last.refused, last.server


def _month_by_imap() -> tuple[int, int]:
    """Do the same with IMAP: offers are thrown away, all else stays where it is."""
    refused = 0
    with MailServer(password="secret", quota=QUOTA) as server:
        for day in range(1, 31):
            try:
                server.deliver(daily_letter(day))
            except MailboxError:
                refused += 1
            with logged_in(server) as imap:
                imap.select()
                for number in reversed(imap.search(None, "SUBJECT", "Offer")[1][0].split()):
                    imap.store(number.decode(), "+FLAGS", f"({DELETED})")
                imap.expunge()
        return refused, len(server.snapshot().mailbox("amy").letters)


# ---- the helper


@dataclass(frozen=True, slots=True)
class Reason:
    """A wish, the row of the table that speaks to it, and which ways fulfil it."""

    wish: str
    finding: Finding
    fits: Mapping[str, bool]
    price: Mapping[str, str]  # way → what it means not to get it

    @property
    def link(self) -> str:
        """Where in the course this was seen, as a page and a place on it."""
        return PLACES[self.finding.event]

    @property
    def place(self) -> str:
        """The same in words: JupyterLab opens a page at its top, whatever place a link names."""
        page, _, heading = self.link.partition("#")
        return f"lesson {page[:2]}, “{heading.replace('-', ' ')}”"


@dataclass(frozen=True, slots=True)
class Advice:
    """A way, and why; drawn as text and as HTML, which names each experiment and, with ``links``, links it, too."""

    way: str
    reasons: tuple[Reason, ...]
    offered: tuple[str, ...]
    note: str
    links: bool = True

    @property
    def price(self) -> tuple[Reason, ...]:
        """The wishes that even this way does not fulfil."""
        return tuple(reason for reason in self.reasons if not reason.fits[self.way])

    def __repr__(self) -> str:
        lines = [self._headline()]
        for reason in self.reasons:
            lines.append(f"  {reason.wish} {reason.finding.question} ({reason.place})")
            lines += [f"    {line}" for line in self._answers(reason)]
        return "\n".join([*lines, *self._last_lines()])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        items = "".join(
            f'<li style="margin-bottom:8px">{in_lines(reason.wish)} {self._question(reason)}'
            f"<br>{'<br>'.join(map(in_lines, self._answers(reason)))}</li>"
            for reason in self.reasons
        )
        between = f'<ul style="margin:8px 0">{items}</ul>' if items else "<br>"
        last = in_lines("\n".join(self._last_lines()))
        inside = f"<strong>{in_lines(self._headline())}</strong>{between}{last}"
        return {"text/plain": repr(self), "text/html": card(inside, "#0072b2")}

    def _headline(self) -> str:
        count = len(self.reasons)
        kept = f" (wishes fulfilled: {count - len(self.price)} of {count})" if count else ""
        return f"Take {self.way}{kept}."

    def _question(self, reason: Reason) -> str:
        question = in_lines(reason.finding.question)
        linked = f'<a href="{reason.link}" style="{_LINK}">{question}</a>' if self.links else question
        return f"{linked} ({in_lines(reason.place)})"

    def _last_lines(self) -> list[str]:
        price = (
            [f"The price of {self.way}: {'; '.join(one.price[self.way] for one in self.price)}."] if self.price else []
        )
        return [*price, self.note] if self.note else price

    def _answers(self, reason: Reason) -> list[str]:
        return [
            f"{'✓' if reason.fits[way] else '✗'} {way}: {reason.finding.answers[way]}"
            for way in WAYS
            if way in self.offered
        ]


def _everywhere(answer: str) -> bool:
    return "phone" in answer


def _nothing_lost(answer: str) -> bool:
    still, _, all_of_them = answer.partition(" of ")
    return still == all_of_them


_Test = Callable[[str], bool]
WISHES: dict[str, tuple[str, str, _Test, str | dict[str, str]]] = {  # the last: what it means not to get it
    "devices": (
        "You use several devices.", "You read it on the laptop: who sees that?", _everywhere,
        {
            "POP": "a letter is on the device that fetched it first, and on no other",
            LEFT: "what you do with a letter on one device, the others do not see",
        },
    ),
    "others": (
        "Others answer from the same box.", "You answer it: who sees that?", _everywhere,
        "nobody else sees what has been answered",
    ),
    "no_backup": (
        "Nobody backs up the laptop.", "The laptop is lost: letters left?", _nothing_lost,
        "with the laptop you lose letters",
    ),
    "off_line": (
        "You are often off line.", "No line, two new letters: on the laptop?",
        lambda answer: not answer.startswith("0 "),
        "of what came meanwhile you have nothing",  # no way today: all keep what has come
    ),
    "small_box": (
        "The box is small, and you keep most.", REFUSED, lambda answer: answer == "0",
        "a full box refuses new mail",
    ),
    "empty_box": (
        "Nothing shall stay at the provider.", STAYS, lambda answer: answer == "0",
        "your mail stays at the provider",
    ),
}  # fmt: skip


def decide(
    devices: int = 1,
    others: bool = False,
    no_backup: bool = False,
    off_line: bool = False,
    small_box: bool = False,
    empty_box: bool = False,
    provider: str | None = None,
) -> Advice:
    """Advise on POP or IMAP.

    Takes how many devices are used, whether others answer from the same box, nobody makes a backup, the line is often
    missing, the box is small, nothing is to stay at the provider (as when a program empties the box), and a provider
    of ``data/providers.csv``. Returns the way that fulfils most; of equals, IMAP. Raises `LookupError` for a provider
    that is not in the table, `ValueError` for a number of devices that is none.
    """
    if not isinstance(devices, int) or devices < 1:
        raise ValueError(f"devices is a number, 1 or more; not {devices!r}")
    wanted = {
        "devices": devices > 1, "others": others, "no_backup": no_backup, "off_line": off_line,
        "small_box": small_box, "empty_box": empty_box,
    }  # fmt: skip
    found = {one.question: one for one in comparison(WAYS)}
    reasons = tuple(_reason(*WISHES[name], found=found) for name, asked in wanted.items() if asked)
    offered = _offered(provider)
    way = min(offered, key=lambda one: (sum(not reason.fits[one] for reason in reasons), WAYS.index(one)))
    note = f"{provider} offers {', '.join(offered.values())}." if provider else ""
    if len(offered) == 1:
        note = f"{note} Your provider offers nothing else."
    elif all(reason.fits[one] for reason in reasons for one in offered):
        note = f"{note} Nothing you named decides; where you have the choice, IMAP leaves most doors open.".strip()
    return Advice(way, reasons, tuple(offered), note)


def _reason(
    wish: str, question: str, fulfils: _Test, price: str | dict[str, str], found: Mapping[str, Finding]
) -> Reason:
    finding = found[question]
    fits = {way: fulfils(answer) for way, answer in finding.answers.items()}
    return Reason(wish, finding, fits, dict.fromkeys(WAYS, price) if isinstance(price, str) else price)


def _offered(provider: str | None) -> dict[str, str]:
    """Return the ways that a provider offers, each as it is to be called: ``IMAP``, or ``IMAP through Bridge``."""
    if provider is None:
        return {way: way for way in WAYS}
    rows = [row for row in table("providers") if row["provider"].casefold() == provider.casefold()]
    if not rows:
        known = ", ".join(dict.fromkeys(row["provider"] for row in table("providers")))
        raise LookupError(f"no provider {provider!r} in the table; it has: {known}")
    told = {way: rows[0]["imap" if way == "IMAP" else "pop"] for way in WAYS}
    return {way: way if answer == "yes" else f"{way} {answer}" for way, answer in told.items() if answer != "no"}
