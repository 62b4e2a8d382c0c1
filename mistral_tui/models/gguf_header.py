"""What a GGUF file says about the model in it, before llama.cpp is asked to load it."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mistral_tui.models.files import split_parts
from mistral_tui.models.gguf_reader import RawHeader, Tensor, Value, read_raw
from mistral_tui.models.gguf_types import FILE_TYPES
from mistral_tui.types.errors import BadModelFile

# Beyond these llama.cpp aborts or takes all memory.
_LIMITS: Final = {
    "block_count": 512,
    "embedding_length": 2**20,
    "feed_forward_length": 2**24,
    "context_length": 2**31 - 1,
    "attention.head_count": 2**16,
    "attention.head_count_kv": 2**16,
    "attention.key_length": 2**16,
    "attention.value_length": 2**16,
    "attention.sliding_window": 2**31 - 1,
    "expert_count": 2**12,
    "vocab_size": 2**25,
}
_MOST_PARTS: Final = 1000
_EXPERTS: Final = re.compile(r"\.ffn_(up|down|gate|gate_up)_(ch|)exps")


@dataclass(frozen=True)
class GgufHeader:
    """A model as its file describes it. Texts are as the file has them: not yet fit for a terminal."""

    path: Path
    architecture: str
    name: str | None
    parameters: int
    quantization: str
    """Such as `Q4_K_M`."""
    context_length: int
    """Tokens that the model was trained for; 0 if the file does not say."""
    chat_template: str | None
    license: str | None
    n_layers: int
    n_embd: int
    n_head: int
    n_head_kv: tuple[int, ...]
    """For each layer; 0 where a layer has no attention."""
    key_length: int
    value_length: int
    sliding_window: int
    """Tokens that some of the layers look back; 0 if all see everything."""
    n_vocab: int
    tensor_count: int
    size_bytes: int
    """Of the tensors, in all parts of a split file."""
    input_bytes: int
    """Of these the table of token embeddings, which stays on the CPU."""
    expert_bytes: int
    """Of these the experts of a mixture of experts."""
    parts: tuple[Path, ...]
    """All files of the model."""


def read_header(path: Path) -> GgufHeader:
    """Read what can be known of a model without loading it, in bounded time and memory.

    Args:
        path: A GGUF file; of a split one its first part, and all parts are looked at.

    Raises:
        BadModelFile: The file cannot be read, is no GGUF file, is damaged or truncated, or says what cannot be.
    """
    return header_from(path, read_raw(path))


def header_from(path: Path, raw: RawHeader) -> GgufHeader:
    """Do what `read_header` does with the raw header of `path`, which was read before.

    Raises:
        BadModelFile: As `read_header`.
    """
    tensors = list(raw.tensors)
    parts = _parts(path, raw)
    for part in parts[1:]:
        tensors += read_raw(part).tensors
    read = _Metadata(path, raw)
    architecture = read.text("general.architecture")
    if not architecture:
        raise BadModelFile(f"{path}: it does not name an architecture, so it is not a whole model")
    read.check_limits(architecture)
    n_layers = read.number(f"{architecture}.block_count")
    n_head = max(read.numbers(f"{architecture}.attention.head_count", n_layers), default=0)
    n_embd = read.number(f"{architecture}.embedding_length")
    head = n_embd // n_head if n_head else 0
    return GgufHeader(
        path=path,
        architecture=architecture,
        name=read.text("general.name"),
        parameters=sum(tensor.elements for tensor in tensors),
        quantization=_quantization(read.number("general.file_type", -1), tensors),
        context_length=read.number(f"{architecture}.context_length"),
        chat_template=read.text("tokenizer.chat_template"),
        license=read.text("general.license"),
        n_layers=n_layers,
        n_embd=n_embd,
        n_head=n_head,
        n_head_kv=read.numbers(f"{architecture}.attention.head_count_kv", n_layers, n_head),
        key_length=read.number(f"{architecture}.attention.key_length", head),
        value_length=read.number(f"{architecture}.attention.value_length", head),
        sliding_window=read.number(f"{architecture}.attention.sliding_window"),
        n_vocab=raw.lengths.get("tokenizer.ggml.tokens", read.number(f"{architecture}.vocab_size")),
        tensor_count=len(tensors),
        size_bytes=sum(tensor.size for tensor in tensors),
        input_bytes=sum(tensor.size for tensor in tensors if tensor.name == "token_embd.weight"),
        expert_bytes=sum(tensor.size for tensor in tensors if _EXPERTS.search(tensor.name)),
        parts=parts,
    )


class _Metadata:
    """Values by key, where they have the kind they should have."""

    def __init__(self, path: Path, raw: RawHeader) -> None:
        self._path = path
        self._raw = raw

    def text(self, key: str) -> str | None:
        value = self._raw.metadata.get(key)
        return value if isinstance(value, str) and value else None

    def number(self, key: str, default: int = 0) -> int:
        value = self._raw.metadata.get(key, default)
        if isinstance(value, list):
            value = max((item for item in value if _is_number(item)), default=default)
        return value if _is_number(value) and isinstance(value, int) else default

    def numbers(self, key: str, count: int, default: int = 0) -> tuple[int, ...]:
        """Return a value for each of `count` layers: the file has one for all, or a list."""
        value = self._raw.metadata.get(key, default)
        if isinstance(value, list):
            found = [item if isinstance(item, int) and _is_number(item) else 0 for item in value[:count]]
            return tuple(found + [0] * (count - len(found)))
        return (value if isinstance(value, int) and _is_number(value) else default,) * count

    def check_limits(self, architecture: str) -> None:
        for key, limit in _LIMITS.items():
            value = self._raw.metadata.get(f"{architecture}.{key}")
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, int) and not 0 <= item <= limit:
                    raise BadModelFile(
                        f"{self._path}: {key} is {item}, and no model has more than {limit}; it is damaged"
                    )


def _is_number(value: Value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _parts(path: Path, raw: RawHeader) -> tuple[Path, ...]:
    count, number = raw.metadata.get("split.count", 0), raw.metadata.get("split.no", 0)
    if not isinstance(count, int) or not isinstance(number, int) or count <= 1:
        return (path,)
    parts = split_parts(path)
    if count > _MOST_PARTS or len(parts) != count:
        raise BadModelFile(f"{path}: it is one of {count} parts, but not named NAME-00001-of-{count:05}.gguf")
    if number != 0:
        raise BadModelFile(f"{path}: it is part {number + 1} of {count}; name the first one, {parts[0].name}")
    return parts


def _quantization(file_type: int, tensors: list[Tensor]) -> str:
    if (named := FILE_TYPES.get(file_type & ~1024)) and file_type >= 0:  # 1024 marks a guess
        return named
    sizes: Counter[str] = Counter()
    for tensor in tensors:
        sizes[tensor.type.name] += tensor.size
    return sizes.most_common(1)[0][0]
