"""Whether guessing pays: decided by the clock, again and again."""

from typing import Final

_TRIAL: Final = 8
"""Computations of one kind that are timed before it is judged."""
_FIRST_TERM: Final = 64
"""Computations until the slower kind is tried again; the term doubles each time."""
_LONGEST_TERM: Final = 4096
_MEMORY: Final = 0.8


class Payoff:
    """Compares the seconds that a token takes with guesses (`True`) and without (`False`)."""

    def __init__(self) -> None:
        self._seconds: dict[bool, float] = {}
        self._trial: bool | None = True
        """The kind that is being tried."""
        self._tried = 0
        self._better = True
        self._left = 0
        self._term = _FIRST_TERM

    @property
    def worthwhile(self) -> bool:
        """Whether to guess next: because it is faster, or because it is to be tried."""
        return self._better if self._trial is None else self._trial

    def took(self, guessed: bool, seconds: float, tokens: float) -> None:
        """Learn from a computation.

        Args:
            guessed: Whether guesses were tried, right or wrong.
            seconds: How long it took, the guessing included.
            tokens: How many tokens a reply got of it, the mean over the replies.
        """
        if tokens <= 0 or guessed != self.worthwhile:
            return
        if self._trial is None:
            self._learn(guessed, seconds / tokens)
            self._left -= 1
            if self._left <= 0:
                self._begin_trial(not self._better)
            return
        if self._tried > 0:  # the first also pays for what the other kind left undone
            self._learn(guessed, seconds / tokens)
        self._tried += 1
        if self._tried < _TRIAL:
            return
        if len(self._seconds) < 2:
            self._begin_trial(not guessed)
            return
        self._better = self._seconds[True] < self._seconds[False]
        self._trial = None
        self._left, self._term = self._term, min(2 * self._term, _LONGEST_TERM)

    def _begin_trial(self, kind: bool) -> None:
        self._trial, self._tried = kind, 0
        self._seconds.pop(kind, None)

    def _learn(self, kind: bool, seconds: float) -> None:
        self._seconds[kind] = _MEMORY * self._seconds.get(kind, seconds) + (1 - _MEMORY) * seconds
