"""Adds sessions that come from elsewhere, and never changes one that is there."""

import sqlite3
import uuid
from collections.abc import Sequence
from hashlib import sha256
from typing import Literal

import msgspec

from mistral_tui.store import rows
from mistral_tui.store.tool_calls import ended, write_run
from mistral_tui.types.messages import Message
from mistral_tui.types.sessions import Session
from mistral_tui.types.tools import ToolRun


class Addition(msgspec.Struct, frozen=True):
    """What became of a session that was to be added."""

    session_id: str
    outcome: Literal["added", "copied", "present"]
    """As it is; under new ids, since its own are those of another version of it; or not, since it is there already."""


def add_session(
    connection: sqlite3.Connection, session: Session, messages: Sequence[Message], runs: Sequence[ToolRun] = ()
) -> Addition:
    """Add a session with its messages and its calls of tools; what had not ended is what was interrupted."""
    runs = [ended(run) for run in runs]
    messages = [
        msgspec.structs.replace(message, finish="failed", error=rows.INTERRUPTED)
        if message.role == "assistant" and message.finish is None
        else message
        for message in messages
    ]
    if _is_there(connection, session, messages):
        return Addition(session.id, "present")
    if not _is_taken(connection, session, messages):
        return _insert(connection, session, messages, runs, "added")
    # Ids made of the content: the same file, imported once more, is found to be there.
    salt = sha256(msgspec.json.encode((session.id, messages))).hexdigest()
    copy, copied, calls = _renamed(session, messages, runs, salt)
    if _is_there(connection, copy, copied):
        return Addition(copy.id, "present")
    if _is_taken(connection, copy, copied):
        copy, copied, calls = _renamed(session, messages, runs, uuid.uuid4().hex)
    return _insert(connection, copy, copied, calls, "copied")


def _insert(
    connection: sqlite3.Connection,
    session: Session,
    messages: Sequence[Message],
    runs: Sequence[ToolRun],
    outcome: Literal["added", "copied"],
) -> Addition:
    rows.write_session(connection, session)
    for message in messages:
        rows.write_message(connection, session.id, message, writer=None)
    for run in runs:
        write_run(connection, session.id, run)
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


def _renamed(
    session: Session, messages: Sequence[Message], runs: Sequence[ToolRun], salt: str
) -> tuple[Session, list[Message], list[ToolRun]]:
    def renamed(old: str) -> str:
        return sha256(f"{salt}:{old}".encode("utf-8", "surrogatepass")).hexdigest()[:32]

    ids = {message.id: renamed(message.id) for message in messages}
    leaf_id = None if session.leaf_id is None else ids.get(session.leaf_id)
    return (
        msgspec.structs.replace(session, id=renamed(session.id), leaf_id=leaf_id),
        [
            msgspec.structs.replace(message, id=ids[message.id], parent_id=ids.get(message.parent_id or ""))
            for message in messages
        ],
        [
            msgspec.structs.replace(run, id=renamed(run.id), message_id=ids[run.message_id])
            for run in runs
            if run.message_id in ids
        ],
    )
