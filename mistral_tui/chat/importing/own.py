"""Our own exports: one or several sessions as a JSON document, or one message a line (JSONL)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.export.json_documents import SCHEMA_VERSION
from mistral_tui.chat.importing.documents import LARGEST_LINE, ImportFailed, decode
from mistral_tui.types.messages import (
    AudioPart,
    FinishReason,
    ImagePart,
    Json,
    Message,
    Part,
    Role,
    TextPart,
    UnknownPart,
    Usage,
    decode_parts,
)
from mistral_tui.types.sessions import Session, tags_from, title_from
from mistral_tui.types.tools import ToolRun


class _Fields(msgspec.Struct):
    """What is known of a session; everything else in the document is left out."""

    id: str
    title: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0
    model: str | None = None
    system_prompt: str | None = None
    leaf_id: str | None = None
    tags: tuple[str, ...] = ()
    pinned: bool = False
    archived: bool = False
    settings: Json = {}


class _Message(msgspec.Struct):
    role: Role
    parts: list[Json]
    id: str
    parent_id: str | None = None
    created_at: float = 0.0
    model: str | None = None
    finish: FinishReason | None = None
    usage: Usage | None = None
    error: str | None = None
    hidden: bool = False


class _Document(_Fields):
    messages: list[_Message] = msgspec.field(default_factory=list)
    tool_calls: list[ToolRun] = msgspec.field(default_factory=list)
    schema_version: int = SCHEMA_VERSION


class _Line(_Message, kw_only=True):
    session_id: str
    session: _Fields | None = None
    tool_calls: list[ToolRun] = msgspec.field(default_factory=list)
    schema_version: int = SCHEMA_VERSION


def read_document(raw: msgspec.Raw | memoryview, path: Path, place: str, attachments: Path) -> Conversation:
    """Read one session of a JSON document.

    Raises:
        ImportFailed: It is damaged, or of a newer version.
    """
    document = decode(raw, _Document, path, place)
    _check_version(document.schema_version, path, place)
    messages = [_message(message, attachments) for message in document.messages]
    runs = [_harmless_run(run, attachments) for run in document.tool_calls]
    return _conversation(document, messages, runs, path, place)


def read_lines(content: memoryview, path: Path, attachments: Path) -> Iterator[Conversation]:
    """Read the sessions of a JSONL file, whose lines are all looked at before the first session comes.

    Raises:
        ImportFailed: A line is damaged, or of a newer version.
    """
    for number, raw in _lines(content, path):
        _check_version(decode(raw, _Line, path, f"line {number}").schema_version, path, f"line {number}")
    fields: _Fields | None = None
    messages: list[Message] = []
    runs: list[ToolRun] = []
    place = ""
    for number, raw in _lines(content, path):
        line = decode(raw, _Line, path, f"line {number}")
        if fields is None or line.session_id != fields.id:
            if fields is not None:
                yield _conversation(fields, messages, runs, path, place)
            fields, messages, runs, place = line.session or _Fields(line.session_id), [], [], f"line {number}"
            if fields.id != line.session_id:
                raise ImportFailed(f"{path}, {place}: session_id and session.id differ")
        messages.append(_message(line, attachments))
        runs += (_harmless_run(run, attachments) for run in line.tool_calls)
    if fields is not None:
        yield _conversation(fields, messages, runs, path, place)


def _lines(content: memoryview, path: Path) -> Iterator[tuple[int, memoryview]]:
    buffer: Any = content.obj
    start, number = 0, 0
    while start < len(content):
        number += 1
        end = buffer.find(b"\n", start)
        end = len(content) if end < 0 else end
        if end - start > LARGEST_LINE:
            raise ImportFailed(f"{path}, line {number}: longer than {LARGEST_LINE // 1024**2} MB")
        line = content[start:end]
        if bytes(line[:64]).strip():
            yield number, line
        start = end + 1


def _check_version(version: int, path: Path, place: str) -> None:
    if version > SCHEMA_VERSION:
        where = f"{path}, {place}" if place else str(path)
        raise ImportFailed(f"{where}: written by a newer version of mistral-tui; update mistral-tui")


def _conversation(
    fields: _Fields, messages: list[Message], runs: list[ToolRun], path: Path, place: str
) -> Conversation:
    ids = {message.id for message in messages}
    if len(ids) != len(messages) or len({run.id for run in runs}) != len(runs) or "" in ids or not fields.id:
        where = f"{path}, {place}" if place else str(path)
        raise ImportFailed(f"{where}: ids are missing, or not unique")
    session = Session(
        id=fields.id,
        title=title_from(fields.title),
        created_at=fields.created_at,
        updated_at=fields.updated_at,
        model=fields.model,
        system_prompt=fields.system_prompt,
        leaf_id=fields.leaf_id,
        tags=tags_from(" ".join(fields.tags)),
        pinned=fields.pinned,
        archived=fields.archived,
        # The LoRAs are files of whoever wrote the document.
        settings={name: value for name, value in fields.settings.items() if name != "adapters"},
    )
    return Conversation(session, messages, runs)


def _message(fields: _Message, attachments: Path) -> Message:
    return Message(
        role=fields.role,
        parts=tuple(_harmless(part, attachments) for part in decode_parts(msgspec.json.encode(fields.parts))),
        id=fields.id,
        parent_id=fields.parent_id,
        created_at=fields.created_at,
        model=fields.model,
        finish=fields.finish,
        usage=fields.usage,
        error=fields.error,
        hidden=fields.hidden,
    )


def _harmless(part: Part, attachments: Path) -> Part:
    """Leave out the path of a picture or recording unless it is one of our copies: the chat would read the file."""
    if not isinstance(part, ImagePart | AudioPart):
        return part
    if _is_ours(part, attachments):
        return part
    kind = "missing_image" if isinstance(part, ImagePart) else "missing_audio"
    return UnknownPart({"type": kind, "name": part.name, "path": part.path})


def _harmless_run(run: ToolRun, attachments: Path) -> ToolRun:
    """Leave out pictures and recordings that a tool answered with, unless they are among our copies."""
    if run.output is None:
        return run
    parts = tuple(
        TextPart("(a file that did not come along)")
        if isinstance(part, ImagePart | AudioPart) and not _is_ours(part, attachments)
        else part
        for part in run.output.parts
    )
    return msgspec.structs.replace(run, output=msgspec.structs.replace(run.output, parts=parts))


def _is_ours(part: ImagePart | AudioPart, attachments: Path) -> bool:
    path = Path(part.path)
    try:
        return path.parent == attachments and path.is_file() and not path.is_symlink()
    except (OSError, ValueError):
        return False
