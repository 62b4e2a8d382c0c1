"""What the tenth turn of a chat costs: only its new tokens should be computed."""

import asyncio
import os
from pathlib import Path

from benchmarks.harness import Figure, percentile
from benchmarks.subject import find_entry
from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.turn import run_turn
from mistral_tui.engines.engine import Engine
from mistral_tui.engines.pool import EnginePool
from mistral_tui.types.errors import EngineError
from mistral_tui.types.messages import Message, TextPart, Usage
from mistral_tui.types.models import LoadOptions
from mistral_tui.types.requests import GenerateRequest, SamplingParams

TURNS = 10
PROMPT = "Tell me something about the number {}, please: who uses it, and what for?"


async def _turn(conversation: Conversation, engine: Engine, prompt: str, tokens: int) -> Usage:
    conversation.append(Message("user", (TextPart(prompt),)))
    sampling = SamplingParams(seed=1, max_tokens=tokens)
    async for _ in run_turn(conversation, engine, GenerateRequest(sampling=sampling), asyncio.Event()):
        pass
    reply = conversation.path()[-1]
    if reply.usage is None or reply.error is not None:
        raise EngineError(reply.error or "a reply without figures")
    return reply.usage


async def _measure(quick: bool) -> list[Figure]:
    pool = EnginePool(Path(os.environ["MISTRAL_TUI_STATE_DIR"]) / "logs")
    kept, anew, computed, new = [], [], [], []
    try:
        engine = await pool.acquire(find_entry(), LoadOptions())
        for _ in range(1 if quick else 3):
            conversation = Conversation()
            for turn in range(1, TURNS):
                before = await _turn(conversation, engine, PROMPT.format(turn), tokens=48)
            # The same branch as another chat: nothing of it is in the KV cache.
            copy = Conversation(messages=conversation.messages)
            last = await _turn(conversation, engine, PROMPT.format(TURNS), tokens=4)
            full = await _turn(copy, engine, PROMPT.format(TURNS), tokens=4)
            kept.append(1000 * last.time_to_first_token)
            anew.append(1000 * full.time_to_first_token)
            computed.append(last.prompt_tokens - last.cached_tokens)
            new.append(last.prompt_tokens - before.context_tokens)
    finally:
        await pool.close()
    return [
        Figure(
            "turn 10: tokens computed (reference: new ones)",
            percentile(computed, 50),
            "tok",
            reference=percentile(new, 50),
            budget=1.1,
            of_ratio=True,
        ),
        Figure("turn 10: first token (reference: without cache)", percentile(kept, 50), "ms", percentile(anew, 50)),
    ]


def run(quick: bool) -> list[Figure]:
    return asyncio.run(_measure(quick))
