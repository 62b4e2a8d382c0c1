"""What all downloads have in common: progress, a lock between processes, and an end when it is asked for."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
from filelock import FileLock, Timeout

Stage = Literal["waiting", "preparing", "downloading", "checking", "unpacking", "done"]
POLL_SECONDS = 0.2


class DownloadProgress(msgspec.Struct, frozen=True):
    """How far a download has come."""

    stage: Stage
    """`waiting`: another process is fetching the same model; `preparing`: asking what there is."""
    done: int
    """Bytes of this stage."""
    total: int


Report = Callable[[DownloadProgress], None]


def lock_of(target: Path) -> FileLock:
    """Return the lock that a process holds while it fetches `target`."""
    return FileLock(target.with_name(f".{target.name}.lock"))


def try_lock(lock: FileLock) -> bool:
    """Take a lock if nobody has it."""
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    return True


class Stopped(Exception):
    """The person does not want the model now."""


class StopFlag:
    """Says, across threads, that a download is to end."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Ask for the end."""
        self._event.set()

    def check(self) -> None:
        """Do nothing, unless the end was asked for.

        Raises:
            Stopped: It was.
        """
        if self._event.is_set():
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than until the end is asked for."""
        self._event.wait(seconds)
