"""Questions to an engine that are no prompts, through real workers."""

import asyncio
from pathlib import Path

import pytest

from mistral_tui.engines.pool import EnginePool
from mistral_tui.engines.queries import count_tokens, detokenize, embed, tokenize
from mistral_tui.types.errors import EngineError, InvalidRequest, WorkerDied
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.models import LoadOptions, ModelEntry
from mistral_tui.types.queries import Detokenize, Embed, Refusal, Text, Tokenize
from mistral_tui.types.requests import GenerateRequest

pytestmark = pytest.mark.core


async def test_a_query_is_answered(pool: EnginePool, entry: ModelEntry) -> None:
    engine = await pool.acquire(entry)
    assert await engine.ask(Tokenize("hello")) == Text("hello")


async def test_an_answer_of_another_kind_is_an_error(pool: EnginePool, entry: ModelEntry) -> None:
    engine = await pool.acquire(entry)
    with pytest.raises(EngineError, match="Text instead of Tokens"):
        await tokenize(engine, "hello")


async def test_a_refusal_is_raised_as_it_was_in_the_worker(pool: EnginePool, entry: ModelEntry) -> None:
    engine = await pool.acquire(entry)
    with pytest.raises(InvalidRequest, match="scripted"):
        await detokenize(engine, [1])


async def test_a_query_that_kills_the_worker_says_so_and_the_next_is_answered(
    pool: EnginePool, entry: ModelEntry
) -> None:
    engine = await pool.acquire(entry)
    with pytest.raises(WorkerDied, match="asking again starts it again"):
        await tokenize(engine, "abort")
    assert await engine.ask(Tokenize("again")) == Text("again")


async def test_a_query_can_be_given_up(pool: EnginePool, entry: ModelEntry) -> None:
    engine = await pool.acquire(entry)
    asked = asyncio.create_task(engine.ask(Tokenize("hang")))
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert await engine.ask(Tokenize("hello")) == Text("hello")


async def test_a_query_larger_than_a_frame_is_refused(pool: EnginePool, entry: ModelEntry) -> None:
    engine = await pool.acquire(entry)
    answer = await engine.ask(Embed(("x" * 9 * 2**20,)))
    assert isinstance(answer, Refusal)
    assert "8 MB" in answer.message


async def test_a_real_model_tokenizes_and_counts(smollm2: Path, tmp_path: Path) -> None:
    pool = EnginePool(tmp_path)
    entry = ModelEntry("SmolLM2", smollm2, "gguf", 98_000_000, downloaded=True)
    try:
        engine = await pool.acquire(entry, LoadOptions(n_ctx=256, threads=1))
        plain = await tokenize(engine, "Grüße <|im_end|> 🙂")
        special = await tokenize(engine, "Grüße <|im_end|> 🙂", special=True)
        assert len(special.tokens) < len(plain.tokens)
        assert "<|im_end|>" in special.names
        assert await detokenize(engine, plain.tokens) == "Grüße <|im_end|> 🙂"
        assert await detokenize(engine, special.tokens) == "Grüße  🙂"
        assert await detokenize(engine, special.tokens, special=True) == "Grüße <|im_end|> 🙂"
        assert await engine.ask(Detokenize((10**9,))) == Refusal(
            "InvalidRequest", "there is no token 1000000000; SmolLM2 has 0 to 49151"
        )
        request = GenerateRequest((Message("user", (TextPart("Hello"),)),))
        counted = await count_tokens(engine, request)
        events = [event async for event in engine.generate(request)]
        assert counted == events[-1].usage.prompt_tokens  # type: ignore[union-attr]  # the last is Finished
        with pytest.raises(InvalidRequest, match="load it for embeddings"):
            await embed(engine, ["Hello"])
    finally:
        await pool.close()
