"""Memory of the process that draws the screen, beside an empty Textual app's."""

import sys

import psutil

from benchmarks.first_paint import BARE
from benchmarks.harness import Figure
from benchmarks.interface import Interface
from tests.e2e.terminal import Terminal


def megabytes(process: psutil.Process) -> float:
    """Return what would be free without this process."""
    return float(process.memory_full_info().uss) / 1e6


def run(quick: bool) -> list[Figure]:
    with Terminal((sys.executable, "-c", BARE)) as bare:
        bare.wait_for("here")
        reference = megabytes(psutil.Process(bare.process.pid))
    with Interface.with_script({"MISTRAL_TUI_BENCH_RATE": "2000"}) as interface:
        interface.wait_until_painted()
        empty = megabytes(psutil.Process(interface.process.pid))
        for _ in range(2 if quick else 10):
            interface.send("Go on, please.")
            interface.wait_until(lambda: "Reading a long reply" in interface.text, "the reply")
            interface.read_for(0.5)
            interface.press("esc")
            interface.read_for(0.3)
        chatted = megabytes(psutil.Process(interface.process.pid))
    return [
        Figure("screen process, empty chat", empty, "MB", reference),
        Figure("screen process, after ten long replies", chatted, "MB", reference),
    ]
