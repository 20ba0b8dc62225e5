"""The ten events of lesson 05: the same at every run, and honest about what there is not."""

import imaplib
import re
from itertools import pairwise

import pytest

from mailkit import Device, MailServer, letters
from mailkit.scenes.answer import show_answer
from mailkit.scenes.events import EVENTS, QUESTIONS, measured, run, show_event
from mailkit.scenes.lesson05 import exercises
from mailkit.scenes.programs import ImapProgram, find
from mailkit.scenes.tables import Table, show_models
from tests.notebooks import cell

pytestmark = pytest.mark.slow


def test_a_run_has_a_step_for_each_event_and_each_begins_where_the_last_ended():
    steps = run("IMAP")
    assert [step.event for step in steps] == list(EVENTS)
    assert all(earlier.after == later.before for earlier, later in pairwise(steps))


def test_two_runs_are_the_same():
    assert run.__wrapped__("mixed") == run("mixed")


def test_pop_says_nothing_of_what_happens_at_home():
    assert {step.event for step in run("POP") if step.said} == {"arrives", "offline"}
    said = [command for step in run("IMAP") for command in step.said]
    assert said[-1] == r"UID STORE 4 +FLAGS (\Flagged)"


def test_every_event_is_asked_about():
    assert {event for event, _, _ in QUESTIONS} == set(EVENTS)
    assert all(set(finding.answers) == {"POP", "IMAP"} for finding in measured(("POP", "IMAP")))


def test_who_skips_lesson_04_can_read_the_headings_of_the_pictures():
    """Lesson 05 is on the short route, and 04 is not: what IMAP says there is told at the first picture."""
    first = cell("05-several-devices", "arrives-look").source
    words = r"\b(UID|STORE|MOVE|EXPUNGE)\b"
    said = {word for step in run("IMAP") for line in step.said for word in re.findall(words, line)}
    assert said == {"UID", "STORE", "MOVE", "EXPUNGE"}
    assert not {word for word in said if word not in first}


def test_off_line_no_way_is_better():
    """All of these programs keep what has come; what came meanwhile none has. What one had before decides nothing."""
    (row,) = (one for one in measured(("POP", "POP (leaves mail)", "IMAP", "mixed")) if one.event == "offline")
    assert set(row.answers.values()) == {"1 of 2"}


@pytest.mark.parametrize("folder", ["My Trips", "Été", 'a "b" \\c', "R&D"])
def test_a_folder_may_have_any_name(folder):
    with MailServer(letters("three-letters"), password="secret") as server:
        program = ImapProgram(server, Device("laptop"))
        program.look()
        program.file("Photos of the lake", folder)
        assert len(server.snapshot().mailbox("amy", folder).letters) == 1
        assert [name for name, kept in program.device.snapshot().folders if kept] == ["INBOX", folder]


def test_what_the_server_refuses_is_asked_once():
    with MailServer(letters("three-letters"), password="secret") as server:
        program = ImapProgram(server, Device("laptop"))
        program.look()
        with pytest.raises(imaplib.IMAP4.error):
            program.mark("Photos of the lake", ")")
        program.look()
        assert not program.device.snapshot().letters[2].flags


def test_what_is_not_there_is_refused_by_name():
    with pytest.raises(LookupError, match="there are: POP, IMAP, mixed"):
        run("JMAP")
    with pytest.raises(LookupError, match="there are: arrives, read"):
        show_event("fire")
    with pytest.raises(LookupError, match="laptop has no letter 'Lunch'"):
        find(Device("laptop"), "Lunch")
    for no_answer in (("OK", [None]), ("OK", [b"1 (FLAGS ())"])):
        with pytest.raises(ValueError, match="this picture is for one message's text"):
            show_answer(no_answer)
    with pytest.raises(ValueError, match="a cell for each"):
        Table(["", "POP"], [["one cell"]])


def test_a_table_is_one_to_a_page():
    assert str(Table(["", "POP"], [["A", "1 < 2"]])) == "   POP\nA  1 < 2"
    page = Table(["", "POP"], [["A", "1 < 2"]])._repr_mimebundle_()["text/html"].replace(' style="text-align:left"', "")
    assert page == (
        '<table><thead><tr><td></td><th scope="col">POP</th></tr></thead>'
        '<tbody><tr><th scope="row">A</th><td>1 &lt; 2</td></tr></tbody></table>'
    )


def test_an_accident_happens_once_and_only_to_what_is_there():
    box = exercises["05.2"].start()
    with pytest.raises(RuntimeError, match=r"nothing is saved on box\.laptop yet"):
        box.accident()
    box.laptop.save(b"Subject: kept\r\n\r\n", "Backup")
    box.laptop.save(b"Subject: a view\r\n\r\n")
    imap = imaplib.IMAP4(*box.server.imap)
    imap.login("amy", "secret")
    imap.create("Empty")
    imap.logout()
    box.accident()
    assert [folder for folder, kept in box.laptop.snapshot().folders if kept] == ["Backup"], "the view follows"
    with pytest.raises(RuntimeError, match="run the cell from its first line"):
        box.accident()
    box.stop()


@pytest.mark.parametrize("event", EVENTS)
def test_pictures_fit_the_page(event):
    assert show_event(event).size[0] <= 900
    assert show_models().size[0] <= 900
