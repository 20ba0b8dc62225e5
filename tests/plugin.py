"""What all tests share, notebooks too: an empty progress file, kernels without ports, cells in order, honest skips.

Loaded by ``-p tests.plugin`` (pyproject.toml), because a conftest.py would not reach the notebooks.
"""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from pathlib import Path

import jupyter_client.manager
import nbval.kernel
import pytest

from tests.execute import private_line

PROGRAMS = {
    "dovecot": ("dovecot", "/usr/sbin/dovecot"),
    "browser": ("chromium", "chromium-browser", "google-chrome"),
}
_room = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Give this process and its kernels an empty progress file, and nbval's kernels a private line."""
    room = config.stash[_room] = tempfile.TemporaryDirectory()
    os.environ["MAILKIT_PROGRESS"] = str(Path(room.name, "progress.json"))
    nbval.kernel.KernelManager = functools.partial(jupyter_client.manager.KernelManager, **private_line(room.name))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    config.stash[_room].cleanup()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put a notebook's cells back in order after the shuffle, and skip what this machine lacks the program for.

    ``MAILKIT_REQUIRE=dovecot,browser`` turns such a skip into a failure: nothing is skipped unseen in CI.
    """
    cells = [item for item in items if item.path.suffix == ".ipynb"]
    items[:] = [item for item in items if item.path.suffix != ".ipynb"]
    items += sorted(cells, key=lambda item: (item.path, item.cell_num))
    required = os.environ.get("MAILKIT_REQUIRE", "").split(",")
    for marker, programs in PROGRAMS.items():
        if marker in required or any(map(shutil.which, programs)):
            continue
        skip = pytest.mark.skip(reason=f"needs {programs[0]}, which is not installed here")
        for item in items:
            if item.get_closest_marker(marker):
                item.add_marker(skip)
