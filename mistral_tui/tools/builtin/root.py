"""The folder that files are read and written in, and the way to a file that does not lead out of it.

Paths come from models, and other programs may move things meanwhile. So a path is not looked at and then used: it is
walked, folder by folder, each opened below the one before without following links. A link is read, and walked as if
its target had been written in its place; one that leads out of the folder is refused. What is opened at the end is
named by the folder that holds it, not by a path.

Windows has no way to open a file below an open folder: there a path is resolved, compared and then used, and a link
that another program makes in between is followed.
"""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from mistral_tui.types.errors import ToolError
from mistral_tui.types.text import printable_line

_BELOW_FOLDERS: Final = os.open in os.supports_dir_fd
_FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_MOST_LINKS: Final = 40
_DEEPEST: Final = 256
"""Folders of a path: each is held open while the path is walked."""


@dataclass(frozen=True)
class Place:
    """Where something is, or would be: a name in an open folder."""

    folder: int | None
    """The open folder, for the `dir_fd` of functions of `os`; `None`: `name` is an absolute path."""
    name: str
    shown: str
    """The path as the model wrote it, for messages."""


class SandboxRoot:
    """A folder that nothing leads out of.

    Args:
        folder: It must be there.

    Raises:
        ToolError: It is not.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self.path = folder.resolve(strict=True)
            if not self.path.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            self._fd = os.open(self.path, _FOLDER) if _BELOW_FOLDERS else None
        except (OSError, RuntimeError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise ToolError(f"the sandbox root {printable_line(str(folder))} cannot be used: {why}") from None
        self._spellings = (self.path, folder.absolute())

    @contextmanager
    def place(self, path: str, *, make_folders: bool = False) -> Iterator[Place]:
        """Yield where a path leads; the place can be used until this is left.

        Args:
            path: Relative to the root, or absolute and below it.
            make_folders: Whether folders on the way that are missing are made.

        Raises:
            ToolError: It leads out of the root, or a folder on the way is not there; or what is done with the place
                fails with an `OSError`.
        """
        shown = printable_line(path)[:300]
        try:
            names = self._names(path, shown)
            if self._fd is None:
                yield self._resolved(names, shown, make_folders)
                return
            folders = [os.dup(self._fd)]
            try:
                yield Place(*self._walk(folders, names, shown, make_folders), shown)
            finally:
                for folder in folders:
                    os.close(folder)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise ToolError(f"{shown} is a link that changed, or that leads to itself") from None
            raise ToolError(f"{shown}: {error.strerror or error}") from None
        except ValueError as error:  # a NUL, half a surrogate pair
            raise ToolError(f"{shown!r} is no path: {error}") from None

    def _walk(self, folders: list[int], names: list[str], shown: str, make_folders: bool) -> tuple[int, str]:
        """Open the folders on the way, and return the last with the name of what it holds.

        Args:
            folders: Those that are open, the root first; what is opened is added, and left for the caller to close.
            names: The way.
            shown: The path, for messages.
            make_folders: Whether missing ones are made.
        """
        ahead = names[::-1]
        links = 0
        while ahead:
            name = ahead.pop()
            if name == "..":
                if len(folders) == 1:
                    raise _outside(shown)
                os.close(folders.pop())
                continue
            target = _link(name, folders[-1])
            if target is not None:
                links += 1
                if links > _MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                ahead += self._names(target, shown)[::-1]
                if PurePath(target).is_absolute():
                    while len(folders) > 1:
                        os.close(folders.pop())
                continue
            if not ahead:
                return folders[-1], name
            if len(folders) > _DEEPEST:
                raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
            folders.append(_enter(name, folders[-1], make_folders))
        return folders[-1], "."

    def _names(self, path: str, shown: str) -> list[str]:
        """Return the names on the way from the root, or from the link that holds the path."""
        if path.startswith("~"):
            raise ToolError(f"{shown}: write a path relative to {self.path}, without ~")
        pure = PurePath(path)
        if pure.is_absolute() or pure.drive or pure.root:
            spelling = next((each for each in self._spellings if pure.is_relative_to(each)), None)
            if spelling is None:
                raise _outside(shown)
            pure = pure.relative_to(spelling)
        return list(pure.parts)

    def _resolved(self, names: list[str], shown: str, make_folders: bool) -> Place:
        """Return a place on a system that cannot open files below an open folder."""
        if any(":" in name for name in names):  # a stream of a file, or a drive
            raise ToolError(f"{shown}: a name must not hold a colon")
        path = self.path.joinpath(*names).resolve()
        if not path.is_relative_to(self.path):
            raise _outside(shown)
        if make_folders:
            path.parent.mkdir(parents=True, exist_ok=True)
        return Place(None, str(path), shown)


@contextmanager
def opened_folder(place: Place) -> Iterator[int | str]:
    """Yield the folder at a place as `os.scandir` takes it."""
    if place.folder is None:
        yield place.name
        return
    opened = os.open(place.name, _FOLDER, dir_fd=place.folder)
    try:
        yield opened
    finally:
        os.close(opened)


def _outside(shown: str) -> ToolError:
    return ToolError(f"{shown} is outside the sandbox root; only what is below it can be used")


def _link(name: str, folder: int) -> str | None:
    """Return where a name leads if it is a link."""
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT):
            return None
        raise


def _enter(name: str, folder: int, make: bool) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except FileNotFoundError:
        if not make:
            raise
    os.mkdir(name, dir_fd=folder)
    return os.open(name, _FOLDER, dir_fd=folder)


if sys.platform == "win32":
    REGULAR: Final = os.O_BINARY
else:
    REGULAR: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Flags for opening a file at a `Place`: a link is refused, and a pipe is not waited for."""
