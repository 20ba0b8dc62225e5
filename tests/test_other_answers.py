"""Answers beyond those that name a mistake: other right ones, and false ones that once were praised."""

from __future__ import annotations

import importlib

import pytest

from tests import notebooks
from tests.test_exercises import play

pytestmark = pytest.mark.slow

OTHERS = [
    (name, key, expected, source, words)
    for name in notebooks.LESSONS
    for key, answers in getattr(importlib.import_module(f"tests.exercises.lesson{name[:2]}"), "OTHERS", {}).items()
    for expected, source, *words in answers
]


@pytest.mark.parametrize(("name", "key", "expected", "source", "words"), OTHERS)
def test_the_verdict_is_just(name, key, expected, source, words):
    """It names the right mistake, or none, and what it says has the words that this answer needs."""
    verdict = play(name, source)
    assert (verdict.key, verdict.mistake or verdict.status) == (key, expected), verdict
    assert not [word for word in words if word not in verdict.advice], verdict
