"""Many chats on one model, through a worker process: together, fairly, and each as it was asked."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mistral_tui.engines.engine import Engine
from mistral_tui.engines.pool import EnginePool
from mistral_tui.types.events import EngineEvent, Finished, PromptProgress, TextDelta
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.models import LoadOptions, ModelEntry
from mistral_tui.types.requests import GenerateRequest, SamplingParams

pytestmark = pytest.mark.core

CITIES = {"Italy": "Rome", "Spain": "Madrid", "Germany": "Berlin", "France": "Paris"}
BEFORE = (
    Message("user", (TextPart("What is the capital of Japan?"),)),
    Message("assistant", (TextPart("The capital of Japan is Tokyo."),)),
)


@pytest.fixture
async def engine(tmp_path: Path, smollm2: Path) -> AsyncIterator[Engine]:
    pool = EnginePool(tmp_path / "logs")
    entry = ModelEntry("SmolLM2", smollm2, "gguf", 100_000_000, downloaded=True)
    yield await pool.acquire(entry, LoadOptions(n_ctx=1024, max_seqs=8, threads=1, spill_mb=0))
    await pool.close()


def ask(text: str, chat: str, **sampling: object) -> GenerateRequest:
    params = SamplingParams(**{"temperature": 0.0, "max_tokens": 24, **sampling})  # type: ignore[arg-type]  # mixed
    return GenerateRequest((*BEFORE, Message("user", (TextPart(text),))), params, chat)


async def reply(engine: Engine, request: GenerateRequest, log: list[tuple[str, EngineEvent]]) -> tuple[str, Finished]:
    text = ""
    async for event in engine.generate(request):
        log.append((request.chat_id, event))
        if isinstance(event, TextDelta):
            text += event.text
        if isinstance(event, Finished):
            return text, event
    raise AssertionError("it did not end")


async def test_eight_chats_at_once_are_each_answered_as_they_asked(engine: Engine) -> None:
    log: list[tuple[str, EngineEvent]] = []
    requests = [ask(f"And of {country}?", country) for country in CITIES]
    requests += [
        ask("Tell me a story.", "short", max_tokens=5),
        ask("Tell me a story.", "seeded", temperature=1.2, seed=7),
        ask("Tell me a story.", "seeded too", temperature=1.2, seed=8),
        ask("Count: one, two, three, four,", "stopped", stop=("seven",)),
    ]
    replies = await asyncio.gather(*(reply(engine, request, log) for request in requests))
    texts = {request.chat_id: text for request, (text, _) in zip(requests, replies, strict=True)}
    for country, city in CITIES.items():
        assert city in texts[country]
    assert [end.usage.seed for _, end in replies[5:7]] == [7, 8]
    assert replies[4][1].usage.completion_tokens == 5
    assert "seven" not in texts["stopped"]
    # All of them had begun before the first had ended.
    first_end = next(index for index, (_, event) in enumerate(log) if isinstance(event, Finished))
    assert {chat for chat, event in log[:first_end] if isinstance(event, TextDelta | PromptProgress)} == set(texts)


async def test_a_long_prompt_does_not_stop_the_replies_of_others(engine: Engine) -> None:
    log: list[tuple[str, EngineEvent]] = []
    other = asyncio.create_task(
        reply(engine, ask("Tell me a long story.", "other", max_tokens=150, ignore_eos=True), log)
    )
    await reply(engine, ask("Tell me a long story.", "first", max_tokens=2), log)  # then the other one is at work, too
    long = ask("word " * 500, "long", max_tokens=1)
    await reply(engine, long, log)
    begin = next(index for index, (chat, event) in enumerate(log) if chat == "long")
    end = next(index for index, (chat, event) in enumerate(log) if chat == "long" and isinstance(event, Finished))
    meanwhile = sum(event.tokens for chat, event in log[begin:end] if chat == "other" and isinstance(event, TextDelta))
    pieces = sum(isinstance(event, PromptProgress) for chat, event in log if chat == "long")
    assert pieces > 4
    assert meanwhile >= pieces // 2
    _, finished = await other
    assert finished.usage.completion_tokens == 150
    assert finished.reason == "length"
