"""Queries that list sessions."""

import sqlite3

from mistral_tui.store import rows
from mistral_tui.types.sessions import Session

_LATEST_FIRST = "updated_at DESC, id DESC"


def list_sessions(
    connection: sqlite3.Connection, limit: int, before: Session | None, archived: bool, tag: str | None
) -> list[Session]:
    """Return a page of sessions: those that are pinned, then the others, each the latest first."""
    conditions = ["deleted_at IS NULL", "archived = ?"]
    values: list[object] = [archived]
    if before is not None:
        conditions.append("(pinned, updated_at, id) < (?, ?, ?)")
        values += [before.pinned, before.updated_at, before.id]
    if tag is not None:
        conditions.append("json_valid(tags) AND EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)")
        values.append(tag)
    rest = f"{' AND '.join(conditions)} ORDER BY pinned DESC, {_LATEST_FIRST} LIMIT ?"
    return _select(connection, rest, *values, limit)


def latest_session(connection: sqlite3.Connection) -> Session | None:
    """Return the session that was last written to, if there is one."""
    found = _select(connection, f"deleted_at IS NULL ORDER BY {_LATEST_FIRST} LIMIT 1")
    return found[0] if found else None


def sessions_titled(connection: sqlite3.Connection, words: list[str], limit: int) -> list[Session]:
    """Return sessions in whose title all words occur, archived ones too, the latest first."""
    conditions = ["deleted_at IS NULL", *["instr(lower(title), lower(?)) > 0"] * len(words)]
    return _select(connection, f"{' AND '.join(conditions)} ORDER BY {_LATEST_FIRST} LIMIT ?", *words, limit)


def deleted_sessions(connection: sqlite3.Connection) -> list[Session]:
    """Return the sessions that were deleted and can be brought back, the last deleted first."""
    return _select(connection, "deleted_at IS NOT NULL ORDER BY deleted_at DESC, id")


def sessions_beginning(connection: sqlite3.Connection, prefix: str, deleted: bool) -> list[Session]:
    """Return the sessions whose id begins so."""
    condition = "deleted_at IS NOT NULL" if deleted else "deleted_at IS NULL"
    return _select(connection, f"substr(id, 1, ?) = ? AND {condition}", len(prefix), prefix)


def _select(connection: sqlite3.Connection, rest: str, *values: object) -> list[Session]:
    found = connection.execute(f"SELECT {rows.SESSION_COLUMNS} FROM sessions WHERE {rest}", values).fetchall()
    return [rows.session_from(row) for row in found]
