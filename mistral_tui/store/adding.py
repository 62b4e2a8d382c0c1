"""Adds sessions that come from elsewhere, and never changes one that is there."""

import sqlite3
import uuid
from collections.abc import Sequence
from hashlib import sha256
from typing import Literal

import msgspec

from mistral_tui.store import rows
from mistral_tui.types.messages import Message
from mistral_tui.types.sessions import Session


class Addition(msgspec.Struct, frozen=True):
    """What became of a session that was to be added."""

    session_id: str
    outcome: Literal["added", "copied", "present"]
    """As it is; under new ids, since its own are those of another version of it; or not, since it is there already."""


def add_session(connection: sqlite3.Connection, session: Session, messages: Sequence[Message]) -> Addition:
    """Add a session with its messages; a reply that was still being written is one that was interrupted."""
    messages = [
        msgspec.structs.replace(message, finish="failed", error=rows.INTERRUPTED)
        if message.role == "assistant" and message.finish is None
        else message
        for message in messages
    ]
    if _is_there(connection, session, messages):
        return Addition(session.id, "present")
    if not _is_taken(connection, session, messages):
        return _insert(connection, session, messages, "added")
    # Ids made of the content: the same file, imported once more, is found to be there.
    copy, copied = _renamed(session, messages, sha256(msgspec.json.encode((session.id, messages))).hexdigest())
    if _is_there(connection, copy, copied):
        return Addition(copy.id, "present")
    if _is_taken(connection, copy, copied):
        copy, copied = _renamed(session, messages, uuid.uuid4().hex)
    return _insert(connection, copy, copied, "copied")


def _insert(
    connection: sqlite3.Connection, session: Session, messages: Sequence[Message], outcome: Literal["added", "copied"]
) -> Addition:
    rows.write_session(connection, session)
    for message in messages:
        rows.write_message(connection, session.id, message, writer=None)
    return Addition(session.id, outcome)


def _is_there(connection: sqlite3.Connection, session: Session, messages: Sequence[Message]) -> bool:
    """Whether the session is there, not deleted, with all these messages as they are."""
    if not connection.execute("SELECT 1 FROM sessions WHERE id = ? AND deleted_at IS NULL", (session.id,)).fetchone():
        return False
    stored = connection.execute(
        f"SELECT {rows.MESSAGE_COLUMNS} FROM messages WHERE session_id = ?", (session.id,)
    ).fetchall()
    known = {row[0]: rows.message_from(row) for row in stored}
    return all(known.get(message.id) == message for message in messages)


def _is_taken(connection: sqlite3.Connection, session: Session, messages: Sequence[Message]) -> bool:
    if connection.execute("SELECT 1 FROM sessions WHERE id = ?", (session.id,)).fetchone():
        return True
    return any(
        connection.execute("SELECT 1 FROM messages WHERE id = ?", (message.id,)).fetchone() for message in messages
    )


def _renamed(session: Session, messages: Sequence[Message], salt: str) -> tuple[Session, list[Message]]:
    def renamed(old: str) -> str:
        return sha256(f"{salt}:{old}".encode("utf-8", "surrogatepass")).hexdigest()[:32]

    ids = {message.id: renamed(message.id) for message in messages}
    leaf_id = None if session.leaf_id is None else ids.get(session.leaf_id)
    return msgspec.structs.replace(session, id=renamed(session.id), leaf_id=leaf_id), [
        msgspec.structs.replace(message, id=ids[message.id], parent_id=ids.get(message.parent_id or ""))
        for message in messages
    ]
