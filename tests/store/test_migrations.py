import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest

from mistral_tui.store.database import Database
from mistral_tui.store.migrations import MIGRATIONS, Migration, version_of
from mistral_tui.store.store import Store
from mistral_tui.types.errors import StoreError
from mistral_tui.types.messages import (
    FilePart,
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
    encode_parts,
)
from mistral_tui.types.sessions import Session

pytestmark = pytest.mark.core

NEXT: Migration = ("ALTER TABLE sessions ADD COLUMN colour INTEGER NOT NULL DEFAULT 0",)
BROKEN: Migration = ("ALTER TABLE sessions ADD COLUMN half_done INTEGER", "ALTER TABLE nothing ADD COLUMN x")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


def database_of_version(path: Path, version: int) -> None:
    """Leave a database as the program of that version did, with a session in it."""
    database = Database(path, migrations=MIGRATIONS[:version])
    with database.writing() as connection:
        connection.execute("INSERT INTO sessions (id, title, started_at, updated_at) VALUES ('s', 'Old', 1, 2)")
        connection.execute(
            "INSERT INTO messages (id, session_id, role, parts, created_at) VALUES ('m', 's', 'user', ?, 1)",
            ('[{"type":"text","text":"old words"}]',),
        )
        connection.execute("INSERT INTO message_index (rowid, content) SELECT seq, 'old words' FROM messages")
    database.close()


def columns(path: Path, table: str) -> set[str]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_every_older_version_becomes_the_current_one(path: Path, version: int) -> None:
    database_of_version(path, version)
    store = Store.open(path)
    assert [session.title for session in store.sessions()] == ["Old"]
    assert [message.text for message in store.messages("s")] == ["old words"]
    store.save(Session(id="s"), [Message("user", (TextPart("new words"),))])
    assert len(store.messages("s")) == 2
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert version_of(connection) == len(MIGRATIONS)


def test_a_copy_of_the_old_version_is_kept(path: Path) -> None:
    database_of_version(path, len(MIGRATIONS))
    Database(path, migrations=(*MIGRATIONS, NEXT)).open()
    copy = path.with_name(f"sessions.db.v{len(MIGRATIONS)}.bak")
    assert "colour" in columns(path, "sessions")
    assert "colour" not in columns(copy, "sessions")
    assert Store.open(copy).messages("s")[0].text == "old words"
    assert copy.stat().st_mode & 0o077 == 0


def test_a_step_that_fails_leaves_the_database_as_it_was(path: Path) -> None:
    database_of_version(path, len(MIGRATIONS))
    with pytest.raises(StoreError, match="nothing"):
        Database(path, migrations=(*MIGRATIONS, NEXT, BROKEN)).open()
    assert not {"colour", "half_done"} & columns(path, "sessions")
    assert Store.open(path).messages("s")[0].text == "old words"


def test_a_new_database_needs_no_copy(path: Path) -> None:
    Store.open(path).close()
    assert not list(path.parent.glob("*.bak*"))


def test_programs_that_update_at_once_wait_for_one_another(path: Path) -> None:
    database_of_version(path, len(MIGRATIONS))
    failures: list[BaseException] = []

    def update() -> None:
        try:
            Database(path, migrations=(*MIGRATIONS, NEXT)).open()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=update) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert "colour" in columns(path, "sessions")


def test_messages_of_version_1_are_found_in_the_order_of_their_time(path: Path) -> None:
    database = Database(path, migrations=MIGRATIONS[:1])
    with database.writing() as connection:
        connection.execute("INSERT INTO sessions (id, title, started_at, updated_at) VALUES ('s', 'Old', 1, 2)")
        # Also times that are none, or all the same.
        for number, when in enumerate([5e9, 10, 10, 10, -3, "nonsense", 1e300, 1.7e9]):
            connection.execute(
                "INSERT INTO messages (id, session_id, role, parts, created_at) VALUES (?, 's', 'user', '[]', ?)",
                (f"m{number}", when),
            )
            connection.execute("INSERT INTO message_index (rowid, content) VALUES (?, 'word')", (number + 1,))
    database.close()
    store = Store.open(path)
    in_time = ["m4", "m5", "m1", "m2", "m3", "m7", "m0", "m6"]
    assert [message.id for message in store.messages("s")] == in_time
    assert [hit.message_id for hit in store.search("word")] == list(reversed(in_time))
    store.save(Session(id="s"), [Message("user", (TextPart("a new word"),), created_at=1.8e9, id="new")])
    assert [message.id for message in store.messages("s")] == [*in_time[:6], "new", *in_time[6:]]


def test_a_session_of_version_1_has_nothing_special(path: Path) -> None:
    database_of_version(path, 1)
    (session,) = Store.open(path).sessions()
    assert (session.tags, session.pinned, session.archived, session.deleted_at) == ((), False, False, None)


def test_what_was_thought_and_what_tools_said_is_found_also_in_databases_of_before(path: Path) -> None:
    parts = (
        ReasoningPart("A daydream."),
        FilePart("notes.txt", "unindexed"),
        TextPart("An answer."),
        ToolCallPart("1", "get_weather", '{"city":"Lisbon"}'),
        ToolResultPart("1", "Sunshine \U0001f324"),
        UnknownPart({"type": "later"}),
    )
    database = Database(path, migrations=MIGRATIONS[:4])
    with database.writing() as connection:
        connection.execute("INSERT INTO sessions (id, title, started_at, updated_at) VALUES ('s', 'Old', 1, 2)")
        odd = '[5, "tool", {"type":"reasoning","text":7}]'
        rows = [(encode_parts(parts), 0, None), (encode_parts(parts), 1, None), (encode_parts(parts), 0, "me")]
        for seq, (encoded, hidden, writer) in enumerate([*rows, (odd, 0, None), ('"type":"reasoning"', 0, None)], 1):
            connection.execute(
                "INSERT INTO messages (seq, id, session_id, role, parts, created_at, hidden, writer) "
                "VALUES (?, ?, 's', 'assistant', ?, 1, ?, ?)",
                (seq, f"m{seq}", encoded, hidden, writer),
            )
        connection.execute("INSERT INTO message_index (rowid, content) VALUES (1, 'notes.txt An answer.')")
    database.close()
    store = Store.open(path)
    store.save(Session(id="new"), [Message("assistant", parts, id="new", created_at=2e9, finish="stop")])
    for words in ("daydream", "notes", "answer", "get_weather Lisbon", "sunshine"):
        assert [hit.message_id for hit in store.search(words)] == ["new", "m1"]
    assert store.search("unindexed") == []
    with contextlib.closing(sqlite3.connect(path)) as connection:
        old, new = connection.execute("SELECT content FROM message_index WHERE content LIKE '%answer%'").fetchall()
        assert old == new
