"""What can be said of a model without loading it, in the few figures that a list shows."""

import json
import math
import re
from pathlib import Path
from typing import Any, Final

from mistral_tui.models.context_size import LEAST_CHATS, context_of_one_chat, kv_cells
from mistral_tui.models.gguf_header import GgufHeader, header_from
from mistral_tui.models.gguf_reader import RawHeader, Value, read_raw
from mistral_tui.models.memory_fit import estimate
from mistral_tui.types.catalog import Modality, ModelFacts, Role
from mistral_tui.types.errors import BadModelFile
from mistral_tui.types.models import LoadOptions, ModelFormat
from mistral_tui.types.text import printable_line

_ROLES: Final[dict[str, Role]] = {
    "adapter": "adapter",
    "mmproj": "projector",
    "imatrix": "other",
    "vocab": "other",
    "dataset": "other",
}
_EMBEDDERS: Final = ("bert", "gte", "embedding")
_LARGEST_CONFIG: Final = 2**20
_LICENCE: Final = re.compile(r"^license:\s*([\w.+ -]{1,60})$", re.MULTILINE)
_LONGEST: Final = 100


def read_facts(path: Path, form: ModelFormat, size_bytes: int) -> ModelFacts:
    """Read what a model's files say of it, in bounded time. What is wrong with them becomes the `problem`.

    Args:
        path: A GGUF file, of a split one the first part; or a folder of safetensors files.
        form: Which of them.
        size_bytes: Its size on disk.
    """
    try:
        return _of_gguf(path) if form == "gguf" else _of_folder(path, size_bytes)
    except BadModelFile as error:
        return ModelFacts(problem=str(error))


def _of_gguf(path: Path) -> ModelFacts:
    raw = read_raw(path)
    role = _role(raw)
    if role != "model":
        return ModelFacts(
            role=role, architecture=_line(raw.metadata.get("general.architecture")), modalities=_lent(raw)
        )
    header = header_from(path, raw)
    return ModelFacts(
        title=_line(header.name),
        architecture=_line(header.architecture),
        quantization=_line(header.quantization),
        context_length=header.context_length,
        parameters=header.parameters,
        licence=_line(header.license),
        modalities=("embedding",) if _embeds(raw, header.architecture) else ("text",),
        has_template=bool(header.chat_template),
        memory_bytes=memory_of(header),
    )


def memory_of(header: GgufHeader, options: LoadOptions = LoadOptions()) -> int:  # noqa: B008  # frozen
    """Return what a model is estimated to take when it is loaded with these options."""
    n_ctx = context_of_one_chat(options.n_ctx, header.context_length)
    return estimate(header, kv_cells(n_ctx, options.max_seqs or LEAST_CHATS), options).total


def _role(raw: RawHeader) -> Role:
    if raw.metadata.get("general.architecture") == "clip":
        return "projector"
    kind = raw.metadata.get("general.type")
    return _ROLES.get(kind, "model") if isinstance(kind, str) else "model"


def _lent(raw: RawHeader) -> tuple[Modality, ...]:
    """Return what a projector lends to its model."""
    sees, hears = (raw.metadata.get(f"clip.has_{sense}_encoder") is True for sense in ("vision", "audio"))
    lent: tuple[Modality, ...] = (*(("sees",) if sees else ()), *(("hears",) if hears else ()))
    return lent


def _embeds(raw: RawHeader, architecture: str) -> bool:
    pooling = raw.metadata.get(f"{architecture}.pooling_type")
    return bool(pooling) or any(word in architecture for word in _EMBEDDERS)


def _of_folder(path: Path, size_bytes: int) -> ModelFacts:
    if (path / "model_index.json").exists():
        pipeline = _config(path / "model_index.json")
        name = _line(pipeline.get("_class_name"))
        return ModelFacts(architecture=name, licence=_licence(path), modalities=("image",), memory_bytes=size_bytes)
    config = _config(path / "config.json")
    text = config.get("text_config")
    inner: dict[str, Any] = text if isinstance(text, dict) else {}
    senses: tuple[Modality, ...] = (
        *(("sees",) if isinstance(config.get("vision_config"), dict) else ()),
        *(("hears",) if isinstance(config.get("audio_config"), dict) else ()),
    )
    kind = _line(config.get("model_type"))
    first: Modality = "embedding" if any(word in kind for word in _EMBEDDERS) else "text"
    context = config.get("max_position_embeddings", inner.get("max_position_embeddings"))
    return ModelFacts(
        architecture=kind,
        quantization=_precision(config, inner),
        context_length=context if isinstance(context, int) and 0 < context < 2**31 else 0,
        licence=_licence(path),
        modalities=(first, *senses),
        has_template=any((path / name).exists() for name in ("chat_template.jinja", "tokenizer_config.json")),
        memory_bytes=math.ceil(size_bytes * 1.2),  # the weights, and about as much as is usual for the rest
    )


def _precision(config: dict[str, Any], inner: dict[str, Any]) -> str:
    packed = config.get("quantization_config")
    if isinstance(packed, dict):
        return _line(packed.get("quant_method")).upper()
    stored = config.get("dtype") or config.get("torch_dtype") or inner.get("dtype") or inner.get("torch_dtype")
    return {"bfloat16": "BF16", "float16": "F16", "float32": "F32"}.get(_line(stored), "")


def _config(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file():
            raise BadModelFile(f"{path}: there is no such file")
        with path.open("rb") as file:
            value = json.loads(file.read(_LARGEST_CONFIG))
    except OSError as error:
        raise BadModelFile(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise BadModelFile(f"{path}: it is damaged, or no JSON; fetch it again") from None
    if not isinstance(value, dict):
        raise BadModelFile(f"{path}: it is not the configuration of a model")
    return value


def _licence(folder: Path) -> str:
    """Return what the model card names."""
    card = folder / "README.md"
    try:
        if not card.is_file():
            return ""
        with card.open("rb") as file:
            found = _LICENCE.search(file.read(4096).decode("utf-8", "replace"))
    except OSError:
        return ""
    return _line(found[1]) if found else ""


def _line(value: Value | Any) -> str:
    return printable_line(value)[:_LONGEST] if isinstance(value, str) else ""
