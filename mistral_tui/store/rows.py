"""How sessions and messages lie in the tables; rows of a damaged database become something that can be shown."""

import sqlite3
from collections.abc import Sequence
from typing import Any, get_args

import msgspec

from mistral_tui.types.messages import (
    FilePart,
    FinishReason,
    Message,
    Part,
    Role,
    TextPart,
    UnknownPart,
    Usage,
    decode_parts,
    encode_parts,
)
from mistral_tui.types.sessions import Session

SESSION_COLUMNS = "id, title, started_at, updated_at, model_id, system_prompt, leaf_id"
MESSAGE_COLUMNS = "id, parent_id, role, parts, model, finish, usage, error, created_at"
INTERRUPTED = "the program ended while this was written; send the prompt again for a whole answer"

_ROLES: tuple[Role, ...] = get_args(Role)
_FINISH_REASONS: tuple[FinishReason, ...] = get_args(FinishReason)
_Row = Sequence[Any]


def session_from(row: _Row) -> Session:
    """Read a row of `SESSION_COLUMNS`."""
    session_id, title, created_at, updated_at, model, system_prompt, leaf_id = row
    return Session(
        id=str(session_id),
        title=str(title),
        created_at=_seconds(created_at),
        updated_at=_seconds(updated_at),
        model=_text(model),
        system_prompt=_text(system_prompt),
        leaf_id=_text(leaf_id),
    )


def message_from(row: _Row) -> Message:
    """Read a row of `MESSAGE_COLUMNS`."""
    message_id, parent_id, role, parts, model, finish, usage, error, created_at = row
    if role not in _ROLES:
        role = "system"
    if finish is not None and finish not in _FINISH_REASONS:
        finish = "failed"
    return Message(
        role=role,
        parts=_parts(parts),
        id=str(message_id),
        parent_id=_text(parent_id),
        created_at=_seconds(created_at),
        model=_text(model),
        finish=finish,
        usage=_usage(usage),
        error=_text(error),
    )


def write_session(connection: sqlite3.Connection, session: Session) -> None:
    """Insert a session, or update all but its title."""
    connection.execute(
        f"INSERT INTO sessions ({SESSION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
        "updated_at = excluded.updated_at, model_id = excluded.model_id, system_prompt = excluded.system_prompt, "
        "leaf_id = excluded.leaf_id",
        (
            session.id,
            session.title,
            session.created_at,
            session.updated_at,
            session.model,
            session.system_prompt,
            session.leaf_id,
        ),
    )


def write_message(connection: sqlite3.Connection, session_id: str, message: Message, writer: str | None) -> None:
    """Insert or replace a message; it becomes searchable when it is complete, which is when it has no `writer`."""
    (seq,) = connection.execute(
        f"INSERT INTO messages (session_id, writer, {MESSAGE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET parts = excluded.parts, model = excluded.model, finish = excluded.finish, "
        "usage = excluded.usage, error = excluded.error, writer = excluded.writer RETURNING seq",
        (
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
        ),
    ).fetchone()
    if writer is None:
        connection.execute("DELETE FROM message_index WHERE rowid = ?", (seq,))
        if text := searchable_text(message):
            connection.execute("INSERT INTO message_index (rowid, content) VALUES (?, ?)", (seq, text))


def searchable_text(message: Message) -> str:
    """Return what a search finds a message by: its text and the names of its files."""
    words = (
        part.text if isinstance(part, TextPart) else part.name
        for part in message.parts
        if isinstance(part, TextPart | FilePart)
    )
    return "\n".join(words)


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


def _seconds(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
