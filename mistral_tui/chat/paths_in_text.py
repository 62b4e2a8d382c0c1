"""Files that are named in a text by their paths: typed, pasted, or dropped on the terminal, which then pastes them."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_WORD: Final = re.compile(r"""\s*(?:"([^"\n]+)"|'([^'\n]+)'|((?:\\.|[^\s\\])+))(?:\s|\Z)""")
_LONGEST: Final = 16_384
"""Characters of a paste that may be paths; a longer one is a text."""
_ROOTED: Final = re.compile(r"(?:file://|[~/]|[A-Za-z]:[\\/])")
"""How a path begins that is clearly meant as one."""


def pasted_paths(text: str) -> tuple[Path, ...]:
    """Return the files that a pasted text names, if it names nothing else; else none.

    Terminals paste what is dropped on them as paths from the root: quoted, or with escaped spaces, or as `file://`
    addresses, several on a line or one a line.
    """
    text = text.strip()
    if not text or len(text) > _LONGEST or not _ROOTED.match(text.lstrip("'\"")):
        return ()
    if whole := existing_file(text):
        return (whole,)
    found: list[Path] = []
    place = 0
    while place < len(text):
        match = _WORD.match(text, place)
        word = match and (match[1] or match[2] or match[3])
        path = existing_file(word, escaped=bool(match[3])) if match and word and _ROOTED.match(word) else None
        if match is None or path is None:
            return ()
        found.append(path)
        place = match.end()
    return tuple(found)


def path_from(text: str) -> Path:
    """Return the path that a person has typed: perhaps quoted, with escapes, as `file://` address, or from `~` on."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    elif (path := existing_file(text)) or (path := existing_file(text, escaped=True)):
        return path
    return _plain(text)


def existing_file(text: str, *, escaped: bool = False) -> Path | None:
    """Return the file that a text names, if there is one; `escaped`: a backslash stands before special characters."""
    try:
        path = _plain(re.sub(r"\\(.)", r"\1", text) if escaped else text)
        return path if path.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None


def _plain(text: str) -> Path:
    if text.startswith("file://"):
        text = unquote(urlsplit(text).path)
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:  # ~ of somebody who is not here
        return path
