"""How long a cancel takes, in the middle of a reply and in the middle of a prompt, until the worker is idle."""

import asyncio
import os
import time
from pathlib import Path

import psutil

from benchmarks.harness import Figure, percentile
from benchmarks.subject import find_entry, long_text
from mistral_tui.engines.engine import Engine
from mistral_tui.engines.pool import EnginePool
from mistral_tui.types.events import Finished, PromptProgress, TextDelta
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.models import LoadOptions
from mistral_tui.types.requests import GenerateRequest, SamplingParams


async def _cancel_after(engine: Engine, prompt: str, enough: type[TextDelta] | type[PromptProgress]) -> float:
    """Cancel a reply when an event of this kind has come, and return the milliseconds until it has ended."""
    request = GenerateRequest((Message("user", (TextPart(prompt),)),), SamplingParams(seed=1))
    cancelled_at = 0.0
    async for event in engine.generate(request):
        if isinstance(event, enough) and not cancelled_at:
            cancelled_at = time.perf_counter()
            await engine.cancel(request.id)
        if isinstance(event, Finished):
            if event.reason != "cancelled":
                raise RuntimeError(f"ended as {event.reason} before it could be cancelled")
            return 1000 * (time.perf_counter() - cancelled_at)
    raise RuntimeError("the engine stopped without an end")


async def _measure(quick: bool) -> list[Figure]:
    pool = EnginePool(Path(os.environ["MISTRAL_TUI_STATE_DIR"]) / "logs")
    try:
        engine = await pool.acquire(find_entry(), LoadOptions(n_ctx=8192))
        worker = psutil.Process().children()[0]
        rounds = 3 if quick else 15
        decode, prefill, busy = [], [], []
        for turn in range(rounds):
            decode.append(await _cancel_after(engine, f"Tell me story {turn} about a dragon.", TextDelta))
            # A beginning of its own each time: nothing of it is in the KV cache.
            prefill.append(await _cancel_after(engine, f"{turn} {long_text(4000)}", PromptProgress))
            before = sum(worker.cpu_times()[:2])
            await asyncio.sleep(0.1)
            busy.append((sum(worker.cpu_times()[:2]) - before) / 0.1)
    finally:
        await pool.close()
    return [
        Figure("cancel in the reply, median", percentile(decode, 50), "ms", budget=50),
        Figure("cancel in the reply, worst", max(decode), "ms"),
        Figure("cancel in the prompt, median", percentile(prefill, 50), "ms", budget=50),
        Figure("cancel in the prompt, worst", max(prefill), "ms"),
        Figure("worker's CPU in the 0.1 s after a cancel", 100 * percentile(busy, 50), "%", budget=20),
    ]


def run(quick: bool) -> list[Figure]:
    return asyncio.run(_measure(quick))
