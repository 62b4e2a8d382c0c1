"""Projector files (`mmproj`) of a few kilobytes with random weights: eyes and ears for any text model.

What they tell the model means nothing, but always the same for the same picture, and something else for another.
"""

from typing import Any

from tests.stubs.gguf import ARRAY, BOOL, F32, STRING, U32
from tests.stubs.random_gguf import RandomGguf, Shapes

_EMBEDDING, _HEADS, _INNER, _LAYERS, _PATCH = 32, 2, 64, 2, 14


def eyes(width: int, side: int = 4, layers: int = _LAYERS) -> RandomGguf:
    """Return a LLaVA projector for a text model of this embedding width; a picture is `side`² tokens."""
    metadata = _head("mlp", "vision", width, layers) | _vision_keys(side * _PATCH)
    shapes = _layers("v", layers) | {
        "v.patch_embd.weight": (_PATCH, _PATCH, 3, _EMBEDDING),
        "v.position_embd.weight": (_EMBEDDING, side * side),
        "mm.0.weight": (_EMBEDDING, _INNER),
        "mm.0.bias": (_INNER,),
        "mm.2.weight": (_INNER, width),
        "mm.2.bias": (width,),
    }
    return RandomGguf(metadata, shapes)


def gemma_eyes(width: int, side: int = 4) -> RandomGguf:
    """Return a Gemma 3 projector: all tokens of a picture look at one another, whatever their order."""
    metadata = _head("gemma3", "vision", width) | _vision_keys(4 * side * _PATCH)
    shapes = _layers("v") | {
        "v.patch_embd.weight": (_PATCH, _PATCH, 3, _EMBEDDING),
        "v.patch_embd.bias": (_EMBEDDING,),
        "v.position_embd.weight": (_EMBEDDING, 16 * side * side),
        "v.post_ln.weight": (_EMBEDDING,),
        "v.post_ln.bias": (_EMBEDDING,),
        "mm.input_projection.weight": (width, _EMBEDDING),
        "mm.soft_emb_norm.weight": (_EMBEDDING,),
    }
    return RandomGguf(metadata, shapes)


def qwen_eyes(width: int) -> RandomGguf:
    """Return a Qwen2-VL projector: a picture has as many tokens as it has squares of 28 pixels, placed in a plane."""
    metadata = _head("qwen2vl_merger", "vision", width) | _vision_keys(560)
    shapes = _layers("v") | {
        "v.patch_embd.weight": (_PATCH, _PATCH, 3, _EMBEDDING),
        "v.patch_embd.weight.1": (_PATCH, _PATCH, 3, _EMBEDDING),
        "v.post_ln.weight": (_EMBEDDING,),
        "v.post_ln.bias": (_EMBEDDING,),
        "mm.0.weight": (4 * _EMBEDDING, 4 * _EMBEDDING),
        "mm.0.bias": (4 * _EMBEDDING,),
        "mm.2.weight": (4 * _EMBEDDING, width),
        "mm.2.bias": (width,),
    }
    return RandomGguf(metadata, shapes)


def ears(width: int) -> RandomGguf:
    """Return an Ultravox projector: half a minute of sound is 50 tokens."""
    stacked = 30
    metadata = _head("ultravox", "audio", width) | {
        "clip.audio.num_mel_bins": (U32, 80),
        "clip.audio.projector.stack_factor": (U32, stacked),
    }
    shapes = _layers("a") | {
        "a.position_embd.weight": (_EMBEDDING, 1500),
        "a.conv1d.1.weight": (3, 80, _EMBEDDING),
        "a.conv1d.1.bias": (1, _EMBEDDING),
        "a.conv1d.2.weight": (3, _EMBEDDING, _EMBEDDING),
        "a.conv1d.2.bias": (1, _EMBEDDING),
        "mm.a.norm_pre.weight": (stacked * _EMBEDDING,),
        "mm.a.mlp.1.weight": (stacked * _EMBEDDING, 2 * _INNER),
        "mm.a.norm_mid.weight": (_INNER,),
        "mm.a.mlp.2.weight": (_INNER, width),
    }
    del shapes["a.blk.0.attn_k.bias"], shapes["a.blk.1.attn_k.bias"]
    return RandomGguf(metadata, shapes)


def _head(kind: str, sense: str, width: int, layers: int = _LAYERS) -> dict[str, tuple[int, Any]]:
    return {
        "general.architecture": (STRING, "clip"),
        "general.type": (STRING, "mmproj"),
        f"clip.has_{sense}_encoder": (BOOL, True),
        "clip.projector_type": (STRING, kind),
        "clip.use_gelu": (BOOL, True),
        f"clip.{sense}.embedding_length": (U32, _EMBEDDING),
        f"clip.{sense}.attention.head_count": (U32, _HEADS),
        f"clip.{sense}.feed_forward_length": (U32, _INNER),
        f"clip.{sense}.block_count": (U32, layers),
        f"clip.{sense}.projection_dim": (U32, width),
        f"clip.{sense}.attention.layer_norm_epsilon": (F32, 1e-5),
    }


def _vision_keys(size: int) -> dict[str, tuple[int, Any]]:
    return {
        "clip.vision.image_size": (U32, size),
        "clip.vision.patch_size": (U32, _PATCH),
        "clip.vision.image_mean": (ARRAY, (F32, [0.5, 0.5, 0.5])),
        "clip.vision.image_std": (ARRAY, (F32, [0.5, 0.5, 0.5])),
    }


def _layers(prefix: str, layers: int = _LAYERS) -> Shapes:
    shapes: Shapes = {}
    for layer in range(layers):
        block = f"{prefix}.blk.{layer}"
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            shapes[f"{block}.{name}.weight"] = (_EMBEDDING, _EMBEDDING)
            shapes[f"{block}.{name}.bias"] = (_EMBEDDING,)
        for name in ("ln1", "ln2"):
            shapes[f"{block}.{name}.weight"] = (_EMBEDDING,)
            shapes[f"{block}.{name}.bias"] = (_EMBEDDING,)
        shapes[f"{block}.ffn_up.weight"] = (_EMBEDDING, _INNER)
        shapes[f"{block}.ffn_up.bias"] = (_INNER,)
        shapes[f"{block}.ffn_down.weight"] = (_INNER, _EMBEDDING)
        shapes[f"{block}.ffn_down.bias"] = (_EMBEDDING,)
    return shapes
