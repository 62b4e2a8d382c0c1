"""Removes deleted sessions for good."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec

from mistral_tui.types.messages import AudioPart, ImagePart, decode_parts


class Purged(msgspec.Struct, frozen=True):
    """What was removed, and what has become useless by that."""

    session_ids: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    """Pictures and recordings that no message refers to any more."""


def purge_deleted(connection: sqlite3.Connection, before: float) -> Purged:
    """Remove sessions that were deleted before this time (seconds since the epoch), with all that belongs to them."""
    ids = [row[0] for row in connection.execute("SELECT id FROM sessions WHERE deleted_at < ?", (before,))]
    files: set[Path] = set()
    for session_id in ids:
        files |= _media_of(connection, session_id)
        connection.execute("DELETE FROM sessions WHERE id = ?", (session_id,))
        connection.execute("DELETE FROM ui_state WHERE key = ?", (draft_key(session_id),))
    return Purged(tuple(ids), tuple(sorted(file for file in files if not _is_used(connection, file))))


def draft_key(session_id: str) -> str:
    """Return the key of what is typed in a session and not sent."""
    return f"draft:{session_id}"


def _media_of(connection: sqlite3.Connection, session_id: str) -> set[Path]:
    found: Sequence[tuple[str]] = connection.execute(
        "SELECT parts FROM messages WHERE session_id = ? AND instr(parts, '\"path\"') > 0", (session_id,)
    ).fetchall()
    files = set()
    for (parts,) in found:
        try:
            decoded = decode_parts(parts)
        except msgspec.DecodeError:
            continue
        files |= {Path(part.path) for part in decoded if isinstance(part, ImagePart | AudioPart)}
    return files


def _is_used(connection: sqlite3.Connection, file: Path) -> bool:
    # Drafts may name a file too. Its name alone is looked for: JSON writes the separators of some paths differently.
    (used,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM messages WHERE instr(parts, ?1)) OR "
        "EXISTS (SELECT 1 FROM ui_state WHERE instr(value, ?1))",
        (file.name,),
    ).fetchone()
    return bool(used)
