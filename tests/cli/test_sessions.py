"""`sessions list` and `sessions show`."""

import json
import os
from pathlib import Path

import pytest

from mistral_tui.chat.conversation import Conversation
from mistral_tui.cli.main import main
from mistral_tui.store.store import Store
from mistral_tui.types.messages import FilePart, Message, TextPart, UnknownPart
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
