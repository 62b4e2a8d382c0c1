"""What llguidance says about a grammar, in one line that points at the place."""

import re
from typing import Final

_MOST_CHARACTERS: Final = 300

_PLACE: Final = re.compile(r"^(?:at )?(?P<line>\d+)\((?P<column>\d+)\): ")
_JSON_PLACE: Final = re.compile(r" at line (?P<line>\d+) column (?P<column>\d+)$")
_REGEX: Final = re.compile(
    r'invalid regex ".*" \(in regex\): regex parse error:\n {4}(?P<pattern>[^\n]*)\n {4}(?P<space> *)\^+[^\n]*\n'
    r"error: (?P<cause>[^\n]*)",
    re.DOTALL,
)
_TOO_COMPLEX: Final = re.compile(
    r"too big|too large|too many|fuel exhausted|TooComplex|current row has \d+ items|limit for this grammar", re.I
)
_IMPOSSIBLE: Final = re.compile(r"NoExtension")


def in_plain_words(complaint: str) -> str:
    """Return the complaint in one line, the place in front: `line 2, column 5: unknown name: "b"`."""
    if _IMPOSSIBLE.search(complaint):
        return "it allows no text at all; check it for rules that never end"
    complaint = complaint.replace("<non-verbose/>", "").strip()
    place = _PLACE.match(complaint)
    where = f"line {place['line']}, column {place['column']}: " if place else ""
    rest = complaint[place.end() :] if place else complaint
    if regex := _REGEX.search(rest):
        return f"{where}invalid regular expression: {regex['cause']}"
    message = _shortened(rest)
    if place is None and (place := _JSON_PLACE.search(message)):
        return f"line {place['line']}, column {place['column']}: {message[: place.start()]}"
    if _TOO_COMPLEX.search(message):
        return f"{where}it is too complex ({message}); make it smaller"
    return where + message


def without_place(complaint: str) -> str:
    """Return the complaint in one line, about a text that nobody has seen."""
    return re.sub(r"^line \d+, column \d+: ", "", in_plain_words(complaint))


def about_a_regex(complaint: str, pattern: str) -> str:
    """Return the complaint about a grammar that is nothing but this regular expression."""
    if regex := _REGEX.search(complaint):
        # Where llguidance had to escape something, columns would not be those of the pattern.
        where = f"column {len(regex['space']) + 1}: " if regex["pattern"] == pattern else ""
        return where + regex["cause"]
    return re.sub(r'^invalid regex ".*" \(in regex\): ', "", without_place(complaint))


def _shortened(text: str) -> str:
    # What follows the first line is the grammar's own text with a mark below, which is no use in one line.
    line = text.split("\n", 1)[0].strip()
    return line if len(line) <= _MOST_CHARACTERS else line[:_MOST_CHARACTERS] + "…"
