"""Prompts to a model through a worker process, and what came of them."""

import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.subject import find_entry
from mistral_tui.engines.engine import Engine
from mistral_tui.engines.pool import EnginePool
from mistral_tui.types.errors import EngineError
from mistral_tui.types.events import ContextTrimmed, Finished, PromptProgress, TextDelta, TokenScored
from mistral_tui.types.messages import FinishReason, Message, Role, TextPart, Usage
from mistral_tui.types.models import LoadOptions, ModelEntry
from mistral_tui.types.requests import GenerateRequest, SamplingParams


@dataclass(frozen=True)
class Reply:
    """A whole reply."""

    text: str = ""
    usage: Usage = field(default_factory=Usage)
    reason: FinishReason = "stop"
    prompt_seen: float = 0.0
    """Seconds from the prompt to the first word about how much of it is in the KV cache."""
    first_text: float = 0.0
    """Seconds from the prompt to the first text."""
    scores: tuple[TokenScored, ...] = ()
    left_out: int = 0
    """Messages that were not part of the prompt."""


@asynccontextmanager
async def loaded(options: LoadOptions, entry: ModelEntry | None = None) -> AsyncIterator[Engine]:
    """Load a model, by default the one of all benchmarks, in a new worker that ends with this block."""
    pool = EnginePool(Path(os.environ["MISTRAL_TUI_STATE_DIR"]) / "logs")
    try:
        yield await pool.acquire(entry or find_entry(), options)
    finally:
        await pool.close()


def said(role: Role, text: str) -> Message:
    return Message(role, (TextPart(text),))


async def answer(engine: Engine, messages: Sequence[Message], sampling: SamplingParams, chat_id: str) -> Reply:
    """Return the reply to a prompt.

    Raises:
        EngineError: It failed.
    """
    return await answer_request(engine, GenerateRequest(tuple(messages), sampling, chat_id))


async def answer_request(engine: Engine, request: GenerateRequest) -> Reply:
    """Do what `answer` does, for any request."""
    reply = Reply()
    texts: list[str] = []
    scores: list[TokenScored] = []
    left_out = 0
    started = time.perf_counter()
    async for event in engine.generate(request):
        if isinstance(event, PromptProgress) and not reply.prompt_seen:
            reply = replace(reply, prompt_seen=time.perf_counter() - started)
        elif isinstance(event, TextDelta):
            if not texts:
                reply = replace(reply, first_text=time.perf_counter() - started)
            texts.append(event.text)
        elif isinstance(event, TokenScored):
            scores.append(event)
        elif isinstance(event, ContextTrimmed):
            left_out = event.left_out
        elif isinstance(event, Finished):
            if event.reason == "failed":
                raise EngineError(event.error or "a reply failed")
            reply = replace(reply, usage=event.usage, reason=event.reason)
    return replace(reply, text="".join(texts), scores=tuple(scores), left_out=left_out)
