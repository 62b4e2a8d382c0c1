"""From a key press to its character on the screen, while one or two replies stream in; measured from outside.

The characters that are typed occur nowhere in the reply, so their bytes in the terminal's input are the screen's
answer to the key.
"""

import random
import time

from benchmarks.harness import Figure, percentile
from benchmarks.interface import Interface
from benchmarks.scripted import TEXTS

TYPED = [chr(code) for code in range(0x100, 0x250) if chr(code).isalpha()]


def delays(interface: Interface, presses: int) -> list[float]:
    """Type characters one by one and return how long each took to appear, in milliseconds."""
    chance = random.Random(1)
    found = []
    for index in range(presses):
        character = TYPED[index % len(TYPED)]
        _read_for(interface, chance.uniform(0.05, 0.15))
        seen = len(interface.raw)
        pressed = time.perf_counter()
        interface.type(character)
        while character.encode() not in interface.raw[max(0, seen - 4) :]:
            interface.read_raw(1.0)
            if time.perf_counter() - pressed > 5:
                raise RuntimeError(f"{character!r} never appeared")
        found.append(1000 * (time.perf_counter() - pressed))
        if index % 20 == 19:
            interface.press(*["backspace"] * 20)
    return found


def _read_for(interface: Interface, seconds: float) -> None:
    until = time.perf_counter() + seconds
    while (left := until - time.perf_counter()) > 0:
        interface.read_raw(left)


def two_panes(kind: str, presses: int) -> list[float]:
    """Return the delays while two panes stream one kind of block side by side."""
    with Interface.with_script() as interface:
        interface.wait_until_painted()
        interface.send(f"{kind} on the left, please")
        interface.type("\x13v")
        interface.wait_for("new chat")
        interface.send(f"{kind} on the right, please")
        interface.wait_until(lambda: interface.text.count("answering") >= 2, "two replies")
        interface.read_for(2.0)
        return delays(interface, presses)


def run(quick: bool) -> list[Figure]:
    presses = 30 if quick else 300
    with Interface.with_script() as interface:
        interface.wait_until_painted()
        idle = delays(interface, presses // 3)
        interface.press("ctrl+u")
        interface.send("Go on for ever, please.")
        interface.wait_for("Reading a long reply")
        streaming = delays(interface, presses)
    return [
        Figure("key to screen, idle, p95", percentile(idle, 95), "ms"),
        Figure("key to screen at 100 tokens/s, p50", percentile(streaming, 50), "ms", percentile(idle, 50)),
        Figure("key to screen at 100 tokens/s, p95", percentile(streaming, 95), "ms", percentile(idle, 95), 25),
        Figure("key to screen at 100 tokens/s, p99", percentile(streaming, 99), "ms", percentile(idle, 99), 50),
        *(figure for kind in TEXTS for figure in _in_two_panes(kind, presses, idle)),
    ]


def _in_two_panes(kind: str, presses: int, idle: list[float]) -> list[Figure]:
    found = two_panes(kind, presses)
    name = f"key to screen, two panes at 100 tokens/s of {kind}"
    return [
        Figure(f"{name}, p95", percentile(found, 95), "ms", percentile(idle, 95), 25),
        Figure(f"{name}, p99", percentile(found, 99), "ms", percentile(idle, 99), 50),
    ]
