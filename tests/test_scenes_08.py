"""Lesson 08: the helper decides by what was measured, says where, and three people's week is lived."""

from __future__ import annotations

import re

import pytest

from mailkit import Device, MailServer
from mailkit.samples import table
from mailkit.scenes.advice import PLACES, WAYS, WISHES, comparison, decide, month
from mailkit.scenes.events import EVENTS
from mailkit.scenes.lesson08 import came_next, exercises, rules, where_it_says
from mailkit.scenes.play import advise
from mailkit.scenes.thirtydays import thirty_days
from mailkit.scenes.weeks import DEVICES, PEOPLE, ROOM, Weeks, expected, unreadable
from tests.notebooks import FOLDER
from tests.test_notebooks import all_outputs, anchors

pytestmark = pytest.mark.slow


def test_every_line_of_the_table_has_its_place_in_the_course():
    assert {one.event for one in comparison()} == set(PLACES) == {*EVENTS, "month"}
    for place in PLACES.values():
        page, _, fragment = place.partition("#")
        assert (FOLDER / page).exists(), page
        assert fragment in anchors(page), place


def test_left_for_ever_refuses_what_imap_refuses():
    """What lesson 08 says below its table."""
    assert thirty_days(days=None).last.refused == month("IMAP")[0] == 5


def test_every_wish_is_spoken_to_by_a_line_of_the_table():
    assert {question for _, question, *_ in WISHES.values()} <= {one.question for one in comparison()}


@pytest.mark.parametrize(
    ("wishes", "way"),
    [
        ({}, "IMAP"),
        ({"devices": 2}, "IMAP"),
        ({"others": True}, "IMAP"),
        ({"no_backup": True}, "IMAP"),
        ({"off_line": True}, "IMAP"),
        ({"small_box": True}, "POP"),
        ({"empty_box": True}, "POP"),
        ({"devices": 2, "small_box": True}, "IMAP"),
        ({"small_box": True, "provider": "iCloud Mail"}, "IMAP"),  # it has no POP
    ],
)
def test_advice(wishes, way):
    advice = decide(**wishes)
    assert advice.way == way
    assert repr(advice).startswith(f"Take {way}")
    html = advice._repr_mimebundle_()["text/html"]
    assert html.count("<a href=") == len(advice.reasons)
    in_the_widget = advise(**{"provider": "", **wishes})._repr_mimebundle_()["text/html"]
    assert "<a" not in in_the_widget
    assert in_the_widget.count("(lesson 0") == len(advice.reasons)


def test_advice_says_what_it_cannot_give():
    advice = decide(devices=2, small_box=True, provider="Proton Mail")
    assert [reason.wish for reason in advice.price] == ["The box is small, and you keep most."]
    assert repr(advice).endswith(
        "The price of IMAP: a full box refuses new mail.\n"
        "Proton Mail offers IMAP through Bridge. Your provider offers nothing else."
    )
    assert "The price of POP: a letter is on" in repr(decide(devices=2, small_box=True, empty_box=True))
    assert "nothing else" in repr(decide(provider="iCloud Mail"))
    assert "Nothing you named decides" not in repr(decide(provider="iCloud Mail"))
    assert "Nothing you named decides" in repr(decide(provider="Gmail"))
    with pytest.raises(LookupError, match="Gmail"):
        decide(provider="Nobody")


@pytest.mark.parametrize("devices", [0, -1, "2"])
def test_so_many_devices_there_are_not(devices):
    with pytest.raises(ValueError, match="devices is a number, 1 or more"):
        decide(devices=devices)


@pytest.mark.parametrize(
    ("way", "counts"),
    [("IMAP", (0, 3, 0)), ("POP", (5, 0, 3)), ("POP (leaves mail)", (1, 3, 3))],
    ids=["imap", "pop", "left"],
)
def test_the_same_way_for_all_three_leaves_letters_unread(way, counts, capsys):
    devices = {name: Device(name) for names in DEVICES.values() for name in names}
    with MailServer(accounts=tuple(PEOPLE), password="secret", quota=ROOM) as server:
        live = Weeks(server, devices)
        live(way, way, way)
        now = server.snapshot(*devices.values())
        with pytest.raises(RuntimeError, match="this week is over"):
            live(way, way, way)
    assert tuple(len(unreadable(now, name)) for name in PEOPLE) == counts
    printed = capsys.readouterr().out
    for (name, called), missing in zip(PEOPLE.items(), counts, strict=True):
        due = len(expected(name))
        assert f"{called}, {way}: {due - missing} of {due} letters can be read on Sunday evening" in printed
    filed = {letter.subject for letter in now.mailbox("chloe", "Family").letters}
    assert unreadable(now, "chloe") <= filed, "out of her program's sight, and so not lost"


def test_a_way_that_there_is_not_is_refused_before_the_week_begins():
    with MailServer(password="secret") as server, pytest.raises(LookupError, match="choose from: IMAP; POP"):
        Weeks(server, {})("IMAP", "SMTP", "POP")
    with MailServer(password="secret") as server, pytest.raises(LookupError, match="no way Take IMAP"):
        Weeks(server, {})(decide(devices=2), "POP", "POP")
    assert WAYS[0] == "IMAP"


def test_what_the_tables_say():
    assert str(where_it_says("android")).count("read 2026-11") == 2
    assert str(where_it_says("iPhone")).startswith("Mail (iPhone, iPad")
    with pytest.raises(LookupError, match=r"it has: Thunderbird .*; Outlook"):
        where_it_says("nothing like it")
    assert re.match(r"iCloud Mail: no POP\n[^(]*\([^)]*; read 2026-11\)", str(rules("iCloud Mail")))
    assert rules("gmail") == rules(" Gmail ") == rules("Gmail")
    assert where_it_says(" iPhone ") == where_it_says("iPhone")
    assert len(rules().entries) > len(rules("Gmail").entries)
    with pytest.raises(LookupError, match="Yahoo"):
        rules("Nobody")
    assert [head[:4] for head, _ in came_next().entries] == ["2018", "2019", "2021"]


def test_a_rule_tells_every_date_of_its_sources():
    for row in table("providers"):
        months = [day[:7] for what in ("date", "read") for day in row[what].split("; ") if day]
        assert months
        (entry,) = (lines for head, lines in rules().entries if head == f"{row['provider']}: {row['topic']}")
        assert re.findall(r"20\d\d-\d\d", entry[-1]) == months


def test_who_only_reads_the_page_finds_their_program_and_provider():
    """Nothing on it needs to be run for that."""
    page = "\n".join(output["data"]["text/plain"] for _, output in all_outputs("08-which-one") if "data" in output)
    for program in ("Outlook", "Apple Mail", "Thunderbird", "iOS", "Android"):
        assert re.search(rf"^{program}|^\S.*\b{program}\b", page, re.MULTILINE), program
    assert str(where_it_says()) in page
    assert str(rules()) in page


def test_what_was_stolen_collects_no_more(capsys):
    """Ada's laptop takes four letters until Thursday, and keeps the one she wrote; her phone gets the last three."""
    box = exercises["08.1"].start()
    box.live(ada="POP", bruno="POP", chloe="IMAP")
    box.stop()
    assert capsys.readouterr().out.splitlines()[0].startswith("Ada, POP: 3 of 8 letters")
