"""LoRA adapters as GGUF files: are they what they say, before llama.cpp computes with them."""

from pathlib import Path

from mistral_tui.models.gguf_reader import Tensor, read_raw
from mistral_tui.types.errors import BadModelFile

_A, _B = ".lora_a", ".lora_b"


def check_adapter(path: Path, architecture: str) -> None:
    """See that a file is a LoRA for models of this architecture. Whether its shapes fit the model, llama.cpp checks.

    Raises:
        BadModelFile: It is not, or it is damaged.
    """
    raw = read_raw(path)
    kind = raw.metadata.get("general.type")
    if kind != "adapter":
        raise BadModelFile(f"{path}: it is no adapter but a {kind or 'model'}; name a LoRA as a GGUF file")
    form = raw.metadata.get("adapter.type")
    if form != "lora":
        raise BadModelFile(f"{path}: adapters of the kind {form!r} are not supported; name a LoRA")
    made_for = raw.metadata.get("general.architecture")
    if made_for != architecture:
        raise BadModelFile(f"{path}: it is a LoRA for {made_for} models, and this is a {architecture} model")
    tensors = {tensor.name: tensor for tensor in raw.tensors}
    for name, tensor in tensors.items():
        if name.endswith(_A) and (other := tensors.get(name.removesuffix(_A) + _B)) is not None:
            _check_rank(path, tensor, other)


def _check_rank(path: Path, a: Tensor, b: Tensor) -> None:
    # llama.cpp looks at the outer sides only; with inner sides that differ it aborts when it multiplies.
    if len(a.shape) < 2 or len(b.shape) < 2 or a.shape[1] != b.shape[0]:
        raise BadModelFile(f"{path}: the LoRA is damaged: the halves of {a.name.removesuffix(_A)} do not fit together")
