"""A recurrent model, and a hybrid one, of a few kilobytes with random weights, written as GGUF files.

They talk nonsense, but always the same nonsense for the same tokens, and their state cannot be rolled back: what a
chat keeps must be exactly what it says.
"""

import random
import struct
from pathlib import Path

_EMBEDDING, _INNER, _STATE, _RANK, _KERNEL, _LAYERS = 32, 64, 8, 4, 4, 2
_ATTENTION, _HEADS = 1, 2
"""Of the hybrid model: the layer with attention, and how many heads it has."""
_PARTS = ("q", "k", "v", "output")
_UINT32, _FLOAT32, _BOOL, _STRING, _ARRAY, _INT32 = 4, 6, 7, 8, 9, 5
_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6

Tensor = tuple[tuple[int, ...], list[float]]

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


def write_mamba(path: Path, **sampling: float | str) -> Path:
    """Write a recurrent model to `path`. It says nothing but letters, one a token, and never ends by itself.

    Args:
        path: Where to write it.
        sampling: What its author recommends, by the names of GGUF: `temp`, `top_k`, ….
    """
    recommended = [_recommendation(f"general.sampling.{name}", value) for name, value in sampling.items()]
    return _write(path, _tensors(random.Random(5), attention=False), [*_keys("mamba"), *recommended])


def write_jamba(path: Path) -> Path:
    """Write a hybrid model to `path`, of which the second layer has attention. It talks as the recurrent one does."""
    return _write(path, _tensors(random.Random(5), attention=True), [*_keys("jamba"), *_keys_of_attention()])


def _write(path: Path, tensors: dict[str, Tensor], keys: list[bytes]) -> Path:
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


def _keys(architecture: str) -> list[bytes]:
    return [
        _key("general.architecture", _STRING, _string(architecture)),
        _key(f"{architecture}.context_length", _UINT32, struct.pack("<I", 4096)),
        _key(f"{architecture}.embedding_length", _UINT32, struct.pack("<I", _EMBEDDING)),
        _key(f"{architecture}.block_count", _UINT32, struct.pack("<I", _LAYERS)),
        _key(f"{architecture}.ssm.conv_kernel", _UINT32, struct.pack("<I", _KERNEL)),
        _key(f"{architecture}.ssm.inner_size", _UINT32, struct.pack("<I", _INNER)),
        _key(f"{architecture}.ssm.state_size", _UINT32, struct.pack("<I", _STATE)),
        _key(f"{architecture}.ssm.time_step_rank", _UINT32, struct.pack("<I", _RANK)),
        _key(f"{architecture}.attention.layer_norm_rms_epsilon", _FLOAT32, struct.pack("<f", 1e-5)),
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


def _recommendation(key: str, value: float | str) -> bytes:
    if isinstance(value, str):
        return _key(key, _STRING, _string(value))
    return _key(
        key, *((_INT32, struct.pack("<i", value)) if isinstance(value, int) else (_FLOAT32, struct.pack("<f", value)))
    )


def _keys_of_attention() -> list[bytes]:
    heads = [struct.pack("<I", _HEADS if layer == _ATTENTION else 0) for layer in range(_LAYERS)]
    return [
        _key("jamba.attention.head_count", _UINT32, struct.pack("<I", _HEADS)),
        _key("jamba.attention.head_count_kv", _ARRAY, _array(_UINT32, heads)),
        _key("jamba.feed_forward_length", _UINT32, struct.pack("<I", _INNER)),
    ]


def _tensors(chance: random.Random, *, attention: bool) -> dict[str, Tensor]:
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
        name = f"blk.{layer}"
        tensors[f"{name}.attn_norm.weight"] = constant(1, _EMBEDDING)
        if attention:
            tensors |= {
                f"{name}.ffn_norm.weight": constant(1, _EMBEDDING),
                f"{name}.ffn_gate.weight": drawn(_EMBEDDING, _INNER),
                f"{name}.ffn_up.weight": drawn(_EMBEDDING, _INNER),
                f"{name}.ffn_down.weight": drawn(_INNER, _EMBEDDING),
            }
        if attention and layer == _ATTENTION:
            tensors |= {f"{name}.attn_{part}.weight": drawn(_EMBEDDING, _EMBEDDING) for part in _PARTS}
            continue
        if attention:
            tensors |= {
                f"{name}.ssm_dt_norm.weight": constant(1, _RANK),
                f"{name}.ssm_b_norm.weight": constant(1, _STATE),
                f"{name}.ssm_c_norm.weight": constant(1, _STATE),
            }
        tensors |= {
            f"{name}.ssm_in.weight": drawn(_EMBEDDING, 2 * _INNER),
            f"{name}.ssm_conv1d.weight": drawn(_KERNEL, _INNER),
            f"{name}.ssm_conv1d.bias": drawn(_INNER),
            f"{name}.ssm_x.weight": drawn(_INNER, _RANK + 2 * _STATE),
            f"{name}.ssm_dt.weight": drawn(_RANK, _INNER),
            f"{name}.ssm_dt.bias": constant(-2, _INNER),
            f"{name}.ssm_a": constant(-0.5, _STATE, _INNER),
            f"{name}.ssm_d": constant(1, _INNER),
            f"{name}.ssm_out.weight": drawn(_INNER, _EMBEDDING),
        }
    return tensors


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _key(name: str, kind: int, value: bytes) -> bytes:
    return _string(name) + struct.pack("<I", kind) + value


def _array(kind: int, values: list[bytes]) -> bytes:
    return struct.pack("<IQ", kind, len(values)) + b"".join(values)
