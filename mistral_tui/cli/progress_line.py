"""Progress on stderr: a line that is redrawn on a terminal, a few lines elsewhere."""

import sys
from types import TracebackType
from typing import Self

from mistral_tui.cli.terminal import can_draw

_CELLS = 24


class ProgressLine:
    """A context manager, so that the line is always ended."""

    def __init__(self) -> None:
        self._terminal = can_draw(sys.stderr)
        self._shown = ""

    def show(self, doing: str, share: float | None = None, of: str = "") -> None:
        """Show what is done, and on a terminal also how far it has come.

        Args:
            doing: What is done; harmless for a terminal.
            share: From 0 to 1; `None`: nobody knows.
            of: The whole, such as a size.
        """
        line = doing
        if self._terminal and share is not None:
            filled = round(share * _CELLS)
            line += f"  [{'#' * filled}{'.' * (_CELLS - filled)}] {share:4.0%}{f' of {of}' if of else ''}"
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
