"""What several tests share."""

from __future__ import annotations

import os

import pytest

from tests import dovecot as dovecot_module
from tests.plugin import required


def pytest_addoption(parser):
    always = bool(os.environ.get("MAILKIT_LONG"))  # the weekly run
    words = "play conversations in which Dovecot takes its time, too"
    parser.addoption("--slow", action="store_true", default=always, help=words)
    words = "photograph each lesson and each widget, in both themes, into this folder"
    parser.addoption("--screenshots", metavar="FOLDER", help=words)


@pytest.fixture(scope="session")
def dovecot():
    """A running Dovecot, or the reason why there is none."""
    if not dovecot_module.installed():
        missing = pytest.fail if required("dovecot") else pytest.skip
        missing("no Dovecot 2.3 or 2.4 here; Debian's packages dovecot-imapd and dovecot-pop3d bring it")
    server = dovecot_module.start()
    yield server
    server.stop()
