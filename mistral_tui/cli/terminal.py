"""What the program is attached to."""

import os
from typing import TextIO


def can_draw(stream: TextIO | None) -> bool:
    """Whether `stream` is a terminal that follows escape sequences; that of an editor's shell, say, does not."""
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
