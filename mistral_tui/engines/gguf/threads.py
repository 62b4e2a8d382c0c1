"""How many threads compute: as many as turn out to be fastest, tried again from time to time.

The threads of a decode wait for one another after every operation. If another program holds one of their cores, all
wait for that one: two threads on two cores with one busy program beside them are slower than one thread alone, by a
third to a factor of forty. How much others use does not tell where that begins, so the speed itself is compared.
"""

import os
from pathlib import Path
from statistics import median
from typing import Final

import psutil

MOST_THREADS: Final = 16
"""Decoding waits for memory, not for cores; beyond this more threads seldom help."""
_WINDOW: Final = 8
"""Decodes whose median is one measurement."""
_TRIAL: Final = 4
"""The same for a trial, which may be slow."""
_SOON: Final = 6
_LATE: Final = 64
"""Windows until the next trial: after a change, and when trials have long changed nothing."""
_BETTER: Final = 0.95
"""A trial wins if a decode takes at most this share of the time."""
_SLOWER: Final = 1.2
"""Decodes that take so much longer than before are a reason to try at once."""
_HOPELESS: Final = 3.0
"""A trial ends at the second decode that takes so many times longer."""


def usable_cores() -> int:
    """Return the physical cores that this process may use."""
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    return max(1, min(cores, allowed, _quota() or cores))


def _quota() -> int | None:
    """Return the cores that a container may use, rounded up; `None` without a limit."""
    try:
        limit, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return -(-int(limit) // int(period))
    except (OSError, ValueError):
        return None


class ThreadGovernor:
    """Chooses the number of threads by the time that decodes take.

    Only decodes of one token for each of the same number of replies are compared: prompts come in pieces of any size.

    Args:
        fixed: What the person asked for; then nothing is measured. It is cut to the logical cores of the machine:
            threads beyond those wait for one another so long that no reply comes.
    """

    def __init__(self, fixed: int | None) -> None:
        self._most = min(fixed, psutil.cpu_count() or fixed) if fixed else min(usable_cores(), MOST_THREADS)
        self._adapts = not fixed and self._most > 1
        self._chosen = self._most
        self._trial: int | None = None
        self._candidates: list[int] = []
        self._replies = 0
        self._times: list[float] = []
        self._usual: float | None = None
        self._waited = 0
        self._interval = _SOON

    @property
    def count(self) -> int:
        """Threads for the next computation."""
        return self._chosen if self._trial is None else self._trial

    def begin(self) -> None:
        """Measure anew: what was before a pause says nothing about now."""
        self._trial = None
        self._times.clear()
        self._usual = None

    def took(self, replies: int, seconds: float) -> None:
        """Learn from a decode of one token for each of so many replies."""
        if not self._adapts:
            return
        if replies != self._replies:
            self._replies = replies
            self.begin()
        self._times.append(seconds)
        if self._trial is not None and self._usual is not None and self._is_hopeless(self._usual):
            self._end_trial(better=False)
        elif len(self._times) == (_WINDOW if self._trial is None else _TRIAL):
            time = median(self._times)
            self._times.clear()
            self._measured(time)

    def _is_hopeless(self, usual: float) -> bool:
        return sum(time > _HOPELESS * usual for time in self._times) > 1

    def _measured(self, time: float) -> None:
        usual = self._usual
        if self._trial is not None and usual is not None:
            better = time <= _BETTER * usual
            self._usual = time if better else usual
            self._end_trial(better=better)
            return
        self._usual = time
        self._waited += 1
        slower = usual is not None and time > _SLOWER * usual
        if slower:
            self._look_again()
        if slower or self._waited >= self._interval:
            if not self._candidates:
                self._candidates = self._others()
            self._trial = self._candidates.pop(0)

    def _others(self) -> list[int]:
        """Return what to try: not only neighbours, since one core too few is as bad as several."""
        chosen = self._chosen
        tries = (chosen // 2, 1, chosen + 1, chosen - 1, min(2 * chosen, self._most))
        return list(dict.fromkeys(count for count in tries if 1 <= count <= self._most and count != chosen))

    def _look_again(self) -> None:
        self._candidates = []
        self._interval = _SOON

    def _end_trial(self, *, better: bool) -> None:
        if better:
            self._chosen = self.count
            self._look_again()
        elif not self._candidates:
            self._interval = min(2 * self._interval, _LATE)
        self._trial = None
        self._waited = 0
        self._times.clear()
