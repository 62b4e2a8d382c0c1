"""What follows an emoji stands where it belongs, however wide the terminal draws that.

Terminals disagree about characters of several code points: a warning sign with its selector is one cell in tmux and two
in others, a thumb with a colour two or four. All that follows in the row would be moved, other panes included.
"""

import re
from typing import Final, cast

from rich.cells import cell_len
from textual.driver import Driver

_FLAG, _COLOUR = "[\U0001f1e6-\U0001f1ff]", "[\U0001f3fb-\U0001f3ff]"
_DISPUTED: Final = re.compile(
    r"\x1b[\]P_^X][^\x07\x1b]*(?:\x07|\x1b\\)"  # a string for the terminal itself: it stays as it is
    rf"|{_FLAG}{_FLAG}"
    rf"|[\U0001fa70-\U0001faff](?:{_COLOUR}|\ufe0f|\u200d[^\x00-\x7f])*"  # the youngest: unknown to many
    rf"|[^\x00-\x1f\x7f](?:{_COLOUR}|\ufe0f|\u20e3|\u200d[^\x00-\x7f])+"
)
_SIGN: Final = re.compile("[\ufe0f\u20e3\u200d\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U0001fa70-\U0001faff]")
"""One of these is in all of them."""


def settled(data: str) -> str:
    """Return what is to be written, with the cursor put behind every character whose width terminals disagree about."""
    if data.isascii() or _SIGN.search(data) is None:
        return data
    return _DISPUTED.sub(_settle, data)


def settling(driver: type[Driver]) -> type[Driver]:
    """Return a driver that writes like this."""
    return cast(type[Driver], type(f"Settling{driver.__name__}", (_SettlingWrites, driver), {}))


def _settle(found: re.Match[str]) -> str:
    if found[0].startswith("\x1b"):
        return found[0]
    width = cell_len(found[0])
    # Its cells are made blank first: a terminal may draw less than them.
    return f"\x1b7{' ' * width}\x1b8\x1b7{found[0]}\x1b8\x1b[{width}C"


class _SettlingWrites:
    def write(self, data: str) -> None:
        super().write(settled(data))  # type: ignore[misc]  # of the driver that it is mixed into
