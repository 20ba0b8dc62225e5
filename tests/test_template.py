"""The template for a lesson of one's own keeps all that lessons keep, so that its copies begin right."""

from __future__ import annotations

import re

import pytest

from tests import notebooks, template, test_exercises, test_notebooks
from tests.exercises.template import WRONG

NAME = "template"
KEYS = notebooks.exercise_keys(NAME)
LESSONS_KEEP = [
    test_notebooks.test_the_core_takes_25_minutes,
    test_notebooks.test_the_frame,
    test_notebooks.test_every_prediction_is_answered,
    test_notebooks.test_terms_are_linked_to_the_glossary,
    test_exercises.test_each_has_a_heading_that_says_its_number_and_title,
]
EXERCISES_KEEP = [
    test_exercises.test_the_solution_is_right,
    test_exercises.test_the_starter_is_not,
    test_exercises.test_help_comes_in_three_steps_and_a_solution,
]


@pytest.mark.parametrize("check", LESSONS_KEEP, ids=lambda check: check.__name__)
def test_it_is_a_lesson(check):
    check(NAME)


@pytest.mark.slow
@pytest.mark.parametrize("check", EXERCISES_KEEP, ids=lambda check: check.__name__)
@pytest.mark.parametrize("key", KEYS)
def test_its_exercise_is_one(check, key):
    check(NAME, key)


@pytest.mark.slow
def test_its_wrong_answers_get_their_own_advice():
    exercises = test_exercises.defined(NAME)
    assert list(exercises) == list(KEYS) == list(WRONG)
    for key, answers in WRONG.items():
        assert {mistake.name for mistake in exercises[key].mistakes} == set(answers)
        for mistake, source in answers.items():
            verdict = test_exercises.play(NAME, source)
            assert (verdict.status, verdict.mistake) == ("not right", mistake)


def test_a_lesson_begins_as_its_copy(tmp_path):
    for old in template.FILES:
        (tmp_path / old).parent.mkdir(parents=True, exist_ok=True)
    notebook, scenes, wrong = template.begin("10-your-title", tmp_path)
    assert [one.relative_to(tmp_path).as_posix() for one in (notebook, scenes, wrong)] == [
        "notebooks/10-your-title.ipynb",
        "mailkit/scenes/lesson10.py",
        "tests/exercises/lesson10.py",
    ]
    text = notebook.read_text("utf-8")
    assert "mailkit.scenes.lesson10 import exercises" in text
    assert '"id": "ex-10-1"' in text
    assert '"# 10 · A lesson of your own' in text
    for path in (notebook, scenes, wrong):
        assert "10.1" in path.read_text("utf-8")
        assert not re.search(r"99\.1|ex-99|scenes\.template", path.read_text("utf-8"))
    with pytest.raises(FileExistsError, match="choose another number than 10"):
        template.begin("10-another-title", tmp_path)


@pytest.mark.parametrize("name", ["template", "1-title", "10", "10-Title", "../10-title", "10-your title"])
def test_a_lesson_needs_a_name(name, tmp_path, capsys):
    with pytest.raises(ValueError, match="as 10-your-title"):
        template.begin(name, tmp_path)
    assert template.main([name]) == 1
    assert "is no lesson's name" in capsys.readouterr().err
