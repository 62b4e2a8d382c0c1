import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import pytest

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.reply_parts import ReplyParts
from mistral_tui.chat.turn import prompt_messages, run_turn
from mistral_tui.types.errors import WorkerDied
from mistral_tui.types.events import (
    ContextTrimmed,
    EngineEvent,
    Finished,
    MessageCommitted,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    TurnEnded,
    TurnEvent,
)
from mistral_tui.types.messages import (
    FilePart,
    FinishReason,
    Message,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
    Usage,
)
from mistral_tui.types.requests import GenerateRequest
from mistral_tui.types.sessions import Session
from tests.stubs.engines import FakeEngine, Reply

pytestmark = pytest.mark.core


def conversation_of(*texts: tuple[Role, str], session: Session | None = None) -> Conversation:
    conversation = Conversation(session)
    for role, words in texts:
        finish: FinishReason | None = "stop" if role == "assistant" else None
        conversation.append(Message(role, (TextPart(words),) if words else (), finish=finish))
    return conversation


async def events_of(
    conversation: Conversation, engine: FakeEngine, cancelled: asyncio.Event | None = None
) -> list[TurnEvent]:
    turn = run_turn(conversation, engine, GenerateRequest(), cancelled or asyncio.Event())
    return [event async for event in turn]


@dataclass
class Raising(FakeEngine):
    """Raises after its first words."""

    error: Exception | None = None

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[EngineEvent, None]:
        yield TextDelta("So far")
        if self.error is not None:
            raise self.error


async def test_events_come_in_the_promised_order() -> None:
    conversation = conversation_of(("user", "Hi"))
    events = await events_of(conversation, FakeEngine([Reply(before=(ContextTrimmed(2),))]))
    assert [type(event).__name__ for event in events] == [
        "ReplyStarted", "ContextTrimmed", "TextDelta", "TextDelta", "Finished", "MessageCommitted", "TurnEnded",
    ]  # fmt: skip
    committed = events[-2]
    assert isinstance(committed, MessageCommitted)
    assert committed.message == conversation.path()[-1]
    assert (committed.message.text, committed.message.finish, committed.message.model) == (
        "Hello there.",
        "stop",
        "fake-1M",
    )
    assert committed.message.usage is not None
    assert committed.message.usage.completion_tokens == 2


async def test_the_conversation_shows_the_text_so_far() -> None:
    conversation = conversation_of(("user", "Hi"))
    turn = run_turn(conversation, FakeEngine(), GenerateRequest(), asyncio.Event())
    seen = [
        (conversation.path()[-1].text, conversation.path()[-1].finish)
        async for event in turn
        if isinstance(event, TextDelta)
    ]
    assert seen == [("Hello", None), ("Hello there.", None)]


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (WorkerDied("the worker of x was killed (signal 9)"), "the worker of x was killed (signal 9)"),
        (RuntimeError("boom"), "the engine failed unexpectedly: RuntimeError: boom"),
        (None, "the engine stopped without a reason; send the prompt again"),
    ],
)
async def test_an_engine_that_breaks_its_promise_ends_the_turn_as_failed(error: Exception | None, shown: str) -> None:
    conversation = conversation_of(("user", "Hi"))
    events = await events_of(conversation, Raising(error=error))
    assert events[-1] == TurnEnded("failed", shown)
    reply = conversation.path()[-1]
    assert (reply.text, reply.finish, reply.error) == ("So far", "failed", shown)


async def test_a_turn_that_is_cancelled_before_it_begins_asks_nothing() -> None:
    cancelled = asyncio.Event()
    cancelled.set()
    engine = FakeEngine()
    events = await events_of(conversation_of(("user", "Hi")), engine, cancelled)
    assert events[-1] == TurnEnded("cancelled")
    assert engine.requests == []


async def test_a_turn_that_is_abandoned_leaves_a_finished_reply() -> None:
    conversation = conversation_of(("user", "Hi"))
    turn = run_turn(conversation, FakeEngine(), GenerateRequest(), asyncio.Event())
    async for event in turn:
        if isinstance(event, TextDelta):
            break
    await turn.aclose()
    assert (conversation.path()[-1].text, conversation.path()[-1].finish) == ("Hello", "cancelled")


async def test_what_follows_the_end_is_not_part_of_the_reply() -> None:
    class Talkative(FakeEngine):
        async def generate(self, request: GenerateRequest) -> AsyncGenerator[EngineEvent, None]:
            yield Finished("stop", Usage())
            yield TextDelta("too late")

    conversation = conversation_of(("user", "Hi"))
    assert (await events_of(conversation, Talkative()))[-1] == TurnEnded("stop")
    assert conversation.path()[-1].text == ""


def shown(conversation: Conversation) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in prompt_messages(conversation)]


def test_the_engine_is_shown_the_system_prompt_and_the_active_branch() -> None:
    conversation = conversation_of(
        ("user", "Hi"), ("assistant", "Hello"), ("user", "Bye"), session=Session(system_prompt="Be kind.")
    )
    assert shown(conversation) == [("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello"), ("user", "Bye")]


def test_a_prompt_without_an_answer_does_not_spoil_the_next_one() -> None:
    conversation = conversation_of(
        ("user", "Hi"),
        ("assistant", "Hello"),
        ("user", "far too long"),
        ("assistant", ""),
        ("user", "Again"),
        ("user", "B"),
    )
    assert shown(conversation) == [("user", "Hi"), ("assistant", "Hello"), ("user", "B")]


def test_a_branch_that_lost_its_beginning_starts_with_a_prompt() -> None:
    assert shown(conversation_of(("assistant", "Hello"), ("user", "Hi"))) == [("user", "Hi")]


def test_system_messages_within_a_branch_are_not_for_the_model() -> None:
    assert shown(conversation_of(("user", "Hi"), ("system", "odd"))) == [("user", "Hi")]


def test_files_are_part_of_the_prompt() -> None:
    conversation = Conversation()
    prompt = conversation.append(Message("user", (FilePart("a.txt", "content"),)))
    assert prompt_messages(conversation) == (prompt,)


async def test_reasoning_text_and_calls_become_parts_in_their_order() -> None:
    conversation = conversation_of(("user", "Weather?"))
    chunks = (
        *(ReasoningDelta("I "), ReasoningDelta("think."), TextDelta("", 1), "Let me", " see.", ReasoningDelta("Well.")),
        *(ToolCallDelta(0, "x", "look", '{"a":'), ToolCallDelta(0, arguments=" 1}")),
        *(ToolCallDelta(1, "y", "look"), ToolCallDelta(1, arguments="{}"), TextDelta("", 2)),
    )
    events = await events_of(conversation, FakeEngine([Reply(chunks, reason="tool_calls")]))
    assert events[-1] == TurnEnded("tool_calls")
    first, text, second, *calls = conversation.path()[-1].parts
    assert isinstance(first, ReasoningPart)
    assert isinstance(second, ReasoningPart)
    assert (first.text, second.text) == ("I think.", "Well.")
    assert first.seconds is not None
    assert text == TextPart("Let me see.")
    assert calls == [ToolCallPart("x", "look", '{"a": 1}'), ToolCallPart("y", "look", "{}")]


async def test_the_time_of_thinking_ends_with_the_first_word_of_the_answer() -> None:
    now = 0.0
    parts = ReplyParts(clock=lambda: now)
    for seconds, delta in (
        (1.0, ReasoningDelta("a")),
        (3.0, ReasoningDelta("b")),
        (4.5, TextDelta("c")),
        (9.0, TextDelta("d")),
    ):
        now = seconds
        parts.add(delta)
    assert parts.parts == (ReasoningPart("ab", 3.5), TextPart("cd"))


def test_a_reply_that_was_stopped_while_it_thought_is_left_out_with_its_prompt() -> None:
    conversation = conversation_of(("user", "Hard one"))
    conversation.append(Message("assistant", (ReasoningPart("Hm"),), finish="cancelled"))
    conversation.append(Message("user", (TextPart("Easy one"),)))
    assert [message.text for message in prompt_messages(conversation)] == ["Easy one"]
