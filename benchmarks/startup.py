"""How long `--version` and `--help` take, beside an interpreter that does nothing."""

import sys
from functools import partial

from benchmarks.harness import Figure, take_turns
from benchmarks.subject import PROGRAM, milliseconds_of


def run(quick: bool) -> list[Figure]:
    commands = {
        "bare": (sys.executable, "-c", "pass"),
        "--version": (*PROGRAM, "--version"),
        "--help": (*PROGRAM, "--help"),
        "models --help": (*PROGRAM, "models", "--help"),
    }
    measured = take_turns(
        {name: partial(milliseconds_of, command) for name, command in commands.items()},
        rounds=3 if quick else 15,
    )
    bare = measured.pop("bare")
    budgets = {"--version": 100.0, "--help": 100.0, "models --help": None}
    return [Figure(name, value, "ms", reference=bare, budget=budgets[name]) for name, value in measured.items()]
