import contextlib
import sqlite3
from pathlib import Path

import pytest

from mistral_tui.store.store import Store
from mistral_tui.types.messages import FilePart, FinishReason, Message, Role, TextPart, UnknownPart, Usage
from mistral_tui.types.sessions import Session

pytestmark = pytest.mark.core


def text(role: Role, words: str) -> Message:
    return Message(role, (TextPart(words),))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "folder" / "sessions.db")


def test_what_is_saved_comes_back_the_same(store: Store) -> None:
    prompt = Message(
        "user", (FilePart("notes.txt", "a\0b"), TextPart("What is this?"), UnknownPart({"type": "x", "a": [1]}))
    )
    reply = Message(
        "assistant", (TextPart("A note. 🙂"),), parent_id=prompt.id, model="m", finish="stop", usage=Usage(3, seed=7)
    )
    session = Session(title="What is this?", model="m", system_prompt="Be brief.", leaf_id=reply.id)
    store.save(session, [prompt, reply])
    store.close()
    again = Store(store.path)
    assert again.session(session.id) == session
    assert again.messages(session.id) == [prompt, reply]


def test_a_growing_reply_is_replaced_and_found_once_complete(store: Store) -> None:
    session = Session(title="Pets")
    steps: tuple[tuple[str, FinishReason | None], ...] = (("A cat", None), ("A cat and a dog", "stop"))
    for words, finish in steps:
        reply = Message("assistant", (TextPart(words),), id="reply", created_at=1.0, finish=finish)
        store.save(session, [reply])
        assert store.messages(session.id) == [reply]
    (hit,) = store.search("DOG ca")
    assert (hit.session_id, hit.session_title, hit.message_id) == (session.id, "Pets", "reply")
    assert ("dog", True) in hit.snippet


@pytest.mark.parametrize("words", ['"', 'a"b', "AND", "a AND", "NEAR(", "*", "col:x", "-", "", "\0", "(", "^a"])
def test_nothing_that_is_typed_breaks_a_search(store: Store, words: str) -> None:
    store.save(Session(), [text("user", "a b AND col x")])
    store.search(words)


def test_sessions_are_listed_page_by_page_latest_first(store: Store) -> None:
    sessions = [Session(updated_at=float(time)) for time in (1, 2, 2, 2, 3)]
    for session in sessions:
        store.save(session, [text("user", "x")])
    listed: list[Session] = []
    while page := store.sessions(limit=2, before=listed[-1] if listed else None):
        listed += page
    assert [session.updated_at for session in listed] == [3, 2, 2, 2, 1]
    assert {session.id for session in listed} == {session.id for session in sessions}


def test_a_title_is_changed_by_renaming_only(store: Store) -> None:
    session = Session(title="First")
    store.save(session, [text("user", "x")])
    store.rename(session.id, "Second")
    store.save(session, [text("user", "y")])
    assert store.session(session.id).title == "Second"


def test_a_deleted_session_leaves_nothing_behind(store: Store) -> None:
    session = Session()
    store.save(session, [text("user", "unforgettable")])
    store.delete(session.id)
    assert store.sessions() == []
    assert store.messages(session.id) == []
    assert store.search("unforgettable") == []


def test_a_session_that_loses_its_only_message_is_gone(store: Store) -> None:
    session = Session()
    prompt = text("user", "x")
    store.save(session, [prompt])
    store.save(session, removed=[prompt.id])
    assert store.sessions() == []


def test_a_private_session_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="private"):
        store.save(Session(private=True), [text("user", "secret")])


def test_state_of_the_interface_is_remembered(store: Store) -> None:
    assert store.ui_state("panel") is None
    store.set_ui_state("panel", {"open": True})
    store.set_ui_state("panel", {"open": False})
    assert store.ui_state("panel") == {"open": False}


def test_files_are_for_their_owner_only(store: Store) -> None:
    store.save(Session(), [text("user", "x")])
    assert store.path.parent.stat().st_mode & 0o777 == 0o700
    for file in store.path.parent.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600, file.name


def test_past_prompts_come_newest_first_and_each_once(store: Store) -> None:
    file = FilePart("notes.txt", "secret notes")
    for name, words in (("a", "first"), ("b", "second 🙂"), ("c", "first"), ("d", " ")):
        prompt = Message("user", (file, TextPart(words)))
        store.save(Session(title=name), [prompt, text("assistant", "a reply")])
    assert store.prompts() == ["first", "second 🙂"]
    assert store.prompts(limit=1) == []
    assert store.prompts(limit=2) == ["first"]


def test_a_damaged_prompt_is_left_out_of_the_past_ones(store: Store) -> None:
    broken, good = text("user", "lost"), text("user", "kept")
    store.save(Session(), [broken, good])
    store.close()
    with contextlib.closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE messages SET parts = '[{' WHERE id = ?", (broken.id,))
    assert store.prompts() == ["kept"]
