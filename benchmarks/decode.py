"""Tokens a second in the full interface, beside a bare llama.cpp loop in the same run.

The gate is one decode thread; every thread count is printed. Then both again with a busy process beside them.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.harness import Figure, take_turns
from benchmarks.interface import Interface
from benchmarks.subject import find_model, use_folders_below, write_settings

PROMPT = "Write a very long story about a dragon, a princess and a lighthouse."
TOKENS = 200


def bare(threads: int, repetition: bool = False) -> float:
    """Return tokens a second of the bare loop; `repetition`: with penalties and DRY."""
    command = [sys.executable, "-m", "benchmarks.bare_loop", str(find_model()), str(threads), str(TOKENS), PROMPT]
    command += ["--repetition"] if repetition else []
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout)["decode"])


def ours(threads: int | None, settings: str = "") -> float:
    """Return tokens a second in the interface.

    Args:
        threads: `None`: those that it chooses.
        settings: More lines of the settings file.
    """
    with tempfile.TemporaryDirectory(prefix="mistral-tui-bench-") as folder:
        # Folders of its own: no session of an earlier round.
        use_folders_below(Path(folder))
        return _ours(threads, settings)


def _ours(threads: int | None, settings: str) -> float:
    write_settings(f"max_tokens = {TOKENS}\nseed = 1\n{settings}")
    flags = () if threads is None else ("--threads", str(threads))
    with Interface.with_model(*flags) as interface:
        interface.wait_until_painted()
        interface.send(PROMPT)
        usage = interface.wait_for_reply().usage
        interface.press("ctrl+q")
        interface.wait_for_exit()
    if usage is None or usage.completion_tokens < TOKENS // 2:
        raise RuntimeError(f"the reply is too short to measure: {usage}")
    return usage.decode_rate


@contextmanager
def busy_process() -> Iterator[None]:
    """Keep one processor busy."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def run(quick: bool) -> list[Figure]:
    rounds = 1 if quick else 5
    counts = sorted({1, *(count for count in (2, 4, 8, 16) if count <= (os.cpu_count() or 1))})
    measures = {f"bare {count}": partial(bare, count) for count in counts}
    measures |= {f"ours {count}": partial(ours, count) for count in counts}
    quiet = take_turns({**measures, "default": partial(ours, None)}, rounds)
    with busy_process():
        beside = take_turns({"default": partial(ours, None), **{f"bare {n}": partial(bare, n) for n in counts}}, rounds)
    figures = [
        Figure(
            f"decode, {count} thread{'s' * (count > 1)}",
            quiet[f"ours {count}"],
            "t/s",
            reference=quiet[f"bare {count}"],
            budget=0.97 if count == 1 else None,
            sense=">",
            of_ratio=True,
        )
        for count in counts
    ]
    fastest = max(quiet[f"ours {count}"] for count in counts)
    best_beside = max(beside[f"bare {count}"] for count in counts)
    return [
        *figures,
        Figure("decode, default threads (reference: fastest)", quiet["default"], "t/s", fastest, 0.95, ">", True),
        Figure(
            "default, busy process beside (ref.: without)", beside["default"], "t/s", quiet["default"], 0.9, ">", True
        ),
        Figure("default, busy process beside (ref.: best bare)", beside["default"], "t/s", best_beside),
    ]
