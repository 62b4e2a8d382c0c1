"""The pool, a worker process and llama.cpp together, with a real model."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import msgspec
import pytest

from mistral_tui.engines.choices import choices
from mistral_tui.engines.pool import EnginePool
from mistral_tui.engines.supervised import SupervisedEngine
from mistral_tui.models import memory_fit
from mistral_tui.types.errors import BadModelFile, NotEnoughMemory
from mistral_tui.types.events import Finished, TextDelta, TokenScored
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.models import LoadOptions, LoadProgress, ModelEntry
from mistral_tui.types.requests import GenerateRequest, SamplingParams
from tests.engines.conftest import answer, first_text

pytestmark = pytest.mark.core

OPTIONS = LoadOptions(n_ctx=1024, threads=1)


def entry(path: Path) -> ModelEntry:
    return ModelEntry("SmolLM2", path, "gguf", path.stat().st_size, downloaded=True)


def ask(*texts: str, max_tokens: int = 16) -> GenerateRequest:
    messages = tuple(
        Message("user" if number % 2 == 0 else "assistant", (TextPart(text),)) for number, text in enumerate(texts)
    )
    return GenerateRequest(messages, SamplingParams(temperature=0, max_tokens=max_tokens), chat_id=texts[0])


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[EnginePool]:
    pool = EnginePool(tmp_path / "logs")
    yield pool
    await pool.close()


async def test_it_loads_answers_and_remembers(pool: EnginePool, smollm2: Path) -> None:
    progress: list[LoadProgress] = []
    engine = await pool.acquire(entry(smollm2), OPTIONS, progress.append)
    assert progress[0].stage == "starting"
    assert progress[-1] == LoadProgress("ready", 1.0)
    assert [step.fraction for step in progress] == sorted(step.fraction for step in progress)
    question = "What is the capital of Japan?"
    text, end = await answer(engine, ask(question))
    assert "Tokyo" in text
    assert end.usage.completion_tokens > 0
    _, end = await answer(engine, ask(question, text, "Name another city there."))
    assert end.usage.cached_tokens >= 30


async def test_two_chats_interleave(pool: EnginePool, smollm2: Path) -> None:
    engine = await pool.acquire(entry(smollm2), OPTIONS)
    order: list[str] = []

    async def read(name: str) -> None:
        async with aclosing(engine.generate(ask(f"{name}: list the days of the week.", max_tokens=40))) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    order.append(name)  # noqa: PERF401  # while they arrive, not at the end

    await asyncio.gather(read("a"), read("b"))
    assert "ab" in "".join(order)
    assert "ba" in "".join(order)


async def test_choices_differ_and_their_prompt_is_computed_once(pool: EnginePool, smollm2: Path) -> None:
    engine = await pool.acquire(entry(smollm2), OPTIONS)
    sampling = SamplingParams(temperature=1.5, seed=1, max_tokens=8, logprobs=True, top_logprobs=2)
    request = msgspec.structs.replace(ask("Tell me a story."), sampling=sampling)
    texts = ["", "", ""]
    scored = [0, 0, 0]
    ends: dict[int, Finished] = {}
    async for number, event in choices(engine, request, 3):
        if isinstance(event, TextDelta):
            texts[number] += event.text
        elif isinstance(event, TokenScored):
            scored[number] += len(event.top)
        elif isinstance(event, Finished):
            ends[number] = event
    assert len(set(texts)) == 3
    assert scored == [16, 16, 16]
    assert [ends[number].usage.seed for number in range(3)] == [1, 2, 3]
    computed = [end.usage.prompt_tokens - end.usage.cached_tokens for end in ends.values()]
    assert sorted(computed)[:2] == [1, 1]


async def test_a_killed_worker_costs_a_reply_and_no_more(pool: EnginePool, smollm2: Path) -> None:
    engine = await pool.acquire(entry(smollm2), OPTIONS)
    assert isinstance(engine, SupervisedEngine)
    async with aclosing(engine.generate(ask("Tell a long story.", max_tokens=500))) as events:
        assert await first_text(events)
        assert engine.worker_pid is not None
        os.kill(engine.worker_pid, signal.SIGKILL)
        end = [event async for event in events][-1]
    assert isinstance(end, Finished)
    assert "SIGKILL" in (end.error or "")
    text, end = await answer(engine, ask("What is the capital of Japan?"))
    assert "Tokyo" in text


async def test_a_prompt_can_be_cancelled_in_its_middle(pool: EnginePool, smollm2: Path) -> None:
    engine = await pool.acquire(entry(smollm2), OPTIONS)
    request = ask("word " * 900)
    async with aclosing(engine.generate(request)) as events:
        await anext(events)
        await engine.cancel(request.id)
        rest = [event async for event in events]
    end = rest[-1]
    assert isinstance(end, Finished)
    assert end.reason == "cancelled"
    assert not any(isinstance(event, TextDelta) for event in rest)


async def test_what_cannot_be_loaded_is_refused_with_its_reason(
    pool: EnginePool, smollm2: Path, tmp_path: Path
) -> None:
    noise = tmp_path / "noise.gguf"
    noise.write_bytes(b"this is no model" * 100)
    with pytest.raises(BadModelFile, match=r"noise\.gguf"):
        await pool.acquire(entry(noise), OPTIONS)
    cut = tmp_path / "cut.gguf"
    with smollm2.open("rb") as whole:
        cut.write_bytes(whole.read(5_000_000))
    with pytest.raises(BadModelFile, match=r"cut\.gguf"):
        await pool.acquire(entry(cut), OPTIONS)
    with pytest.raises(NotEnoughMemory, match="--force"):
        await pool.acquire(entry(smollm2), LoadOptions(n_ctx=500_000_000))


async def test_force_loads_what_seems_too_large(
    pool: EnginePool, smollm2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_fit, "free_memory", lambda: 50_000_000)
    with pytest.raises(NotEnoughMemory, match=r"0\.05 GB are free"):
        await pool.acquire(entry(smollm2), OPTIONS)
    engine = await pool.acquire(entry(smollm2), msgspec.structs.replace(OPTIONS, force=True))
    text, _ = await answer(engine, ask("What is the capital of Japan?"))
    assert "Tokyo" in text
