"""From a key press to its character on the screen, while a reply streams in; measured from outside.

The characters that are typed occur nowhere in the reply, so their bytes in the terminal's input are the screen's
answer to the key.
"""

import random
import time

from benchmarks.harness import Figure, percentile
from benchmarks.interface import Interface

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
    ]
