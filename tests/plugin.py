"""What all tests share, notebooks too: a fresh home, kernels without ports, cells in order, honest skips.

Loaded by ``-p tests.plugin`` (pyproject.toml), because a conftest.py would not reach the notebooks.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import sys
import tempfile

# jsonschema, below nbformat, would spend a second on grammars for a format that no notebook has.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

import jupyter_client.manager  # noqa: E402
import nbval.kernel  # noqa: E402
import pytest  # noqa: E402

from tests.execute import fresh_home, private_line  # noqa: E402

PROGRAMS = {
    "dovecot": ("dovecot", "/usr/sbin/dovecot"),
    "browser": ("chromium", "chromium-browser", "google-chrome"),
    **{name: (name,) for name in ("curl", "fetchmail", "imapfilter", "mbsync", "mpop", "msmtp", "mutt")},
}


def pytest_configure(config: pytest.Config) -> None:
    """Give this process and its kernels a fresh home, and nbval's kernels a private line."""
    room = tempfile.TemporaryDirectory()
    atexit.register(room.cleanup)  # a worker of xdist that ends in a hurry has no time for pytest_unconfigure
    os.environ |= fresh_home(room.name)
    nbval.kernel.KernelManager = functools.partial(jupyter_client.manager.KernelManager, **private_line(room.name))
    nbval.kernel.pformat = str  # it lays out every message, pictures too, for a debug log that nobody reads


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what talks to Dovecot by the fixture it uses, so that no test can forget to say so."""
    if "dovecot" in getattr(item, "fixturenames", ()):
        item.add_marker("dovecot")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put a notebook's cells back in order after the shuffle, and skip what this machine lacks the program for.

    ``MAILKIT_REQUIRE=dovecot,browser`` turns such a skip into an error: nothing is skipped unseen in CI.
    """
    cells = [item for item in items if item.path.suffix == ".ipynb"]
    items[:] = [item for item in items if item.path.suffix != ".ipynb"]
    items += sorted(cells, key=lambda item: (item.path, item.cell_num))
    for marker, programs in PROGRAMS.items():
        if not any(map(shutil.which, programs)):
            _skip(marker, programs[0], items)


def required(program: str) -> bool:
    """Tell whether tests that need this program must not be skipped."""
    return program in os.environ.get("MAILKIT_REQUIRE", "").split(",")


def _skip(marker: str, program: str, items: list[pytest.Item]) -> None:
    if required(marker):
        raise pytest.UsageError(f"MAILKIT_REQUIRE names {marker}, but {program} is not installed; install it")
    for item in items:
        if item.get_closest_marker(marker):
            item.add_marker(pytest.mark.skip(reason=f"needs {program}, which is not installed here"))
