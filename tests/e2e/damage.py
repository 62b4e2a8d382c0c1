"""Model files that are broken in one way each, made from a good one."""

import struct
from collections.abc import Callable
from pathlib import Path

MAGIC = b"GGUF"


def not_a_model(good: bytes) -> bytes:
    """Return a text."""
    return b"Dear reader, this is no model.\n" * 40


def empty(good: bytes) -> bytes:
    """Return nothing."""
    return b""


def wrong_magic(good: bytes) -> bytes:
    """Return the model with other letters in front."""
    return b"GGML" + good[4:]


def truncated_header(good: bytes) -> bytes:
    """Return what an early interruption leaves of a download."""
    return good[:5000]


def truncated_tensors(good: bytes) -> bytes:
    """Return what a late interruption leaves of a download."""
    return good[: len(good) // 2]


def absurd_counts(good: bytes) -> bytes:
    """Return a header that promises 2^60 tensors and keys."""
    return good[:8] + struct.pack("<QQ", 1 << 60, 1 << 60) + good[24:]


def absurd_layers(good: bytes) -> bytes:
    """Return a header that promises a million layers."""
    key = b"llama.block_count" + struct.pack("<I", 4)
    place = good.index(key) + len(key)
    return good[:place] + struct.pack("<I", 1 << 20) + good[place + 4 :]


def unknown_architecture(good: bytes) -> bytes:
    """Return a model of an architecture that nobody has heard of."""
    key = b"general.architecture" + struct.pack("<IQ", 8, 5)
    return _swap(good, key + b"llama", key + b"obama")


def broken_template(good: bytes) -> bytes:
    """Return a model whose chat template is no Jinja."""
    return _swap(good, b"{% for message in messages %}", b"{% fox message in messages %}")


def _swap(good: bytes, old: bytes, new: bytes) -> bytes:
    assert good.count(old, 0, 1 << 22) == 1
    assert len(old) == len(new)
    place = good.index(old)
    return good[:place] + new + good[place + len(old) :]


def damaged(good: Path, damage: Callable[[bytes], bytes], folder: Path) -> Path:
    """Write the damaged model below `folder` and return its path."""
    path = folder / f"{damage.__name__}.gguf"
    path.write_bytes(damage(good.read_bytes()))
    return path
