"""The log file of a model's workers: what native libraries print, and the last words of a worker that died.

Workers append to it through a file descriptor of their own, so it is rotated by copying and emptying.
"""

import os
import re
import shutil
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from mistral_tui.types.text import printable_line

ROTATE_BYTES = 10 * 1024 * 1024
KEPT_FILES = 3
_TAIL_BYTES = 16 * 1024
_LONGEST_LINE = 240


class WorkerLog:
    """The log file in `folder` for workers of the model `name`."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"worker-{re.sub(r'[^A-Za-z0-9._-]+', '_', name)[:80]}.log"
        self._start = 0

    def open(self) -> int:
        """Return a new file descriptor to append to; `last_line` then looks at what follows.

        Where no log can be written, it leads nowhere: a chat needs no log.
        """
        self.rotate()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError:
            return os.open(os.devnull, os.O_WRONLY)
        os.write(fd, f"--- a worker starts, {time.strftime('%Y-%m-%d %H:%M:%S %z')}\n".encode())
        self._start = os.fstat(fd).st_size
        return fd

    def rotate(self) -> None:
        """Set the file aside when it has grown too large; the oldest one set aside is dropped."""
        if self._size() < ROTATE_BYTES:
            return
        aside = [self.path.with_name(f"{self.path.name}.{number}") for number in range(1, KEPT_FILES)]
        with suppress(OSError):  # a full disk; tried again after the next reply
            for newer, older in reversed(list(pairwise(aside))):
                if newer.exists():
                    newer.replace(older)
            shutil.copy2(self.path, aside[0])
            os.truncate(self.path, 0)

    def last_line(self) -> str | None:
        """Return the last line with a word in it since `open`, harmless for a terminal and of bearable length."""
        size = self._size()
        if size == 0:
            return None
        start = self._start if size >= self._start else 0  # rotated meanwhile
        with self.path.open("rb") as file:
            file.seek(max(start, size - _TAIL_BYTES))
            tail = file.read(_TAIL_BYTES).decode("utf-8", "replace")
        for line in reversed(tail.splitlines()):
            line = printable_line(line)
            if re.search(r"\w", line):
                return line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + "…"
        return None

    def _size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0
