"""The versions of the database, and the steps between them.

A step never changes once it is released: a later version adds one. Before a database with content is changed, a copy
`<database>.v<N>.bak` of the version it had is made.
"""

import contextlib
import os
import sqlite3
from pathlib import Path

APPLICATION_ID = 0x4D545549
"""Marks our databases in the header of the file ("MTUI")."""
NUMBERS_A_SECOND = 65_536
"""By how much the number of a message grows with each second of its time."""
LAST_SECOND = 100_000_000_000
"""The latest time that a message is numbered by, in seconds since the epoch."""

_VERSION_1 = (
    """CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        title TEXT NOT NULL DEFAULT '',
        started_at REAL NOT NULL,
        updated_at REAL NOT NULL,
        model_id TEXT,
        system_prompt TEXT,
        leaf_id TEXT
    )""",
    "CREATE INDEX sessions_by_time ON sessions (updated_at, id)",
    # `parent_id` is no foreign key: a branch whose beginning was lost is still worth keeping.
    """CREATE TABLE messages (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
        parent_id TEXT,
        role TEXT NOT NULL,
        parts TEXT NOT NULL,
        model TEXT,
        finish TEXT,
        usage TEXT,
        error TEXT,
        created_at REAL NOT NULL,
        writer TEXT
    )""",
    "CREATE INDEX messages_by_session ON messages (session_id, seq)",
    # Prefixes of their own make a search fast while its first letters are typed.
    """CREATE VIRTUAL TABLE message_index USING fts5 (
        content, tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
    )""",
    """CREATE TRIGGER message_deleted AFTER DELETE ON messages BEGIN
        DELETE FROM message_index WHERE rowid = old.seq;
    END""",
    """CREATE TABLE attachments (
        id TEXT PRIMARY KEY,
        session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
        message_id TEXT REFERENCES messages (id) ON DELETE CASCADE,
        path TEXT NOT NULL,
        mime TEXT,
        metadata_json TEXT NOT NULL DEFAULT '{}',
        created_at REAL NOT NULL
    )""",
    "CREATE INDEX attachments_by_message ON attachments (message_id)",
    "CREATE INDEX attachments_by_session ON attachments (session_id)",
    """CREATE TABLE tool_calls (
        id TEXT PRIMARY KEY,
        session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
        message_id TEXT REFERENCES messages (id) ON DELETE CASCADE,
        tool_name TEXT NOT NULL,
        arguments_json TEXT NOT NULL,
        result_json TEXT,
        success INTEGER,
        error_message TEXT,
        duration_ms REAL,
        created_at REAL NOT NULL
    )""",
    "CREATE INDEX tool_calls_by_message ON tool_calls (message_id)",
    "CREATE INDEX tool_calls_by_session ON tool_calls (session_id)",
    """CREATE TABLE models (
        path TEXT PRIMARY KEY,
        id TEXT NOT NULL,
        format TEXT NOT NULL,
        size_bytes INTEGER,
        last_used REAL,
        chat_template TEXT,
        capabilities_json TEXT NOT NULL DEFAULT '{}'
    )""",
    "CREATE TABLE ui_state (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
)

_VERSION_2 = (
    "ALTER TABLE sessions ADD COLUMN tags TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE sessions ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE sessions ADD COLUMN archived INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE sessions ADD COLUMN deleted_at REAL",
    "DROP INDEX sessions_by_time",
    "CREATE INDEX sessions_by_place ON sessions (archived, pinned, updated_at, id)",
    # Numbers of messages now grow with their time (`rows.first_number`), so that the newest hits of a search come
    # first without sorting, also when older chats are imported later.
    f"""CREATE TEMP TABLE renumbered AS SELECT seq AS before,
        place + max(second * {NUMBERS_A_SECOND} - place) OVER (ORDER BY second, seq) AS after
        FROM (SELECT seq, second, row_number() OVER (ORDER BY second, seq) AS place FROM (
            SELECT seq, min(max(CAST(created_at AS INTEGER), 0), {LAST_SECOND}) AS second FROM messages))""",
    "CREATE UNIQUE INDEX temp.renumbered_before ON renumbered (before)",
    "CREATE TEMP TABLE kept_index AS SELECT rowid AS before, content FROM message_index",
    "DROP TRIGGER message_deleted",
    "DROP TABLE message_index",
    """CREATE VIRTUAL TABLE message_index USING fts5 (
        content, tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
    )""",
    "UPDATE messages SET seq = -1 - (SELECT after FROM renumbered WHERE before = seq)",
    "UPDATE messages SET seq = -1 - seq",
    """INSERT INTO message_index (rowid, content)
        SELECT after, content FROM kept_index JOIN renumbered USING (before) ORDER BY after""",
    """CREATE TRIGGER message_deleted AFTER DELETE ON messages BEGIN
        DELETE FROM message_index WHERE rowid = old.seq;
    END""",
    "DROP TABLE temp.kept_index",
    "DROP TABLE temp.renumbered",
)

# A message that a person deletes is kept, and neither shown nor found.
_VERSION_3 = ("ALTER TABLE messages ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0",)

# What was set for one session: a column without content costs nothing, however many sessions there are.
_VERSION_4 = ("ALTER TABLE sessions ADD COLUMN settings TEXT NOT NULL DEFAULT '{}'",)

# A search finds what models thought, and what tools were asked and answered. Only the few messages that have such
# parts are indexed anew, whatever else is there.
_VERSION_5 = (
    """CREATE TEMP TABLE reindexed AS SELECT seq, parts FROM messages
        WHERE (instr(parts, '"type":"reasoning"') OR instr(parts, '"type":"tool_'))
        AND writer IS NULL AND NOT hidden AND json_valid(parts)""",
    "DELETE FROM message_index WHERE rowid IN (SELECT seq FROM temp.reindexed)",
    """INSERT INTO message_index (rowid, content) SELECT seq, words FROM (
        SELECT seq, (SELECT group_concat(words, char(10)) FROM (
            SELECT CASE json_extract(value, '$.type')
                WHEN 'file' THEN json_extract(value, '$.name')
                WHEN 'tool_call' THEN json_extract(value, '$.name') || ' ' || json_extract(value, '$.arguments')
                ELSE json_extract(value, '$.text') END AS words
            FROM json_each(parts) WHERE type = 'object'
            AND json_extract(value, '$.type') IN ('text', 'file', 'reasoning', 'tool_call', 'tool_result')
            ORDER BY json_extract(value, '$.type') NOT IN ('text', 'file'), key)) AS words
        FROM temp.reindexed ORDER BY seq) WHERE words <> ''""",
    "DROP TABLE temp.reindexed",
)

# How a call of a tool came about, and who makes it; nothing was ever written into this table before.
_VERSION_6 = (
    "ALTER TABLE tool_calls ADD COLUMN call_id TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE tool_calls ADD COLUMN server TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE tool_calls ADD COLUMN tool TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE tool_calls ADD COLUMN state TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE tool_calls ADD COLUMN approval TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE tool_calls ADD COLUMN writer TEXT",
)

Migration = tuple[str, ...]
MIGRATIONS: tuple[Migration, ...] = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4, _VERSION_5, _VERSION_6)
"""Step number `n` (from 0) turns version `n` into version `n + 1`."""


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of an open database; 0: it is empty."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, path: Path, migrations: tuple[Migration, ...]) -> None:
    """Bring the database up to date: all of it, or nothing when a step fails.

    Another program that opens the same file waits for the lock, and then finds nothing left to do.

    Raises:
        sqlite3.Error: A step failed, or the copy could not be made; the database is as it was.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = version_of(connection)
        if 0 < version < len(migrations):
            _copy(path, path.with_name(f"{path.name}.v{version}.bak"))
        for step in migrations[version:]:
            for statement in step:
                connection.execute(statement)
        if version < len(migrations):
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _copy(path: Path, copy: Path) -> None:
    """Copy a database that may be in use; the copy appears under its name only when it is complete."""
    unfinished = copy.with_name(f"{copy.name}.part")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_WRONLY, 0o600))
    with contextlib.closing(sqlite3.connect(path)) as source, contextlib.closing(sqlite3.connect(unfinished)) as target:
        source.backup(target)
    unfinished.replace(copy)
