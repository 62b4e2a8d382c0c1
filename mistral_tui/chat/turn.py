"""One turn: ask the engine for the reply to the active branch, and say what happens on the way."""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncGenerator

import msgspec

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.reply_parts import ReplyParts
from mistral_tui.chat.tool_calls import Spent, ToolUse, call_tools
from mistral_tui.engines.engine import Engine
from mistral_tui.types.errors import InvalidRequest, MistralTuiError
from mistral_tui.types.events import (
    Delta,
    EngineEvent,
    Finished,
    MessageCommitted,
    ReplyStarted,
    ToolChanged,
    TurnEnded,
    TurnEvent,
)
from mistral_tui.types.messages import Message, ReasoningPart, TextPart, ToolCallPart, ToolResultPart, Usage
from mistral_tui.types.requests import GenerateRequest, ToolChoice, ToolSpec
from mistral_tui.types.tools import TurnBudget

_log = logging.getLogger(__name__)


async def run_turn(
    conversation: Conversation,
    engine: Engine,
    request: GenerateRequest,
    cancelled: asyncio.Event,
    system_prompt: str | None = None,
    use: ToolUse | None = None,
) -> AsyncGenerator[TurnEvent, None]:
    """Answer the last user message of the active branch, or go on with the reply that the branch ends with.

    A reply is appended to the conversation at once and grows there while it is written, so that whoever looks at
    the conversation in the middle of a turn sees the text so far. When it calls tools, and `use` is given, the calls
    are made and the model replies to what they gave, until it calls nothing more.

    Args:
        conversation: Its active branch is continued; a reply that it ends with grows further.
        engine: Where tokens come from.
        request: What is asked for; its messages and its chat are those of the conversation, and its tools those of
            `use`, if that is given.
        cancelled: Set it to stop the turn; what was said so far stays.
        system_prompt: What the model is told for this turn; `None`: what the conversation says.
        use: What may be called; `None`: the turn ends with the calls.

    Yields:
        Every event in the order a reader should see it. The last one is always `TurnEnded`, whatever happened: the
        reason tells a stop from a limit, a cancel and a failure.
    """
    spent = Spent(use.budget if use is not None else TurnBudget())
    if use is not None:
        request = msgspec.structs.replace(request, tools=_specs(use), tool_choice=use.choice)
    while True:
        writing = _Writing(conversation, engine, request, system_prompt)
        async with contextlib.aclosing(writing.events(cancelled)) as events:
            async for event in events:
                yield event
        finished = writing.finished
        spent.tokens += finished.usage.completion_tokens
        if use is None or finished.reason != "tool_calls":
            break
        async with contextlib.aclosing(call_tools(writing.reply, use, spent, engine, cancelled)) as happening:
            async for happened in happening:
                if isinstance(happened, Message):
                    yield MessageCommitted(conversation.append(happened))
                    continue
                if isinstance(happened, ToolChanged):
                    conversation.note_run(happened.run)
                yield happened
        if cancelled.is_set():
            finished = Finished("cancelled", Usage())
            break
        # A tool that had to be called was: from here on the model decides, until it may no more.
        choice: ToolChoice = "none" if spent.all_of_it else "auto"
        request = msgspec.structs.replace(request, tools=_specs(use), tool_choice=choice)
    yield TurnEnded(finished.reason, finished.error)


def _specs(use: ToolUse) -> tuple[ToolSpec, ...]:
    """Return what the model is told of now; a search for tools adds to it."""
    return tuple(tool.spec for tool in use.tools.tools)


class _Writing:
    """One reply of a turn."""

    def __init__(
        self, conversation: Conversation, engine: Engine, request: GenerateRequest, system_prompt: str | None
    ) -> None:
        begun = _begun_reply(conversation)
        self._conversation = conversation
        self._engine = engine
        self._request = msgspec.structs.replace(
            request,
            messages=prompt_messages(conversation, system_prompt),
            chat_id=conversation.session.id,
            id=uuid.uuid4().hex,
            continues=begun is not None,
            keep_on_disk=not conversation.session.private,
        )
        if begun is None:
            self.reply = conversation.append(Message("assistant", (), model=engine.model.name))
        else:
            self.reply = msgspec.structs.replace(begun, model=engine.model.name, finish=None, usage=None, error=None)
            conversation.replace(self.reply)
        self.finished = Finished("cancelled", Usage())

    async def events(self, cancelled: asyncio.Event) -> AsyncGenerator[TurnEvent, None]:
        """Write it, from `ReplyStarted` to `MessageCommitted`."""
        parts = ReplyParts(self.reply.parts)
        try:
            yield ReplyStarted(self.reply)
            async with contextlib.aclosing(_answer(self._engine, self._request, cancelled)) as events:
                async for event in events:
                    if isinstance(event, Finished):
                        self.finished = event
                    elif isinstance(event, Delta) and parts.add(event):
                        self.reply = msgspec.structs.replace(self.reply, parts=parts.parts)
                        self._conversation.replace(self.reply)
                    yield event
        finally:
            # Also when the turn is abandoned: a reply must not look unfinished for ever.
            self.reply = msgspec.structs.replace(
                self.reply, finish=self.finished.reason, usage=self.finished.usage, error=self.finished.error
            )
            self._conversation.replace(self.reply)
        yield MessageCommitted(self.reply)


def prompt_messages(conversation: Conversation, system_prompt: str | None = None) -> tuple[Message, ...]:
    """Return what the engine is shown of the active branch: the system prompt, then user and assistant in turns.

    The system prompt is that of the conversation, unless another one is given.

    System messages within the branch, which only a database from elsewhere can have, are left out.
    Calls whose results are missing, because the program ended before they came, have failed.
    A reply without a word (failed, or cancelled before it began) is left out, and so is the prompt before it: a prompt
    that a model choked on must not spoil the ones that follow, and many templates refuse two prompts in a row.
    The reply that a branch ends with is there in any case: the model is to go on with it.
    """
    shown: list[Message] = []
    begun = _begun_reply(conversation)
    for message in conversation.path():
        if message.role == "system" or (
            message.role == "assistant" and not _says_something(message) and message is not begun
        ):
            continue
        if message.role == "user" and shown and shown[-1].role == "user":
            shown[-1] = message
        elif message.role != "assistant" or any(earlier.role == "user" for earlier in shown):
            _answer_calls(shown, message)
            shown.append(message)
    system_prompt = conversation.session.system_prompt if system_prompt is None else system_prompt
    if system_prompt:
        shown.insert(0, Message("system", (TextPart(system_prompt),)))
    return tuple(shown)


def _answer_calls(shown: list[Message], following: Message) -> None:
    """Give results to the calls of the last message, if what follows does not: templates and servers insist on them."""
    calls = [part for part in shown[-1].parts if isinstance(part, ToolCallPart)] if shown else []
    answered = {part.call_id for part in following.parts if isinstance(part, ToolResultPart)}
    missing = [call.call_id for call in calls if call.call_id not in answered]
    if missing:
        what = "no result: it was never made, or was interrupted"
        shown.append(Message("tool", tuple(ToolResultPart(call_id, what, failed=True) for call_id in missing)))


def check_can_go_on(reply: Message) -> None:
    """See whether a model could write more of a reply.

    Raises:
        InvalidRequest: It is no reply, or one that cannot be left open.
    """
    if reply.role != "assistant":
        raise InvalidRequest("only a reply can go on; choose one")
    if not all(isinstance(part, TextPart | ReasoningPart) for part in reply.parts):
        raise InvalidRequest("a reply that calls tools cannot be continued; answer the prompt again instead")
    if not any(part.text for part in reply.parts if isinstance(part, TextPart | ReasoningPart)):
        raise InvalidRequest("the reply has no beginning yet; answer the prompt again instead")


def _begun_reply(conversation: Conversation) -> Message | None:
    """Return the reply that the active branch ends with."""
    leaf_id = conversation.leaf_id
    return conversation[leaf_id] if leaf_id is not None and conversation[leaf_id].role == "assistant" else None


def _says_something(message: Message) -> bool:
    """Whether a message is more than what a model thought before it was stopped."""
    return any(
        bool(part.text.strip()) if isinstance(part, TextPart) else not isinstance(part, ReasoningPart)
        for part in message.parts
    )


async def _answer(
    engine: Engine, request: GenerateRequest, cancelled: asyncio.Event
) -> AsyncGenerator[EngineEvent, None]:
    """Yield the engine's events up to exactly one `Finished`, also when the engine misbehaves."""
    if cancelled.is_set():
        yield Finished("cancelled", Usage())
        return
    watcher = asyncio.create_task(_cancel_when(cancelled, engine, request.id))
    try:
        async with contextlib.aclosing(engine.generate(request)) as events:
            async for event in events:
                yield event
                if isinstance(event, Finished):
                    return
        yield Finished("failed", Usage(), "the engine stopped without a reason; send the prompt again")
    except MistralTuiError as error:
        yield Finished("failed", Usage(), str(error))
    except Exception as error:
        _log.exception("the engine raised")
        yield Finished("failed", Usage(), f"the engine failed unexpectedly: {type(error).__name__}: {error}")
    finally:
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)


async def _cancel_when(cancelled: asyncio.Event, engine: Engine, request_id: str) -> None:
    await cancelled.wait()
    try:
        await engine.cancel(request_id)
    except Exception:
        _log.exception("the engine could not be asked to stop")
