"""Tokens a second with penalties and DRY, beside a bare llama.cpp loop with the same chain in the same run.

One decode thread. The same without penalties and DRY is printed along, so that what the native samplers cost is seen.
"""

from collections.abc import Callable
from functools import partial

from benchmarks.bare_loop import DRY, PENALTIES, PENALTY_WINDOW
from benchmarks.decode import bare, ours
from benchmarks.harness import Figure, take_turns

_REPETITION, _FREQUENCY, _PRESENCE = PENALTIES
_MULTIPLIER, _BASE, _ALLOWED, _WINDOW = DRY
SETTINGS = f"""
repetition_penalty = {_REPETITION}
frequency_penalty = {_FREQUENCY}
presence_penalty = {_PRESENCE}
penalty_window = {PENALTY_WINDOW}
dry_multiplier = {_MULTIPLIER}
dry_base = {_BASE}
dry_allowed_length = {_ALLOWED}
dry_penalty_window = {_WINDOW}
"""


def run(quick: bool) -> list[Figure]:
    measures: dict[str, Callable[[], float]] = {
        "bare": partial(bare, 1),
        "ours": partial(ours, 1),
        "bare with": partial(bare, 1, repetition=True),
        "ours with": partial(ours, 1, SETTINGS),
    }
    rates = take_turns(measures, 1 if quick else 5)
    return [
        Figure("decode without penalties, 1 thread", rates["ours"], "t/s", rates["bare"], None, ">", True),
        Figure(
            "decode with penalties and DRY, 1 thread", rates["ours with"], "t/s", rates["bare with"], 0.93, ">", True
        ),
    ]
