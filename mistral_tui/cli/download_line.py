"""The progress of a download on stderr: a line that is redrawn on a terminal, a few lines elsewhere."""

import sys
from types import TracebackType
from typing import Self

from mistral_tui.cli.terminal import can_draw
from mistral_tui.models.download import DownloadProgress
from mistral_tui.models.memory_fit import gigabytes

_WORDS = {"waiting": "waiting for another download of", "downloading": "fetching", "unpacking": "unpacking"}
_CELLS = 24


class DownloadLine:
    """Shows how far a download has come; a context manager, so that the line is always ended."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._terminal = can_draw(sys.stderr)
        self._shown = ""

    def show(self, progress: DownloadProgress) -> None:
        """Show `progress`."""
        word = _WORDS.get(progress.stage)
        if word is None:
            return
        line = f"{word} {self._name}"
        if self._terminal:
            line += _gauge(progress)
        if line == self._shown:
            return
        self._shown = line
        sys.stderr.write(f"\r\x1b[K{line}" if self._terminal else f"{line}\n")
        sys.stderr.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._terminal and self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _gauge(progress: DownloadProgress) -> str:
    if progress.stage == "waiting" or progress.total <= 0:
        return ""
    share = progress.done / progress.total
    filled = round(share * _CELLS)
    bar = "#" * filled + "." * (_CELLS - filled)
    return f"  [{bar}] {share:4.0%} of {gigabytes(progress.total)}"
