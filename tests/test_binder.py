"""Binder, without Docker: what repo2docker understands, and every lesson run by Binder's user in its environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests import binder
from tests.notebooks import NAMES, ROOT

pytestmark = pytest.mark.slow
HANGS = 900  # seconds


@pytest.fixture(scope="module")
def recipe():
    """What Docker would be told."""
    pytest.importorskip("repo2docker", reason="needs jupyter-repo2docker, which runs on Linux and macOS")
    return binder.dockerfile()


@pytest.fixture(scope="module")
def image():
    if sys.platform != "linux":
        pytest.skip("Binder runs Linux")
    with binder.built() as image:
        yield image


@pytest.fixture(scope="module")
def user():
    try:
        return binder.as_learner()
    except RuntimeError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def visit(image, user):
    """What a learner found who went through all notebooks."""
    before, _ = user
    binder.hand_over(image.home, image.course)
    image.forbid_writing()
    plain = {name: value for name, value in os.environ.items() if name in ("LANG", "LC_ALL", "TZ")}
    path = f"{image.prefix / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"
    done = subprocess.run(
        [*before, str(image.python), "-m", "tests.binder_user", *NAMES],
        cwd=image.course, env=plain | {"HOME": str(image.home), "PATH": path}, capture_output=True, text=True,
        timeout=HANGS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_binder_picks_our_python_and_our_files(recipe):
    assert f"Building conda environment for python={binder.python_version()}\n" in recipe
    assert 'pip install --no-cache-dir -r ".binder/requirements.txt"\n' in recipe
    assert "RUN ./.binder/postBuild\n" in recipe
    ours = recipe.replace(".binder/requirements.txt", "")
    assert "requirements.txt" not in ours, "the tests' tools are not for Binder"


def test_packages_are_installed_when_the_course_is_there(recipe):
    """They end in ``-e .``: pip must run after the files were copied, as the user who will run them."""
    lines = recipe.splitlines()
    copy, pip = (next(at for at, line in enumerate(lines) if part in line) for part in (" src/ ", "bin/pip install"))
    assert copy < pip
    assert "--chown=1000:1000" in lines[copy]
    assert lines[pip - 1] == "USER ${NB_USER}"


def test_binder_need_not_replace_its_jupyterlab():
    base = binder.base_versions() or pytest.skip("needs jupyter-repo2docker")
    for line in (ROOT / ".binder/requirements.txt").read_text("utf-8").splitlines():
        name, _, least = line.partition(">=")
        if least:
            assert [int(part) for part in base[name].split(".")] >= [int(part) for part in least.split(".")], name


def test_the_user_has_no_power(visit):
    assert not visit["root"]
    assert visit["writable"] == []
    assert visit["mail ports"] == []


def test_the_network_ends_at_loopback(visit, user):
    _, why_open = user
    if why_open:
        pytest.skip(why_open)
    assert visit["interfaces"] == ["lo"]


def test_no_test_tool_is_installed(visit):
    assert visit["tools"] == []


def test_a_session_begins_with_lesson_00_and_no_news(visit):
    assert visit["begins"] == "lab/tree/notebooks/00-start-here.ipynb"
    assert visit["news"] == "false"


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_runs_from_top_to_bottom(visit, name):
    assert visit["lessons"][name] == []


def test_progress_is_kept_beside_the_notebooks(visit, image):
    assert (image.course / "notebooks" / ".progress.json").is_file()
