"""What the program is attached to."""

import os
import sys
from io import TextIOWrapper
from typing import TextIO

from mistral_tui.types.errors import InvalidRequest


def can_draw(stream: TextIO | None) -> bool:
    """Whether `stream` is a terminal that follows escape sequences; that of an editor's shell, say, does not."""
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def in_browser() -> bool:
    """Whether something else than a terminal draws: textual-serve says so."""
    return bool(os.environ.get("TEXTUAL_DRIVER"))


def prepare_drawing() -> tuple[str, ...]:
    """Make sure that the interface can be drawn; return what the person should know about how it will look.

    Raises:
        InvalidRequest: It cannot.
    """
    if in_browser():
        return ()
    # Textual reads the first, and draws on the second or, outside Windows, on the third.
    if not all(map(can_draw, (sys.stdin, sys.stdout, sys.stderr))):
        dumb = " that can move its cursor, and TERM says it cannot" if os.environ.get("TERM") == "dumb" else ""
        raise InvalidRequest(f'the interface needs a terminal{dumb}; `mistral-tui ask "…"` works without one')
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # One cell for a character that cannot be sent; an escape like \u2595 would push all others aside.
            stream.reconfigure(errors="replace")
    if _encodes_all():
        return ()
    encoding = sys.stderr.encoding.lower()
    return (f"the locale says {encoding}: characters that it lacks are shown as ?; LANG=C.UTF-8 shows them",)


def draws_unicode() -> bool:
    """Whether our signs can be seen; if not, the interface draws with those of ASCII.

    Python writes UTF-8 in the C locale, too, but whoever has chosen that asks for plain signs; a locale that was not
    chosen says nothing. The console of Linux takes UTF-8 but has letters only in its font.
    """
    if in_browser():
        return True
    chosen = os.environ.get("LC_ALL") or os.environ.get("LANG")
    return _encodes_all() and chosen not in ("C", "POSIX") and os.environ.get("TERM") != "linux"


def _encodes_all() -> bool:
    return sys.stderr.encoding.lower().replace("-", "") == "utf8"
