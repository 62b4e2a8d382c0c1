"""A recurrent model of a few kilobytes with random weights, written as a GGUF file.

It talks nonsense, but always the same nonsense for the same tokens, and its state cannot be rolled back: what a
chat keeps must be exactly what it says.
"""

import random
import struct
from pathlib import Path

_EMBEDDING, _INNER, _STATE, _RANK, _KERNEL, _LAYERS = 32, 64, 8, 4, 4, 2
_UINT32, _FLOAT32, _BOOL, _STRING, _ARRAY, _INT32 = 4, 6, 7, 8, 9, 5
_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6

TEMPLATE = "{% for m in messages %}{{ '<u>' if m.role == 'user' else '<b>' }}{{ m.content }}</s>{% endfor %}<b>"
TOKENS: list[tuple[str, int]] = [
    ("<unk>", _UNKNOWN),
    ("<s>", _CONTROL),
    ("</s>", _CONTROL),
    ("<u>", _CONTROL),
    ("<b>", _CONTROL),
    *((f"<0x{byte:02X}>", _BYTE) for byte in range(256)),
    *((letter, _NORMAL) for letter in "abcdefghijklmnopqrstuvwxyz"),
]

Tensor = tuple[tuple[int, ...], list[float]]


def write_mamba(path: Path) -> Path:
    """Write the model to `path`. It says nothing but letters, one a token, and never ends by itself."""
    tensors = _tensors(random.Random(5))
    keys = _keys()
    header = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(keys)) + b"".join(keys)
    offset, data = 0, b""
    for name, (shape, values) in tensors.items():
        header += _string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, offset)
        block = struct.pack(f"<{len(values)}f", *values)
        block += bytes(-len(block) % 32)
        data += block
        offset += len(block)
    path.write_bytes(header + bytes(-len(header) % 32) + data)
    return path


def _keys() -> list[bytes]:
    return [
        _key("general.architecture", _STRING, _string("mamba")),
        _key("mamba.context_length", _UINT32, struct.pack("<I", 4096)),
        _key("mamba.embedding_length", _UINT32, struct.pack("<I", _EMBEDDING)),
        _key("mamba.block_count", _UINT32, struct.pack("<I", _LAYERS)),
        _key("mamba.ssm.conv_kernel", _UINT32, struct.pack("<I", _KERNEL)),
        _key("mamba.ssm.inner_size", _UINT32, struct.pack("<I", _INNER)),
        _key("mamba.ssm.state_size", _UINT32, struct.pack("<I", _STATE)),
        _key("mamba.ssm.time_step_rank", _UINT32, struct.pack("<I", _RANK)),
        _key("mamba.attention.layer_norm_rms_epsilon", _FLOAT32, struct.pack("<f", 1e-5)),
        _key("tokenizer.ggml.model", _STRING, _string("llama")),
        _key("tokenizer.ggml.tokens", _ARRAY, _array(_STRING, [_string(name) for name, _ in TOKENS])),
        _key("tokenizer.ggml.scores", _ARRAY, _array(_FLOAT32, [struct.pack("<f", 0) for _ in TOKENS])),
        _key("tokenizer.ggml.token_type", _ARRAY, _array(_INT32, [struct.pack("<i", kind) for _, kind in TOKENS])),
        _key("tokenizer.ggml.bos_token_id", _UINT32, struct.pack("<I", 1)),
        _key("tokenizer.ggml.eos_token_id", _UINT32, struct.pack("<I", 2)),
        _key("tokenizer.ggml.add_bos_token", _BOOL, struct.pack("<?", True)),
        _key("tokenizer.ggml.add_space_prefix", _BOOL, struct.pack("<?", False)),
        _key("tokenizer.chat_template", _STRING, _string(TEMPLATE)),
    ]


def _tensors(chance: random.Random) -> dict[str, Tensor]:
    def drawn(*shape: int, spread: float = 0.3) -> Tensor:
        count = 1
        for length in shape:
            count *= length
        return shape, [chance.gauss(0, spread) for _ in range(count)]

    def constant(value: float, *shape: int) -> Tensor:
        return shape, [value] * (shape[0] * (shape[1] if len(shape) > 1 else 1))

    letters = next(index for index, (_, kind) in enumerate(TOKENS) if kind == _NORMAL)
    output = drawn(_EMBEDDING, len(TOKENS), spread=1)
    tensors = {
        "token_embd.weight": drawn(_EMBEDDING, len(TOKENS), spread=1),
        "output_norm.weight": constant(1, _EMBEDDING),
        "output.weight": (output[0], [0.0] * (_EMBEDDING * letters) + output[1][_EMBEDDING * letters :]),
    }
    for layer in range(_LAYERS):
        tensors |= {
            f"blk.{layer}.attn_norm.weight": constant(1, _EMBEDDING),
            f"blk.{layer}.ssm_in.weight": drawn(_EMBEDDING, 2 * _INNER),
            f"blk.{layer}.ssm_conv1d.weight": drawn(_KERNEL, _INNER),
            f"blk.{layer}.ssm_conv1d.bias": drawn(_INNER),
            f"blk.{layer}.ssm_x.weight": drawn(_INNER, _RANK + 2 * _STATE),
            f"blk.{layer}.ssm_dt.weight": drawn(_RANK, _INNER),
            f"blk.{layer}.ssm_dt.bias": constant(-2, _INNER),
            f"blk.{layer}.ssm_a": constant(-0.5, _STATE, _INNER),
            f"blk.{layer}.ssm_d": constant(1, _INNER),
            f"blk.{layer}.ssm_out.weight": drawn(_INNER, _EMBEDDING),
        }
    return tensors


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _key(name: str, kind: int, value: bytes) -> bytes:
    return _string(name) + struct.pack("<I", kind) + value


def _array(kind: int, values: list[bytes]) -> bytes:
    return struct.pack("<IQ", kind, len(values)) + b"".join(values)
