"""How many threads compute: as many as the machine has cores to spare, looked at again several times a second.

The threads of a decode wait for one another after every operation. If another program holds one of their cores, all
wait for that one: two threads on two cores with one busy program beside them are slower than one thread alone, by a
third to a factor of forty. So the count follows what others use.
"""

import os
from pathlib import Path
from time import perf_counter, process_time
from typing import Final

import psutil

MOST_THREADS: Final = 16
"""Decoding waits for memory, not for cores; beyond this more threads seldom help."""
_INTERVAL: Final = 0.2
_TAKEN: Final = 0.6
"""A core of which this share is free still counts: a light load costs less than a thread does good."""
_FREE_AGAIN: Final = 0.75
"""To go up, more must be free than to stay."""


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
    """Chooses the number of threads by what other programs use.

    Args:
        fixed: What the person asked for; then nothing is measured. It is cut to the logical cores of the machine:
            threads beyond those wait for one another so long that no reply comes.
    """

    def __init__(self, fixed: int | None) -> None:
        self.count = min(fixed, psutil.cpu_count() or fixed) if fixed else min(usable_cores(), MOST_THREADS)
        self._most = self.count
        self._fixed = fixed is not None
        self._cores = psutil.cpu_count(logical=False) or self.count
        self._logical_cores = psutil.cpu_count() or self.count
        self.begin()

    def look(self) -> int:
        """Return how many threads to use now. Cheap: it measures a few times a second."""
        now = perf_counter()
        passed = now - self._since
        if self._fixed or passed < _INTERVAL:
            return self.count
        used = process_time() - self._own + _idle_seconds() - self._idle
        others = max(0.0, self._logical_cores - used / passed)
        self.count = self._choose(free=self._cores - others)
        self.begin()
        return self.count

    def begin(self) -> None:
        """Measure from now on: what others used while this process slept says nothing about now."""
        self._since = perf_counter()
        self._idle = _idle_seconds()
        self._own = process_time()

    def _choose(self, free: float) -> int:
        """Return the threads for `free` cores: those that no other program uses."""
        fits = max(1, min(self._most, int(free + 1 - _TAKEN)))
        if fits > self.count:
            return max(self.count, min(self._most, int(free + 1 - _FREE_AGAIN)))
        return fits


def _idle_seconds() -> float:
    times = psutil.cpu_times()
    return float(times.idle + getattr(times, "iowait", 0.0))
