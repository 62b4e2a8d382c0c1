"""An MCP server with the usual operations on files, in one file of Python.

    python python_files.py FOLDER

Everything outside FOLDER is refused, also where a link leads out of it.
"""

import argparse
import os
from pathlib import Path
from typing import Annotated, Final

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

_MOST_LINES: Final = 2000
_MOST_FILES: Final = 1000
_MOST_HITS: Final = 200
_MOST_BYTES: Final = 10_000_000
"""Files that are larger are not read."""


class Files:
    """The files below a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def list_files(self, pattern: str = "**/*") -> list[str]:
        """List the files whose paths match a pattern, such as `src/**/*.py`; 1000 at most."""
        return [self._name(path) for path in self._matching(pattern)[:_MOST_FILES]]

    def read_file(
        self,
        path: str,
        start: Annotated[int, Field(ge=1, description="The first line")] = 1,
        lines: Annotated[int, Field(ge=1, le=_MOST_LINES, description="How many lines")] = _MOST_LINES,
    ) -> str:
        """Read lines of a text file."""
        found = self._text(self._inside(path)).splitlines(keepends=True)
        return "".join(found[start - 1 : start - 1 + lines])

    def search_files(self, words: str, pattern: str = "**/*") -> list[str]:
        """List the lines that have some words in them, each as `path:number:line`; 200 at most."""
        hits: list[str] = []
        for path in self._matching(pattern):
            try:
                text = self._text(path)
            except ToolError:  # not every file is a text
                continue
            for number, line in enumerate(text.splitlines(), start=1):
                if words.casefold() in line.casefold():
                    hits.append(f"{self._name(path)}:{number}:{line[:500]}")
                    if len(hits) == _MOST_HITS:
                        return hits
        return hits

    def write_file(self, path: str, content: str) -> str:
        """Write a text file, in place of what was there; folders are made as needed."""
        file = self._inside(path)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            new = file.with_name(f".{file.name}.new")
            new.write_text(content, encoding="utf-8", newline="")
            new.replace(file)
        except OSError as error:
            raise ToolError(f"{path} cannot be written: {error.strerror}") from error
        return f"{self._name(file)} has {len(content)} characters now"

    def edit_file(self, path: str, old: str, new: str) -> str:
        """Replace a text that is in a file exactly once."""
        content = self._text(self._inside(path))
        if (count := content.count(old) if old else 0) != 1:
            raise ToolError(f"{path} has the old text {count} times; give one that is there once")
        return self.write_file(path, content.replace(old, new))

    def _inside(self, path: str) -> Path:
        try:
            found = (self._root / path).resolve()
        except (OSError, ValueError) as error:
            raise ToolError(f"{path!r} is no path: {error}") from error
        if not found.is_relative_to(self._root) or found == self._root:
            raise ToolError(f"{path} is no file below {self._root}, and nothing else is allowed")
        return found

    def _matching(self, pattern: str) -> list[Path]:
        try:
            found = sorted(self._root.glob(pattern))
        except (ValueError, NotImplementedError) as error:
            raise ToolError(f"{pattern!r} is no pattern below the folder: {error}") from error
        return [path for path in found if path.is_file() and path.resolve().is_relative_to(self._root)]

    def _name(self, path: Path) -> str:
        return os.path.relpath(path, self._root).replace(os.sep, "/")

    def _text(self, path: Path) -> str:
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise ToolError(f"{self._name(path)} is larger than {_MOST_BYTES:,} bytes")
            with path.open(encoding="utf-8", newline="") as file:
                return file.read()
        except OSError as error:
            raise ToolError(f"{self._name(path)} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ToolError(f"{self._name(path)} is no text in UTF-8") from error


def main() -> None:
    """Serve over standard input and output."""
    parser = argparse.ArgumentParser(description="Reads and writes files below a folder.")
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    if not folder.is_dir():
        parser.error(f"{folder} is no folder")
    files = Files(folder)
    server = MCPServer("python-files", log_level="WARNING")
    for tool in (files.list_files, files.read_file, files.search_files, files.write_file, files.edit_file):
        server.add_tool(tool)
    server.run()


if __name__ == "__main__":
    main()
