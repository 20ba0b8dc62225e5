"""How much work something takes, counted in steps: a bound in seconds would hold on one machine only."""

from __future__ import annotations

import sys
from collections.abc import Callable


def calls_of(work: Callable[[], object]) -> int:
    """Return how many Python functions are called, and generators gone on with, while this is done."""
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event == "call"

    usual = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(usual)
    return calls


def counting(octets):
    """Return the same octets, as bytes or bytearray, that note how many of them were looked through for others."""

    class Counting(type(octets)):
        looked_through = 0

        def count(self, what, start=0, end=None):
            self.looked_through += max(0, (len(self) if end is None else end) - start)
            return super().count(what, start, end)

    return Counting(octets)
