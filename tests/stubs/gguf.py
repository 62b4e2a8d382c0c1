"""GGUF files made to order: small sound ones, and ones that lie."""

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STRING, ARRAY, U32, I32, F32, BOOL, U64 = 8, 9, 4, 5, 6, 7, 10
SCALARS = {U32: "<I", I32: "<i", F32: "<f", BOOL: "<?", U64: "<Q"}


@dataclass
class GgufFile:
    """The header of a tiny Llama, in parts that a test may change before `write`."""

    metadata: dict[str, tuple[int, Any]] = field(
        default_factory=lambda: {
            "general.architecture": (STRING, "llama"),
            "general.name": (STRING, "Tiny"),
            "general.license": (STRING, "mit"),
            "general.file_type": (U32, 15),
            "llama.block_count": (U32, 2),
            "llama.context_length": (U32, 4096),
            "llama.embedding_length": (U32, 64),
            "llama.feed_forward_length": (U32, 128),
            "llama.attention.head_count": (U32, 4),
            "llama.attention.head_count_kv": (U32, 2),
            "tokenizer.ggml.tokens": (ARRAY, (STRING, ["<s>", "</s>", "a", "b"])),
            "tokenizer.chat_template": (STRING, "{{ messages[0].content }}"),
        }
    )
    tensors: list[tuple[str, tuple[int, ...], int]] = field(
        default_factory=lambda: [("token_embd.weight", (64, 4), 0), ("output_norm.weight", (64,), 0)]
    )
    """Name, shape and type number; types 0 (F32) and 8 (Q8_0) get their right size."""
    version: int = 3
    tensor_count: int | None = None
    """If given, what the file claims."""
    key_count: int | None = None

    def header(self) -> bytes:
        keys = b"".join(text(key) + struct.pack("<I", kind) + _value(kind, item) for key, (kind, item) in self.pairs())
        tensors, offset = b"", 0
        for name, shape, kind in self.tensors:
            tensors += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)
            offset += -(-_size(shape, kind) // 32) * 32
        tensor_count = len(self.tensors) if self.tensor_count is None else self.tensor_count
        key_count = len(self.metadata) if self.key_count is None else self.key_count
        return b"GGUF" + struct.pack("<IQQ", self.version, tensor_count, key_count) + keys + tensors

    def pairs(self) -> list[tuple[str, tuple[int, Any]]]:
        return list(self.metadata.items())

    def bytes(self) -> bytes:
        header = self.header()
        data = sum(-(-_size(shape, kind) // 32) * 32 for _, shape, kind in self.tensors)
        return header + b"\0" * (-len(header) % 32) + b"\0" * data

    def write(self, path: Path) -> Path:
        path.write_bytes(self.bytes())
        return path


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def _value(kind: int, item: Any) -> bytes:
    if kind == STRING:
        return text(item)
    if kind == ARRAY:
        item_kind, items = item
        return struct.pack("<IQ", item_kind, len(items)) + b"".join(_value(item_kind, value) for value in items)
    return struct.pack(SCALARS[kind], item) if kind in SCALARS else b"\0" * 8


def _size(shape: tuple[int, ...], kind: int) -> int:
    elements = 1
    for length in shape:
        elements *= length
    return elements // 32 * 34 if kind == 8 else elements * 4
