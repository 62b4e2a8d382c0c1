"""How often growing replies are drawn: keys come first, and one pane at a time."""

import time
from collections.abc import Callable

INTERVAL = 0.05
"""Seconds between two flushes of a reply at least: 20 a second."""
SHARE = 4
"""A flush that cost a second of CPU is followed by this many seconds without one."""
SPACING = 0.02
"""Seconds between the flushes of two replies: two panes in one frame would hold up a key for twice as long."""
AFTER_KEY = 0.04
"""Seconds after a key without a flush: what the key does is on screen by then."""
PATIENCE = 0.15
"""Seconds after which a reply is drawn although keys come on and on."""


class Turns:
    """When the next reply may be drawn, whichever it is."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.free_at = 0.0
        """The time from which on a reply may be drawn."""

    def taken(self) -> None:
        """A reply was drawn."""
        self.free_at = max(self.free_at, self._clock() + SPACING)

    def key_came(self) -> None:
        """The person pressed a key."""
        self.free_at = max(self.free_at, self._clock() + AFTER_KEY)


TURNS = Turns()
"""Those of the terminal; a process has one."""


class FlushGate:
    """Says when the next flush may be: soon after the last one, later if that was dear or it is not its turn."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, turns: Turns = TURNS) -> None:
        self._clock = clock
        self._turns = turns
        self._next = 0.0
        self._overdue = 0.0
        """The time from which on it waits for nobody else."""

    def wait(self) -> float:
        """Return the seconds until a flush is allowed, 0 for now."""
        return max(0.0, max(self._next, min(self._turns.free_at, self._overdue)) - self._clock())

    def flushed(self) -> None:
        """A flush was made."""
        now = self._clock()
        self._next, self._overdue = now + INTERVAL, now + PATIENCE
        self._turns.taken()

    def cost(self, seconds: float) -> None:
        """The last flush, with the drawing that it led to, took this much CPU time."""
        self._next = max(self._next, self._clock() + min(1.0, seconds * SHARE))
