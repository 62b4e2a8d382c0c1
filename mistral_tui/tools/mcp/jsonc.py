"""JSON as editors write it: with comments and commas at the end of lists. What is read stays at its place."""

import json
import re
from pathlib import Path
from typing import Any, Final

from mistral_tui.config.text_files import read_text
from mistral_tui.types.errors import ConfigError

_TOKENS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/|,(?=(?:\s|//[^\n]*|/\*.*?\*/)*[\]}])', re.DOTALL)


class Document:
    """A file of JSON, and where its keys stand.

    Raises:
        ConfigError: The file cannot be read or is no JSON; names line and column.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = read_text(path)
        plain = _TOKENS.sub(_blank, self.text)
        try:
            self.value: Any = json.loads(plain)
        except json.JSONDecodeError as error:
            place = f"{path}, line {error.lineno}, column {error.colno}"
            raise ConfigError(f"{place}: not valid JSON: {error.msg}") from None
        except (ValueError, RecursionError):
            raise ConfigError(f"{path}: not valid JSON: a value is too long or nested too deeply") from None

    def place(self, *keys: str) -> str:
        """Return `file, line N` of the last of these keys, each looked for behind the one before it."""
        at = 0
        for key in keys:
            found = re.compile(rf"{re.escape(json.dumps(key))}\s*:").search(self.text, at)
            if found is None:
                break
            at = found.start()
        return f"{self.path}, line {self.text.count(chr(10), 0, at) + 1}" if at else str(self.path)


def _blank(token: re.Match[str]) -> str:
    """Return spaces in the place of what is no JSON, so that lines and columns stay."""
    text = token.group()
    return text if text.startswith('"') else re.sub(r"[^\n]", " ", text)
