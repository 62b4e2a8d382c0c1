"""Several replies to one prompt, as branches of a chat."""

import asyncio
from pathlib import Path

import pytest

from mistral_tui.chat.events import ChatEvent, ChoiceEvent
from mistral_tui.chat.workspace import Workspace
from mistral_tui.store.store import Store
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.events import TurnEnded
from tests.stubs.engines import ENTRY, FakeEngine, FakePool, Reply

pytestmark = pytest.mark.core


async def test_replies_are_branches_and_all_are_stored(tmp_path: Path) -> None:
    pool = FakePool(FakeEngine([Reply(("one", "!")), Reply(("two",)), Reply(("three",))]))
    workspace = Workspace(pool, Store(tmp_path / "chats.db"), ENTRY)
    chat = workspace.new_chat()
    events: list[ChatEvent] = []
    chat.subscribe(events.append)
    chat.send("Say a number.", choices=3)
    await chat.wait()
    prompt, reply = chat.conversation.path()
    assert reply.text == "one!"
    assert [message.text for message in chat.conversation.children(prompt.id)] == ["one!", "two", "three"]
    ended = [event for event in events if isinstance(event, ChoiceEvent) and isinstance(event.event, TurnEnded)]
    assert sorted(event.choice for event in ended) == [0, 1, 2]
    assert events[-1] == TurnEnded("stop")
    # The next prompt goes on with the first.
    chat.send("And?")
    await chat.wait()
    assert [message.text for message in pool.engine.requests[-1].messages] == ["Say a number.", "one!", "And?"]
    await chat.close()
    await workspace.close()
    stored = Store(tmp_path / "chats.db")
    assert [message.text for message in stored.messages(chat.conversation.session.id)][:4] == [
        "Say a number.",
        "one!",
        "two",
        "three",
    ]
    stored.close()


async def test_a_cancel_stops_all() -> None:
    hold = asyncio.Event()
    workspace = Workspace(FakePool(FakeEngine([Reply(("so", " far"), hold=hold)])), None, ENTRY)
    chat = workspace.new_chat()
    started = asyncio.Event()
    chat.subscribe(lambda event: started.set() if isinstance(event, ChoiceEvent) and event.choice == 1 else None)
    chat.send("Hi", choices=2)
    await started.wait()
    chat.cancel()
    await chat.wait()
    prompt = chat.conversation.path()[0]
    assert {message.finish for message in chat.conversation.children(prompt.id)} == {"cancelled"}
    await workspace.close()


async def test_one_failure_is_the_failure_of_the_turn() -> None:
    replies = [Reply(("fine",)), Reply(("bad",), "failed", "it broke"), Reply(("fine",))]
    workspace = Workspace(FakePool(FakeEngine(replies)), None, ENTRY)
    chat = workspace.new_chat()
    events: list[ChatEvent] = []
    chat.subscribe(events.append)
    chat.send("Hi", choices=3)
    await chat.wait()
    assert events[-1] == TurnEnded("failed", "it broke")
    assert chat.failed
    await workspace.close()


async def test_too_many_are_refused_before_the_prompt_is_taken() -> None:
    workspace = Workspace(FakePool(), None, ENTRY)
    chat = workspace.new_chat()
    with pytest.raises(InvalidRequest, match="from 1 to 128"):
        chat.send("Hi", choices=129)
    assert len(chat.conversation) == 0
    await workspace.close()
