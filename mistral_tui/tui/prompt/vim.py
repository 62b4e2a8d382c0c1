"""The keys of vi for a text box: a small machine that turns keys into moves and edits.

It knows the usual motions, counts are not among them. What it deletes or yanks is kept for `p`, within the box.
"""

import re
from typing import Final, Literal

from textual.document._document import Location
from textual.widgets import TextArea

Mode = Literal["insert", "normal"]

_WORD: Final = re.compile(r"\w+|[^\w\s]+")
_OPERATORS: Final = "dcy"
_SHORT: Final = {"D": "d$", "C": "c$", "Y": "yy", "x": "dl", "X": "dh", "s": "cl"}
"""Keys that stand for an operator and its motion."""


class VimKeys:
    """The mode of one text box, and what its keys do in normal mode.

    Args:
        box: The text box.
    """

    def __init__(self, box: TextArea) -> None:
        self._box = box
        self.mode: Mode = "insert"
        self._pending = ""
        """Keys that wait for another one: an operator, or `g`."""
        self._register = ""
        self._whole_lines = False
        """Whether what is in the register are whole lines."""

    def escape(self) -> bool:
        """Leave insert mode, or forget a key that waits; return whether there was something to do."""
        if self.mode == "insert":
            self.mode = "normal"
            if self._box.cursor_location[1]:
                self._box.action_cursor_left()
            return True
        waited, self._pending = bool(self._pending), ""
        return waited

    def press(self, character: str) -> None:
        """Do what a key does in normal mode."""
        keys, self._pending = self._pending + character, ""
        keys = _SHORT.get(keys, keys)
        if keys == "g" or keys in _OPERATORS:
            self._pending = keys
        elif keys[0] in _OPERATORS:
            self._operate(keys[0], keys[1:])
        elif (target := self._target(keys)) is not None:
            self._box.move_cursor(target)
        else:
            self._edit(keys)

    def _target(self, motion: str) -> Location | None:
        """Return where a motion leads to, or `None` if it is none."""
        box = self._box
        row, column = box.cursor_location
        match motion:
            case "h":
                return (row, column) if column == 0 else box.get_cursor_left_location()
            case "l":
                return (row, column) if column >= len(box.document[row]) else box.get_cursor_right_location()
            case "j":
                return box.get_cursor_down_location() if row + 1 < box.document.line_count else (row, column)
            case "k":
                return box.get_cursor_up_location() if row else (row, column)
            case "w":
                return self._word_start()
            case "b":
                return self._word_before()
            case "e":
                return self._word_end()
            case "0":
                return row, 0
            case "^":
                line = box.document[row]
                return row, len(line) - len(line.lstrip())
            case "$":
                return row, len(box.document[row])
            case "gg":
                return 0, 0
            case "G":
                return box.document.line_count - 1, 0
        return None

    def _word_start(self) -> Location:
        row, column = self._box.cursor_location
        for match in _WORD.finditer(self._box.document[row]):
            if match.start() > column:
                return row, match.start()
        for below in range(row + 1, self._box.document.line_count):
            if found := _WORD.search(self._box.document[below]):
                return below, found.start()
        return row, len(self._box.document[row])

    def _word_end(self) -> Location:
        row, column = self._box.cursor_location
        for match in _WORD.finditer(self._box.document[row]):
            if match.end() - 1 > column:
                return row, match.end() - 1
        for below in range(row + 1, self._box.document.line_count):
            if found := _WORD.search(self._box.document[below]):
                return below, found.end() - 1
        return row, len(self._box.document[row])

    def _word_before(self) -> Location:
        row, column = self._box.cursor_location
        for above in range(row, -1, -1):
            line = self._box.document[above]
            starts = [match.start() for match in _WORD.finditer(line) if above < row or match.start() < column]
            if starts:
                return above, starts[-1]
        return 0, 0

    def _operate(self, operator: str, motion: str) -> None:
        box = self._box
        row, column = box.cursor_location
        if motion == operator:
            self._take_lines(row, operator)
            return
        if motion == "g":
            self._pending = operator + motion
            return
        # As in vi, `cw` ends where the word does, and leaves the blank after it.
        motion = "e" if operator + motion == "cw" else motion
        target = self._target(motion)
        if target is None:
            return
        if motion in ("j", "k", "G", "gg"):
            self._take_lines(row, operator, target[0])
            return
        start, end = sorted(((row, column), target))
        if motion == "e":
            end = (end[0], min(end[1] + 1, len(box.document[end[0]])))
        elif motion == "w" and end[0] > start[0]:
            end = (start[0], len(box.document[start[0]]))
        if start == end and operator != "c":
            return
        self._register, self._whole_lines = box.get_text_range(start, end), False
        self._finish(operator, start, end)

    def _take_lines(self, row: int, operator: str, other: int | None = None) -> None:
        document = self._box.document
        first, last = sorted((row, row if other is None else other))
        self._register = "\n".join(document[line] for line in range(first, last + 1))
        self._whole_lines = True
        start, end = (first, 0), (last, len(document[last]))
        if operator == "d":
            if last + 1 < document.line_count:
                end = (last + 1, 0)
            elif first:
                start = (first - 1, len(document[first - 1]))
        self._finish(operator, start, end)

    def _finish(self, operator: str, start: Location, end: Location) -> None:
        if operator == "y":
            self._box.move_cursor(start)
            return
        self._box.delete(start, end, maintain_selection_offset=False)
        if operator == "c":
            self.mode = "insert"

    def _edit(self, key: str) -> None:
        box = self._box
        row, column = box.cursor_location
        match key:
            case "i" | "a" | "I" | "A":
                places = {"i": (row, column), "I": (row, 0), "A": (row, len(box.document[row]))}
                box.move_cursor(places[key] if key != "a" else self._target("l") or (row, column))
                self.mode = "insert"
            case "o":
                box.insert("\n", (row, len(box.document[row])), maintain_selection_offset=False)
                self.mode = "insert"
            case "O":
                box.insert("\n", (row, 0), maintain_selection_offset=False)
                box.move_cursor((row, 0))
                self.mode = "insert"
            case "p":
                self._put(row)
            case "u":
                box.action_undo()

    def _put(self, row: int) -> None:
        box = self._box
        if self._whole_lines:
            box.insert(f"\n{self._register}", (row, len(box.document[row])), maintain_selection_offset=False)
            box.move_cursor((row + 1, 0))
        elif self._register:
            box.move_cursor(self._target("l") or box.cursor_location)
            box.insert(self._register)
