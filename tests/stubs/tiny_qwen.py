"""A text model of a few kilobytes with random weights that places pictures in a plane, as Qwen2-VL does (M-RoPE)."""

from tests.stubs.gguf import ARRAY, BOOL, F32, I32, STRING, U32
from tests.stubs.random_gguf import RandomGguf, Shapes

WIDTH = 64
_HEADS, _INNER, _LAYERS, _HEAD = 4, 96, 2, 16
_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6

TEMPLATE = "{% for m in messages %}{{ '<u>' if m.role == 'user' else '<b>' }}{{ m.content }}</s>{% endfor %}<b>"
_TOKENS: list[tuple[str, int]] = [
    ("<unk>", _UNKNOWN),
    *((name, _CONTROL) for name in ("<s>", "</s>", "<u>", "<b>", "<|vision_start|>", "<|vision_end|>")),
    *((f"<0x{byte:02X}>", _BYTE) for byte in range(256)),
    *((letter, _NORMAL) for letter in "abcdefghijklmnopqrstuvwxyz"),
]


def tiny_qwen() -> RandomGguf:
    """Return the model. It talks nonsense, but always the same nonsense for the same prompt."""
    return RandomGguf(
        {
            "general.architecture": (STRING, "qwen2vl"),
            "qwen2vl.context_length": (U32, 4096),
            "qwen2vl.embedding_length": (U32, WIDTH),
            "qwen2vl.block_count": (U32, _LAYERS),
            "qwen2vl.feed_forward_length": (U32, _INNER),
            "qwen2vl.attention.head_count": (U32, _HEADS),
            "qwen2vl.attention.head_count_kv": (U32, _HEADS),
            "qwen2vl.attention.layer_norm_rms_epsilon": (F32, 1e-5),
            "qwen2vl.rope.dimension_sections": (ARRAY, (I32, [2, 3, 3, 0])),
            "tokenizer.ggml.model": (STRING, "llama"),
            "tokenizer.ggml.tokens": (ARRAY, (STRING, [name for name, _ in _TOKENS])),
            "tokenizer.ggml.scores": (ARRAY, (F32, [0.0 for _ in _TOKENS])),
            "tokenizer.ggml.token_type": (ARRAY, (I32, [kind for _, kind in _TOKENS])),
            "tokenizer.ggml.bos_token_id": (U32, 1),
            "tokenizer.ggml.eos_token_id": (U32, 2),
            "tokenizer.ggml.add_bos_token": (BOOL, True),
            "tokenizer.ggml.add_space_prefix": (BOOL, False),
            "tokenizer.chat_template": (STRING, TEMPLATE),
        },
        _shapes(),
    )


def _shapes() -> Shapes:
    shapes: Shapes = {
        "token_embd.weight": (WIDTH, len(_TOKENS)),
        "output_norm.weight": (WIDTH,),
        "output.weight": (WIDTH, len(_TOKENS)),
    }
    for layer in range(_LAYERS):
        block = f"blk.{layer}"
        for name in ("attn_norm", "ffn_norm"):
            shapes[f"{block}.{name}.weight"] = (WIDTH,)
        for name in ("attn_q", "attn_k", "attn_v"):
            shapes[f"{block}.{name}.weight"] = (WIDTH, _HEADS * _HEAD)
            shapes[f"{block}.{name}.bias"] = (_HEADS * _HEAD,)
        shapes[f"{block}.attn_output.weight"] = (_HEADS * _HEAD, WIDTH)
        shapes[f"{block}.ffn_gate.weight"] = (WIDTH, _INNER)
        shapes[f"{block}.ffn_up.weight"] = (WIDTH, _INNER)
        shapes[f"{block}.ffn_down.weight"] = (_INNER, WIDTH)
    return shapes
