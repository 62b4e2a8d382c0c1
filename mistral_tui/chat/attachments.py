"""Files that are given along with a prompt: texts and documents, which become part of it, and pictures and recordings,
by path.
"""

import contextlib
import os
import stat
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

from mistral_tui.chat.documents.extraction import document_kind, document_text
from mistral_tui.chat.documents.text import decoded
from mistral_tui.config.paths import make_private_folder
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.media import LARGEST_FILE, MEDIA_TYPES, Picture, inspect, media_type_of, seems_media
from mistral_tui.types.messages import Attachment, AudioPart, FilePart, ImagePart
from mistral_tui.types.text import printable_line

SIZE_LIMIT = 4 * 1024 * 1024
"""Most bytes of a text; what a request can carry, and far more than the context of a small model holds."""


def read_attachment(path: Path, keep: Path | None, *, pipes: bool = False) -> Attachment:
    """Read a file for a prompt. Blocks while it reads.

    What a picture or a recording is called, or what it begins with, tells it from a text; a PDF or DOCX is told by its
    content, and becomes text.

    Args:
        path: The file.
        keep: The folder for a copy of a picture or recording, so that the chat still has it when the person's own
            file is gone; `None`: it stays where it is.
        pipes: Whether a text may also come from a pipe, which is waited for.

    Raises:
        InvalidRequest: It is not there, cannot be read or copied, is damaged, too large, or of no known kind.
    """
    content = _read(path, pipes)
    name = printable_line(path.name)
    if media_type_of(path.name) is None and not seems_media(content):
        kind = document_kind(content, name)
        return FilePart(name, document_text(content, kind, name) if kind else _text(content, path))
    found = inspect(content, path.name)
    kept = path.absolute() if keep is None else _copy(content, keep, found.media_type)
    if isinstance(found, Picture):
        return ImagePart(str(kept), found.media_type, name, found.width, found.height, len(content))
    return AudioPart(str(kept), found.media_type, name, found.seconds, len(content))


def _read(path: Path, pipes: bool) -> bytes:
    try:
        found = path.stat()
        kind = found.st_mode
        if not stat.S_ISREG(kind) and not (pipes and stat.S_ISFIFO(kind)):
            raise InvalidRequest(f"{path} is a {_name_of(kind)}; give a file")
        if found.st_size > LARGEST_FILE:
            raise InvalidRequest(f"{path} is larger than {LARGEST_FILE >> 20} MB; give a part of it")
        with path.open("rb") as file:
            return file.read((LARGEST_FILE if stat.S_ISREG(kind) else SIZE_LIMIT) + 1)
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InvalidRequest(f"{str(path)!r} cannot be the name of a file") from error


def _text(content: bytes, path: Path) -> str:
    if len(content) > SIZE_LIMIT:
        raise InvalidRequest(f"{path} is larger than {SIZE_LIMIT // 1024} KB; give a part of it")
    text = decoded(content)
    if text is None:
        raise InvalidRequest(
            f"{path} is not a text file; give a text, PDF, DOCX, picture or recording, or convert it first"
        )
    if not text.strip():
        raise InvalidRequest(f"{path} is empty; give another file")
    return text


def _copy(content: bytes, folder: Path, media_type: str) -> Path:
    ending = next(ending for ending, kind in MEDIA_TYPES.items() if kind == media_type)
    kept = folder / f"{sha256(content).hexdigest()}.{ending}"
    try:
        if kept.exists():
            # As good as new: what was kept for a deleted chat only is removed when it is old.
            os.utime(kept)
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
    if stat.S_ISFIFO(kind):
        return "pipe"
    return "folder" if stat.S_ISDIR(kind) else "device or socket"
