"""A lesson of your own: the exercises of notebooks/template.ipynb, to be copied with it."""

from __future__ import annotations

from mailkit.device import Device
from mailkit.exercise import Exercise, Mistake, World
from mailkit.samples import letters
from mailkit.server import MailServer


def _three_letters() -> World:
    """Make a server with three letters, and an empty laptop."""
    return World(MailServer(letters("three-letters"), password="secret"), laptop=Device("laptop"))


exercises = {
    one.key: one
    for one in (
        Exercise(
            "99.1",
            "Keep a copy",
            _three_letters,
            goal=lambda before, now: (
                len(now.device("laptop").letters) == 1 and now.mailbox("amy") == before.mailbox("amy")
            ),
            untouched="Nothing has changed yet. Fetch letter 1 and save it on the laptop.",
            mistakes=(
                Mistake(
                    "took-it-away",
                    lambda before, now: len(now.mailbox("amy").letters) < 3,
                    "A letter is gone from the server: that was `DELE`, which you do not need here.",
                ),
            ),
            praise="The letter is in both places: `RETR` copies, it does not move.",
        ),
    )
}
