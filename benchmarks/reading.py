"""Reading a session of 10,000 messages: scrolling, another size of the terminal, memory."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil

from benchmarks.harness import Figure, percentile
from benchmarks.interface import Interface
from benchmarks.long_session import MESSAGES, write_session
from benchmarks.memory import megabytes

RESIZED = 500
"""Messages of the chat that is drawn in another size."""
_FRAME = 1000 / 30
_QUIET = 0.15
"""Seconds without output after which a screen is complete."""


def run(quick: bool) -> list[Figure]:
    now = time.time()
    Path(os.environ["MISTRAL_TUI_DATABASE"]).parent.mkdir(parents=True, exist_ok=True)
    write_session("the middling one", RESIZED, "Here the middling one ends.", now - 1)
    write_session("the long one", MESSAGES, "Here the long one ends.", now)
    with Interface.with_script() as interface:
        interface.wait_until_painted()
        interface.read_for(0.5)
        empty = megabytes(psutil.Process(interface.process.pid))
        _open(interface, "the long one", ["home"])
        pages = [_drawn(interface, lambda: interface.press("pageup")) for _ in range(20 if quick else 120)]
        read = megabytes(psutil.Process(interface.process.pid))
        _open(interface, "the middling one", ["home", "down"])
        sizes = [(30, 100), (36, 120), (24, 80), (50, 160)]
        resized = [_drawn(interface, partial(interface.resize, *size)) for size in sizes * (1 if quick else 4)]
    return [
        Figure(f"a page up in {MESSAGES:,} messages, p50", percentile(pages, 50), "ms", budget=_FRAME),
        Figure("  p95", percentile(pages, 95), "ms", budget=_FRAME),
        Figure(f"another size, {RESIZED} messages", percentile(resized, 50), "ms", budget=100),
        Figure("memory after reading, beyond the empty screen's", read - empty, "MB", reference=empty, budget=40),
    ]


def _open(interface: Interface, title: str, keys: list[str]) -> None:
    interface.press("f2")
    interface.wait_for(title)
    interface.read_for(0.5)
    interface.press(*keys, "enter")
    interface.wait_for(f"Here {title} ends.")
    interface.read_for(0.5)


def _drawn(interface: Interface, change: Callable[[], None]) -> float:
    """Return the milliseconds until the last of what a change makes the program draw."""
    started = last = time.perf_counter()
    change()
    seen = len(interface.raw)
    while time.perf_counter() - last < _QUIET:
        interface.read_raw(0.01)
        if len(interface.raw) != seen:
            seen, last = len(interface.raw), time.perf_counter()
    return 1000 * (last - started)
