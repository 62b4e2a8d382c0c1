"""Going through folders that others fill: loops of links, closed folders and folders without end do no harm."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mistral_tui.models.discovery.harvest import Harvest

DEEPEST: Final = 8
_MOST_ENTRIES: Final = 50_000
_MOST_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Folder:
    """A folder and the names in it, sorted."""

    path: Path
    files: tuple[str, ...]
    """Everything that is no folder: links that lead nowhere and devices, too."""
    folders: tuple[str, ...]


def walk(root: Path, harvest: Harvest, deepest: int = DEEPEST) -> Iterator[Folder]:
    """Yield `root` and what lies below it, each folder once; hidden ones below it are left out.

    What cannot be read, and that a limit was reached, is noted in `harvest`. A root that is not there is no news.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [(root, 0)]
    left, deadline = _MOST_ENTRIES, time.monotonic() + _MOST_SECONDS
    harvest.folders.add(root)
    while waiting:
        path, level = waiting.pop()
        try:
            status = path.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            files: list[str] = []
            folders: list[str] = []
            with os.scandir(path) as entries:
                for entry in entries:
                    left -= 1
                    if left < 0:
                        break
                    (folders if _is_folder(entry) else files).append(entry.name)
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:  # ValueError: a null character
            harvest.skip(path, f"cannot be read: {getattr(error, 'strerror', None) or error}")
            continue
        harvest.folders.add(path)
        folders = sorted(name for name in folders if not name.startswith("."))
        yield Folder(path, tuple(sorted(files)), tuple(folders))
        if left < 0 or time.monotonic() > deadline:
            harvest.skip(root, f"there is too much in it (over {_MOST_ENTRIES:,} files); name a folder below it")
            return
        if level < deepest:
            waiting += [(path / name, level + 1) for name in reversed(folders)]
        elif folders:
            harvest.skip(path, f"its folders are not looked into: they lie more than {deepest} deep")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
