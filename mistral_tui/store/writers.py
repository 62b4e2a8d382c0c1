"""Who is writing a reply: it tells a reply that is still growing from one whose program died."""

import functools
import os
import socket

_SAME_START = 2.0
"""Seconds by which two readings of one process's start may differ."""


@functools.cache
def this_process() -> str:
    """Return a name of this process that no other process has, also not after its id is used again."""
    import psutil

    return f"{os.getpid()}:{psutil.Process().create_time():.2f}:{socket.gethostname()}"


def is_alive(writer: str | None) -> bool:
    """Return whether the process of this name runs on this machine."""
    import psutil

    try:
        pid, start, host = (writer or "").split(":", 2)
        if host != socket.gethostname():
            return False
        return abs(psutil.Process(int(pid)).create_time() - float(start)) < _SAME_START
    except (ValueError, psutil.Error):
        return False
