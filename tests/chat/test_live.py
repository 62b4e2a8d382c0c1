import asyncio

import pytest

from mistral_tui.chat.events import ChatEvent, PromptReturned
from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.workspace import Workspace
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.events import TurnEnded
from tests.stubs.engines import ENTRY, FakeEngine, FakePool, Reply

pytestmark = pytest.mark.core


def workspace(pool: FakePool | None = None) -> Workspace:
    return Workspace(pool or FakePool(), None, ENTRY)


def listen(chat: LiveChat) -> list[ChatEvent]:
    events: list[ChatEvent] = []
    chat.subscribe(events.append)
    return events


def names(events: list[ChatEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


async def test_a_prompt_is_answered() -> None:
    chat = workspace().new_chat()
    events = listen(chat)
    chat.send("Hi")
    await chat.wait()
    assert [message.text for message in chat.conversation.path()] == ["Hi", "Hello there."]
    assert names(events) == [
        "MessageCommitted",
        "LoadProgress",
        "LoadProgress",
        "ReplyStarted",
        "PromptProgress",
        "TextDelta",
        "TextDelta",
        "Finished",
        "MessageCommitted",
        "TurnEnded",
    ]


async def test_cancelling_while_the_model_loads_returns_the_prompt() -> None:
    pool = FakePool(hold=asyncio.Event())
    chat = workspace(pool).new_chat()
    events = listen(chat)
    chat.send("Hi")
    await asyncio.sleep(0)
    assert chat.state == "loading"
    chat.cancel()
    await chat.wait()
    assert isinstance(events[-1], PromptReturned) and events[-1].text == "Hi"
    assert len(chat.conversation) == 0


async def test_cancelling_keeps_what_was_said() -> None:
    engine = FakeEngine([Reply(("Once ", "upon"), hold=asyncio.Event())])
    chat = workspace(FakePool(engine)).new_chat()
    events = listen(chat)
    chat.subscribe(lambda event: chat.cancel() if type(event).__name__ == "TextDelta" else None)
    chat.send("A tale")
    with pytest.raises(InvalidRequest):
        chat.send("Another")
    await chat.wait()
    reply = chat.conversation.path()[-1]
    assert (reply.text, reply.finish) == ("Once ", "cancelled")
    assert events[-1] == TurnEnded("cancelled")
