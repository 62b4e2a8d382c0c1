"""Full-text search over the messages."""

import sqlite3
from typing import Any

from mistral_tui.store.rows import first_number, seconds_from
from mistral_tui.store.search_query import SearchQuery, parse_query
from mistral_tui.types.search import SearchHit, SearchOrder

_OPEN, _CLOSE = "\x02", "\x03"


def search_messages(
    connection: sqlite3.Connection, text: str, limit: int, order: SearchOrder = "newest"
) -> list[SearchHit]:
    """Return the messages that `text` asks for (see `parse_query`), but none of deleted sessions.

    The newest first: the index is in the order of time, so that the search ends with the last hit that is wanted,
    however many there are. By relevance, every hit is looked at.

    Raises:
        InvalidRequest: A date is none.
    """
    query = parse_query(text)
    if query.empty:
        return []
    conditions, values = _conditions(query)
    if query.match:
        source = "message_index JOIN messages ON messages.seq = message_index.rowid"
        snippet = f"snippet(message_index, 0, '{_OPEN}', '{_CLOSE}', '…', 12)"
        ordered = "message_index.rowid DESC" if order == "newest" else "message_index.rank"
    else:
        source = "messages JOIN message_index ON message_index.rowid = messages.seq"
        snippet = "substr(content, 1, 120)"
        ordered = "messages.seq DESC"
    found = connection.execute(
        f"SELECT session_id, title, messages.id, role, created_at, archived, {snippet} "
        f"FROM {source} CROSS JOIN sessions ON sessions.id = session_id "
        f"WHERE {' AND '.join(conditions)} ORDER BY {ordered} LIMIT ?",
        (*values, limit),
    ).fetchall()
    return [
        SearchHit(session_id, title, message_id, role, seconds_from(created_at), bool(archived), _pieces(marked or ""))
        for session_id, title, message_id, role, created_at, archived, marked in found
    ]


def _conditions(query: SearchQuery) -> tuple[list[str], list[Any]]:
    number = "message_index.rowid" if query.match else "messages.seq"
    conditions = ["deleted_at IS NULL"]
    values: list[Any] = []
    if query.match:
        conditions.append("message_index MATCH ?")
        values.append(query.match)
    for tag in query.tags:
        conditions.append("json_valid(tags) AND EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)")
        values.append(tag)
    for model in query.models:
        conditions.append("instr(lower(ifnull(model, '')), lower(?)) > 0")
        values.append(model)
    if query.before is not None:
        conditions.append(f"{number} < ?")
        values.append(first_number(query.before))
    if query.after is not None:
        conditions.append(f"{number} >= ?")
        values.append(first_number(query.after))
    return conditions, values


def _pieces(marked: str) -> tuple[tuple[str, bool], ...]:
    pieces = []
    for index, chunk in enumerate(marked.split(_OPEN)):
        match, close, rest = chunk.partition(_CLOSE)
        if index and close:
            pieces += [(match, True), (rest, False)]
        else:
            pieces.append((chunk, False))
    return tuple(piece for piece in pieces if piece[0])
