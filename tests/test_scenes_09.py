"""Lesson 09: each box is broken by the misuse it tells of, and more than one repair is right."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from mailkit.scenes.lesson09 import exercises, somebody_was_here
from tests.exercises.lesson09 import _cell, _imap, _pop
from tests.test_exercises import play

pytestmark = pytest.mark.slow

LESSON = "09-what-went-wrong"
MISUSE = {  # what was said to the server: protocol, and commands in this order
    "09.1": ("POP3", ["DELE 1", "DELE 2", "DELE 3", "QUIT"]),
    "09.2": ("IMAP", [r"STORE 3 +FLAGS (\Deleted)", "EXPUNGE 3"]),
    "09.3": ("IMAP", [r"STORE 1,2,4 +FLAGS (\Deleted)", "LOGOUT"]),
    "09.4": ("POP3", ["DELE 1", "DELE 2"]),
    "09.5": ("SMTP", ["RCPT TO:<ben@example.org>", "DATA"]),
    "09.6": ("POP3", ["RETR 1", "RETR 2", "RETR 3", "QUIT", "RETR 1", "RETR 2", "RETR 3", "QUIT"]),
    "09.7": ("SMTP", ["RCPT TO:<amy@example.org>", "RSET"]),
    "09.8": ("POP3", ["DELE 1", "DELE 2", "DELE 3"]),
    "09.9": ("POP3", ["RETR 1", "RETR 2", "QUIT", "RETR 3", "QUIT"]),
    "09.10": ("POP3", ["DELE 1", "DELE 2", "DELE 3", "DELE 4", "QUIT", "STAT", "QUIT"]),
    "09.11": ("IMAP", [r"STORE 3 +FLAGS (\Flagged)"]),
    "09.12": ("IMAP", ["CREATE School", "MOVE 2 School"]),
    "09.13": ("POP3", ["DELE 1", "DELE 2", "QUIT", "RETR 1", "RETR 2", "QUIT"]),
    "09.14": ("POP3", ["DELE 1", "DELE 2", "DELE 3", "DELE 4", "QUIT"]),
    "09.15": ("IMAP", [r"STORE 1 +FLAGS (\Deleted)", "EXPUNGE 1", "EXPUNGE 2", "EXPUNGE 3"]),
}
ALSO_RIGHT = [
    (
        "09.1",
        _imap(
            "09.1",
            """\
box.program.settings = PopSettings(days=None)
box.program.poll()
for octets in box.laptop.letters():
    imap.append("INBOX", r"(\\Seen)", None, octets)
imap.logout()
box.program.poll()""",
        ),
    ),
    ("09.3", _imap("09.3", 'imap.store("2", "FLAGS", "()")\nimap.close()')),
    ("09.3", _imap("09.3", 'imap.uid("EXPUNGE", "1,4")\nimap.store("1", "-FLAGS", r"(\\Deleted)")')),
    (
        "09.7",
        _pop(
            "09.7",
            """\
box.laptop.save(pop.retr(4))
for number in (1, 2, 3, 4):
    pop.dele(number)
pop.quit()
box.postman_comes_back()""",
        ),
    ),
    (
        "09.8",
        _cell(
            "09.8",
            """\
box.phone_line.rset()
box.phone_line.quit()
pop = poplib.POP3(*box.server.pop3)
pop.user("amy")
pop.pass_("secret")
for number in (1, 2, 3):
    box.laptop.save(pop.retr(number))
pop.quit()""",
        ),
    ),
    (
        "09.10",
        _cell(
            "09.10",
            """\
def collect(pop, device):
    had = device.letters()
    for number in range(1, pop.stat()[0] + 1):
        octets = b"".join(line + b"\\r\\n" for line in pop.retr(number)[1])
        if octets not in had:
            device.save(octets)
        if device.name == "laptop":
            pop.dele(number)
    pop.quit()

box.one_week(collect)""",
        ),
    ),
    (
        "09.12",
        _imap(
            "09.12",
            """\
imap.select("School")
imap.copy("1", "INBOX")
imap.store("1", "+FLAGS", r"(\\Deleted)")
imap.expunge()
box.program.poll()""",
        ),
    ),
]


def test_a_week_does_not_come_twice():
    box = exercises["09.10"].start()
    box.one_week(lambda pop, device: pop.quit())
    with pytest.raises(RuntimeError, match="from its first line"):
        box.one_week(lambda pop, device: pop.quit())


def commands(server, protocol):
    """Return what clients said on all lines of a protocol, without IMAP's tags and ``UID``."""
    said = []
    for which in range(99):
        try:
            said += server.transcript(protocol, which).said("C")
        except LookupError:
            break
    return [line.partition(" ")[2].removeprefix("UID ") if protocol == "IMAP" else line for line in said]


@contextmanager
def started(key):
    """Start an exercise, and end whatever is open in it."""
    box = exercises[key].start()
    yield box
    if key == "09.8":
        box.phone_line.close()
    box.stop()


@pytest.mark.parametrize("key", exercises)
def test_the_box_is_broken_by_what_was_said_to_the_server(key):
    protocol, misuse = MISUSE[key]
    with started(key) as box:
        said = iter(commands(box.server, protocol))
        assert not [words for words in misuse if not any(words in line for line in said)]


@pytest.mark.parametrize("key", exercises)
def test_the_broken_box_is_the_same_every_time(key):
    with started(key) as first, started(key) as second:
        assert first.before == second.before


def test_somebody_emptied_the_box_and_has_it_all():
    server, laptop = somebody_was_here()
    with server:
        assert (len(server.snapshot().mailbox("amy").letters), len(laptop.letters())) == (0, 3)


@pytest.mark.parametrize(("key", "source"), ALSO_RIGHT, ids=[key for key, _ in ALSO_RIGHT])
def test_another_way_is_right_too(key, source):
    verdict = play(LESSON, source)
    assert (verdict.key, verdict.status) == (key, "right"), verdict
