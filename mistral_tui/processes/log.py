"""The log file of a worker: what native libraries print, and the last words of a worker that died.

Every worker has a file of its own. It appends to it through its own file descriptor, so it is rotated by copying and
emptying.
"""

import itertools
import os
import re
import shutil
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from mistral_tui.config.paths import make_private_folder
from mistral_tui.types.text import printable_line

ROTATE_BYTES = 10 * 1024 * 1024
ROTATED_FILES = 3
"""Files that one worker's log is spread over."""
KEPT_FILES = 10
"""Files of all workers of all programs together, so about 100 MB at most."""
_TAIL_BYTES = 16 * 1024
_LONGEST_LINE = 240

_numbers = itertools.count(1)


class WorkerLog:
    """The log in `folder` of one worker of the model `name`."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"worker-{_file_name(name)}-{os.getpid()}-{next(_numbers)}.log"

    def open(self) -> int:
        """Return a file descriptor to append to; the oldest files of other workers are removed.

        Where no log can be written, it leads nowhere: a chat needs no log.
        """
        with suppress(OSError):
            make_private_folder(self.path.parent)
            self._prune()
            # Emptied: long ago there may have been a program with the same process id.
            return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        return os.open(os.devnull, os.O_WRONLY)

    def rotate(self) -> None:
        """Set the file aside when it has grown too large; the oldest one set aside is dropped."""
        with suppress(OSError):  # a full disk; tried again with the next events
            if self.path.stat().st_size < ROTATE_BYTES:
                return
            aside = [self.path.with_name(f"{self.path.name}.{number}") for number in range(1, ROTATED_FILES)]
            for newer, older in reversed(list(pairwise(aside))):
                if newer.exists():
                    newer.replace(older)
            shutil.copy2(self.path, aside[0])
            os.truncate(self.path, 0)

    def last_line(self) -> str | None:
        """Return the last line with a word in it, harmless for a terminal and of bearable length."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, self.path.stat().st_size - _TAIL_BYTES))
                tail = file.read(_TAIL_BYTES).decode("utf-8", "replace")
        except OSError:
            return None
        for line in reversed(tail.splitlines()):
            line = printable_line(line)
            if re.search(r"\w", line):
                return line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + "…"
        return None

    def _prune(self) -> None:
        by_age = sorted(self.path.parent.glob("worker-*.log*"), key=_written_at, reverse=True)
        for path in by_age[KEPT_FILES - 1 :]:
            with suppress(OSError):  # in use, on a system that minds; or another program was faster
                path.unlink()


def _written_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name)[:80]
