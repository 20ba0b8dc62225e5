"""The tools that read all code and prose: ruff, mypy, codespell."""

from __future__ import annotations

import os
import shutil
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


def test_the_tests_run_where_nothing_can_be_kept(tmp_path):
    """As in a folder that belongs to somebody else; here files lie where the tools want folders."""
    for name in (".pytest_cache", ".hypothesis"):
        (tmp_path / name).touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__", "conversations"))
    command = [sys.executable, "-m", "pytest", "-q", "-k", "comes_out_as_it_was_written", "tests/test_incoming.py"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
