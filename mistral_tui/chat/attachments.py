"""Text files that are given along with a prompt."""

import codecs
import stat
from pathlib import Path

from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import FilePart
from mistral_tui.types.text import printable_line

SIZE_LIMIT = 1024 * 1024
"""Most bytes of a file; far more than the context of a small model holds."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DAMAGE_LIMIT = 0.1
"""Share of characters that may be unreadable in what still counts as text."""


def read_file_part(path: Path) -> FilePart:
    """Read a text file, or a pipe, for a prompt. Blocks while it reads.

    Bytes that are not valid in the file's encoding (UTF-8, or what its byte-order mark says) become U+FFFD.

    Raises:
        InvalidRequest: It is not there, cannot be read, is no file, too large, or not text.
    """
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind) and not stat.S_ISFIFO(kind):
            raise InvalidRequest(f"{path} is a {_name_of(kind)}; give a text file")
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InvalidRequest(f"{str(path)!r} cannot be the name of a file") from error
    if len(content) > SIZE_LIMIT:
        raise InvalidRequest(f"{path} is larger than {SIZE_LIMIT // 1024} KB; give a part of it")
    return FilePart(printable_line(path.name), _text(content, path))


def _text(content: bytes, path: Path) -> str:
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    text = content.decode(encoding, "replace").replace("\r\n", "\n")
    if "\0" in text or text.count("�") > _DAMAGE_LIMIT * len(text):
        raise InvalidRequest(f"{path} is not a text file; give one, or convert it to text first")
    return text


def _name_of(kind: int) -> str:
    return "folder" if stat.S_ISDIR(kind) else "device or socket"
