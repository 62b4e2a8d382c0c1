"""What the person has asked before, in all stored chats."""

import sqlite3
from typing import Final

_TEXT: Final = """
    SELECT CASE WHEN json_valid(parts) THEN
        (SELECT group_concat(json_extract(value, '$.text'), '') FROM json_each(parts)
         WHERE json_extract(value, '$.type') = 'text')
    END FROM messages WHERE role = 'user'
    AND NOT EXISTS (SELECT 1 FROM sessions WHERE id = session_id AND deleted_at IS NOT NULL)
    ORDER BY seq DESC LIMIT ?
"""


def past_prompts(connection: sqlite3.Connection, limit: int) -> list[str]:
    """Return the texts of the last `limit` prompts, the newest first, each once, without the files that went along."""
    rows = connection.execute(_TEXT, (limit,))
    return list(dict.fromkeys(text for (text,) in rows if isinstance(text, str) and text.strip()))
