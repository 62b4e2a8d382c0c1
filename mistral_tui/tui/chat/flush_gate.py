"""How often a growing reply is drawn."""

import time
from collections.abc import Callable

INTERVAL = 0.05
"""Seconds between two flushes at least: 20 a second."""
SHARE = 4
"""A flush that cost a second of CPU is followed by this many seconds without one."""


class FlushGate:
    """Says when the next flush may be: soon after the last one, later if that one was dear."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = 0.0

    def wait(self) -> float:
        """Return the seconds until a flush is allowed, 0 for now."""
        return max(0.0, self._next - self._clock())

    def flushed(self) -> None:
        """A flush was made."""
        self._next = self._clock() + INTERVAL

    def cost(self, seconds: float) -> None:
        """The last flush, with the drawing that it led to, took this much CPU time."""
        self._next = max(self._next, self._clock() + min(1.0, seconds * SHARE))
