import contextlib
import os
import sqlite3
import time
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from mistral_tui.store.adding import Addition
from mistral_tui.store.migrations import NUMBERS_A_SECOND
from mistral_tui.store.purging import draft_key
from mistral_tui.store.store import Store
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import (
    FilePart,
    FinishReason,
    ImagePart,
    Message,
    Role,
    TextPart,
    ToolCallPart,
    UnknownPart,
    Usage,
)
from mistral_tui.types.models import ModelEntry
from mistral_tui.types.sessions import Session, tags_from
from mistral_tui.types.tools import ToolOutput, ToolRun

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


def test_calls_of_tools_come_back_with_their_session(store: Store) -> None:
    reply = Message("assistant", (ToolCallPart("c", "clock_time", "{}"),), finish="tool_calls")
    session = Session(leaf_id=reply.id)
    run = ToolRun("r", "c", reply.id, "clock_time", "clock", "time", '{"a": "\0"}', "asked", started_at=5.0)
    store.save(session, [reply], runs=[run])
    assert store.tool_runs(session.id) == [run]
    output = ToolOutput((TextPart("12:00 " * 10_000),), {"time": [1, None]})
    done = msgspec.structs.replace(run, state="done", approval="once", seconds=0.25, output=output)
    store.save(session, runs=[done, msgspec.structs.replace(run, id="lost", message_id="gone")])
    store.close()
    assert Store(store.path).tool_runs(session.id) == [done], (
        "nor does a call of a message that is gone harm the others"
    )
    store.save(session, [Message("user", ())], [reply.id])
    assert store.tool_runs(session.id) == []


def test_a_call_whose_program_died_was_cancelled(store: Store) -> None:
    reply = Message("assistant", (), finish="tool_calls")
    session = Session(leaf_id=reply.id)
    run = ToolRun("r", "c", reply.id, "clock_time", state="running")
    store.save(session, [reply], runs=[run])
    with contextlib.closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE tool_calls SET writer = '1:1.0:elsewhere'")
    (ended,) = store.tool_runs(session.id)
    assert (ended.state, ended.error) == ("cancelled", "the program ended before the call did")


def test_a_damaged_call_can_be_shown(store: Store) -> None:
    reply = Message("assistant", (), finish="tool_calls")
    session = Session(leaf_id=reply.id)
    store.save(session, [reply], runs=[ToolRun("r", "c", reply.id, "clock_time", state="done")])
    with contextlib.closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE tool_calls SET state = 'x', approval = 5, result_json = '{', duration_ms = 'long'")
    (damaged,) = store.tool_runs(session.id)
    assert (damaged.state, damaged.approval, damaged.output, damaged.seconds) == ("failed", "", None, 0.0)


def test_a_session_from_elsewhere_brings_its_calls(store: Store) -> None:
    reply = Message("assistant", (), id="m", finish="tool_calls")
    run = ToolRun("r", "c", "m", "clock_time", state="running")
    assert store.add(Session(id="s"), [reply], [run]).outcome == "added"
    other = msgspec.structs.replace(reply, error="x")
    copy = store.add(Session(id="s"), [other], [run])
    assert copy.outcome == "copied"
    (first,), (second,) = store.tool_runs("s"), store.tool_runs(copy.session_id)
    assert (first.state, second.state) == ("cancelled", "cancelled")
    assert second.message_id == store.messages(copy.session_id)[0].id


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


def test_what_is_no_text_is_looked_for_in_vain(store: Store) -> None:
    wanted = os.fsdecode(b"caf\xe9")  # as an argument comes from a terminal of another encoding
    assert store.search(wanted) == []
    assert store.sessions(tag=wanted) == store.sessions_beginning(wanted) == store.sessions_titled([wanted]) == []
    entry = ModelEntry("cafe", Path(wanted), "gguf", 1, downloaded=True)
    store.remember_chat_template(entry, "chatml")
    assert store.chat_template(entry.path) == "chatml"


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


def test_a_deleted_session_can_be_brought_back(store: Store) -> None:
    session = Session(title="Gone?")
    store.save(session, [text("user", "unforgettable")])
    store.delete(session.id)
    assert store.sessions() == []
    assert store.latest_session() is None
    assert store.search("unforgettable") == []
    assert [gone.id for gone in store.deleted_sessions()] == [session.id]
    store.purge(time.time() - 60)
    store.undelete(session.id)
    assert store.sessions() == [session]
    assert len(store.search("unforgettable")) == 1


def test_a_purged_session_leaves_nothing_behind(store: Store) -> None:
    session = Session()
    kept = Session()
    picture = ImagePart("/attachments/a.png", "image/png")
    shared = ImagePart("/attachments/b.png", "image/png")
    store.save(session, [Message("user", (picture, shared, TextPart("unforgettable")))])
    store.save(kept, [Message("user", (shared,))])
    store.set_ui_state(draft_key(session.id), "a draft")
    store.delete(session.id)
    purged = store.purge(time.time() + 1)
    assert purged.session_ids == (session.id,)
    assert purged.files == (Path("/attachments/a.png"),)
    assert store.deleted_sessions() == []
    assert store.messages(session.id) == []
    assert store.ui_state(draft_key(session.id)) is None
    assert [left.id for left in store.sessions()] == [kept.id]


def test_a_session_that_is_deleted_while_another_program_goes_on_with_it_is_not_lost(store: Store) -> None:
    session = Session()
    store.save(session, [text("user", "one")])
    store.delete(session.id)
    store.save(session, [text("user", "two")])
    assert [message.text for message in store.messages(store.sessions()[0].id)] == ["one", "two"]


def test_pinned_sessions_come_first_and_archived_ones_are_listed_apart(store: Store) -> None:
    sessions = [Session(title=str(number), updated_at=float(number)) for number in range(5)]
    for session in sessions:
        store.save(session, [text("user", "x")])
    store.pin(sessions[1].id, True)
    store.archive(sessions[3].id, True)
    listed: list[Session] = []
    while page := store.sessions(limit=2, before=listed[-1] if listed else None):
        listed += page
    assert [session.title for session in listed] == ["1", "4", "2", "0"]
    assert [session.title for session in store.sessions(archived=True)] == ["3"]
    assert store.latest_session() == store.session(sessions[4].id)


def test_sessions_are_listed_by_tag(store: Store) -> None:
    for words in ("work moon", "moon", ""):
        session = Session(title=words)
        store.save(session, [text("user", "x")])
        store.tag(session.id, tags_from(words))
    assert {session.title for session in store.sessions(tag="moon")} == {"work moon", "moon"}
    assert [session.tags for session in store.sessions(tag="work")] == [("moon", "work")]


def test_tags_and_the_like_are_not_changed_by_saving(store: Store) -> None:
    session = Session(title="Pets")
    store.save(session, [text("user", "x")])
    store.tag(session.id, ("cat",))
    store.pin(session.id, True)
    store.archive(session.id, True)
    store.save(session, [text("user", "y")])
    again = store.session(session.id)
    assert (again.tags, again.pinned, again.archived) == (("cat",), True, True)


def test_hits_come_by_time_also_when_older_messages_are_added_later(store: Store) -> None:
    for when in (3.0, 1.0, 2.0, 2.0):
        store.save(Session(), [Message("user", (TextPart(f"the word {when}"),), created_at=when)])
    assert [hit.created_at for hit in store.search("word")] == [3, 2, 2, 1]
    assert [hit.created_at for hit in store.search("word", limit=1)] == [3]


def test_more_messages_of_one_second_than_it_has_numbers(store: Store) -> None:
    first = Message("user", (TextPart("x"),), id="first", created_at=7.0)
    store.save(Session(id="s"), [first])
    with store._database.writing() as connection:
        connection.execute("UPDATE messages SET seq = ?", (8 * NUMBERS_A_SECOND - 1,))
    store.save(Session(id="s"), [Message("user", (TextPart("y"),), id="second", created_at=7.0)])
    assert [message.id for message in store.messages("s")] == ["first", "second"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("moon", ["old", "tagged", "moons", "new"]),
        ("moo", ["old", "tagged", "moons", "new"]),
        ("moon ", ["old", "tagged", "new"]),
        ('"full moon"', ["new"]),
        ('"full moo', []),
        ("moon tag:Night", ["tagged"]),
        ("moon model:LLAMA", ["new"]),
        ("after:2024 moon", ["moons", "new"]),
        ("moon before:2024-01-01", ["old", "tagged"]),
        ("before:2024-06-01 after:2023-06 moo", ["moons"]),
        ("tag:night", ["tagged"]),
        ("moon tag:", ["old", "tagged", "new"]),
        ("tag:", []),
    ],
)
def test_a_search_is_narrowed_down(store: Store, query: str, found: list[str]) -> None:
    for name, day, words, model in (
        ("old", "2020-05-01", "the moon", None),
        ("tagged", "2020-05-02", "the moon", None),
        ("moons", "2024-03-01", "two moons", None),
        ("new", "2025-03-01", "a full moon, not moon full", "Llama-3"),
    ):
        when = datetime.fromisoformat(day).timestamp()
        role: Role = "user" if model is None else "assistant"
        message = Message(role, (TextPart(words),), id=name, created_at=when, model=model, finish="stop")
        store.save(Session(id=name), [message])
    store.tag("tagged", ("night",))
    assert [hit.message_id for hit in reversed(store.search(query))] == found


def test_the_best_hits_come_first_on_request(store: Store) -> None:
    store.save(Session(), [Message("user", (TextPart("tide tide tide"),), id="best", created_at=1.0)])
    store.save(Session(), [Message("user", (TextPart(f"tide {'x ' * 50}"),), id="newest", created_at=2.0)])
    assert [hit.message_id for hit in store.search("tide")] == ["newest", "best"]
    assert [hit.message_id for hit in store.search("tide", order="relevance")] == ["best", "newest"]


def test_a_date_that_is_none_is_an_error(store: Store) -> None:
    with pytest.raises(InvalidRequest, match="before:2025-13 is no date"):
        store.search("moon before:2025-13")


def test_what_is_added_never_changes_what_is_there(store: Store) -> None:
    session = Session(id="s", title="Mine")
    first = text("user", "one")
    second = Message("assistant", (TextPart("two"),), parent_id=first.id, finish="stop")
    assert store.add(session, [first, second]).outcome == "added"
    store.save(session, [text("user", "said since")])
    assert store.add(session, [first, second]).outcome == "present"
    changed = msgspec.structs.replace(second, parts=(TextPart("another two"),))
    copied = store.add(session, [first, changed])
    assert copied.outcome == "copied"
    assert store.add(session, [first, changed]) == Addition(copied.session_id, "present")
    assert [message.text for message in store.messages("s")] == ["one", "two", "said since"]
    copy = store.messages(copied.session_id)
    assert [message.text for message in copy] == ["one", "another two"]
    assert copy[1].parent_id == copy[0].id
    assert len(store.sessions()) == 2


def test_what_is_added_again_after_it_was_deleted_is_there(store: Store) -> None:
    session = Session(id="s", title="Mine")
    store.add(session, [text("user", "one")])
    store.delete("s")
    assert store.add(session, [text("user", "one")]).outcome == "copied"
    assert len(store.sessions()) == 1


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
