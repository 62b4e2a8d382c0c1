"""What bad models, settings and databases get on the command line: one line that names the file and the reason."""

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e import damage
from tests.e2e.program import database, ordinary_user, run, stored_messages

pytestmark = pytest.mark.core

SHORT = ("--temperature", "0", "--max-tokens", "4", "--threads", "1", "Hi")


def assert_one_line(arguments: tuple[str, ...], *says: str, status: int = 1, user: tuple[str, ...] = ()) -> None:
    result = run(*arguments, user=user)
    assert result.stderr.startswith("error: "), result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    for text in says:
        assert text in result.stderr
    assert (result.returncode, result.stdout) == (status, "")


def test_no_such_model() -> None:
    assert_one_line(("ask", "-m", "gpt-9", "Hi"), "gpt-9")
    assert_one_line(("ask", "-m", "/nowhere/model.gguf", "Hi"), "/nowhere/model.gguf")


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (damage.not_a_model, "GGUF"),
        (damage.empty, "GGUF"),
        (damage.wrong_magic, "GGUF"),
        (damage.truncated_header, ""),
        (damage.truncated_tensors, ""),
        (damage.absurd_counts, ""),
        (damage.absurd_layers, ""),
        (damage.unknown_architecture, "obama"),
        (damage.broken_template, "template"),
    ],
)
def test_a_damaged_model(kind: Callable[[bytes], bytes], says: str, smollm2: Path, tmp_path: Path) -> None:
    path = damage.damaged(smollm2, kind, tmp_path)
    assert_one_line(("ask", "-m", str(path), *SHORT), path.stem, says)


def test_a_model_that_may_not_be_read(smollm2: Path, tmp_path: Path) -> None:
    user = ordinary_user()
    path = damage.damaged(smollm2, damage.not_a_model, tmp_path)
    path.chmod(0)
    assert_one_line(("ask", "-m", str(path), *SHORT), path.name, "permission", user=user)


def test_a_chat_template_that_does_not_parse(smollm2: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.jinja").write_text("{% for", encoding="utf-8")
    assert_one_line(("ask", "-m", str(smollm2), "--chat-template", str(tmp_path / "mine.jinja"), *SHORT), "template")
    assert_one_line(("ask", "-m", str(smollm2), "--chat-template", "no-such-template", *SHORT), "no-such-template")


def test_a_context_that_does_not_fit(smollm2: Path) -> None:
    assert_one_line(("ask", "-m", str(smollm2), "--n-ctx", "900000000", *SHORT), "not even --force", "--n-ctx ")
    assert_one_line(("ask", "-m", str(smollm2), "--n-ctx", "900000000", "--force", *SHORT), "not even --force")


def test_a_broken_inventory(tmp_path: Path) -> None:
    path = tmp_path / "inventory.json"
    path.write_text('[\n{"name": "a",\n "path": }]', encoding="utf-8")
    assert_one_line(("--inventory", str(path), "ask", "Hi"), str(path), "3")
    assert_one_line(("--inventory", str(tmp_path / "none.json"), "ask", "Hi"), "none.json")
    assert path.read_text(encoding="utf-8").startswith("[")


def test_broken_settings(smollm2: Path, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("theme = \n", encoding="utf-8")
    assert_one_line(("--config", str(path), "ask", "-m", str(smollm2), *SHORT), str(path), "1")
    path.write_text('n_ctx = "many"\n', encoding="utf-8")
    assert_one_line(("--config", str(path), "ask", "-m", str(smollm2), *SHORT), str(path), "n_ctx")
    assert path.read_text(encoding="utf-8") == 'n_ctx = "many"\n'


def test_no_model_at_all(tmp_path: Path) -> None:
    path = tmp_path / "inventory.json"
    path.write_text("[]", encoding="utf-8")
    assert_one_line(("--inventory", str(path), "ask", "Hi"), "no model")


def test_the_interface_needs_a_terminal() -> None:
    assert_one_line((), "needs a terminal", status=2)


@pytest.fixture
def path() -> Iterator[Path]:
    found = database()
    found.parent.mkdir(parents=True)
    yield found


def answers_with_a_note(model: Path, *says: str, user: tuple[str, ...] = ()) -> None:
    result = run("ask", "-m", str(model), *SHORT, user=user)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip()
    assert all(line.startswith("note: ") for line in result.stderr.splitlines()), result.stderr
    for text in says:
        assert text in result.stderr


def test_a_damaged_database_is_set_aside(smollm2: Path, path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + b"\x55" * 8192)
    answers_with_a_note(smollm2, "damaged")
    (aside,) = path.parent.glob("*corrupt*")
    assert aside.read_bytes().startswith(b"SQLite format 3\0\x55")
    assert len(stored_messages()) == 2


def test_lists_say_that_the_database_was_damaged_too(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + b"\x55" * 8192)
    result = run("sessions", "list", "--json")
    assert (result.returncode, result.stdout) == (0, "[]\n")
    assert result.stderr.startswith("note: ")
    assert "was damaged; it is kept as" in result.stderr


@pytest.mark.parametrize("mode_of_folder", [0o700, 0o500])
def test_a_read_only_database_is_shown_and_not_written(smollm2: Path, path: Path, mode_of_folder: int) -> None:
    user = ordinary_user()
    assert run("ask", "-m", str(smollm2), *SHORT).returncode == 0
    path.chmod(0o400)
    path.parent.chmod(mode_of_folder)
    answers_with_a_note(smollm2, "read-only", "this chat is not saved", user=user)
    listed = run("sessions", "list", "--json", user=user)
    assert [session["title"] for session in json.loads(listed.stdout)] == ["Hi"]
    assert "read-only" in listed.stderr
    path.parent.chmod(0o700)
    assert len(stored_messages()) == 2


def test_a_newer_database_is_left_alone(smollm2: Path, path: Path) -> None:
    assert run("ask", "-m", str(smollm2), *SHORT).returncode == 0
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    answers_with_a_note(smollm2, "newer version")
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (2,)


def test_a_database_of_another_program_is_left_alone(smollm2: Path, path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    answers_with_a_note(smollm2, "another program")


def test_a_database_that_is_a_folder(smollm2: Path, path: Path) -> None:
    path.mkdir()
    answers_with_a_note(smollm2, "is a folder")


def test_a_locked_database(smollm2: Path, path: Path) -> None:
    assert run("ask", "-m", str(smollm2), *SHORT).returncode == 0
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    answers_with_a_note(smollm2, "locked")
    connection.close()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_an_output_that_is_full(smollm2: Path) -> None:
    with Path("/dev/full").open("w") as full:
        import subprocess

        result = subprocess.run(
            [sys.executable, "-m", "mistral_tui", "ask", "-m", str(smollm2), *SHORT],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert "No space left" in result.stderr
