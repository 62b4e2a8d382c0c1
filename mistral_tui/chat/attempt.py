"""One try to answer what the active branch of a chat ends with; what comes to nothing leaves the chat as it was."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import msgspec

from mistral_tui.chat.choices import run_choices
from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.events import ChatEvent, ChatFailed, ChoiceEvent, PromptReturned
from mistral_tui.chat.recorder import Recorder
from mistral_tui.chat.token_scores import TokenScores
from mistral_tui.chat.tool_calls import ToolUse
from mistral_tui.chat.turn import run_turn
from mistral_tui.engines.engine import Engine
from mistral_tui.types.errors import EngineError, MistralTuiError
from mistral_tui.types.events import TurnEnded, TurnEvent
from mistral_tui.types.messages import Attachment, Message
from mistral_tui.types.models import LoadProgress
from mistral_tui.types.requests import GenerateRequest

_log = logging.getLogger(__name__)

PROMPT_LIMIT = 1.0
"""Most seconds that the store may hold up a reply."""

AttemptEnded = TurnEnded | PromptReturned | ChatFailed
"""How it ended: with a turn, however that ended; before one began, by the person or for another reason."""
T = TypeVar("T")
LoadEngine = Callable[[], Awaitable[Engine]]
Answers = Callable[
    [Conversation, asyncio.Event, Callable[[int, LoadProgress], None]], AsyncGenerator[tuple[int, TurnEvent], None]
]
"""Answers a prompt several times; see `mistral_tui.chat.compare.run_comparison`."""


@dataclass(frozen=True)
class Added:
    """What was added to a chat before it is answered."""

    leaf_before: str | None
    """What the active branch ended with."""
    prompt: Message | None = None
    reply: Message | None = None
    """The beginning of the reply."""


class Attempt:
    """The work on one prompt.

    Args:
        conversation: What it is part of.
        added: What is taken back if nothing comes of it.
        recorder: Stores what is said; `None`: nobody does.
        scores: Learns how likely the tokens were.
        emit: Tells what happens, but not how it ends.
    """

    def __init__(
        self,
        conversation: Conversation,
        added: Added,
        recorder: Recorder | None,
        scores: TokenScores,
        emit: Callable[[ChatEvent], None],
    ) -> None:
        self.answering = False
        """Whether the model is there, and writes."""
        self._conversation = conversation
        self._added = added
        self._recorder = recorder
        self._scores = scores
        self._emit = emit
        self._cancelled = asyncio.Event()

    def cancel(self) -> None:
        """Stop: the reply ends with what was said; a prompt that still waits for the model is taken back."""
        self._cancelled.set()

    async def answer(
        self,
        load: LoadEngine,
        request: Callable[[], GenerateRequest],
        choices: int,
        tools: Callable[[Engine], Awaitable[ToolUse | None]],
    ) -> AttemptEnded:
        """Write a reply, or several, and return how that ended.

        Args:
            load: Returns the model.
            request: Returns what is asked for once the model is there, besides the messages.
            choices: How many replies to write at once. Several call no tools.
            tools: Returns what the model may call.
        """
        try:
            engine = await self._or_cancelled(load)
            use = await self._or_cancelled(partial(tools, engine)) if engine is not None and choices == 1 else None
        except MistralTuiError as error:
            return self._failed(error)
        await self._store_prompt()
        if engine is None or self._cancelled.is_set():
            return self._take_back()
        self.answering = True
        conversation = self._conversation
        conversation.session = msgspec.structs.replace(conversation.session, model=engine.model.name)
        if choices == 1:
            return await self._write(run_turn(conversation, engine, request(), self._cancelled, use=use))
        return await self._write_choices(run_choices(conversation, engine, request(), choices, self._cancelled))

    async def compare(self, answers: Answers) -> AttemptEnded:
        """Let several models answer, or one with several settings, and return how that ended."""
        await self._store_prompt()
        self.answering = True
        prompt = self._conversation.leaf_id
        ended = await self._write_choices(
            answers(self._conversation, self._cancelled, lambda choice, event: self._emit(ChoiceEvent(choice, event)))
        )
        if self._conversation.leaf_id != prompt:
            return ended
        if self._cancelled.is_set():
            return self._take_back()
        return self._failed(EngineError(ended.error or "nobody answered; try again"))

    async def _write(self, turn: AsyncGenerator[TurnEvent, None]) -> TurnEnded:
        ended = TurnEnded("cancelled")
        async with contextlib.aclosing(turn) as events:
            async for event in events:
                if self._recorder is not None:
                    self._recorder.follow(event)
                self._scores.follow(event)
                if isinstance(event, TurnEnded):
                    ended = event
                else:
                    self._emit(event)
        return ended

    async def _write_choices(self, turns: AsyncGenerator[tuple[int, TurnEvent], None]) -> TurnEnded:
        """Return how the turn of the last reply ended that failed, if one did."""
        ended = TurnEnded("cancelled")
        async with contextlib.aclosing(turns) as events:
            async for choice, event in events:
                if self._recorder is not None:
                    self._recorder.follow(event, choice)
                if isinstance(event, TurnEnded) and ended.reason != "failed":
                    ended = event
                self._emit(ChoiceEvent(choice, event))
        return ended

    async def _store_prompt(self) -> None:
        """Store the prompt before the engine is asked; but a store that is stuck must not hold up the reply."""
        if self._recorder is not None:
            await self._recorder.flush(PROMPT_LIMIT)

    async def _or_cancelled(self, load: Callable[[], Awaitable[T]]) -> T | None:
        """Return what is loaded, or `None` when the person cancels first.

        Raises:
            MistralTuiError: There is none, whatever the reason.
        """
        loading = asyncio.ensure_future(load())
        stop = asyncio.ensure_future(self._cancelled.wait())
        try:
            await asyncio.wait({loading, stop}, return_when=asyncio.FIRST_COMPLETED)
            return None if self._cancelled.is_set() else loading.result()
        except MistralTuiError:
            raise
        except Exception as error:
            _log.exception("the model could not be loaded")
            raise EngineError(f"loading failed unexpectedly: {type(error).__name__}: {error}") from error
        finally:
            loading.cancel()
            stop.cancel()
            await asyncio.gather(loading, stop, return_exceptions=True)

    def _failed(self, error: MistralTuiError) -> ChatFailed:
        """A prompt that nobody answers stays; the branch that was shown before is shown again."""
        if self._added.prompt is None:
            self._undo()
        return ChatFailed(error)

    def _take_back(self) -> AttemptEnded:
        self._undo()
        prompt = self._added.prompt
        if prompt is None:
            return TurnEnded("cancelled")
        files = tuple(part for part in prompt.parts if isinstance(part, Attachment))
        return PromptReturned(prompt.id, prompt.text, files)

    def _undo(self) -> None:
        """Take back what was added, and show the branch that was shown before."""
        for added in filter(None, (self._added.prompt, self._added.reply)):
            self._conversation.remove(added.id)
            if self._recorder is not None:
                self._recorder.forget(added.id)
        self._conversation.select(self._added.leaf_before)
