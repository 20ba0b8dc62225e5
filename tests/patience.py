"""How long the tests wait for what must come: longer than the slowest machine takes, for nothing here is timed."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 60  # seconds; Dovecot, too, waits for 10 before it says [IN-USE]


def wait_until(has_come: Callable[[], object]) -> None:
    """Return as soon as this answers with something true. Raises AssertionError after `PATIENCE`."""
    end = time.monotonic() + PATIENCE
    while not has_come():
        assert time.monotonic() < end, f"this has not come in {PATIENCE} seconds"
        time.sleep(0.002)
