"""What is typed into a search box, taken apart: words, phrases, and filters such as `tag:work`."""

import re
from datetime import datetime

import msgspec

from mistral_tui.types.errors import InvalidRequest

_PIECE = re.compile(r'(?:(tag|model|before|after):)?(?:"([^"]*)(?:"|$)|(\S+))', re.IGNORECASE)
_DATES = ("%Y-%m-%d", "%Y-%m", "%Y")


class SearchQuery(msgspec.Struct, frozen=True):
    """What a search asks for."""

    match: str = ""
    """A query of FTS5 in which nothing that was typed is an operator; empty: any message."""
    tags: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    """Each is a part of the model's name."""
    before: float | None = None
    """Seconds since the epoch."""
    after: float | None = None

    @property
    def empty(self) -> bool:
        """Whether it asks for nothing."""
        return self == SearchQuery()


def parse_query(text: str) -> SearchQuery:
    """Read what a person typed.

    Words must all occur, `"several words"` next to one another; the last word may be a beginning. `tag:x`,
    `model:x`, `before:2025-03-01` and `after:2025` (also a month, `2025-03`) narrow it down; a filter without a value
    is one that is still being typed.

    Raises:
        InvalidRequest: A date is none.
    """
    terms: list[str] = []
    tags: list[str] = []
    models: list[str] = []
    times: dict[str, float] = {}
    text = text.replace("\0", " ")
    for piece in _PIECE.finditer(text):
        name = (piece[1] or "").lower()
        value = piece[3] if piece[2] is None else piece[2]
        if name == "tag":
            tags.append(value.casefold().lstrip("#"))
        elif name == "model":
            models.append(value)
        elif name:
            times[name] = _seconds(name, value)
        elif piece[3] and re.fullmatch(r"(?:tag|model|before|after):", value, re.IGNORECASE):
            continue
        elif any(map(str.isalnum, value)):
            whole = piece[2] is not None or piece.end() < len(text)
            terms.append('"' + value.replace('"', '""') + '"' + ("" if whole else "*"))
    return SearchQuery(" ".join(terms), tuple(tags), tuple(models), times.get("before"), times.get("after"))


def _seconds(name: str, value: str) -> float:
    for form in _DATES:
        try:
            return datetime.strptime(value, form).timestamp()
        except (ValueError, OverflowError, OSError):
            continue
    raise InvalidRequest(f"{name}:{value} is no date; write 2025-03-31, 2025-03 or 2025")
