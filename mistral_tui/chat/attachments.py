"""Files that are given along with a prompt: texts, which become part of it, and pictures and recordings, by path."""

import codecs
import contextlib
import stat
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

from mistral_tui.config.paths import make_private_folder
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.media import LARGEST_FILE, MEDIA_TYPES, Picture, inspect, media_type_of, seems_media
from mistral_tui.types.messages import Attachment, AudioPart, FilePart, ImagePart
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


def read_attachment(path: Path, keep: Path | None) -> Attachment:
    """Read a file for a prompt. Blocks while it reads.

    What a picture or a recording is called, or what it begins with, tells it from a text.

    Args:
        path: The file; a text may also be a pipe.
        keep: The folder for a copy of a picture or recording, so that the chat still has it when the person's own
            file is gone; `None`: it stays where it is.

    Raises:
        InvalidRequest: It is not there, cannot be read or copied, is damaged, too large, or of no known kind.
    """
    content = _read(path)
    if media_type_of(path.name) is None and not seems_media(content):
        return _file_part(path, content)
    found = inspect(content, path.name)
    kept = path.absolute() if keep is None else _copy(content, keep, found.media_type)
    name = printable_line(path.name)
    if isinstance(found, Picture):
        return ImagePart(str(kept), found.media_type, name, found.width, found.height)
    return AudioPart(str(kept), found.media_type, name, found.seconds)


def read_file_part(path: Path) -> FilePart:
    """Read a text file, or a pipe, for a prompt. Blocks while it reads.

    Bytes that are not valid in the file's encoding (UTF-8, or what its byte-order mark says) become U+FFFD.

    Raises:
        InvalidRequest: It is not there, cannot be read, is no file, too large, or not text.
    """
    return _file_part(path, _read(path))


def _read(path: Path) -> bytes:
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind) and not stat.S_ISFIFO(kind):
            raise InvalidRequest(f"{path} is a {_name_of(kind)}; give a file")
        with path.open("rb") as file:
            return file.read(SIZE_LIMIT + 1) + (file.read(LARGEST_FILE) if stat.S_ISREG(kind) else b"")
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InvalidRequest(f"{str(path)!r} cannot be the name of a file") from error


def _file_part(path: Path, content: bytes) -> FilePart:
    if len(content) > SIZE_LIMIT:
        raise InvalidRequest(f"{path} is larger than {SIZE_LIMIT // 1024} KB; give a part of it")
    return FilePart(printable_line(path.name), _text(content, path))


def _text(content: bytes, path: Path) -> str:
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    text = content.decode(encoding, "replace").replace("\r\n", "\n")
    if "\0" in text or text.count("�") > _DAMAGE_LIMIT * len(text):
        raise InvalidRequest(f"{path} is not a text file; give one, or convert it to text first")
    return text


def _copy(content: bytes, folder: Path, media_type: str) -> Path:
    ending = next(ending for ending, kind in MEDIA_TYPES.items() if kind == media_type)
    kept = folder / f"{sha256(content).hexdigest()}.{ending}"
    try:
        if kept.exists():
            return kept
        make_private_folder(folder)
        with NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as part:  # made with mode 0600
            try:
                part.write(content)
                part.close()
                Path(part.name).replace(kept)
            except BaseException:
                with contextlib.suppress(OSError):
                    Path(part.name).unlink()
                raise
    except OSError as error:
        raise InvalidRequest(f"no copy can be kept in {folder}: {error.strerror or error}; make room there") from error
    return kept


def _name_of(kind: int) -> str:
    return "folder" if stat.S_ISDIR(kind) else "device or socket"
