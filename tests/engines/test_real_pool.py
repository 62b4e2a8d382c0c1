"""The pool with two real models: they answer at the same time, and make way for one another."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mistral_tui.engines.engine import Engine
from mistral_tui.engines.pool import EnginePool
from mistral_tui.types.errors import NotEnoughMemory
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.models import LoadOptions, ModelEntry
from mistral_tui.types.pool import PoolLimits
from mistral_tui.types.requests import GenerateRequest, SamplingParams
from tests.engines.conftest import answer

pytestmark = pytest.mark.core

SMALL = LoadOptions(n_ctx=512, max_seqs=2, spill_mb=0)
BARE = LoadOptions(n_ctx=512, max_seqs=2, spill_mb=0, chat_template="{{ messages[0].content }}")


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[EnginePool]:
    pool = EnginePool(tmp_path / "logs")
    yield pool
    await pool.close()


def entry(path: Path, name: str) -> ModelEntry:
    return ModelEntry(name, path, "gguf", path.stat().st_size, downloaded=True)


async def ask(engine: Engine, text: str) -> str:
    sampling = SamplingParams(temperature=0, max_tokens=8)
    reply, end = await answer(engine, GenerateRequest((Message("user", (TextPart(text),)),), sampling))
    assert end.reason in ("stop", "length"), end.error
    return reply


async def test_two_models_answer_at_the_same_time_and_as_they_do_alone(
    pool: EnginePool, smollm2: Path, gemma: Path
) -> None:
    one = await pool.acquire(entry(smollm2, "SmolLM2"), SMALL)
    two = await pool.acquire(entry(gemma, "Gemma"), BARE)
    question, beginning = "What is the capital of Japan?", "Monday, Tuesday, Wednesday,"
    alone = await ask(one, question), await ask(two, beginning)
    together = await asyncio.gather(ask(one, question), ask(two, beginning))
    assert tuple(together) == alone
    assert "Tokyo" in alone[0]
    assert "Thursday" in alone[1]


async def test_a_budget_for_one_of_them_makes_them_take_turns(pool: EnginePool, smollm2: Path, gemma: Path) -> None:
    notices: list[str] = []
    pool.listen(notices.append)
    one = await pool.acquire(entry(smollm2, "SmolLM2"), SMALL)
    two = await pool.acquire(entry(gemma, "Gemma"), BARE)
    needed = {model.name: model.memory_bytes for model in pool.loaded()}
    assert all(size > 100e6 for size in needed.values())
    await pool.unload("SmolLM2")
    await pool.unload("Gemma")
    pool.limits = PoolLimits(memory_budget=sum(needed.values()) - 1)
    assert "Tokyo" in await ask(one, "What is the capital of Japan?")
    assert "Thursday" in await ask(two, "Monday, Tuesday, Wednesday,")
    assert [model.name for model in pool.loaded()] == ["Gemma"]
    assert "Tokyo" in await ask(one, "What is the capital of Japan?")
    assert notices == ["SmolLM2 was unloaded to make room for Gemma", "Gemma was unloaded to make room for SmolLM2"]


async def test_a_budget_smaller_than_the_model_names_both_and_unloads_nothing(
    pool: EnginePool, smollm2: Path, gemma: Path
) -> None:
    await pool.acquire(entry(smollm2, "SmolLM2"), SMALL)
    pool.limits = PoolLimits(memory_budget=300_000_000)
    with pytest.raises(NotEnoughMemory, match=r"Gemma needs about .* GB of memory, and 0.30 GB are left of the memory"):
        await pool.acquire(entry(gemma, "Gemma"), BARE)
    assert [model.name for model in pool.loaded()] == ["SmolLM2"]
