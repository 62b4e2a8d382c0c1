"""Several fixed strings, looked for in a text that arrives in pieces."""

import re
from collections.abc import Collection


class Marks:
    """Finds the first place where one of some strings is, or may be once more text is there.

    A mark may begin with another one; the longest counts.
    """

    def __init__(self, marks: Collection[str]) -> None:
        self._marks = sorted(set(marks), key=len, reverse=True)
        self._whole = re.compile("|".join(map(re.escape, self._marks)) or "(?!)")
        self._maybe = re.compile("|".join(map(_begun, self._marks)) or "(?!)")

    def search(self, text: str, start: int, ended: bool) -> tuple[int, str]:
        """Return the first place from `start` on, and the mark there.

        Args:
            text: What has arrived.
            start: Where to begin.
            ended: Whether no more text will come.

        Returns:
            The place and the mark; the place and "" if it is not clear yet; the end of the text and "" if there is
            nothing.
        """
        found = (self._whole if ended else self._maybe).search(text, start)
        if found is None:
            return len(text), ""
        mark = found[0]
        if (
            not ended
            and found.end() == len(text)
            and any(len(m) > len(mark) and m.startswith(mark) for m in self._marks)
        ):
            return found.start(), ""
        return found.start(), mark


def _begun(mark: str) -> str:
    """Return a pattern for `mark`, or as much of it as fits before the end of the text."""
    pattern = re.escape(mark[-1])
    for character in reversed(mark[:-1]):
        pattern = f"{re.escape(character)}(?:{pattern}|\\Z)"
    return pattern
