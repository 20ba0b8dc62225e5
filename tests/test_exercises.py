"""Every exercise of every notebook, played: its solution, its starter, and each wrong answer by name."""

from __future__ import annotations

import ast
import gc
import importlib
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest

from mailkit.exercise import Exercise, Verdict
from tests import notebooks
from tests.exercises import NEXT_CELL
from tests.garbage import set_aside

pytestmark = pytest.mark.slow

KEYS = [(name, key) for name in notebooks.LESSONS for key in notebooks.exercise_keys(name)]
ACTING = {"03.2", "06.3", "07.1", "07.4", "09.10"}  # starters that do something by themselves
FOLDS = ["Hint 1", "Hint 2", "Hint 3", "Solution"]


def wrong_answers(lesson: str) -> dict[str, dict[str, str]]:
    """Return ``WRONG`` of tests/exercises/lessonNN.py."""
    answers: dict[str, dict[str, str]] = importlib.import_module(f"tests.exercises.lesson{lesson[:2]}").WRONG
    return answers


WRONG = [
    (name, key, mistake)
    for name in notebooks.LESSONS
    if notebooks.exercise_keys(name)
    for key, answers in wrong_answers(name).items()
    for mistake in answers
]


def solution(name: str, key: str) -> str:
    """Return the whole cell that the Solution fold shows."""
    text = notebooks.cell(name, f"ex-{key.replace('.', '-')}-help").source
    found = re.search(r"<summary>Solution</summary>.*?^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert found, "write the solution as fenced python under <summary>Solution</summary>"
    return found[1]


@contextmanager
def world(name: str) -> Iterator[dict[str, Any]]:
    """Run a notebook's setup cell in a fresh namespace, which is that of ``__main__``, as in a kernel.

    Learners leave lines open, and so do wrong answers: Python would warn of each when it is thrown away.
    """
    page, tests_own = ModuleType("__main__"), sys.modules["__main__"]
    namespace = vars(page)
    sys.modules["__main__"] = page
    with set_aside(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            exec(compile(notebooks.cell(name, "setup").source, f"{name}: setup", "exec"), namespace)
            yield namespace
        finally:
            stop_all(namespace.values())
            sys.modules["__main__"] = tests_own
            namespace.clear()
            gc.collect()


def stop_all(things: Iterable[Any]) -> None:
    """Stop servers and boxes."""
    for thing in things:
        if hasattr(thing, "stop") and not isinstance(thing, type):
            thing.stop()


def play(name: str, source: str) -> Verdict:
    """Run an exercise's cell, and any before it, in the notebook's own world; return what its last line gives."""
    *before, cell = cells = source.split(NEXT_CELL)
    tree = ast.parse(cell)
    last = tree.body.pop()
    assert isinstance(last, ast.Expr), "an exercise's cell ends with box.check()"
    with world(name) as namespace:
        namespace["In"] = ["", *cells]  # IPython's list of the cells that were run
        for earlier in before:
            exec(compile(earlier, f"{name}: before the exercise", "exec"), namespace)
        exec(compile(tree, f"{name}: exercise", "exec"), namespace)
        verdict = eval(compile(ast.Expression(last.value), f"{name}: exercise", "eval"), namespace)
    assert isinstance(verdict, Verdict), "an exercise's cell ends with box.check()"
    return verdict


def defined(name: str) -> dict[str, Exercise]:
    """Return what the notebook imports as ``exercises``."""
    with world(name) as namespace:
        return dict(namespace["exercises"])


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_the_solution_is_right(name, key):
    verdict = play(name, solution(name, key))
    assert (verdict.key, verdict.status) == (key, "right"), verdict


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_the_starter_is_not(name, key):
    """Who has done nothing is accused of nothing; a starter that acts by itself may be wrong, and say so."""
    verdict = play(name, notebooks.cell(name, notebooks.exercise_keys(name)[key]).source)
    assert verdict.status == "not yet" or (key in ACTING and verdict.mistake), verdict


@pytest.mark.parametrize(("name", "key", "mistake"), WRONG)
def test_a_wrong_answer_gets_its_own_advice(name, key, mistake):
    source = wrong_answers(name)[key][mistake]
    verdict = play(name, source)
    assert (verdict.key, verdict.status, verdict.mistake) == (key, "not right", mistake), verdict
    assert "imap." in source or "refused what you sent" not in verdict.advice, "the world sent that, nobody else"


@pytest.mark.parametrize("name", [name for name in notebooks.LESSONS if notebooks.exercise_keys(name)])
def test_every_mistake_is_made_and_every_exercise_set(name):
    exercises = defined(name)
    assert list(exercises) == list(notebooks.exercise_keys(name))
    assert {key: one.key for key, one in exercises.items()} == {key: key for key in exercises}
    foreseen = {key: {mistake.name for mistake in one.mistakes} for key, one in exercises.items()}
    assert foreseen == {key: set(answers) for key, answers in wrong_answers(name).items()}
    assert all(foreseen.values()), "each exercise names a wrong answer that a real learner would give"


@pytest.mark.parametrize("name", [name for name in notebooks.LESSONS if notebooks.exercise_keys(name)])
def test_advice_is_never_the_same_twice(name):
    for one in defined(name).values():
        advice = [one.untouched, one.praise, *(mistake.advice for mistake in one.mistakes)]
        assert len(set(advice)) == len(advice), one.key


@pytest.mark.parametrize("name", [name for name in notebooks.LESSONS if notebooks.exercise_keys(name)])
def test_nobody_is_told_to_end_python(name):
    """A bare ``quit()`` kills the kernel; the goodbye is said on the line, ``pop.quit()``."""
    told = [cell.source for cell in notebooks.markdown_cells(name)]
    for one in defined(name).values():
        told += [one.untouched, one.praise, *(mistake.advice for mistake in one.mistakes)]
    for text in told:
        allowed = text.replace("a bare `quit()` would end", "").replace("`quit()` without `pop.` ends", "")
        assert not re.search(r"(?<![\w.])(quit|exit)\(", allowed), text


@pytest.mark.parametrize("name", notebooks.LESSONS)
def test_each_has_a_heading_that_says_its_number_and_title(name):
    """JupyterLab's table of contents lists headings, and a screen reader's keys lead to them."""
    heads = [head for cell in notebooks.markdown_cells(name) for head in notebooks.headings(cell.source)]
    found = [title for level, title in heads if level > 2 and re.match(r"\d+ · ", title)]
    assert found == [f"{one.key.partition('.')[2]} · {one.title}" for one in defined(name).values()]


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_help_comes_in_three_steps_and_a_solution(name, key):
    cells = notebooks.load(name).cells
    ids = [cell.id for cell in cells]
    here = ids.index(notebooks.exercise_keys(name)[key])
    assert ids[here + 1] == f"{ids[here]}-help"
    help_text = cells[here + 1].source
    assert re.findall(r"<summary>(.*?)</summary>", help_text) == FOLDS
    assert help_text.count("<details>") == help_text.count("</details>") == len(FOLDS)
    assert not notebooks.without_folds(help_text).strip(), "all help is folded"
    assert cells[here].source.rstrip().endswith("box.check()")
