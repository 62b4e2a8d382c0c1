"""How many threads compute: no more than there are free cores, and of those as many as turn out to be fastest.

The threads of a decode wait for one another after every operation. If another program holds one of their cores, all
wait for that one: two threads on two cores with one busy program beside them are slower than one thread alone, by a
third to a factor of forty. So a core that another program uses up is left to it at once. Where others use a part of a
core, nobody can tell beforehand whether a thread on it helps or hinders: then the speed itself is compared.
"""

from statistics import mean
from time import perf_counter, process_time
from typing import Final

import psutil

from mistral_tui.engines.cores import usable_cores

MOST_THREADS: Final = 16
"""Decoding waits for memory, not for cores; beyond this more threads seldom help."""
_LOOK: Final = 0.2
"""Seconds over which the use of the cores is measured."""
_TAKEN: Final = 0.6
"""A core of which others use this share is theirs."""
_FREE_AGAIN: Final = 0.75
"""To take one back, this much more must be free."""
_WINDOW: Final = 8
"""Decodes whose mean is one measurement; a trial is one window, or ends at the second decode that is hopeless."""
_SOON: Final = 6
_LATE: Final = 96
"""Windows until the next trial: at first, and when trials have long changed nothing."""
_BETTER: Final = 0.95
"""A trial wins if a decode takes at most this share of the time."""
_SLOWER: Final = 1.3
"""Decodes that take so much longer than before are a reason to try at once."""
_HOPELESS: Final = 2.0


class ThreadGovernor:
    """Chooses the number of threads.

    Args:
        fixed: What the person asked for; then nothing is measured. It is cut to the logical cores of the machine:
            threads beyond those wait for one another so long that no reply comes.
        start: What to begin with, if nothing is fixed; without it as many as there may be.
    """

    def __init__(self, fixed: int | None, start: int | None = None) -> None:
        self._most = min(fixed, psutil.cpu_count() or fixed) if fixed else min(usable_cores(), MOST_THREADS)
        self._adapts = not fixed and self._most > 1
        self._limit = self._wanted_limit = self._most
        self._cores = _Cores(self._most)
        self._trials = _Trials(self._most, start or self._most)

    @property
    def count(self) -> int:
        """Threads for the next computation."""
        return min(self._trials.count, self._cores.free, self._limit) if self._adapts else self._most

    def limit(self, count: int) -> None:
        """Use at most so many threads from the next `look` on; what the person asked for stays. For any thread."""
        self._wanted_limit = max(1, count)

    def look(self) -> None:
        """See what other programs use. Cheap: it measures a few times a second, also while nothing is computed."""
        if not self._adapts:
            return
        limit, self._limit = self._limit, self._wanted_limit
        if self._cores.look() or limit != self._limit:
            self._trials.begin(min(self._cores.free, self._limit))

    def took(self, replies: int, seconds: float) -> None:
        """Learn from a decode of one token for each of so many replies; prompts come in pieces of any size."""
        if self._adapts:
            self._trials.took(replies, seconds)


class _Cores:
    """Counts the cores that other programs leave free."""

    def __init__(self, most: int) -> None:
        self.free = most
        self._most = most
        self._physical = psutil.cpu_count(logical=False) or most
        self._logical = psutil.cpu_count() or most
        self._begin()

    def look(self) -> bool:
        """Measure, if it is time to; return whether the number has changed."""
        passed = perf_counter() - self._since
        if passed < _LOOK:
            return False
        used = process_time() - self._own + _idle_seconds() - self._idle
        free = self._physical - max(0.0, self._logical - used / passed)
        self._begin()
        before = self.free
        fits = max(1, min(self._most, int(free + 1 - _TAKEN)))
        self.free = fits if fits <= before else max(before, min(self._most, int(free + 1 - _FREE_AGAIN)))
        return self.free != before

    def _begin(self) -> None:
        self._since = perf_counter()
        self._idle = _idle_seconds()
        self._own = process_time()


class _Trials:
    """Compares how long decodes take with one number of threads and another."""

    def __init__(self, most: int, start: int) -> None:
        self._most = most
        self._chosen = min(start, most)
        self._trial: int | None = None
        self._candidates: list[int] = []
        self._replies = 0
        self._times: list[float] = []
        self._usual: float | None = None
        self._waited = 0
        self._interval = _SOON

    @property
    def count(self) -> int:
        return self._chosen if self._trial is None else self._trial

    def begin(self, most: int) -> None:
        """Measure anew, with at most so many threads: what was before says nothing about now."""
        self._most = most
        self._trial = None
        self._candidates = []
        self._times.clear()
        self._usual = None

    def took(self, replies: int, seconds: float) -> None:
        if replies != self._replies:
            self._replies = replies
            self.begin(self._most)
        self._times.append(seconds)
        usual = self._usual
        if self._trial is not None and usual is not None:
            if sum(time > _HOPELESS * usual for time in self._times) > 1:
                self._end_trial(better=False)
            elif len(self._times) == _WINDOW:
                self._end_trial(better=mean(self._times) <= _BETTER * usual)
        elif len(self._times) == _WINDOW:
            self._usual = mean(self._times)
            self._times.clear()
            self._waited += 1
            slower = usual is not None and self._usual > _SLOWER * usual
            if slower or self._waited >= self._interval:
                self._begin_trial()

    def _begin_trial(self) -> None:
        if not self._candidates:
            self._candidates = self._others()
        if self._candidates:
            self._trial = self._candidates.pop(0)

    def _others(self) -> list[int]:
        """Return what to try: not only neighbours, since one core too few is as bad as several."""
        chosen = min(self._chosen, self._most)
        tries = (chosen // 2, 1, chosen + 1, chosen - 1, min(2 * chosen, self._most))
        return list(dict.fromkeys(count for count in tries if 1 <= count <= self._most and count != chosen))

    def _end_trial(self, *, better: bool) -> None:
        if better:
            self._chosen = self.count
            self._usual = mean(self._times)
            self._candidates = []
            self._interval = max(_SOON, self._interval // 2)
        elif not self._candidates:
            self._interval = min(2 * self._interval, _LATE)
        self._trial = None
        self._waited = 0
        self._times.clear()


def _idle_seconds() -> float:
    times = psutil.cpu_times()
    return float(times.idle + getattr(times, "iowait", 0.0))
