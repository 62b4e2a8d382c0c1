"""How long something that was asked of a server may take."""

import time
from typing import Final

_LOOK_AGAIN: Final = 0.5


class Watch:
    """An idle limit that every sign of life begins anew, and a hard one; neither counts while a person is asked.

    Args:
        idle: Seconds without a word.
        longest: Seconds in any case.
    """

    def __init__(self, idle: float, longest: float) -> None:
        self._idle = idle
        self._longest = longest
        self._began = self._heard = time.monotonic()
        self._held_since: float | None = None

    def restart(self) -> None:
        """Begin the idle limit anew."""
        self._heard = time.monotonic()

    def hold(self) -> None:
        """Stop the clock: a person is asked."""
        self._held_since = time.monotonic()

    def go_on(self) -> None:
        """Let the clock run again."""
        if self._held_since is not None:
            held = time.monotonic() - self._held_since
            self._began += held
            self._heard += held
            self._held_since = None

    @property
    def seconds_left(self) -> float:
        """How long to wait before the next look."""
        if self._held_since is not None:
            return _LOOK_AGAIN
        return min(self._heard + self._idle, self._began + self._longest) - time.monotonic()

    @property
    def limit(self) -> float:
        """The limit that was reached first."""
        return self._longest if self._heard + self._idle > self._began + self._longest else self._idle
