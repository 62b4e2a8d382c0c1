"""A mixture of experts of a few kilobytes, written as a GGUF file. All its weights are zero: it can only be loaded."""

from pathlib import Path

from tests.stubs.gguf import ARRAY, F32, I32, STRING, U32, GgufFile

LAYERS = 3
_EMBEDDING, _FEED_FORWARD, _EXPERTS, _HEADS, _HEAD = 64, 96, 4, 4, 16
_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6
_TOKENS = [
    ("<unk>", _UNKNOWN),
    ("<s>", _CONTROL),
    ("</s>", _CONTROL),
    *((f"<0x{byte:02X}>", _BYTE) for byte in range(256)),
]

EXPERT_BYTES = _EMBEDDING * _FEED_FORWARD * _EXPERTS * 3 * 4
"""Of one layer."""


def write_experts(path: Path) -> Path:
    """Write the model to `path`."""
    file = GgufFile()
    file.metadata |= {
        "llama.block_count": (U32, LAYERS),
        "llama.feed_forward_length": (U32, _FEED_FORWARD),
        "llama.attention.head_count_kv": (U32, _HEADS),
        "llama.attention.layer_norm_rms_epsilon": (F32, 1e-5),
        "llama.rope.dimension_count": (U32, _HEAD),
        "llama.expert_count": (U32, _EXPERTS),
        "llama.expert_used_count": (U32, 2),
        "tokenizer.ggml.model": (STRING, "llama"),
        "tokenizer.ggml.tokens": (ARRAY, (STRING, [name for name, _ in _TOKENS])),
        "tokenizer.ggml.scores": (ARRAY, (F32, [0.0] * len(_TOKENS))),
        "tokenizer.ggml.token_type": (ARRAY, (I32, [kind for _, kind in _TOKENS])),
        "tokenizer.ggml.bos_token_id": (U32, 1),
        "tokenizer.ggml.eos_token_id": (U32, 2),
    }
    file.tensors = [
        ("token_embd.weight", (_EMBEDDING, len(_TOKENS)), 0),
        ("output_norm.weight", (_EMBEDDING,), 0),
        ("output.weight", (_EMBEDDING, len(_TOKENS)), 0),
    ]
    for layer in range(LAYERS):
        name = f"blk.{layer}."
        file.tensors += [
            (f"{name}attn_norm.weight", (_EMBEDDING,), 0),
            *((f"{name}attn_{part}.weight", (_EMBEDDING, _EMBEDDING), 0) for part in ("q", "k", "v", "output")),
            (f"{name}ffn_norm.weight", (_EMBEDDING,), 0),
            (f"{name}ffn_gate_inp.weight", (_EMBEDDING, _EXPERTS), 0),
            (f"{name}ffn_gate_exps.weight", (_EMBEDDING, _FEED_FORWARD, _EXPERTS), 0),
            (f"{name}ffn_down_exps.weight", (_FEED_FORWARD, _EMBEDDING, _EXPERTS), 0),
            (f"{name}ffn_up_exps.weight", (_EMBEDDING, _FEED_FORWARD, _EXPERTS), 0),
        ]
    return file.write(path)
