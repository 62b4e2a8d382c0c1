"""Finds out what a file is, and reads its sessions one by one."""

import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.importing import chatgpt, claude, own
from mistral_tui.chat.importing.documents import LARGEST_IMPORT, ImportFailed, decode, mapped
from mistral_tui.chat.importing.oterm import read_database

_SQLITE = b"SQLite format 3\0"
_ZIP = b"PK\x03\x04"


class _Kind(msgspec.Struct):
    """The fields that tell the formats apart."""

    mapping: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    chat_messages: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    messages: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    session_id: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    conversations: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def read_sessions(path: Path, attachments: Path) -> Iterator[Conversation | ImportFailed]:
    """Read the sessions of a file, one after the other.

    A session that is damaged comes as the complaint about it; the others are read all the same.

    Args:
        path: An export of ours (JSON, JSONL), of ChatGPT or Claude (`conversations.json`, or the archive that holds
            it), or oterm's `store.db`.
        attachments: The folder of our own copies of pictures and recordings; no other file is taken over.

    Raises:
        ImportFailed: Nothing of it can be read.
    """
    path = path.expanduser()
    content = mapped(path)
    start = bytes(content[:64])
    if start.startswith(_SQLITE):
        yield from read_database(path)
    elif start.startswith(_ZIP):
        yield from _archive(path, attachments)
    else:
        yield from _document(content, path, attachments)


def _document(content: memoryview, path: Path, attachments: Path) -> Iterator[Conversation | ImportFailed]:
    if bytes(content[:64]).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        yield from _array(_without_mark(content), path, attachments)
    elif _is_lines(content):
        yield from own.read_lines(content, path, attachments)
    else:
        yield from _object(_without_mark(content), path, attachments)


def _without_mark(content: memoryview) -> memoryview:
    return content[3:] if bytes(content[:3]) == b"\xef\xbb\xbf" else content


def _is_lines(content: memoryview) -> bool:
    """Whether the first line is a JSON value of its own that belongs to a session."""
    first = bytes(content[: 1024**2]).lstrip().partition(b"\n")[0]
    # The end of a long first line is not needed to tell.
    return first.startswith(b"{") and b'"session_id"' in first[:200]


def _array(content: memoryview, path: Path, attachments: Path) -> Iterator[Conversation | ImportFailed]:
    raws = decode(content, list[msgspec.Raw], path)
    for number, raw in enumerate(raws, 1):
        try:
            yield _session(raw, path, f"conversation {number}", attachments)
        except ImportFailed as error:
            yield error


def _object(content: memoryview, path: Path, attachments: Path) -> Iterator[Conversation | ImportFailed]:
    kind = decode(content, _Kind, path)
    if isinstance(kind.conversations, msgspec.Raw):
        yield from _array(memoryview(kind.conversations), path, attachments)
    else:
        yield _session(msgspec.Raw(content), path, "", attachments)


def _session(raw: msgspec.Raw, path: Path, place: str, attachments: Path) -> Conversation:
    kind = decode(raw, _Kind, path, place)
    if kind.mapping is not msgspec.UNSET:
        found = chatgpt.read_conversation(raw, path, place)
    elif kind.chat_messages is not msgspec.UNSET:
        found = claude.read_conversation(raw, path, place)
    elif kind.messages is not msgspec.UNSET:
        found = own.read_document(raw, path, place, attachments)
    else:
        where = f"{path}, {place}" if place else str(path)
        raise ImportFailed(f"{where}: no chat of a known format; ours, ChatGPT's, Claude's and oterm's are known")
    return found


def _archive(path: Path, attachments: Path) -> Iterator[Conversation | ImportFailed]:
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(prefix="mistral-tui-") as folder:
            documents = [info for info in archive.infolist() if _holds_conversations(info.filename)]
            if not documents:
                raise ImportFailed(f"{path} holds no conversations.json; name an export of ChatGPT or Claude")
            for number, info in enumerate(documents):
                if info.file_size > LARGEST_IMPORT:
                    raise ImportFailed(f"{path}: {info.filename} is too large")
                target = Path(folder) / f"{number}.json"
                with archive.open(info) as source, target.open("wb") as document:
                    # What the archive says of its size is not trusted.
                    for piece in iter(lambda: source.read(1024**2), b""):
                        document.write(piece)
                        if document.tell() > LARGEST_IMPORT:
                            raise ImportFailed(f"{path}: {info.filename} is too large")
                yield from _document(mapped(target), path / info.filename, attachments)
                target.unlink(missing_ok=True)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError) as error:
        raise ImportFailed(f"{path} cannot be unpacked: {error}") from error


def _holds_conversations(name: str) -> bool:
    file = PurePosixPath(name).name
    return file.startswith("conversations") and file.endswith(".json")
