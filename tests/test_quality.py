"""The tools that read all code and prose: ruff, mypy, codespell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import notebooks

ROOT = notebooks.ROOT
WORDS = Path(__file__).with_name("words.txt")

pytestmark = pytest.mark.slow


def run(*command: str, text: str | None = None) -> None:
    """Run a Python tool in the repository's root; what it says is the failure's message."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        input=text,
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONUTF8": "1"},
        cwd=ROOT,
    )
    if done.returncode:
        pytest.fail(done.stdout + done.stderr, pytrace=False)


def test_ruff():
    run("ruff", "check", ".")


def test_mypy():
    run("mypy")


def test_spelling_of_files():
    files = [*ROOT.glob("*.md"), *ROOT.glob("data/*.md"), *ROOT.glob("notebooks/*.md"), *ROOT.glob("tests/*.py")]
    run("codespell_lib", "--ignore-words", str(WORDS), "mailkit", *map(str, files))


@pytest.mark.parametrize("name", notebooks.NAMES)
def test_spelling_of_notebooks(name):
    run(
        "codespell_lib",
        "--ignore-words",
        str(WORDS),
        "-",
        text="\n\n".join(cell.source for cell in notebooks.load(name).cells),
    )
