"""`mistral-tui sessions …`."""

import json
import os
from pathlib import Path

import pytest

from mistral_tui.chat.conversation import Conversation
from mistral_tui.cli.main import main
from mistral_tui.config.paths import Paths
from mistral_tui.store.store import Store
from mistral_tui.types.messages import FilePart, ImagePart, Message, TextPart, UnknownPart
from mistral_tui.types.sessions import Session

pytestmark = pytest.mark.core


@pytest.fixture
def store() -> Store:
    return Store(Path(os.environ["MISTRAL_TUI_DATABASE"]))


def write_session(store: Store, session_id: str, prompt: str, when: float) -> Conversation:
    conversation = Conversation(Session(id=session_id, created_at=when))
    conversation.append(Message("user", (FilePart("a.txt", "content"), TextPart(prompt)), created_at=when))
    conversation.append(
        Message("assistant", (TextPart("An answer."),), created_at=when + 1, model="smol", finish="stop")
    )
    store.save(conversation.session, conversation.messages)
    return conversation


def test_nothing_is_stored_yet(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions", "list"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["sessions", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_sessions_are_listed_latest_first(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    write_session(store, "a" * 32, "The older one", 1000)
    write_session(store, "b" * 32, "The newer\x1b[2J one", 2000)
    assert main(["sessions", "list"]) == 0
    newer, older = capsys.readouterr().out.splitlines()
    assert newer.startswith("bbbbbbbb")
    assert newer.endswith("The newer [2J one") or newer.endswith("The newer one")
    assert older.endswith("The older one")
    assert main(["sessions", "list", "--limit", "1", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["id"] == "b" * 32


def test_the_latest_session_is_shown(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    write_session(store, "a" * 32, "Who?", 1000)
    assert main(["sessions", "show"]) == 0
    assert capsys.readouterr().out == "user [a.txt]:\nWho?\n\nassistant:\nAn answer.\n\n"


def test_a_session_is_found_by_the_beginning_of_its_id(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    conversation = write_session(store, "abcd" * 8, "Who?", 1000)
    write_session(store, "abce" * 8, "What?", 2000)
    assert main(["sessions", "show", "abcd", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    assert document["id"] == "abcd" * 8
    assert document["title"] == "Who?"
    assert document["branch"] == [message.id for message in conversation.path()]
    assert [message["role"] for message in document["messages"]] == ["user", "assistant"]
    assert document["messages"][0]["parts"] == [
        {"type": "file", "name": "a.txt", "text": "content"},
        {"type": "text", "text": "Who?"},
    ]


def test_parts_of_a_newer_version_are_shown_as_they_were_stored(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    conversation = Conversation()
    conversation.append(Message("user", (UnknownPart({"type": "smell", "of": "roses"}),)))
    store.save(conversation.session, conversation.messages)
    assert main(["sessions", "show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["messages"][0]["parts"] == [{"type": "smell", "of": "roses"}]


@pytest.mark.parametrize(("wanted", "says"), [("zzz", "no session 'zzz'"), ("ab", "2 sessions begin with 'ab'")])
def test_a_session_that_is_not_clear(store: Store, capsys: pytest.CaptureFixture[str], wanted: str, says: str) -> None:
    write_session(store, "abcd" * 8, "Who?", 1000)
    write_session(store, "abce" * 8, "What?", 2000)
    assert main(["sessions", "show", wanted]) == 1
    assert says in capsys.readouterr().err


def output(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """Run a command and return what it prints."""
    assert main(["sessions", *arguments]) == status
    return capsys.readouterr().out


def test_messages_are_found(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    write_session(store, "a" * 32, "The tides of March", 1000)
    write_session(store, "b" * 32, "March of the tides\x1b[2J", 2000)
    newest, oldest = output(capsys, "search", "tid").splitlines()
    assert newest.startswith("bbbbbbbb")
    assert "\x1b" not in newest
    assert oldest.startswith("aaaaaaaa")
    assert output(capsys, "search", "tides of").startswith("aaaaaaaa")
    (hit,) = json.loads(output(capsys, "search", "tides", "of", "--limit", "1", "--relevance", "--json"))
    assert {"text": "tides", "match": True} in hit["snippet"]
    assert main(["sessions", "search", "before:never"]) == 2
    assert "is no date" in capsys.readouterr().err


def test_a_session_is_renamed_tagged_pinned_and_archived(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    write_session(store, "a" * 32, "First", 1000)
    write_session(store, "b" * 32, "Second", 2000)
    assert "A new name" in output(capsys, "rename", "a", "A new", "name")
    assert output(capsys, "tag", "a", "#Moon", "sea").strip().endswith("#moon #sea")
    assert output(capsys, "tag", "a", "--remove", "sea").strip().endswith("#moon")
    assert "[pinned]" in output(capsys, "pin", "a")
    assert [line[:1] for line in output(capsys, "list").splitlines()] == ["a", "b"]
    assert output(capsys, "show", "latest").startswith("user [a.txt]:\nSecond")
    assert "[pinned]" not in output(capsys, "pin", "a", "--off")
    assert json.loads(output(capsys, "archive", "a", "--json"))["archived"]
    assert [line[:1] for line in output(capsys, "list").splitlines()] == ["b"]
    assert [line[:1] for line in output(capsys, "list", "--archived", "--tag", "moon").splitlines()] == ["a"]
    output(capsys, "archive", "a", "--off")
    assert [line[:1] for line in output(capsys, "list").splitlines()] == ["b", "a"]
    assert main(["sessions", "rename", "a", " "]) == 2


def test_a_session_is_deleted_and_brought_back(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    write_session(store, "a" * 32, "First", 1000)
    write_session(store, "b" * 32, "Second", 2000)
    assert main(["sessions", "delete", "a", "b"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "sessions undelete aaaaaaaa" in said.err
    assert output(capsys, "list") == ""
    assert len(output(capsys, "list", "--deleted").splitlines()) == 2
    assert "First" in output(capsys, "undelete", "a")
    assert len(output(capsys, "list").splitlines()) == 1
    output(capsys, "delete", "b", "--now")
    assert output(capsys, "list", "--deleted") == ""
    assert main(["sessions", "undelete", "b"]) == 1
    assert len(output(capsys, "list").splitlines()) == 1


def test_deleting_for_good_removes_pictures_that_nobody_else_uses(
    store: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    attachments = Paths.resolve().attachments
    attachments.mkdir(parents=True, exist_ok=True)
    pictures = [attachments / "used.png", attachments / "unused.png", tmp_path / "mine.png"]
    for picture in pictures:
        picture.write_bytes(b"x")
        os.utime(picture, (1, 1))
    parts = tuple(ImagePart(str(picture), "image/png") for picture in pictures)
    for name, shown in (("a", parts), ("b", parts[:1])):
        store.save(Session(id=name * 32), [Message("user", shown)])
    output(capsys, "delete", "a", "--now")
    assert [picture.exists() for picture in pictures] == [True, False, True]
    attachments.joinpath("used.png").unlink()


def test_sessions_are_exported_and_imported(store: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_session(store, "a" * 32, "First", 1000)
    write_session(store, "b" * 32, "Second", 2000)
    store.archive("a" * 32, True)
    assert output(capsys, "export").startswith("# Second")
    assert output(capsys, "export", "a", "--format", "html").startswith("<!DOCTYPE html>")
    file = tmp_path / "all.jsonl"
    assert output(capsys, "export", "--all", "-o", str(file)) == ""
    assert main(["sessions", "export", "--all", "-o", str(file)]) == 2
    assert "--force" in capsys.readouterr().err
    output(capsys, "export", "--all", "-o", str(file), "--force")
    assert output(capsys, "import", str(file)).count("is there already") == 2
    output(capsys, "delete", "a", "b", "--now")
    assert output(capsys, "import", str(file)).count("added") == 2
    assert {session.title for session in store.sessions()} == {"Second"}
    assert {session.title for session in store.sessions(archived=True)} == {"First"}
    assert main(["sessions", "export", "--format", "pdf"]) == 2


def test_a_damaged_file_imports_nothing_and_says_where(
    store: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    damaged = tmp_path / "x.json"
    damaged.write_text('[\n{"oops\n')
    assert main(["sessions", "import", str(damaged), "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out) == {"schema_version": 1, "sessions": [], "failed": 1}
    assert said.err.startswith(f"error: {damaged}")
    assert store.sessions() == []
