"""How sessions and messages lie in the tables; rows of a damaged database become something that can be shown."""

import sqlite3
from collections.abc import Sequence
from typing import Any, get_args

import msgspec

from mistral_tui.store.migrations import LAST_SECOND, NUMBERS_A_SECOND
from mistral_tui.types.messages import (
    FilePart,
    FinishReason,
    Json,
    Message,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
    Usage,
    decode_parts,
    encode_parts,
)
from mistral_tui.types.sessions import Session

SESSION_COLUMNS = (
    "id, title, started_at, updated_at, model_id, system_prompt, leaf_id, tags, pinned, archived, deleted_at, settings"
)
MESSAGE_COLUMNS = "id, parent_id, role, parts, model, finish, usage, error, created_at, hidden"
INTERRUPTED = "the program ended while this was written; send the prompt again for a whole answer"

_ROLES: tuple[Role, ...] = get_args(Role)
_FINISH_REASONS: tuple[FinishReason, ...] = get_args(FinishReason)
_Row = Sequence[Any]


def session_from(row: _Row) -> Session:
    """Read a row of `SESSION_COLUMNS`."""
    session_id, title, created_at, updated_at, model, system_prompt, leaf_id, tags, pinned, archived, *rest = row
    deleted_at, settings = rest
    return Session(
        id=str(session_id),
        title=str(title),
        created_at=seconds_from(created_at),
        updated_at=seconds_from(updated_at),
        model=_text(model),
        system_prompt=_text(system_prompt),
        leaf_id=_text(leaf_id),
        tags=_tags(tags),
        pinned=bool(pinned),
        archived=bool(archived),
        deleted_at=None if deleted_at is None else seconds_from(deleted_at),
        settings=_settings(settings),
    )


def message_from(row: _Row) -> Message:
    """Read a row of `MESSAGE_COLUMNS`."""
    message_id, parent_id, role, parts, model, finish, usage, error, created_at, hidden = row
    if role not in _ROLES:
        role = "system"
    if finish is not None and finish not in _FINISH_REASONS:
        finish = "failed"
    return Message(
        role=role,
        parts=_parts(parts),
        id=str(message_id),
        parent_id=_text(parent_id),
        created_at=seconds_from(created_at),
        model=_text(model),
        finish=finish,
        usage=_usage(usage),
        error=_text(error),
        hidden=bool(hidden),
    )


def write_session(connection: sqlite3.Connection, session: Session) -> None:
    """Insert a session, or update what its messages change: not its title and what else a person gives it.

    A session that goes on, perhaps in another program, is no longer deleted.
    """
    connection.execute(
        f"INSERT INTO sessions ({SESSION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at, model_id = excluded.model_id, "
        "system_prompt = excluded.system_prompt, leaf_id = excluded.leaf_id, settings = excluded.settings, "
        "deleted_at = NULL",
        (
            session.id,
            session.title,
            session.created_at,
            session.updated_at,
            session.model,
            session.system_prompt,
            session.leaf_id,
            encode_tags(session.tags),
            session.pinned,
            session.archived,
            session.deleted_at,
            msgspec.json.encode(session.settings).decode(),
        ),
    )


def write_message(connection: sqlite3.Connection, session_id: str, message: Message, writer: str | None) -> None:
    """Insert or replace a message; it becomes searchable when it is complete, which is when it has no `writer`.

    A hidden one is not found.
    """
    (seq,) = connection.execute(
        f"INSERT INTO messages (seq, session_id, writer, {MESSAGE_COLUMNS}) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET parts = excluded.parts, model = excluded.model, finish = excluded.finish, "
        "usage = excluded.usage, error = excluded.error, writer = excluded.writer, "
        "hidden = excluded.hidden RETURNING seq",
        (
            _free_number(connection, message.created_at),
            session_id,
            writer,
            message.id,
            message.parent_id,
            message.role,
            encode_parts(message.parts),
            message.model,
            message.finish,
            None if message.usage is None else msgspec.json.encode(message.usage).decode(),
            message.error,
            message.created_at,
            message.hidden,
        ),
    ).fetchone()
    if writer is None:
        connection.execute("DELETE FROM message_index WHERE rowid = ?", (seq,))
        if not message.hidden and (text := searchable_text(message)):
            connection.execute("INSERT INTO message_index (rowid, content) VALUES (?, ?)", (seq, text))


def first_number(seconds: float) -> int:
    """Return the least number of a message of this time (seconds since the epoch)."""
    # `not >` also catches what is no number.
    second = 0 if not seconds > 0 else int(min(seconds, LAST_SECOND))
    return second * NUMBERS_A_SECOND


def encode_tags(tags: Sequence[str]) -> str:
    """Return tags as they are stored."""
    return msgspec.json.encode(tags).decode()


def searchable_text(message: Message) -> str:
    """Return what a search finds a message by: first what was said and the names of its files, then the rest."""
    said: list[str] = []
    beside: list[str] = []
    for part in message.parts:
        match part:
            case TextPart(text):
                said.append(text)
            case FilePart(name):
                said.append(name)
            case ReasoningPart(text) | ToolResultPart(text=text):
                beside.append(text)
            case ToolCallPart(name=name, arguments=arguments):
                beside.append(f"{name} {arguments}")
    return "\n".join((*said, *beside))


def _free_number(connection: sqlite3.Connection, seconds: float) -> int:
    number = first_number(seconds)
    while True:
        (last,) = connection.execute(
            "SELECT max(seq) FROM messages WHERE seq BETWEEN ? AND ?", (number, number + NUMBERS_A_SECOND - 1)
        ).fetchone()
        if last is None or last < number + NUMBERS_A_SECOND - 1:
            return number if last is None else last + 1
        number += NUMBERS_A_SECOND


def _tags(raw: Any) -> tuple[str, ...]:
    try:
        return msgspec.json.decode(raw, type=tuple[str, ...])
    except (msgspec.DecodeError, TypeError):
        return ()


def _settings(raw: Any) -> Json:
    try:
        return msgspec.json.decode(raw, type=Json)
    except (msgspec.DecodeError, TypeError):
        return {}


def _parts(raw: Any) -> tuple[Part, ...]:
    try:
        return decode_parts(raw)
    except (msgspec.DecodeError, TypeError):
        return (UnknownPart({"type": "unreadable", "text": str(raw)}),)


def _usage(raw: Any) -> Usage | None:
    try:
        return None if raw is None else msgspec.json.decode(raw, type=Usage)
    except (msgspec.DecodeError, TypeError):
        return None


def seconds_from(value: Any) -> float:
    """Return a time of a row; 0 if it is none."""
    return float(value) if isinstance(value, int | float) else 0.0


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
