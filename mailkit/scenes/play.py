"""The lessons' own widgets: forms around plain functions, each of which works on real servers.

What is shown is computed by the functions, which can be called without a widget, too.
"""

from __future__ import annotations

import smtplib
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from functools import cache, partial
from typing import get_args

from mailkit.diagram import Picture, show_columns
from mailkit.samples import compose, letter, table
from mailkit.scenes.advice import Advice, decide
from mailkit.scenes.dialup import dial_up_picture
from mailkit.scenes.lesson01 import side_by_side
from mailkit.scenes.thirtydays import thirty_days
from mailkit.scenes.troubles import SCENARIOS, scenario
from mailkit.scenes.wire import Attack, Beginning, attempt
from mailkit.server import MailServer
from mailkit.widgets import Choice, Number, Tick, Words, form

# ---- 00, 05: send a letter

OWN = ""  # in place of a sample letter's name: words of your own
LETTERS = (
    ("Lunch on Thursday", "lunch"),
    ("Come to my birthday", "party"),
    ("Photos of the lake", "photos"),
    ("Two pizzas for one!", "leaflet"),
    ("my own, as written below", OWN),
)


def composer(server: MailServer) -> None:
    """Display a form that sends Amy a sample letter, or one of the learner's own."""
    made = form(
        "Send Amy a letter", partial(post, server), button="Send",
        which=Choice("Letter", LETTERS), subject=Words("Subject"), text=Words("Text", lines=3),
    )  # fmt: skip
    for name in ("subject", "text"):  # who writes words of his own means them
        made.controls[name].observe(lambda _: setattr(made.controls["which"], "value", OWN), names="value")


def post(server: MailServer, which: str = OWN, subject: str = "", text: str = "") -> str:
    """Hand one letter for Amy to a server by SMTP, and return what the server said.

    Takes the name of a sample letter, or `OWN` for one with this subject and text. Raises `LookupError` for a name
    that no sample has, and `ValueError` for a letter of one's own without a subject.
    """
    if which == OWN and not subject.strip():
        raise ValueError("a letter of your own needs a subject; write one")
    octets = letter(which) if which != OWN else compose(subject.strip(), text=text.rstrip("\n") + "\n")
    with smtplib.SMTP(*server.smtp, local_hostname="laptop.example.net") as smtp:
        smtp.ehlo()
        smtp.mail("ben@example.net")
        smtp.rcpt("amy@example.org")
        code, words = smtp.data(octets)
    return f"“{message_from_bytes(octets, policy=default)['Subject']}”: the server says {code} {words.decode()}"


# ---- 01: two ways


def stepper() -> None:
    """Display both ways to empty a letterbox, step by step."""
    form("Both ways, step by step", two_ways, step=Number("Step (1 to 6)", 1, 6, 1))


@cache
def two_ways(step: int = 1) -> Picture:
    """Draw both ways at one of their six steps."""
    return side_by_side(step, step)


def troubles() -> None:
    """Display what a trouble makes of both ways, for any of the five."""
    form("Let something happen", lambda name: scenario(name).picture, name=Choice("Trouble", SCENARIOS))


# ---- 03: the dial-up calculator


def dial_up_calculator() -> None:
    """Display what a call to collect mail cost in 1999, for any amount of mail."""
    form(
        "The dial-up calculator", dial_up_picture, megabytes=Number("Megabytes of mail", 1, 50, 5),
        reading=Number("Minutes to read it", 0, 240, 30), peak=Tick("On a weekday, between 8:00 and 19:00", True),
    )  # fmt: skip


# ---- 06: thirty days


def settings_panel() -> None:
    """Display Thunderbird's four settings as it words them, and the thirty days that follow from them."""
    says = {row["setting"]: row["english"] for row in table("thunderbird")}
    form(
        "The settings on the laptop", month, headers_only=Tick(says["headers_only"]),
        leave=Tick(says["leave_on_server"], True), for_at_most=Tick(says["for_at_most"], True, needs="leave"),
        days=Number("Days, in place of …", 1, 30, 14, needs="for_at_most"),
        until_deleted=Tick(says["until_i_delete"], True, needs="leave"),
    )  # fmt: skip


@cache
def month(headers_only: bool, leave: bool, for_at_most: bool, days: int, until_deleted: bool) -> Picture:
    """Draw thirty days of a box with a program that has these settings: the letters, and how full the box is."""
    lived = thirty_days(leave, days if for_at_most else None, until_deleted, headers_only)
    return show_columns([(str(lived), lived.picture), ("What that makes of the box", lived.box)])


# ---- 07: somebody on the line


def man_in_the_middle(server: MailServer) -> None:
    """Display a visit to the server over a line on which somebody sits, with what either of them may do."""
    form(
        "Who reads what?", partial(visit, server),
        beginning=Choice("Amy's program begins", get_args(Beginning)),
        attack=Choice("The one on the line", get_args(Attack)),
        checked=Tick("Amy's program checks the certificate", True),
    )  # fmt: skip


def visit(server: MailServer, beginning: Beginning, attack: Attack, checked: bool) -> Picture:
    """Let Amy's program collect her mail over such a line, and draw who reads what; takes what `attempt` takes."""
    return attempt(server, beginning, attack, checked=checked).picture


# ---- 08: the decision helper


def decision_helper() -> None:
    """Display the advice that follows from the learner's wishes, each with the experiment that speaks to it."""
    providers = list(dict.fromkeys(row["provider"] for row in table("providers")))
    form(
        "What matters to you?", advise,
        devices=Number("Devices you use", 1, 9, 2), others=Tick("Others answer from the same box"),
        no_backup=Tick("Nobody backs up the laptop"), off_line=Tick("Often off line"),
        small_box=Tick("The box is small, and I keep most"), empty_box=Tick("Nothing shall stay at the provider"),
        provider=Choice("Provider", [("any", ""), *((name, name) for name in providers)]),
    )  # fmt: skip


def advise(provider: str, **wishes: int) -> Advice:
    """Return what `decide` says, without links: a widget's lead away from the page. An empty provider is any."""
    return replace(decide(**wishes, provider=provider or None), links=False)  # type: ignore[arg-type]
