"""GGUF files with random weights, always the same for the same seed."""

import random
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stubs.gguf import GgufFile

Shapes = dict[str, tuple[int, ...]]


@dataclass
class RandomGguf:
    """A sound file, in parts that a test may change before `write`."""

    metadata: dict[str, tuple[int, Any]]
    shapes: Shapes
    seed: int = 7

    def write(self, path: Path) -> Path:
        """Write it to `path`."""
        chance = random.Random(self.seed)
        file = GgufFile(self.metadata, [(name, shape, 0) for name, shape in self.shapes.items()])
        header = file.header()
        data = bytearray(header + bytes(-len(header) % 32))
        for name, shape in self.shapes.items():
            values = array("f", _values(name, shape, chance)).tobytes()
            data += values + bytes(-len(values) % 32)
        path.write_bytes(data)
        return path


def _values(name: str, shape: tuple[int, ...], chance: random.Random) -> list[float]:
    count = 1
    for length in shape:
        count *= length
    if "norm" in name or ".ln" in name or "_ln" in name:
        return [0.0 if name.endswith("bias") else 1.0] * count
    spread = 1.0 if name in ("token_embd.weight", "output.weight") else 0.3
    return [chance.gauss(0, spread) for _ in range(count)]
