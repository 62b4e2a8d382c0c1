"""Tokens a second of a reply that is being written, for the status line."""

import time
from collections import deque
from collections.abc import Callable

_WINDOW = 2.0
"""Seconds that the rate looks back."""
_EVERY = 0.5
"""Seconds between two figures: a number that changes more often cannot be read."""


class Rate:
    """Counts tokens as they come."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()
        self._shown = clock()

    def count(self, tokens: int) -> float | None:
        """Take in tokens; returns a new rate when one is due."""
        now = self._clock()
        self._seen.append((now, tokens))
        while now - self._seen[0][0] > _WINDOW:
            self._seen.popleft()
        if now - self._shown < _EVERY:
            return None
        self._shown = now
        span = now - self._seen[0][0]
        return sum(tokens for _, tokens in list(self._seen)[1:]) / span if span else None
