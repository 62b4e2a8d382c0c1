"""The files of the working folder, found by some letters of their names."""

import os
import re
import subprocess
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

MOST_FILES: Final = 20_000
"""Files that are looked at; a folder may hold a disk."""
_TIME_LIMIT: Final = 2.0
"""Seconds of looking."""
_FRESH: Final = 5.0
"""Seconds for which what was found counts."""
_SKIPPED: Final = frozenset(
    {"node_modules", "__pycache__", "site-packages", "target", "dist", "build", "venv", "vendor"}
)
_ANCHORED: Final = re.compile(r"(?:~|\.{1,2})?/|~$")


class FileSearch:
    """Finds files. Blocks while it looks; made for a thread.

    In a checkout of git, what git ignores is left out; elsewhere hidden folders and those that programs fill.

    Args:
        folder: Where relative paths begin.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        """Where relative paths begin."""
        self._known: tuple[str, ...] = ()
        self._looked_at = float("-inf")

    def matches(self, query: str, limit: int = 50) -> tuple[str, ...]:
        """Return paths that match, the best first; a folder ends with a slash.

        `query` is letters of the path in their order, or a path from `/`, `~/`, `./` or `../` on, which leads through
        folders.
        """
        if _ANCHORED.match(query):
            return self._in_folder(query, limit)
        if not query:
            return self._in_folder("", limit)
        now = time.monotonic()
        if now - self._looked_at > _FRESH:
            self._known, self._looked_at = tuple(self._look(now + _TIME_LIMIT)), now
        return _best(self._known, query, limit)

    def _in_folder(self, query: str, limit: int) -> tuple[str, ...]:
        """Return what lies in the folder that a path leads to and begins with the rest of it."""
        lead, _, beginning = query.rpartition("/")
        lead = lead + "/" if "/" in query else ""
        if query == "~":
            lead, beginning = "~/", ""
        found: list[tuple[bool, str]] = []
        try:
            with os.scandir(self.folder / Path(lead or ".").expanduser()) as entries:
                for count, entry in enumerate(entries):
                    if count > MOST_FILES:
                        break
                    hidden = entry.name.startswith(".") and not beginning.startswith(".")
                    if not hidden and entry.name.lower().startswith(beginning.lower()):
                        found.append((entry.is_dir(), entry.name))
        except (OSError, ValueError, RuntimeError):
            return ()
        found.sort(key=lambda each: (not each[0], each[1].lower()))
        return tuple(lead + name + "/" * folder for folder, name in found[:limit])

    def _look(self, deadline: float) -> Sequence[str]:
        tracked = self._from_git()
        return tracked if tracked is not None else list(self._walk(deadline))

    def _from_git(self) -> list[str] | None:
        if not any((folder / ".git").exists() for folder in (self.folder, *self.folder.parents)):
            return None
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=_TIME_LIMIT,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        names = done.stdout.decode("utf-8", "surrogateescape").split("\0")
        return list(dict.fromkeys(filter(None, names)))[:MOST_FILES]

    def _walk(self, deadline: float) -> Iterator[str]:
        """Yield files breadth first: what is near comes before what lies deep, if it becomes too much."""
        waiting = deque([""])
        count = 0
        while waiting and time.monotonic() < deadline:
            lead = waiting.popleft()
            try:
                with os.scandir(self.folder / lead) as entries:
                    for entry in entries:
                        if entry.name.startswith("."):
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            if entry.name not in _SKIPPED:
                                waiting.append(f"{lead}{entry.name}/")
                        elif entry.is_file():
                            yield lead + entry.name
                            count += 1
                        if count >= MOST_FILES:
                            return
            except OSError:
                continue


def _best(paths: Sequence[str], query: str, limit: int) -> tuple[str, ...]:
    """Return the paths that have the letters of `query` in their order, those with few others between them first."""
    letters = ".*?".join(map(re.escape, query))
    # The look-ahead finds the shortest of all stretches with the letters, not the first.
    pattern = re.compile(f"(?=({letters}))", re.IGNORECASE)
    scored: list[tuple[int, int, str]] = []
    for path in paths:
        stretches = [(len(match[1]), -match.start()) for match in pattern.finditer(path)]
        if stretches:
            length, place = min(stretches)
            in_name = -place >= path.rfind("/") + 1
            scored.append((length - (len(query) if in_name else 0), len(path), path))
    scored.sort()
    return tuple(path for _, _, path in scored[:limit])
