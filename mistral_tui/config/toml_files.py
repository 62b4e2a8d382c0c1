"""Reading the TOML files that people write, with the place of each mistake."""

import re
from pathlib import Path
from typing import Any, NamedTuple

from mistral_tui.config.text_files import read_text
from mistral_tui.types.errors import ConfigError
from mistral_tui.types.text import printable_line


class TomlFile(NamedTuple):
    """What a file says."""

    path: Path
    text: str = ""
    table: dict[str, Any] = {}

    def place(self, key: str, section: str = "") -> str:
        """Return `file, line N, key` for a key of the file, or of one of its tables."""
        return f"{self.path}, line {line_of(self.text, key, section)}, {f'{section}.{key}' if section else key}"


def read_toml(path: Path) -> TomlFile:
    """Read a TOML file; one that does not exist says nothing.

    Raises:
        ConfigError: It cannot be read, or is no TOML; names file and line.
    """
    try:
        if not path.exists():
            return TomlFile(path)
    except OSError as error:  # a folder on the way is closed to us
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    text = read_text(path)
    return TomlFile(path, text, parse_toml(path, text))


def parse_toml(path: Path, text: str) -> dict[str, Any]:
    """Return what the text of a file says.

    Raises:
        ConfigError: It is no TOML; names file and line.
    """
    import tomllib  # most people have no such file, and every start would pay for it

    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        what, _, place = str(error).partition(" (at ")
        match = re.match(r"line (\d+)", place)
        line = match[1] if match else text.rstrip().count("\n") + 1
        what = what[:1].lower() + what[1:]
        raise ConfigError(printable_line(f"{path}, line {line}: not valid TOML: {what}")) from None
    except (RecursionError, ValueError):  # ValueError: a number of thousands of digits
        raise ConfigError(f"{path}: not valid TOML: a value is too long or nested too deeply") from None


def line_of(text: str, key: str, section: str = "") -> int:
    """Return the line that sets `key`, or 1; with a `section`, that of the table of this name if it has one."""
    start = 0
    if section and (header := re.search(rf"^[ \t]*\[[ \t]*{key_pattern(section)}[ \t]*\]", text, re.MULTILINE)):
        start = header.end()
    match = re.compile(rf"^[ \t]*(?:\[+[ \t]*)?{key_pattern(key)}[ \t]*[=.\]]", re.MULTILINE).search(text, start)
    return text.count("\n", 0, match.start()) + 1 if match else 1


def key_pattern(name: str) -> str:
    """Return a pattern for a key as people write it."""
    return rf"[\"']?{re.escape(name)}[\"']?"
