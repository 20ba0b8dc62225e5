"""Predictions and the progress line: the page is the same for everybody, the widget is the learner's own."""

from __future__ import annotations

import pytest

from mailkit.exercise import Exercise
from mailkit.progress import Progress
from mailkit.snapshot import Snapshot
from mailkit.widgets import predict, progress_line, twin

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(autouse=True)
def shown(tmp_path, monkeypatch):
    """Collect what is displayed, with an empty progress file."""
    monkeypatch.setenv("MAILKIT_PROGRESS", str(tmp_path / "progress.json"))
    bundles: list[dict[str, str]] = []
    monkeypatch.setattr(twin, "display", lambda bundle, raw: bundles.append(bundle))
    return bundles


def page(bundles):
    return [{kind: words for kind, words in bundle.items() if kind != VIEW} for bundle in bundles]


def test_the_question_stands_on_the_page(shown):
    predict("How many <are> there?", "none", "one")
    assert shown[0]["text/plain"] == "Predict: How many <are> there?\n( ) none\n( ) one"
    assert "How many &lt;are&gt; there?<br>" in shown[0]["text/html"]
    assert VIEW in shown[0]


def test_the_experiment_answers(shown):
    predict("How many?", "1", "2").reveal(2)
    assert shown[1]["text/plain"] == "It is: 2"


def test_question_and_answer_are_read_out(monkeypatch):
    """By a screen reader, when they appear; JupyterLab says nothing of what a cell gave."""
    widgets = []
    monkeypatch.setattr("mailkit.widgets.prediction.show", lambda widget, words: widgets.append(widget))
    asked = predict("How many <are> there?", "1", "2")
    asked._choice.value = "1"
    asked.reveal("2")
    (heading, _), answer = widgets[0].children, widgets[1]
    assert heading.value == '<div role="status"><strong>Predict:</strong> How many &lt;are&gt; there?</div>'
    assert answer.value.startswith('<div role="status"><strong>It is: 2</strong><br>✗ You guessed: 1.')


def test_an_answer_nobody_offered_is_an_error():
    with pytest.raises(
        ValueError, match="'3', which the question does not offer; it offers: '1', '2'; a cell was left out"
    ):
        predict("How many?", "1", "2").reveal(3)


@pytest.mark.parametrize("options", [(), ("one",), ("one", "one")])
def test_a_question_needs_a_choice(options):
    with pytest.raises(ValueError, match="two or more different options"):
        predict("How many?", *options)


def test_a_guess_changes_the_widget_and_never_the_page(shown):
    first = predict("How many?", "1", "2")
    assert first._comment("2") == ""
    first.reveal("2")
    first._choice.value = "1"
    again = predict("How many?", "1", "2")
    again.reveal("2")
    assert again.guess == "1"
    assert page(shown[:2]) == page(shown[2:])
    assert again._comment("2").startswith("✗ You guessed: 1")
    assert again._comment("1").startswith("✓")


def test_an_option_that_is_gone_is_no_guess():
    Progress().note_guess("How many?", "17")
    assert predict("How many?", "1", "2").guess is None


def test_the_progress_line_lists_and_forgets(shown, monkeypatch):
    exercises = {
        key: Exercise(key, f"Task {key}", Snapshot, lambda before, now: False, "") for key in ("99.1", "99.2", "99.3")
    }
    progress_line(exercises)
    Progress().note("99.1", "done")
    Progress().note("99.2", "tried")
    progress_line(exercises)
    assert page(shown[:1]) == page(shown[1:])
    assert "99.2 Task 99.2" in shown[0]["text/plain"]


def test_the_reset_button(monkeypatch):
    widgets = []
    monkeypatch.setattr("mailkit.widgets.progress.show", lambda widget, words: widgets.append(widget))
    Progress().note("99.1", "done")
    progress_line({"99.1": Exercise("99.1", "Task", Snapshot, lambda before, now: False, "")})
    state, button = widgets[0].children
    read_out = '<div role="status"><strong>Exercises: {}</strong></div><ul>'  # the counts, and no list
    assert state.value.startswith(read_out.format("1 done, 0 tried, 0 open"))
    button.click()
    assert state.value.startswith(read_out.format("0 done, 0 tried, 1 open")), "read out when it changes"
    assert Progress().of("99.1") == "open"
