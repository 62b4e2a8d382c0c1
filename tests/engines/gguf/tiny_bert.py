"""A BERT of a few kilobytes with random weights, written as a GGUF file: for embeddings, or with a head for scores."""

import random
import struct
from pathlib import Path

from tests.stubs.gguf import text

_EMBEDDING, _FEED_FORWARD, _HEADS, _LAYERS, _CONTEXT = 32, 64, 4, 2, 64
_UINT32, _FLOAT32, _BOOL, _STRING, _ARRAY, _INT32 = 4, 6, 7, 8, 9, 5
_NORMAL, _UNKNOWN, _CONTROL = 1, 2, 3
_MEAN, _RANK = 1, 4

WORDS = ("the", "cat", "dog", "sat", "runs", "on", "mat", "paris", "france", "capital", "of", "is", "what")
TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *(f"\u2581{word}" for word in WORDS), *"abcdefghijklmnopqrstuvwxyz"]

Tensor = tuple[tuple[int, ...], list[float]]


def write_bert(path: Path, *, ranks: bool = False) -> Path:
    """Write the model to `path`; one that `ranks` gives a score for a pair of texts."""
    tensors = _tensors(random.Random(7), ranks)
    keys = _keys(_RANK if ranks else _MEAN)
    header = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(keys)) + b"".join(keys)
    offset, data = 0, b""
    for name, (shape, values) in tensors.items():
        header += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, offset)
        block = struct.pack(f"<{len(values)}f", *values)
        block += bytes(-len(block) % 32)
        data += block
        offset += len(block)
    path.write_bytes(header + bytes(-len(header) % 32) + data)
    return path


def _keys(pooling: int) -> list[bytes]:
    kinds = [_CONTROL if name.startswith("[") else _NORMAL for name in TOKENS]
    kinds[1] = _UNKNOWN
    return [
        _key("general.architecture", _STRING, text("bert")),
        _key("bert.context_length", _UINT32, struct.pack("<I", _CONTEXT)),
        _key("bert.embedding_length", _UINT32, struct.pack("<I", _EMBEDDING)),
        _key("bert.feed_forward_length", _UINT32, struct.pack("<I", _FEED_FORWARD)),
        _key("bert.block_count", _UINT32, struct.pack("<I", _LAYERS)),
        _key("bert.attention.head_count", _UINT32, struct.pack("<I", _HEADS)),
        _key("bert.attention.layer_norm_epsilon", _FLOAT32, struct.pack("<f", 1e-5)),
        _key("bert.attention.causal", _BOOL, struct.pack("<?", False)),
        _key("bert.pooling_type", _UINT32, struct.pack("<I", pooling)),
        _key("tokenizer.ggml.model", _STRING, text("bert")),
        _key("tokenizer.ggml.tokens", _ARRAY, _array(_STRING, [text(name) for name in TOKENS])),
        _key("tokenizer.ggml.token_type", _ARRAY, _array(_INT32, [struct.pack("<i", kind) for kind in kinds])),
        _key("tokenizer.ggml.token_type_count", _UINT32, struct.pack("<I", 2)),
        _key("tokenizer.ggml.padding_token_id", _UINT32, struct.pack("<I", 0)),
        _key("tokenizer.ggml.unknown_token_id", _UINT32, struct.pack("<I", 1)),
        _key("tokenizer.ggml.bos_token_id", _UINT32, struct.pack("<I", 2)),
        _key("tokenizer.ggml.cls_token_id", _UINT32, struct.pack("<I", 2)),
        _key("tokenizer.ggml.seperator_token_id", _UINT32, struct.pack("<I", 3)),
        _key("tokenizer.ggml.eos_token_id", _UINT32, struct.pack("<I", 3)),
    ]


def _tensors(chance: random.Random, ranks: bool) -> dict[str, Tensor]:
    def drawn(*shape: int, spread: float = 0.3) -> Tensor:
        count = 1
        for length in shape:
            count *= length
        return shape, [chance.gauss(0, spread) for _ in range(count)]

    def norm(prefix: str) -> dict[str, Tensor]:
        return {
            f"{prefix}.weight": ((_EMBEDDING,), [1.0] * _EMBEDDING),
            f"{prefix}.bias": ((_EMBEDDING,), [0.0] * _EMBEDDING),
        }

    def linear(prefix: str, inputs: int, outputs: int) -> dict[str, Tensor]:
        return {f"{prefix}.weight": drawn(inputs, outputs), f"{prefix}.bias": drawn(outputs, spread=0.05)}

    tensors = {
        "token_embd.weight": drawn(_EMBEDDING, len(TOKENS), spread=1),
        "token_types.weight": drawn(_EMBEDDING, 2),
        "position_embd.weight": drawn(_EMBEDDING, _CONTEXT, spread=0.2),
        **norm("token_embd_norm"),
    }
    for layer in range(_LAYERS):
        block = f"blk.{layer}"
        tensors |= {
            **linear(f"{block}.attn_q", _EMBEDDING, _EMBEDDING),
            **linear(f"{block}.attn_k", _EMBEDDING, _EMBEDDING),
            **linear(f"{block}.attn_v", _EMBEDDING, _EMBEDDING),
            **linear(f"{block}.attn_output", _EMBEDDING, _EMBEDDING),
            **norm(f"{block}.attn_output_norm"),
            **linear(f"{block}.ffn_up", _EMBEDDING, _FEED_FORWARD),
            **linear(f"{block}.ffn_down", _FEED_FORWARD, _EMBEDDING),
            **norm(f"{block}.layer_output_norm"),
        }
    if ranks:
        tensors |= {**linear("cls", _EMBEDDING, _EMBEDDING), **linear("cls.output", _EMBEDDING, 1)}
    return tensors


def _key(name: str, kind: int, value: bytes) -> bytes:
    return text(name) + struct.pack("<I", kind) + value


def _array(kind: int, values: list[bytes]) -> bytes:
    return struct.pack("<IQ", kind, len(values)) + b"".join(values)
