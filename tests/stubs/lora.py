"""LoRAs as GGUF files, made to order for a real model."""

import random
import struct
from pathlib import Path

from tests.stubs.gguf import F32, STRING, GgufFile

LAYERS, EMBEDDING = 30, 576
"""Of SmolLM2-135M."""


def write_lora(
    path: Path,
    *,
    seed: int = 1,
    strength: float = 0.2,
    rank: int = 4,
    other_rank: int | None = None,
    width: int = EMBEDDING,
    architecture: str = "llama",
    kind: str = "adapter",
) -> Path:
    """Write a LoRA of random weights for the queries and outputs of each layer.

    Args:
        path: Where to.
        seed: Of the weights.
        strength: Spread of the weights.
        rank: Inner side.
        other_rank: If given, the inner side of the other half.
        width: Outer sides; those of SmolLM2-135M unless told.
        architecture: What it says it is for.
        kind: What it says it is.
    """
    chance = random.Random(seed)
    sides = [(name, part) for layer in range(LAYERS) for name in _names(layer) for part in ("lora_a", "lora_b")]
    shapes = {"lora_a": (width, rank), "lora_b": (other_rank or rank, width)}
    file = GgufFile(
        metadata={
            "general.type": (STRING, kind),
            "general.architecture": (STRING, architecture),
            "adapter.type": (STRING, "lora"),
            "adapter.lora.alpha": (F32, float(rank)),
        },
        tensors=[(f"{name}.weight.{part}", shapes[part], 0) for name, part in sides],
    )
    header = file.header()
    data = bytearray()
    for _, part in sides:
        count = shapes[part][0] * shapes[part][1]
        data += struct.pack(f"<{count}f", *(chance.gauss(0, strength) for _ in range(count)))
        data += bytes(-len(data) % 32)
    path.write_bytes(header + bytes(-len(header) % 32) + data)
    return path


def _names(layer: int) -> tuple[str, str]:
    return f"blk.{layer}.attn_q", f"blk.{layer}.attn_output"
