"""What a call would do to a file, as a diff, for those that say so in their arguments."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from mistral_tui.types.tools import ToolRun

_WRITES: Final = re.compile(r"write|edit|create|save|replace|append|insert|update|patch", re.IGNORECASE)
_PATHS: Final = ("path", "file_path", "filename", "file")
_CONTENTS: Final = ("content", "contents", "file_text", "text")
_EDITS: Final = (("oldText", "newText"), ("old_string", "new_string"), ("old_str", "new_str"), ("old", "new"))
LARGEST: Final = 400_000
"""Characters of a file beyond which nothing is compared: it would take seconds."""


@dataclass(frozen=True)
class FileChange:
    """What would become of a file."""

    path: str
    lines: tuple[str, ...] = ()
    """A unified diff without its head; empty: nothing would change, or `note` says why there is none."""
    note: str = ""
    """What the person should know of it: one line."""


def file_change(run: ToolRun, folder: Path) -> FileChange | None:
    """Return what a call would do to a file; `None`: it does not say that it writes one. Reads the file, and blocks.

    Args:
        run: The call.
        folder: Where paths begin that are not absolute.
    """
    if not _WRITES.search(run.tool or run.name):
        return None
    try:
        arguments = msgspec.json.decode(run.arguments)
    except msgspec.MsgspecError:
        return None
    if not isinstance(arguments, dict):
        return None
    path = next((arguments[name] for name in _PATHS if isinstance(arguments.get(name), str)), None)
    content = next((arguments[name] for name in _CONTENTS if isinstance(arguments.get(name), str)), None)
    edits = list(_edits(arguments))
    if not path or (content is None and not edits):
        return None
    try:
        return _change(path, folder / Path(path).expanduser(), content, edits)
    except RuntimeError:  # ~ with a name that nobody has
        return FileChange(path, note="what is there now cannot be read as text")


def _change(path: str, file: Path, content: str | None, edits: list[tuple[str, str]]) -> FileChange:
    try:
        if file.stat().st_size > LARGEST:
            return FileChange(path, note="the file is too large to be compared")
        before = file.read_text("utf-8")
    except FileNotFoundError:
        if content is None:
            return FileChange(path, note="there is no such file here")
        return FileChange(path, _diff("", content), "a new file")
    except (OSError, UnicodeDecodeError, ValueError):
        return FileChange(path, note="what is there now cannot be read as text")
    after, missing = before if content is None else content, 0
    for old, new in edits if content is None else ():
        missing += old not in after
        after = after.replace(old, new, 1)
    if len(after) > LARGEST:
        return FileChange(path, note="the text is too large to be compared")
    if missing:
        note = f"{missing} of {len(edits)} texts to be replaced {'is' if missing == 1 else 'are'} not in the file"
    else:
        note = "nothing would change" if after == before else ""
    return FileChange(path, _diff(before, after), note)


def _diff(before: str, after: str) -> tuple[str, ...]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3)
    return tuple(lines)[2:]


def _edits(arguments: dict[str, Any]) -> Iterator[tuple[str, str]]:
    several = arguments.get("edits")
    for each in [arguments, *(several if isinstance(several, list) else ())]:
        for old, new in _EDITS if isinstance(each, dict) else ():
            if isinstance(each.get(old), str) and isinstance(each.get(new), str) and each[old]:
                yield each[old], each[new]
