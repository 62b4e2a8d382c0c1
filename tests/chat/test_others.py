"""Two programs on one database, with the same session open in both."""

import asyncio
import time
from pathlib import Path

import pytest

from mistral_tui.chat import others
from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.events import ChatEvent, LearnedFromOthers
from mistral_tui.chat.workspace import Workspace
from mistral_tui.store.store import Store
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.sessions import Session
from tests.stubs.engines import ENTRY, FakeEngine, FakePool, Reply
from tests.stubs.waiting import until

pytestmark = pytest.mark.core


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(others, "INTERVAL", 0.02)


def workspace_on(path: Path) -> Workspace:
    return Workspace(FakePool(FakeEngine([Reply(["An answer."])])), Store(path), ENTRY)


def texts(conversation: Conversation) -> list[str]:
    return [message.text for message in conversation.path()]


async def test_what_the_other_program_says_appears_here(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    first, second = workspace_on(path), workspace_on(path)
    here = first.new_chat()
    here.subscribe(lambda event: None)
    here.send("One")
    await here.wait()
    await until(lambda: len(Store(path).messages(here.conversation.session.id)) == 2)
    changes: list[int] = []
    first.watch_others(lambda: changes.append(1))
    there = await second.open_chat(here.conversation.session.id)
    there.subscribe(lambda event: None)
    there.send("Two")
    await until(lambda: len(here.conversation) == 4 and here.conversation.path()[-1].finish == "stop")
    assert texts(here.conversation) == ["One", "An answer.", "Two", "An answer."]
    await second.library.rename(here.conversation.session.id, "A new name")
    await until(lambda: here.conversation.session.title == "A new name")
    await until(lambda: bool(changes))
    await second.close()
    await first.close()


async def test_nothing_is_lost_when_both_go_on_at_once(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    first, second = workspace_on(path), workspace_on(path)
    here = first.new_chat()
    here.subscribe(lambda event: None)
    here.send("One")
    await here.wait()
    await until(lambda: len(Store(path).messages(here.conversation.session.id)) == 2)
    there = await second.open_chat(here.conversation.session.id)
    there.subscribe(lambda event: None)
    for workspace in (first, second):
        workspace.watch_others(lambda: None)
    here.send("From here")
    there.send("From there")
    await until(lambda: len(here.conversation) == len(there.conversation) == 6)
    assert texts(here.conversation)[2] == "From here"
    assert texts(there.conversation)[2] == "From there"
    reply = here.conversation.path()[1]
    assert {child.text for child in here.conversation.children(reply.id)} == {"From here", "From there"}
    await first.close()
    await second.close()
    stored = Store(path).messages(here.conversation.session.id)
    assert len(stored) == 6
    assert all(message.finish in (None, "stop") for message in stored)


@pytest.mark.parametrize("for_good", [False, True])
async def test_a_chat_that_the_other_program_deletes_comes_back_whole_with_the_next_prompt(
    tmp_path: Path, for_good: bool
) -> None:
    path = tmp_path / "chats.db"
    first, second = workspace_on(path), workspace_on(path)
    here = first.new_chat()
    heard: list[ChatEvent] = []
    here.subscribe(heard.append)
    here.send("One")
    await here.wait()
    session_id = here.conversation.session.id
    await until(lambda: len(Store(path).messages(session_id)) == 2)
    first.watch_others(lambda: None)
    await second.library.delete(session_id)
    if for_good:
        Store(path).purge(time.time() + 1)
    await until(lambda: LearnedFromOthers(deleted=True) in heard)
    assert await first.library.sessions() == []
    assert texts(here.conversation) == ["One", "An answer."]
    here.send("Two")
    await here.wait()
    assert [session.id for session in await first.library.sessions()] == [session_id]
    await first.close()
    await second.close()
    assert heard.count(LearnedFromOthers(deleted=True)) == 1
    assert [session.id for session in Store(path).sessions()] == [session_id]
    stored = Store(path).messages(session_id)
    assert [message.text for message in stored] == ["One", "An answer.", "Two", "An answer."]


@pytest.mark.parametrize("for_good", [False, True])
async def test_a_reply_to_a_chat_that_is_deleted_meanwhile_is_not_lost(tmp_path: Path, for_good: bool) -> None:
    path = tmp_path / "chats.db"
    hold = asyncio.Event()
    held = FakePool(FakeEngine([Reply(["An answer."]), Reply(["A long", " reply."], hold=hold)]))
    first, second = Workspace(held, Store(path), ENTRY), workspace_on(path)
    here = first.new_chat()
    here.subscribe(lambda event: None)
    first.watch_others(lambda: None)
    for prompt in ("One", "Two"):
        await here.wait()
        here.send(prompt)
    session_id = here.conversation.session.id
    await until(lambda: len(Store(path).messages(session_id)) == 4)
    await second.library.delete(session_id)
    if for_good:
        Store(path).purge(time.time() + 1)
    hold.set()
    await here.wait()
    await first.close()
    await second.close()
    stored = Store(path).messages(session_id)
    assert [message.text for message in stored] == ["One", "An answer.", "Two", "A long reply."]
    assert [session.id for session in Store(path).sessions()] == [session_id]


async def test_what_the_other_program_does_with_a_chat_in_view_is_seen_and_can_be_undone_here(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    first, second = workspace_on(path), workspace_on(path)
    here = first.new_chat()
    here.subscribe(lambda event: None)
    here.send("One")
    await here.wait()
    session_id = here.conversation.session.id
    await until(lambda: len(Store(path).messages(session_id)) == 2)
    first.watch_others(lambda: None)
    await second.library.tag(session_id, ("sea",))
    await second.library.pin(session_id, True)
    await until(lambda: here.conversation.session.pinned and here.conversation.session.tags == ("sea",))
    await second.library.archive(session_id, True)
    await until(lambda: here.conversation.session.archived)
    assert await first.library.sessions() == []
    assert [session.id for session in await first.library.sessions(archived=True)] == [session_id]
    here.send("Two")
    await here.wait()
    await second.library.archive(session_id, False)
    await until(lambda: not here.conversation.session.archived)
    await second.library.delete(session_id)
    await until(lambda: here.conversation.session.deleted_at is not None)
    assert await first.library.sessions() == []
    await first.library.undelete(session_id)
    (listed,) = await first.library.sessions()
    assert (listed.tags, listed.pinned, listed.archived) == (("sea",), True, False)
    await first.close()
    await second.close()
    assert len(Store(path).messages(session_id)) == 4


def test_a_branch_that_went_another_way_stays_the_active_one() -> None:
    conversation = Conversation(Session(id="s"))
    conversation.append(Message("user", (TextPart("One"),), id="1"))
    other = Conversation(conversation.session, conversation.messages)
    conversation.append(Message("assistant", (TextPart("Here"),), id="2"))
    other.append(Message("assistant", (TextPart("There"),), id="3"))
    assert conversation.learn(other.session, other.messages)
    assert texts(conversation) == ["One", "Here"]
    assert not conversation.learn(other.session, other.messages)
    # Where it only goes on, it is followed.
    other.append(Message("user", (TextPart("More"),), id="4"))
    conversation.select("3")
    assert conversation.learn(other.session, other.messages)
    assert texts(conversation) == ["One", "There", "More"]
