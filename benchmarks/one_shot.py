"""From the shell to the first text of a one-shot answer, with the model in the file cache, beside the bare loop."""

import subprocess
import sys
import time

from benchmarks.harness import Figure, take_turns
from benchmarks.subject import PROGRAM, find_model

PROMPT = "What is the capital of Japan?"


def first_text(command: tuple[str, ...]) -> float:
    """Return the milliseconds from the start of `command` until it has written something."""
    started = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        if not process.stdout.read(1):
            raise RuntimeError(f"{' '.join(command)} ended without a word")
        elapsed = 1000 * (time.perf_counter() - started)
        process.stdout.read()
    return elapsed


def run(quick: bool) -> list[Figure]:
    model = str(find_model())
    measured = take_turns(
        {
            "bare": lambda: first_text((sys.executable, "-m", "benchmarks.bare_loop", model, "2", "1", PROMPT)),
            "ours": lambda: first_text((*PROGRAM, "ask", "-m", model, "--max-tokens", "8", PROMPT)),
        },
        rounds=2 if quick else 9,
    )
    return [Figure("shell to first token, `ask`", measured["ours"], "ms", reference=measured["bare"], budget=1000)]
