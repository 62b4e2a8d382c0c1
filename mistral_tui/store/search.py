"""Full-text search over the messages."""

import sqlite3

import msgspec

_OPEN, _CLOSE = "\x02", "\x03"


class SearchHit(msgspec.Struct, frozen=True):
    """A message that was found."""

    session_id: str
    session_title: str
    message_id: str
    created_at: float
    snippet: tuple[tuple[str, bool], ...]
    """The words around the first match, as pieces of text that are a match or not."""


def search_messages(connection: sqlite3.Connection, text: str, limit: int) -> list[SearchHit]:
    """Return messages that contain all words of `text`, the newest first; the last word may be a beginning."""
    query = _query(text)
    if not query:
        return []
    found = connection.execute(
        "SELECT session_id, title, messages.id, created_at, snippet(message_index, 0, ?, ?, '…', 12) "
        "FROM message_index JOIN messages ON messages.seq = message_index.rowid "
        "JOIN sessions ON sessions.id = session_id "
        "WHERE message_index MATCH ? ORDER BY message_index.rowid DESC LIMIT ?",
        (_OPEN, _CLOSE, query, limit),
    ).fetchall()
    return [
        SearchHit(session_id, title, message_id, created_at, _pieces(marked))
        for session_id, title, message_id, created_at, marked in found
    ]


def _query(text: str) -> str:
    """Return an FTS5 query in which nothing that was typed is an operator."""
    words = [word.replace('"', '""') for word in text.replace("\0", " ").split() if any(map(str.isalnum, word))]
    return " ".join(f'"{word}"' for word in words) + "*" if words else ""


def _pieces(marked: str) -> tuple[tuple[str, bool], ...]:
    pieces = []
    for index, chunk in enumerate(marked.split(_OPEN)):
        match, close, rest = chunk.partition(_CLOSE)
        if index and close:
            pieces += [(match, True), (rest, False)]
        else:
            pieces.append((chunk, False))
    return tuple(piece for piece in pieces if piece[0])
