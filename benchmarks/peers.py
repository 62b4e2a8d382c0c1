"""The same model and prompt with mistral.rs and with llama-cpp-python's `Llama`, two threads each.

mistral.rs gets an environment of its own in the cache folder, once; its figures are left out where it cannot be had.
"""

import asyncio
import json
import os
import subprocess
import sys

from benchmarks import peer_mistralrs
from benchmarks.asking import Reply, answer, loaded, said
from benchmarks.decode import PROMPT
from benchmarks.harness import Figure
from benchmarks.peer_environment import folder_of
from benchmarks.peer_llama_cpp_python import CONTEXT
from benchmarks.subject import find_model, long_text
from mistral_tui.types.models import LoadOptions
from mistral_tui.types.requests import SamplingParams

MISTRALRS = "0.9.5"
THREADS = 2
PROMPT_TOKENS = 256
TOKENS = 64
LONG_REPLY = 2000


def _mistralrs(prompt: str, tokens: int) -> dict[str, float] | None:
    programs = folder_of("mistralrs", MISTRALRS)
    if programs is None:
        return None
    command = [str(programs / "python"), peer_mistralrs.__file__, str(find_model()), str(tokens), prompt]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["RAYON_NUM_THREADS"] = str(THREADS)
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        raise RuntimeError(f"mistralrs {MISTRALRS} failed: {done.stderr[-500:]}")
    rates: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return rates


def _llama(tokens: int) -> float:
    """Return tokens a second over a whole reply, its prefill included."""
    arguments = [str(find_model()), str(THREADS), str(tokens), PROMPT]
    command = [sys.executable, "-m", "benchmarks.peer_llama_cpp_python", *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    return tokens / float(done.stdout)


async def _ours(prompt: str, tokens: int) -> tuple[Reply, float]:
    """Return a reply, and the seconds that it took as its reader saw it."""
    sampling = SamplingParams(
        temperature=0.8, top_k=40, top_p=0.95, min_p=0.05, seed=1, max_tokens=tokens, ignore_eos=True
    )
    async with loaded(LoadOptions(n_ctx=CONTEXT, threads=THREADS, max_seqs=1, kv_cache=False)) as engine:
        await answer(engine, [said("user", "Hello.")], SamplingParams(max_tokens=2), "")
        started = asyncio.get_running_loop().time()
        reply = await answer(engine, [said("user", prompt)], sampling, "")
        return reply, asyncio.get_running_loop().time() - started


def run(quick: bool) -> list[Figure]:
    tokens, long_reply = (16, 200) if quick else (TOKENS, LONG_REPLY)
    prompt = f"{long_text(PROMPT_TOKENS)} Write a very long story about this harbour."
    short, _ = asyncio.run(_ours(prompt, tokens))
    theirs = _mistralrs(prompt, tokens)
    _, seconds = asyncio.run(_ours(PROMPT, long_reply))
    figures = []
    if theirs is not None:
        figures = [
            Figure("decode (reference: mistral.rs)", short.usage.decode_rate, "t/s", theirs["decode"], 2.5, ">", True),
            Figure("prefill (reference: mistral.rs)", short.usage.prefill_rate, "t/s", theirs["prefill"], 5, ">", True),
        ]
    name = f"{long_reply:,} tokens (reference: Llama class)"
    return [*figures, Figure(name, long_reply / seconds, "t/s", _llama(long_reply), 1, ">", True)]
