import asyncio

import pytest

from mistral_tui.chat.events import ChatEvent, ChatFailed, PromptReturned
from mistral_tui.chat.live import ChatState, LiveChat
from mistral_tui.chat.workspace import Workspace
from mistral_tui.types.errors import InvalidRequest, ModelNotFound, NoChatTemplate
from mistral_tui.types.events import TextDelta, TurnEnded
from mistral_tui.types.messages import FilePart, TextPart
from tests.stubs.engines import ENTRY, FakeEngine, FakePool, Reply
from tests.stubs.waiting import until

pytestmark = pytest.mark.core


def chat_with(*replies: Reply, pool: FakePool | None = None) -> LiveChat:
    return Workspace(pool or FakePool(FakeEngine(list(replies) or [Reply()])), None, ENTRY).new_chat()


def listen(chat: LiveChat) -> list[ChatEvent]:
    events: list[ChatEvent] = []
    chat.subscribe(events.append)
    return events


def names(events: list[ChatEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def texts(chat: LiveChat) -> list[str]:
    return [message.text for message in chat.conversation.path()]


def state(chat: LiveChat) -> ChatState:
    return chat.state


def cancel_at_first_text(chat: LiveChat) -> None:
    chat.subscribe(lambda event: chat.cancel() if isinstance(event, TextDelta) else None)


async def test_a_prompt_is_answered() -> None:
    chat = chat_with()
    events = listen(chat)
    chat.send("Hi")
    assert state(chat) == "loading"
    await chat.wait()
    assert state(chat) == "idle"
    assert texts(chat) == ["Hi", "Hello there."]
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
    assert chat.conversation.session.model == "fake-1M"
    assert chat.conversation.session.title == "Hi"


async def test_files_go_with_the_prompt() -> None:
    chat = chat_with()
    chat.send("What is this?", (FilePart("a.txt", "content"),))
    assert chat.conversation.path()[0].parts == (FilePart("a.txt", "content"), TextPart("What is this?"))
    await chat.wait()
    chat.send("", (FilePart("b.txt", "content"),))
    assert chat.conversation.path()[-1].parts == (FilePart("b.txt", "content"),)
    await chat.wait()


@pytest.mark.parametrize("text", ["", "  \n\t "])
async def test_an_empty_prompt_is_declined(text: str) -> None:
    chat = chat_with()
    with pytest.raises(InvalidRequest, match="empty"):
        chat.send(text)
    assert texts(chat) == []


async def test_text_that_cannot_be_encoded_is_made_harmless() -> None:
    chat = chat_with()
    chat.send("a\udcffb")
    assert texts(chat) == ["a\N{REPLACEMENT CHARACTER}b"]
    await chat.wait()


async def test_a_busy_chat_declines_and_an_idle_one_accepts_within_the_last_event() -> None:
    chat = chat_with()

    def send_queued(event: ChatEvent) -> None:
        if isinstance(event, TextDelta):
            with pytest.raises(InvalidRequest, match="still being written"):
                chat.send("Too early")
        if isinstance(event, TurnEnded) and len(chat.conversation) == 2:
            chat.send("Next")

    chat.subscribe(send_queued)
    chat.send("Hi")
    await chat.wait()
    assert texts(chat) == ["Hi", "Hello there.", "Next", "Hello there."]


async def test_a_prompt_waits_for_the_model() -> None:
    pool = FakePool(hold=asyncio.Event())
    workspace = Workspace(pool, None, ENTRY)
    loading = asyncio.create_task(workspace.preload())
    await asyncio.sleep(0)
    chat = workspace.new_chat()
    events = listen(chat)
    chat.send("Hi")
    await until(lambda: len(events) > 1)
    assert pool.hold is not None
    pool.hold.set()
    await chat.wait()
    await loading
    assert texts(chat) == ["Hi", "Hello there."]
    assert names(events)[1] == "LoadProgress"
    assert pool.loads == [ENTRY]


async def test_cancelling_while_the_model_loads_returns_the_prompt() -> None:
    chat = chat_with(pool=FakePool(hold=asyncio.Event()))
    events = listen(chat)
    file = FilePart("a.txt", "content")
    chat.send("Hi", (file,))
    await asyncio.sleep(0)
    chat.cancel()
    await chat.wait()
    prompt = events[-1]
    assert isinstance(prompt, PromptReturned)
    assert (prompt.text, prompt.files) == ("Hi", (file,))
    assert texts(chat) == []
    assert chat.conversation.session.title == ""


async def test_cancelling_keeps_what_was_said() -> None:
    chat = chat_with(Reply(("Once ", "upon"), hold=asyncio.Event()))
    events = listen(chat)
    cancel_at_first_text(chat)
    chat.send("A tale")
    await chat.wait()
    reply = chat.conversation.path()[-1]
    assert (reply.text, reply.finish) == ("Once ", "cancelled")
    assert events[-1] == TurnEnded("cancelled")


async def test_a_model_that_cannot_be_loaded_leaves_the_prompt_to_be_tried_again() -> None:
    pool = FakePool(error=NoChatTemplate("fake-1M has no chat template"))
    chat = chat_with(pool=pool)
    events = listen(chat)
    chat.send("Hi")
    await chat.wait()
    assert pool.error is not None
    assert events[-1] == ChatFailed(pool.error)
    assert texts(chat) == ["Hi"]
    pool.error = None
    chat.retry()
    await chat.wait()
    assert texts(chat) == ["Hi", "Hello there."]


async def test_without_a_model_a_prompt_fails_with_what_to_do() -> None:
    chat = Workspace(FakePool(), None, None).new_chat()
    events = listen(chat)
    chat.send("Hi")
    await chat.wait()
    failed = events[-1]
    assert isinstance(failed, ChatFailed)
    assert isinstance(failed.error, ModelNotFound)


async def test_a_failed_reply_is_retried_beside_it() -> None:
    chat = chat_with(Reply(("Half",), "failed", "the worker died"), Reply())
    with pytest.raises(InvalidRequest, match="no prompt"):
        chat.retry()
    chat.send("Hi")
    await chat.wait()
    chat.retry()
    await chat.wait()
    assert texts(chat) == ["Hi", "Hello there."]
    assert [reply.finish for reply in chat.conversation.siblings(chat.conversation.path()[-1].id)] == ["failed", "stop"]


async def test_a_retry_that_is_cancelled_early_changes_nothing() -> None:
    pool = FakePool()
    chat = chat_with(pool=pool)
    chat.send("Hi")
    await chat.wait()
    chat.retry()
    chat.cancel()
    await chat.wait()
    assert texts(chat) == ["Hi", "Hello there."]
    assert len(chat.conversation) == 2


async def test_a_retry_without_a_model_shows_the_answer_that_was_shown_before() -> None:
    pool = FakePool(FakeEngine([Reply(("first",)), Reply(("second",))]))
    workspace = Workspace(pool, None, ENTRY)
    chat = workspace.new_chat()
    chat.send("Hi")
    await chat.wait()
    chat.retry()
    await chat.wait()
    chat.conversation.select(chat.conversation.children(chat.conversation.path()[0].id)[0].id)
    workspace.entry = None
    chat.retry()
    await chat.wait()
    assert texts(chat) == ["Hi", "first"]


async def test_a_pool_that_raises_what_it_should_not_fails_the_chat_only() -> None:
    class Broken(FakePool):
        async def acquire(self, *arguments: object) -> FakeEngine:
            raise RuntimeError("boom")

    chat = chat_with(pool=Broken())
    events = listen(chat)
    chat.send("Hi")
    await chat.wait()
    failed = events[-1]
    assert isinstance(failed, ChatFailed)
    assert str(failed.error) == "loading failed unexpectedly: RuntimeError: boom"


async def test_after_a_failed_turn_the_model_is_acquired_again() -> None:
    pool = FakePool(FakeEngine([Reply((), "failed", "the worker died"), Reply()]))
    chat = chat_with(pool=pool)
    for _ in range(3):
        chat.send("Hi")
        await chat.wait()
    assert len(pool.loads) == 2
    assert [len(request.messages) for request in pool.engine.requests] == [1, 1, 3]


async def test_a_listener_that_fails_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    chat = chat_with()

    def fail(event: ChatEvent) -> None:
        raise RuntimeError("the listener")

    chat.subscribe(fail)
    events = listen(chat)
    chat.send("Hi")
    await chat.wait()
    assert events[-1] == TurnEnded("stop")
    assert "the listener" in caplog.text


async def test_a_listener_that_leaves_hears_nothing_more() -> None:
    chat = chat_with()
    events: list[ChatEvent] = []
    leave = chat.subscribe(events.append)
    leave()
    leave()
    chat.send("Hi")
    await chat.wait()
    assert events == []


async def test_prompts_that_wait_are_sent_one_after_the_other() -> None:
    hold = asyncio.Event()
    engine = FakeEngine([Reply(hold=hold), Reply(["two"]), Reply(["three"])])
    chat = Workspace(FakePool(engine), None, ENTRY).new_chat()
    chat.send_later("first")
    chat.send_later("second")
    chat.send_later("third")
    queue = chat.queued
    hold.set()
    for _ in range(3):
        await chat.wait()
    assert queue == ("second", "third")
    asked = [message.text for message in chat.conversation.path() if message.role == "user"]
    assert asked == ["first", "second", "third"]


@pytest.mark.parametrize("cancelled", [True, False])
async def test_after_a_cancel_or_a_failure_prompts_wait_to_be_taken_back(cancelled: bool) -> None:
    failing = Reply(hold=asyncio.Event() if cancelled else None, reason="failed", error="it broke")
    chat = Workspace(FakePool(FakeEngine([failing, Reply(["never"])])), None, ENTRY).new_chat()
    chat.send_later("first")
    chat.send_later("second")
    if cancelled:
        chat.cancel()
    await chat.wait()
    assert chat.in_use
    assert chat.take_back_queued() == [("second", ())]
    assert (chat.queued, chat.busy) == ((), False)
