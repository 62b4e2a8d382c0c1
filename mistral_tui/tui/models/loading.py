"""How a load or a download is put into words."""

import time
from collections.abc import Callable

from mistral_tui.types.models import LoadStage, ModelEntry

_STAGES: dict[LoadStage, str] = {
    "starting": "starting the engine",
    "loading": "loading",
    "checking": "checking that it works",
    "ready": "ready",
}


def stage_words(stage: LoadStage) -> str:
    """Return what the load is at."""
    return _STAGES[stage]


def size_words(size: int) -> str:
    """Return a size in bytes as people say it."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"


def describe(entry: ModelEntry) -> str:
    """Return what is said of a model beside its name."""
    return size_words(entry.size_bytes) if entry.size_bytes else ""


class TimeLeft:
    """Estimates how long something that reports its share will still take."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()

    def words(self, share: float) -> str:
        """Return an estimate, or nothing while there is too little to go by."""
        elapsed = self._clock() - self._started
        if share < 0.1 or elapsed < 2:
            return ""
        return f", about {max(1, round(elapsed * (1 - share) / share))} s left"
