"""Lines of logs, from files and from this process."""

import logging
import re
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from mistral_tui.types.text import printable_line

Level = Literal["info", "warning", "error"]
LEVELS: Final[tuple[Level, ...]] = ("info", "warning", "error")
TAIL = 256 * 1024
"""Bytes of a file that are read."""
KEPT = 2_000
"""Records of this process that are kept."""
_WRONG = re.compile(r"\b(error|failed|fatal|abort(ed)?|exception|traceback)\b", re.IGNORECASE)
_DOUBTFUL = re.compile(r"\bwarn(ing)?\b", re.IGNORECASE)


@dataclass(frozen=True)
class LogLine:
    """One line, harmless to show."""

    level: Level
    text: str


class RecentLog(logging.Handler):
    """Keeps what this process logged last."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s", "%H:%M:%S"))
        self.lines: deque[LogLine] = deque(maxlen=KEPT)

    def attach(self) -> None:
        """Listen from now on to what the program logs."""
        log = logging.getLogger("mistral_tui")
        log.addHandler(self)
        if log.getEffectiveLevel() > logging.INFO:
            log.setLevel(logging.INFO)

    def detach(self) -> None:
        """Listen no more."""
        logging.getLogger("mistral_tui").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record; its traceback follows, a line each."""
        level: Level = (
            "error" if record.levelno >= logging.ERROR else "warning" if record.levelno >= logging.WARNING else "info"
        )
        self.lines.extend(LogLine(level, printable_line(line)) for line in self.format(record).splitlines())


def read_log(path: Path) -> tuple[LogLine, ...]:
    """Return the last lines of a file; a file that cannot be read is one line that says so."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL))
            data = file.read(TAIL)
    except OSError as error:
        return (LogLine("error", printable_line(f"{path} cannot be read: {error.strerror or error}")),)
    lines = map(printable_line, data.decode("utf-8", "replace").splitlines()[1 if size > TAIL else 0 :])
    return tuple(LogLine(_level(line), line) for line in lines if line)


def log_files(folder: Path) -> tuple[Path, ...]:
    """Return the logs of workers in which there is something, the newest first."""
    try:
        found = [(path.stat(), path) for path in folder.glob("worker-*.log")]
    except OSError:
        return ()
    newest = sorted(found, key=lambda each: each[0].st_mtime, reverse=True)
    return tuple(path for status, path in newest if status.st_size)


def _level(line: str) -> Level:
    return "error" if _WRONG.search(line) else "warning" if _DOUBTFUL.search(line) else "info"
