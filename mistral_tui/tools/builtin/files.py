"""Files below the sandbox root: list, read, search, write, edit. Everything here blocks."""

import fnmatch
import io
import json
import os
import secrets
import stat
import time
from collections.abc import Iterator
from typing import Final, NamedTuple

from mistral_tui.tools.builtin.root import REGULAR, Place, SandboxRoot, opened_folder
from mistral_tui.types.errors import ToolError
from mistral_tui.types.text import printable_line

MOST_ENTRIES: Final = 2_000
"""Of a folder that is listed."""
MOST_FOUND: Final = 200
MOST_SHOWN: Final = 400_000
"""Bytes of a file that are read at once; a line that is longer is cut."""
_LONGEST_LINE: Final = 400
"""Characters of a line that a search shows."""
_SEARCHED_BYTES: Final = 4_000_000
"""Files above are not searched for text."""
_SEARCHED: Final = 100_000
"""Files and folders that one search looks at."""
_SEARCH_SECONDS: Final = 15.0


class _Entry(NamedTuple):
    """What a folder says of something in it."""

    name: str
    is_folder: bool
    is_link: bool
    size: int


class Files:
    """What can be done with files below a root.

    Args:
        root: Nothing outside is read or written.
        largest: Bytes of a file, at most.
    """

    def __init__(self, root: SandboxRoot, largest: int) -> None:
        self._root = root
        self._largest = largest

    def listing(self, path: str) -> str:
        """Return what is in a folder: a line each, folders end with `/`, files have their size."""
        entries = sorted(self._entries(path), key=lambda entry: (not entry.is_folder, entry.name.casefold()))
        lines = [_entry_line(entry) for entry in entries[:MOST_ENTRIES]]
        if len(entries) > MOST_ENTRIES:
            lines.append(f"… and {len(entries) - MOST_ENTRIES:,} more")
        return "\n".join(lines) or "(an empty folder)"

    def read(self, path: str, first_line: int, lines: int) -> str:
        """Return lines of a text file."""
        with self._root.place(path) as place:
            content = self._content(place)
        wanted = b""
        count = last = 0
        for count, row in enumerate(io.BytesIO(content), start=1):  # a list of all lines may take fifty times the file
            fits = count == first_line or (last == count - 1 and len(wanted) + len(row) <= MOST_SHOWN)
            if first_line <= count < first_line + lines and fits:
                wanted += row
                last = count
        if first_line > max(1, count):
            raise ToolError(f"{place.shown} has {count:,} lines; there is no line {first_line:,}")
        shown = _text(wanted, place)
        if len(shown) > MOST_SHOWN:
            shown = f"{shown[:MOST_SHOWN]}… (the line goes on)"
        if first_line > 1 or last < count:
            lead = "" if shown.endswith("\n") else "\n"
            shown += f"{lead}… lines {first_line:,} to {last:,} of {count:,}; first_line says where to begin"
        return shown or "(an empty file)"

    def search(self, path: str, name: str, text: str) -> str:
        """Return the files below a folder whose name fits, or the lines in them that hold a text."""
        found: list[str] = []
        skipped = looked = 0
        until = time.monotonic() + _SEARCH_SECONDS
        cut = ""
        for file, size in self._below(path):
            looked += 1
            if looked > _SEARCHED or time.monotonic() > until:
                cut = f"… there is more than could be looked at; name a folder ({looked:,} files were)"
                break
            if not fnmatch.fnmatch(file.rpartition("/")[2].casefold(), name.casefold()):
                continue
            if not text:
                found.append(_quoted(file))
            elif size > min(_SEARCHED_BYTES, self._largest):
                skipped += 1
            else:
                found += self._lines_with(text, file)
            if len(found) >= MOST_FOUND:
                cut = f"… only the first {MOST_FOUND} are shown; say more of what you look for"
                break
        lines = [*found[:MOST_FOUND], cut, f"({skipped:,} large files were not searched)" if skipped else ""]
        return "\n".join(filter(None, lines)) if found or cut else "nothing was found"

    def write(self, path: str, content: str) -> str:
        """Write a text file anew; folders on the way are made. Until all is written, the old one stays."""
        data = content.encode("utf-8")
        self._fits(len(data), path)
        with self._root.place(path, make_folders=True) as place:
            _replace(place, data)
        return f"{place.shown} was written: {len(data):,} bytes"

    def edit(self, path: str, old: str, new: str) -> str:
        """Replace a text that occurs once in a file."""
        with self._root.place(path) as place:
            text = _text(self._content(place), place)
            if "\r\n" in text and "\r" not in old:
                old, new = old.replace("\n", "\r\n"), new.replace("\n", "\r\n")
            count = text.count(old)
            if count != 1:
                found = f"occurs {count} times" if count else "does not occur"
                raise ToolError(f"old_string {found} in {place.shown}; give a text that is there exactly once")
            data = text.replace(old, new).encode("utf-8")
            self._fits(len(data), path)
            _replace(place, data)
        return f"{place.shown} was changed"

    def _entries(self, path: str) -> list[_Entry]:
        with self._root.place(path) as place, opened_folder(place) as folder, os.scandir(folder) as entries:
            return [_known(entry) for entry in entries]

    def _below(self, path: str) -> Iterator[tuple[str, int]]:
        """Yield the files below a folder with their sizes; what cannot be read, links and `.git` are passed over."""
        ahead = [path]
        while ahead:
            folder = ahead.pop()
            try:
                entries = sorted(self._entries(folder))
            except ToolError:
                if folder == path:
                    raise
                continue
            inner = "" if folder == "." else f"{folder.rstrip('/')}/"
            for entry in entries:
                if not entry.is_folder and not entry.is_link:
                    yield inner + entry.name, entry.size
            ahead += [
                inner + entry.name
                for entry in reversed(entries)
                if entry.is_folder and not entry.is_link and entry.name != ".git"
            ]

    def _lines_with(self, text: str, file: str) -> list[str]:
        try:
            with self._root.place(file) as place:
                rows = _text(self._content(place), place).splitlines()
        except ToolError:  # no text, or gone meanwhile
            return []
        wanted = text.casefold()
        return [
            f"{_quoted(file)}:{number}: {row.strip()[:_LONGEST_LINE]}"
            for number, row in enumerate(rows, start=1)
            if wanted in row.casefold()
        ][:MOST_FOUND]

    def _content(self, place: Place) -> bytes:
        opened = os.open(place.name, os.O_RDONLY | REGULAR, dir_fd=place.folder)
        with os.fdopen(opened, "rb") as file:
            known = os.fstat(opened)
            _must_be_a_file(known.st_mode, place)
            self._fits(known.st_size, place.shown)
            data = file.read(self._largest + 1)
        self._fits(len(data), place.shown)
        return data

    def _fits(self, size: int, shown: str) -> None:
        if size > self._largest:
            name = printable_line(shown)[:300]
            raise ToolError(f"{name} has {size:,} bytes, and {self._largest:,} are allowed (agent_max_file_size)")


def _known(entry: os.DirEntry[str]) -> _Entry:
    is_folder = entry.is_dir(follow_symlinks=False)
    try:
        size = 0 if is_folder else entry.stat(follow_symlinks=False).st_size
    except OSError:  # it is gone by now
        size = 0
    return _Entry(entry.name, is_folder, entry.is_symlink(), size)


def _entry_line(entry: _Entry) -> str:
    if entry.is_folder:
        return f"{_quoted(entry.name)}/"
    return f"{_quoted(entry.name)}  {'(link)' if entry.is_link else f'{entry.size:,} bytes'}"


def _quoted(name: str) -> str:
    """Return a name in which nothing looks like another line, or another name."""
    return name if name.isprintable() and name == name.strip() else json.dumps(name)


def _text(data: bytes, place: Place) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ToolError(f"{place.shown} is no text in UTF-8") from None


def _must_be_a_file(mode: int, place: Place) -> None:
    if stat.S_ISDIR(mode):
        raise ToolError(f"{place.shown} is a folder; list_directory lists it")
    if not stat.S_ISREG(mode):
        raise ToolError(f"{place.shown} is no ordinary file")


def _replace(place: Place, data: bytes) -> None:
    """Put a file in the place of another, at once: whoever reads sees the old one or the new one."""
    mode = None
    try:
        known = os.stat(place.name, dir_fd=place.folder, follow_symlinks=False)
        _must_be_a_file(known.st_mode, place)
        if not known.st_mode & stat.S_IWUSR:
            raise ToolError(f"{place.shown} is read-only")
        mode = known.st_mode & 0o777
    except FileNotFoundError:
        pass
    part = f"{place.name}.{secrets.token_hex(4)}.part" if place.folder is None else f".{secrets.token_hex(8)}.part"
    opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | REGULAR, 0o666, dir_fd=place.folder)
    try:
        with os.fdopen(opened, "wb") as file:
            file.write(data)
            if mode is not None and hasattr(os, "fchmod"):
                os.fchmod(opened, mode)
        os.replace(part, place.name, src_dir_fd=place.folder, dst_dir_fd=place.folder)
    except BaseException:
        os.unlink(part, dir_fd=place.folder)
        raise
