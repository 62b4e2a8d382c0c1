"""Strings that end a reply, found while it is written."""

from collections.abc import Sequence


class StopStrings:
    """Looks for the first of several strings in a text that arrives in pieces.

    Text that may be the beginning of one is held back until it is clear. Only the held back tail is looked at again,
    so a piece costs the same however long the reply is.
    """

    def __init__(self, strings: Sequence[str]) -> None:
        self._strings = tuple(strings)
        self._longest = max(map(len, strings), default=0)
        self._held = ""

    def feed(self, text: str) -> tuple[str, bool]:
        """Take more of the reply.

        Returns:
            What may be shown now, and whether a stop string was found: then the reply ends with that text. Of
            several stop strings in it, the one that begins first counts.
        """
        if not self._longest:
            return text, False
        text = self._held + text
        found = [place for place in (text.find(string) for string in self._strings) if place >= 0]
        if found and not self._may_begin_before(text, min(found)):
            self._held = ""
            return text[: min(found)], True
        shown = self._first_possible(text, len(text))
        self._held = text[shown:]
        return text[:shown], False

    def flush(self) -> tuple[str, bool]:
        """Return what was held back when the reply ends by itself, and whether a stop string was in it."""
        text, self._held = self._held, ""
        found = [place for place in (text.find(string) for string in self._strings) if place >= 0]
        return (text[: min(found)], True) if found else (text, False)

    def _may_begin_before(self, text: str, place: int) -> bool:
        return self._first_possible(text, place) < place

    def _first_possible(self, text: str, before: int) -> int:
        """Return the first place before `before` where the rest of `text` is the beginning of a stop string."""
        for place in range(max(0, len(text) - self._longest + 1), before):
            tail = text[place:]
            if any(string.startswith(tail) for string in self._strings):
                return place
        return before
