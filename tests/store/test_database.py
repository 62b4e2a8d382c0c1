"""What becomes of a database that is damaged, locked, full, read-only, foreign or newer."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mistral_tui.store.database import Database
from mistral_tui.store.store import Store
from mistral_tui.types.errors import StoreError
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.sessions import Session

pytestmark = pytest.mark.core

SESSION = Session(id="s", title="Kept")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


def message(words: str) -> Message:
    return Message("user", (TextPart(words),))


def filled(path: Path, count: int = 200) -> Path:
    store = Store.open(path)
    store.save(SESSION, [message(f"message {number} with some words to fill pages") for number in range(count)])
    store.close()
    return path


def set_aside(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.corrupt-*"))


def _cut(path: Path) -> None:
    os.truncate(path, 5000)


def _overwrite_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\0" * 100)


def _replace_by_text(path: Path) -> None:
    path.write_text("These are my notes, not a database. " * 100)


@pytest.mark.parametrize("damage", [_cut, _overwrite_header, _replace_by_text])
def test_a_file_that_is_no_sound_database_is_set_aside(path: Path, damage: Callable[[Path], None]) -> None:
    damage(filled(path))
    content = path.read_bytes()
    store = Store.open(path)
    assert store.sessions() == []
    (aside,) = set_aside(path)
    assert aside.read_bytes() == content
    (notice,) = store.notices
    assert aside.name in notice and str(path) in notice
    store.save(SESSION, [message("again")])
    assert store.sessions() == [SESSION]


def test_damage_that_is_met_later_is_set_aside_too(path: Path) -> None:
    filled(path, 2000)
    size = path.stat().st_size
    with path.open("r+b") as file:
        # The first pages hold the tables' descriptions: damage to those is met at once.
        file.seek(4096 * 60)
        file.write(b"\xa5" * (size - 4096 * 61))
    store = Store.open(path)
    with pytest.raises(StoreError, match="damaged"):
        store.messages("s")
        store.save(SESSION, [message("more")])
    assert len(set_aside(path)) == 1
    assert store.generation == 1
    store.save(SESSION, [message("again")])
    assert len(store.messages("s")) == 1


def test_a_damaged_search_index_is_built_anew_and_costs_no_message(path: Path) -> None:
    filled(path, 300)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE message_index_data SET block = x'ff00ff00ff' WHERE id > 10")
    connection.close()
    store = Store.open(path)
    with pytest.raises(StoreError, match="search index"):
        store.search("message")
    assert len(store.search("message", limit=1000)) == 300
    assert set_aside(path) == []


def test_a_file_that_vanishes_is_written_again(path: Path) -> None:
    store = Store.open(path)
    store.save(SESSION, [message("one")])
    for file in path.parent.iterdir():
        file.unlink()
    store.save(SESSION, [message("two")])
    assert store.generation == 1
    assert "was deleted while in use" in store.notices[0]
    assert sorted(stored.text for stored in Store.open(path).messages("s")) == ["one", "two"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert not [file for file in path.parent.iterdir() if file.name.startswith(".")]


def test_a_file_that_is_overwritten_in_use_is_set_aside(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mistral_tui.store.database.LOOK_INTERVAL", 0.0)
    store = Store.open(path)
    store.save(SESSION, [message("one")])
    for file in (path, path.with_name(f"{path.name}-wal")):
        with file.open("r+b") as raw:
            raw.write(b"\x55" * file.stat().st_size)
    store.save(SESSION, [message("two")])
    assert store.generation == 1
    assert len(set_aside(path)) >= 1
    assert "was damaged; it is kept as" in store.notices[0]
    store.close()
    assert [stored.text for stored in Store.open(path).messages("s")] == ["two"]


def test_a_locked_database_says_so_and_works_again_once_it_is_free(path: Path) -> None:
    filled(path, 1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    store = Store(path, busy_limit=0.05)
    with pytest.raises(StoreError, match="locked by another program"):
        store.save(SESSION, [message("one")])
    other.execute("ROLLBACK")
    other.close()
    store.save(SESSION, [message("one")])


def test_a_database_that_is_locked_from_the_start_opens_later(path: Path) -> None:
    filled(path, 1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    store = Store(path, busy_limit=0.05)
    with pytest.raises(StoreError, match="locked by another program"):
        store.sessions()
    other.close()
    assert store.sessions() == [SESSION]


def test_a_full_disk_undoes_the_write_and_says_so(path: Path) -> None:
    filled(path, 1)
    database = Database(path)
    with database.reading() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(StoreError, match="full; free some space"), database.writing() as connection:
        connection.execute("INSERT INTO ui_state VALUES ('a', 'b')")
        connection.execute("INSERT INTO ui_state VALUES ('large', ?)", ("x" * 100_000,))
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM ui_state").fetchone() == (0,)
    with database.writing() as connection:
        connection.execute("INSERT INTO ui_state VALUES ('a', 'b')")


def test_a_newer_database_is_shown_and_not_written(path: Path) -> None:
    filled(path, 1)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    store = Store.open(path)
    assert store.read_only
    assert store.sessions() == [SESSION]
    with pytest.raises(StoreError, match="newer version"):
        store.save(SESSION, [message("one")])
    (notice,) = store.notices
    assert "newer version" in notice
    assert set_aside(path) == []


def test_a_database_of_another_program_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()
    with pytest.raises(StoreError, match="another program"):
        Store.open(path)
    assert set_aside(path) == []


def test_a_folder_in_the_place_of_the_file_is_an_error(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StoreError, match="folder"):
        Store.open(path)


def test_a_place_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be created"):
        Store.open(tmp_path / "file" / "sessions.db")


READ_ONLY_VISITOR = """
import os, sys
from pathlib import Path
from mistral_tui.store.store import Store
from mistral_tui.types.errors import StoreError
from mistral_tui.types.messages import Message

if os.getuid() == 0:
    os.setuid(65534)  # the administrator may write everything
store = Store.open(Path(sys.argv[1]))
print(store.read_only, len(store.messages("s")), len(store.search("words")), store.notices)
try:
    store.save(store.session("s"), [Message("user", ())])
except StoreError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
@pytest.mark.parametrize("mode_of_folder", [0o777, 0o555])
def test_a_read_only_file_is_shown_and_not_written(mode_of_folder: int) -> None:
    with tempfile.TemporaryDirectory() as folder:  # other people may look into it, unlike into `tmp_path`
        path = filled(Path(folder) / "sessions.db", 3)
        path.chmod(0o444)
        path.parent.chmod(mode_of_folder)
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY_VISITOR, str(path)], capture_output=True, text=True, check=False
        )
        path.parent.chmod(0o700)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith("True 3 3 ") and first.count("read-only") == 1
    assert "read-only" in second


def test_rows_that_make_no_sense_are_shown_as_far_as_they_do(path: Path) -> None:
    filled(path, 0)
    store = Store.open(path)
    store.save(SESSION, [message("sound")])
    store.close()
    with sqlite3.connect(path) as connection:
        for row in (
            ("a", "[{", "user", None, None, 1.0),
            ("b", b"\xff\xfe", "wizard", "exploded", "{}}", "yesterday"),
            ("c", '[{"type": "hologram"}]', "assistant", "stop", '{"seed": "x"}', 2.0),
        ):
            connection.execute(
                "INSERT INTO messages (session_id, id, parts, role, finish, usage, created_at) "
                "VALUES ('s', ?, ?, ?, ?, ?, ?)",
                row,
            )
        connection.execute(
            "INSERT INTO messages (id, parts, role, created_at, session_id) "
            "VALUES ('d', CAST(x'5b7b22747970ff22' AS TEXT), 'user', 3, 's')"
        )
    connection.close()
    assert [stored.id for stored in store.messages("s")][1:] == ["a", "b", "c", "d"]
