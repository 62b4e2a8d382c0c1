"""A small model that guesses what a larger one writes: the starter in full precision, guessed by the starter as it is.

Both write the same text at temperature 0, one with guesses and one without. Two threads.
"""

import asyncio
from pathlib import Path

from benchmarks.asking import Reply, answer, loaded, said
from benchmarks.decode import PROMPT
from benchmarks.harness import Figure, percentile
from benchmarks.subject import find_model
from mistral_tui.engines.jobs.quantization import Quantization, quantize
from mistral_tui.types.models import LoadOptions, ModelEntry
from mistral_tui.types.requests import SamplingParams
from tests.real_models import FOLDER

TOKENS = 200
GAMMA = 4


async def _large() -> ModelEntry:
    """Return a model of four times the size, made once and kept in the cache folder."""
    source = find_model()
    target = FOLDER.parent / f"{source.stem}.F32.gguf"
    if not target.exists():
        await quantize(Quantization(source, target, "F32", requantize=True), lambda progress: None)
    return ModelEntry(target.stem, target, "gguf", target.stat().st_size, downloaded=True)


async def _replies(entry: ModelEntry, draft: Path | None, tokens: int, rounds: int) -> list[Reply]:
    options = LoadOptions(
        n_ctx=2048, max_seqs=1, threads=2, kv_cache=False, draft=str(draft) if draft is not None else None, gamma=GAMMA
    )
    sampling = SamplingParams(temperature=0.0, max_tokens=tokens, ignore_eos=True)
    async with loaded(options, entry) as engine:
        await answer(engine, [said("user", "Hello.")], SamplingParams(max_tokens=2), "")
        return [await answer(engine, [said("user", PROMPT)], sampling, "") for _ in range(rounds)]


async def _measure(quick: bool) -> list[Figure]:
    tokens, rounds = (48, 1) if quick else (TOKENS, 3)
    entry = await _large()
    without = await _replies(entry, None, tokens, rounds)
    with_draft = await _replies(entry, find_model(), tokens, rounds)
    drafted = sum(reply.usage.drafted_tokens for reply in with_draft)
    accepted = sum(reply.usage.accepted_tokens for reply in with_draft)
    same = sum(one.text == other.text for one, other in zip(without, with_draft, strict=True))
    return [
        Figure(
            "decode with a draft model (reference: without)",
            percentile([reply.usage.decode_rate for reply in with_draft], 50),
            "t/s",
            reference=percentile([reply.usage.decode_rate for reply in without], 50),
            budget=1,
            sense=">",
            of_ratio=True,
        ),
        Figure("  guesses accepted (reference: guessed)", accepted, "tok", reference=drafted or None),
        Figure("  replies with the same text", same, "", budget=rounds, sense=">"),
    ]


def run(quick: bool) -> list[Figure]:
    return asyncio.run(_measure(quick))
