"""Pasted text is text: no escape sequence in it becomes a key.

Textual's parser looks for keys within a bracketed paste, too, and not every terminal takes control characters out of
what is pasted: a web page could press keys for whoever copies from it. What a terminal lets through of the mark that
ends a paste cannot be told from the end itself.
"""

from collections.abc import Iterable
from typing import Final
from weakref import WeakKeyDictionary

from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser
from textual.message import Message

_ESCAPE: Final = "\x1b"
_SHOWN: Final = "␛"
"""Stands for an escape in the text, so that nothing of it is lost."""

_feed: Final = XTermParser.feed
_pastes: WeakKeyDictionary[XTermParser, "Pastes"] = WeakKeyDictionary()


class Pastes:
    """Follows what a terminal sends, piece by piece, and makes escapes harmless within pastes."""

    def __init__(self) -> None:
        self._inside = False
        self._before = ""
        """The last characters outside of a paste: the beginning of one may come in two pieces."""
        self._held = ""
        """What may be the first part of the end of a paste."""

    def harmless(self, data: str) -> str:
        """Return the next piece; its end may be held back until the next one."""
        text = self._held + data
        self._held = ""
        done = []
        while text:
            piece, text = self._pasted(text) if self._inside else self._typed(text)
            done.append(piece)
        return "".join(done)

    def _typed(self, text: str) -> tuple[str, str]:
        known = self._before + text
        place = known.find(BRACKETED_PASTE_START)
        if place < 0:
            self._before = known[1 - len(BRACKETED_PASTE_START) :]
            return text, ""
        end = place + len(BRACKETED_PASTE_START) - len(self._before)
        self._before = ""
        self._inside = True
        return text[:end], text[end:]

    def _pasted(self, text: str) -> tuple[str, str]:
        pasted, end, rest = text.partition(BRACKETED_PASTE_END)
        if end:
            self._inside = False
        else:
            self._held = next(
                part
                for length in range(len(BRACKETED_PASTE_END) - 1, -1, -1)
                if pasted.endswith(part := BRACKETED_PASTE_END[:length])
            )
            pasted = pasted.removesuffix(self._held)
        return pasted.replace(_ESCAPE, _SHOWN) + end, rest


def keep_pastes_text() -> None:
    """From now on no key is made of pasted text, whatever reads the terminal."""
    XTermParser.feed = _feed_harmless  # type: ignore[assignment, method-assign]


def _feed_harmless(parser: XTermParser, data: str) -> Iterable[Message]:
    pastes = _pastes.setdefault(parser, Pastes())
    harmless = pastes.harmless(data)
    # Nothing means the end of all input to the parser.
    return () if data and not harmless else _feed(parser, harmless)
