"""The files of the working folder, found by some letters of their names."""

import os
import re
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from heapq import nsmallest
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple

MOST_FILES: Final = 100_000
"""Files that are looked at; a folder may hold a disk."""
_TIME_LIMIT: Final = 2.0
"""Seconds of looking."""
_FRESH: Final = 5.0
"""Seconds for which what was found counts."""
_PIECE: Final = 2_000
"""Files after which it is asked whether anybody still waits."""
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
        self._known: tuple[_Path, ...] = ()
        self._looked_at = float("-inf")
        self._looking = Lock()
        self._turns = count(1)
        self._turn = 0
        """Of the last that was asked for; whoever types on does not wait for what came before."""

    def matches(self, query: str, limit: int = 50) -> tuple[str, ...]:
        """Return paths that match, the best first; a folder ends with a slash.

        A call ends, with some of them, as soon as another thread asks for something else.

        `query` is letters of the path in their order, or a path from `/`, `~/`, `./` or `../` on, which leads through
        folders.
        """
        if _ANCHORED.match(query):
            return self._in_folder(query, limit)
        if not query:
            return self._in_folder("", limit)
        turn = self._turn = next(self._turns)
        with self._looking:
            now = time.monotonic()
            if now - self._looked_at > _FRESH:
                self._known = tuple(map(_prepared, self._look(now + _TIME_LIMIT)))
                self._looked_at = time.monotonic()
        return _best(self._known, query, limit, lambda: turn == self._turn)

    def _in_folder(self, query: str, limit: int) -> tuple[str, ...]:
        """Return what lies in the folder that a path leads to and begins with the rest of it."""
        lead, _, beginning = query.rpartition("/")
        lead = lead + "/" if "/" in query else ""
        if query == "~":
            lead, beginning = "~/", ""
        found: list[tuple[bool, str]] = []
        try:
            with os.scandir(self.folder / Path(lead or ".").expanduser()) as entries:
                for number, entry in enumerate(entries):
                    if number > MOST_FILES:
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
        found = 0
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
                            found += 1
                        if found >= MOST_FILES:
                            return
            except OSError:
                continue


class _Path(NamedTuple):
    path: str
    lower: str
    name: int
    """Where the name begins."""


def _prepared(path: str) -> _Path:
    lower = path.lower()
    return _Path(path, path if lower == path else lower, lower.rfind("/") + 1)


def _best(paths: Sequence[_Path], query: str, limit: int, wanted: Callable[[], bool]) -> tuple[str, ...]:
    """Return the paths that have the letters of `query` in their order, those with few others between them first.

    Names that have them together come before all others: where there are enough of these, no others are looked for.
    """
    letters = query.lower()
    found = [
        (0, len(each.path), each.path) for each in _while(wanted, paths) if each.lower.find(letters, each.name) >= 0
    ]
    if len(found) < limit:
        found = []
        for each in _while(wanted, paths):
            if (stretch := _shortest(each.lower, letters)) is not None:
                length, place = stretch
                found.append((length - (len(letters) if place >= each.name else 0), len(each.path), each.path))
    return tuple(path for _, _, path in nsmallest(limit, found))


def _while(wanted: Callable[[], bool], paths: Sequence[_Path]) -> Iterator[_Path]:
    """Yield all paths, unless nobody wants them any more."""
    for first in range(0, len(paths), _PIECE):
        if not wanted():
            return
        yield from paths[first : first + _PIECE]


def _shortest(text: str, letters: str) -> tuple[int, int] | None:
    """Return the length and the place of the shortest stretch with these letters in their order, or `None`."""
    best: tuple[int, int] | None = None
    start = text.find(letters[0])
    while start >= 0:
        place = start
        for letter in letters[1:]:
            place = text.find(letter, place + 1)
            if place < 0:
                return best
        if best is None or place + 1 - start <= best[0]:
            best = place + 1 - start, start
        start = text.find(letters[0], start + 1)
    return best
