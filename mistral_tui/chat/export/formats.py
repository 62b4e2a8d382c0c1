"""Which formats there are, and writing a file of one of them."""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Literal, get_args

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.export.json_documents import json_document, json_lines
from mistral_tui.chat.export.markdown import markdown_document
from mistral_tui.types.errors import InvalidRequest

ExportFormat = Literal["markdown", "json", "jsonl", "html"]
FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
ENDINGS: dict[ExportFormat, str] = {"markdown": "md", "json": "json", "jsonl": "jsonl", "html": "html"}


def exported(conversations: Iterable[Conversation], form: ExportFormat) -> Iterator[str]:
    """Return sessions as the text of one file, piece by piece. JSON and JSONL hold all branches, the others one."""
    return _WRITERS[form](conversations)


def format_of(path: Path) -> ExportFormat | None:
    """Return the format that the ending of a file's name stands for, if it is one."""
    ending = path.suffix.lower().lstrip(".")
    return next(
        (form for form, usual in ENDINGS.items() if ending in (usual, form)), "html" if ending == "htm" else None
    )


def file_name(title: str, form: ExportFormat) -> str:
    """Return a name for the file of a session: its title, as far as any file system takes it."""
    words = "".join(char if char.isalnum() or char in "-_ " else " " for char in title).split()
    return f"{'-'.join(words)[:60].strip('-') or 'chat'}.{ENDINGS[form]}"


def write_export(path: Path, pieces: Iterable[str], force: bool = False) -> None:
    """Write a file that only its owner may read; it appears under its name when it is complete. Blocks.

    Args:
        path: The file.
        pieces: Its text.
        force: Whether a file that is there already is replaced.

    Raises:
        InvalidRequest: It is there already, or cannot be written.
    """
    path = path.expanduser()
    if path.is_dir():
        raise InvalidRequest(f"{path} is a folder; name a file in it")
    if path.exists() and not force:
        raise InvalidRequest(f"{path} is there already; choose another name, or replace it with --force")
    try:
        with NamedTemporaryFile(
            "w", dir=path.parent, suffix=".part", delete=False, encoding="utf-8", errors="replace", newline="\n"
        ) as part:
            try:
                part.writelines(pieces)
                part.close()
                _put(Path(part.name), path, force)
            except BaseException:
                with contextlib.suppress(OSError):
                    Path(part.name).unlink()
                raise
    except FileExistsError as error:
        raise InvalidRequest(f"{path} is there already; choose another name, or replace it with --force") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InvalidRequest(f"{path} cannot be written: {reason}; choose another place") from error


def _put(part: Path, path: Path, force: bool) -> None:
    if force or os.name == "nt":
        part.replace(path)
        return
    # Unlike a rename, a link does not replace a file that has come into being meanwhile.
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:
        # File systems without links.
        part.replace(path)
    else:
        part.unlink()


def _html(conversations: Iterable[Conversation]) -> Iterator[str]:
    # Only now: the Markdown parser is not needed otherwise.
    from mistral_tui.chat.export.html import html_document

    return html_document(conversations)


_WRITERS: dict[ExportFormat, Callable[[Iterable[Conversation]], Iterator[str]]] = {
    "markdown": markdown_document,
    "json": json_document,
    "jsonl": json_lines,
    "html": _html,
}
