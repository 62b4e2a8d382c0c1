"""Reading the text files that people write by hand, whatever editor they used."""

import codecs
from pathlib import Path
from typing import Final

from mistral_tui.types.errors import ConfigError

_LARGEST: Final = 16 * 2**20
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8, or in what its byte-order mark says; the mark is not part of it.

    Raises:
        ConfigError: The file is not there, cannot be read, is no text, or is far too large.
    """
    try:
        if not path.exists():
            raise ConfigError(f"{path}: there is no such file")
        if not path.is_file():
            raise ConfigError(f"{path}: it is not a file")
        if path.stat().st_size > _LARGEST:
            raise ConfigError(f"{path}: it is too large (over {_LARGEST >> 20} MB)")
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None
    mark, encoding = next((pair for pair in _MARKS if data.startswith(pair[0])), (b"", "utf-8"))
    try:
        return data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, len(mark) + error.start) + 1
        raise ConfigError(f"{path}, line {line}: not valid {encoding.upper()} text; save it as UTF-8") from None
