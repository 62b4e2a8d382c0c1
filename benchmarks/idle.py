"""What the program does when nobody does anything: nothing."""

import psutil

from benchmarks.harness import Figure
from benchmarks.interface import Interface


def run(quick: bool) -> list[Figure]:
    seconds = 2.0 if quick else 10.0
    with Interface.with_model() as interface:
        interface.wait_until_painted()
        interface.send("What is the capital of Japan?")
        interface.wait_for_reply()
        interface.read_for(2.0)
        screen = psutil.Process(interface.process.pid)
        (worker,) = interface.workers()
        before, written = [sum(process.cpu_times()[:2]) for process in (screen, worker)], len(interface.raw)
        interface.read_for(seconds)
        after = [sum(process.cpu_times()[:2]) for process in (screen, worker)]
        painted = len(interface.raw) - written
    drawing, computing = (100 * (end - start) / seconds for start, end in zip(before, after, strict=True))
    return [
        Figure("idle, CPU of the screen process", drawing, "%", budget=1),
        Figure("idle, CPU of the worker", computing, "%", budget=1),
        Figure("idle, written to the terminal", painted, "byte", budget=1),
    ]
