"""The template for a lesson of one's own keeps all that lessons keep, so that its copies begin right."""

from __future__ import annotations

import pytest

from tests import notebooks, test_exercises, test_notebooks
from tests.exercises.template import WRONG

NAME = "template"
KEYS = notebooks.exercise_keys(NAME)
LESSONS_KEEP = [
    test_notebooks.test_the_core_takes_25_minutes,
    test_notebooks.test_the_frame,
    test_notebooks.test_every_prediction_is_answered,
    test_notebooks.test_terms_are_linked_to_the_glossary,
]
EXERCISES_KEEP = [
    test_exercises.test_the_solution_is_right,
    test_exercises.test_the_starter_is_not,
    test_exercises.test_help_comes_in_three_steps_and_a_solution,
]


@pytest.mark.parametrize("check", LESSONS_KEEP, ids=lambda check: check.__name__)
def test_it_is_a_lesson(check):
    check(NAME)


@pytest.mark.parametrize("check", EXERCISES_KEEP, ids=lambda check: check.__name__)
@pytest.mark.parametrize("key", KEYS)
def test_its_exercise_is_one(check, key):
    check(NAME, key)


def test_its_wrong_answers_get_their_own_advice():
    exercises = test_exercises.defined(NAME)
    assert list(exercises) == list(KEYS) == list(WRONG)
    for key, answers in WRONG.items():
        assert {mistake.name for mistake in exercises[key].mistakes} == set(answers)
        for mistake, source in answers.items():
            verdict = test_exercises.play(NAME, source)
            assert (verdict.status, verdict.mistake) == ("not right", mistake)
