"""Lessons 00, 01 and 03: the environment check, the letterbox scenes and the dial-up calculator."""

from __future__ import annotations

import imaplib
import os
import poplib
import re
import smtplib
from types import SimpleNamespace

import ipywidgets
import pytest

from mailkit.samples import letters
from mailkit.scenes import dialup, lesson00, lesson01, lesson02, programs, troubles
from mailkit.scenes.lesson02 import hops
from mailkit.server import MailServer
from tests import notebooks
from tests.test_exercises import world


def test_the_check_names_what_fails_and_the_remedy():
    def broken(bench):
        raise OSError("the disk is on strike")

    parts = (lesson00.Part("a broken part", broken, "ask it kindly"), lesson00.PARTS[0])
    report = lesson00.check_everything(parts)
    assert not report.ok
    assert str(report.findings[0]) == "✗ a broken part: OSError: the disk is on strike. What to do: ask it kindly."
    assert report.findings[1].problem is None
    assert "Mend the first ✗" in report._repr_mimebundle_()["text/html"]


def test_without_a_server_the_other_parts_say_so():
    parts = [part for part in lesson00.PARTS if part.name != "the mail server starts"]
    problems = {one.part.name: one.problem for one in lesson00.check_everything(tuple(parts)).findings}
    assert "did not start" in str(problems["a letter goes in, by SMTP"])
    assert problems["the sample letters are here"] is None


@pytest.mark.parametrize(
    ("part", "thing", "name", "broken"),
    [
        ("the sample letters are here", lesson00, "letters", lambda name: 1 / 0),
        ("a letter comes out, by POP3", poplib.POP3, "stat", lambda pop: (0, 0)),
        ("a letter can be read, by IMAP", imaplib.IMAP4, "select", lambda imap: ("OK", [b"0"])),
        ("a line can be encrypted, by TLS", poplib, "POP3_SSL", lambda host, port, context: 1 / 0),
        ("a picture is drawn", lesson00, "show", lambda snapshot: SimpleNamespace(svg="")),
        ("a widget answers", ipywidgets.IntSlider, "observe", lambda slider, function, names: None),
        ("your progress can be kept", os, "access", lambda path, mode: False),
    ],
)
def test_every_part_is_tried(part, thing, name, broken, monkeypatch):
    monkeypatch.setattr(thing, name, broken)
    assert [one.part.name for one in lesson00.check_everything().findings if one.problem] == [part]


@pytest.mark.parametrize("way", lesson01.WAYS)
def test_both_ways_have_six_steps_and_end_with_four_letters(way):
    steps = lesson01.steps(way)
    assert len(steps) == 6
    end = steps[-1].snapshot
    at_home = len(end.device("home").letters)
    in_box = sum(len(box.letters) for box in end.mailboxes)
    assert (at_home, in_box) == ((4, 0) if way == "take home" else (0, 4))
    assert not end.sessions


def test_what_is_unknown_is_answered_with_what_there_is():
    with pytest.raises(LookupError, match="take home, read there"):
        lesson01.steps("by balloon")
    with pytest.raises(LookupError, match="a fire at home"):
        troubles.scenario("an earthquake")
    with pytest.raises(TypeError, match="hops takes one letter; take it out of the list"):
        hops(letters("long-way"))
    with pytest.raises(LookupError, match=r"28\.8"):
        dialup.dial_up(5, "fast")


def test_the_name_in_the_topmost_line_is_what_the_caller_called_itself():
    """RFC 5321 §4.4: it is copied from EHLO. So nothing that lesson 02 says may take it for a proof."""
    box = lesson02.exercises["02.4"].start()
    with smtplib.SMTP(*box.org.smtp, local_hostname="mail.example.net") as stranger:
        stranger.sendmail("ben@example.net", ["amy@example.org"], b"Subject: The key!\r\n\r\nBen\r\n")
    pop = poplib.POP3(*box.org.pop3)
    pop.user("amy")
    pop.pass_("secret")
    forged = pop.top(3, 0)[1]
    true, false = (b" ".join(pop.top(number, 0)[1][1:4]) for number in (2, 4))
    pop.quit()
    box.stop()
    assert hops(b"\r\n".join(forged))[0] == ("laptop.example.net", "MUA", "hands it in"), "so its lowest line says"
    assert b"from mail.example.net ([127.0.0.1])" in true
    assert true == false
    assert "only what the caller called itself" in lesson02.whom_to_believe.praise


def test_the_row_that_turns_the_meaning_round_is_not_cut():
    picture = troubles.scenarios_picture()
    for told in (picture.words, picture.alt, picture.svg):
        assert "(bad)" in told
        assert "or that a stranger reads" in told
        assert "…" not in told


def test_a_box_without_a_lock_takes_any_password():
    for locked in (True, False):
        with MailServer(password="secret", check_password=locked) as server:
            pop = poplib.POP3(*server.pop3)
            pop.user("amy")
            if locked:
                with pytest.raises(poplib.error_proto, match="wrong name or password"):
                    pop.pass_("let me in")
            else:
                pop.pass_("let me in")
            pop.close()


@pytest.mark.parametrize(
    ("megabytes", "modem", "minutes"), [(5, "28.8", 23.15), (5, "56", 15.15), (0, "14.4", 0), (1, "14.4", 9.26)]
)
def test_how_long_a_call_takes(megabytes, modem, minutes):
    assert dialup.dial_up(megabytes, modem).minutes == pytest.approx(minutes, abs=0.01)
    assert dialup.dial_up(megabytes, float(modem)) == dialup.dial_up(megabytes, modem)


def test_what_a_call_costs():
    an_hour = dialup.dial_up(0, reading=63, on_line=True)
    assert an_hour.francs == pytest.approx(0.74 + 16.70)
    assert dialup.dial_up(0, reading=63, on_line=True, peak=False).francs == pytest.approx(0.74 + 8.35)
    assert dialup.dial_up(0, reading=2, on_line=True).francs == pytest.approx(0.74)
    for peak, price in {True: "0.74 F for 3 minutes, then 16.70 F an hour", False: "then 8.35 F an hour"}.items():
        assert price in str(dialup.dial_up_picture(peak=peak)), "the picture says at which price"
    assert an_hour.euros == pytest.approx(an_hour.francs / 6.55957)
    with pytest.raises(ValueError, match="0 or more"):
        dialup.dial_up(-1)


_TABLES = ("typing-error-look", "last-lines", "imap-lines")


@pytest.mark.parametrize(
    "line",
    [
        "box.phone.save(…)",
        "pop.rset(1)",
        'imap.append("INBOX")',
        "[][0]",
        "pop.retr(1)",
        'imap.fetch("7", "(FLAGS)")',
        'imap.fetch("", "(FLAGS)")',
        'imap.fetch(7, "(FLAGS)")',
        "pop.dele((1, 3))",
        'imap.fetch(imap.search(None, "ALL"), "(FLAGS)")',
        'imap.fetch("1", "(FLAGS")',
        'imap.select("bills"); imap.search(None, "ALL")',
        "pop.quit(); pop.stat()",
        "pop.expunge()",
        'pop.retr(b"1")',
        'b"439" <= 10_000',
        'b"Message-ID: <a@example.org>".startswith("Message-ID")',
        '"Message-ID" in b"Message-ID: <a@example.org>"',
        "poplib.POP3(context=None)",
        'print("box)',
        "if 1:\nx",
        "posted",
    ],
)
def test_what_python_says_of_a_slip_is_in_a_table_of_lesson_00(line):
    """The red box's last line holds the words of a row; the row's … stands for any others."""
    tables = "".join(notebooks.cell("00-start-here", part).source for part in (_TABLES))
    told = [words for row in re.findall(r"^\|(.*?)\|", tables, re.MULTILINE) for words in re.findall(r"`([^`]+)`", row)]
    with MailServer(password="secret") as server, imaplib.IMAP4(*server.imap) as imap:
        imap.login("amy", "secret")
        imap.select()
        pop = programs.by_pop(server)
        with pytest.raises(Exception) as raised:  # noqa: PT011
            exec(line, {"pop": pop, "imap": imap, "poplib": poplib})
        pop.close()
    last_line = f"{raised.type.__name__}: {raised.value}"
    assert any(re.search(re.escape(words).replace("…", ".+"), last_line) for words in told), last_line


def test_the_postman_of_lesson_01_comes_once():
    """What follows counts six letters, so a cell that was run twice delivers no seventh."""
    name = "01-two-ways-to-empty-a-letterbox"
    with world(name) as page:
        exec(notebooks.cell(name, "delivery").source, page)
        with pytest.raises(AssertionError, match="begin again"):
            exec(notebooks.cell(name, "delivery").source, page)
        assert len(page["server"].snapshot().mailbox("amy").letters) == 6


def test_lesson_03_reckons_as_its_calculator_does():
    said = notebooks.cell("03-pop3-take-the-mail-home", "dial-look").source
    mb, bits, minutes, speed = re.match(r"(\d+) MB are (\d+) million bits: (\d+) minutes at ([\d.]+)", said).groups()
    assert int(mb) * 8 == int(bits)
    assert int(minutes) == round(int(bits) * 1000 / float(speed) / 60) == round(dialup.dial_up(int(mb), speed).minutes)


def test_pop3_counts_anew_and_the_pictures_do_not():
    with MailServer(letters("three-letters"), password="secret") as server:
        pop = programs.by_pop(server)
        pop.dele(1)
        pop.quit()
        pop = programs.by_pop(server)
        numbers = [int(line.split()[0]) for line in pop.list()[1]]
        pop.quit()
        assert (numbers, [one.uid for one in server.snapshot().mailbox("amy").letters]) == ([1, 2], [2, 3])
