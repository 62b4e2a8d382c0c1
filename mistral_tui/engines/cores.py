"""How many processor cores there are to compute with."""

import os
from pathlib import Path

import psutil


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
