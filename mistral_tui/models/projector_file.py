"""Projector files (`mmproj`): which one belongs to a model, and whether a file can be one.

llama.cpp ends the process on many numbers that make no sense in such a file; they are refused here.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mistral_tui.models.gguf_reader import Value, read_raw
from mistral_tui.types.errors import BadModelFile

# From least to most, for both senses; beyond these llama.cpp divides by zero, aborts or takes all memory.
_LIMITS: Final = {
    "embedding_length": (1, 2**16),
    "feed_forward_length": (0, 2**20),
    "block_count": (0, 128),
    "attention.head_count": (1, 2**12),
    "projection_dim": (0, 2**20),
    "image_size": (1, 2**14),
    "patch_size": (1, 2**10),
    "num_mel_bins": (1, 2**12),
    "projector.scale_factor": (1, 64),
    "projector.stack_factor": (1, 1024),
    "spatial_merge_size": (1, 64),
}

_PLACED_BY_THEIR_PLACE: Final = ("hunyuanvl", "deepseek4v")
"""Kinds whose embeddings depend on where in the prompt they stand, and so cannot be remembered."""


def find_projector(model: Path) -> Path | None:
    """Return the projector that lies beside a model, if exactly one there can be meant.

    Of several, those count whose name begins like the model's.
    """
    try:
        found = [path.name for path in model.parent.glob("*.gguf") if path != model]
    except OSError:
        return None
    name = projector_among(model.name, found)
    return None if name is None else model.with_name(name)


def projector_among(model: str, files: Iterable[str]) -> str | None:
    """Return the name of the projector of a model, given the names of all files beside it."""
    found = [name for name in files if is_projector_name(name)]
    if len(found) > 1:
        begin = model.lower().removesuffix(".gguf").split("-q")[0]
        found = [name for name in found if begin in name.lower()]
    return found[0] if len(found) == 1 else None


def is_projector_name(name: str) -> bool:
    """Whether a file is called as projectors are."""
    return "mmproj" in name.lower() and name.lower().endswith(".gguf")


def projector_of(model: Path, named: str | None) -> Path | None:
    """Return the projector to load with a model: the one that was named, else the one beside it."""
    return Path(named) if named else find_projector(model)


def projector_size(model: Path, named: str | None) -> int:
    """Return the bytes of that projector; 0 if there is none."""
    path = projector_of(model, named)
    try:
        return path.stat().st_size if path is not None else 0
    except (OSError, ValueError):
        return 0


def check_projector(path: Path) -> None:
    """See whether a file is a whole projector, as far as its header tells.

    Raises:
        BadModelFile: It cannot be read, is no projector, or says what cannot be.
    """
    raw = read_raw(path)
    architecture = raw.metadata.get("general.architecture")
    if architecture != "clip":
        other = f"a model of the kind {architecture}" if isinstance(architecture, str) and architecture else "unknown"
        raise BadModelFile(f"{path.name} is no projector (mmproj) but {other}; name another file with --mmproj")
    kind = raw.metadata.get("clip.projector_type", raw.metadata.get("clip.vision.projector_type"))
    if kind in _PLACED_BY_THEIR_PLACE:
        raise BadModelFile(f"{path.name}: projectors of the kind {kind} are not supported; choose another model")
    for sense in ("vision", "audio"):
        if raw.metadata.get(f"clip.has_{sense}_encoder"):
            _check_limits(path, {key: raw.metadata.get(f"clip.{sense}.{key}") for key in _LIMITS})


def _check_limits(path: Path, values: dict[str, Value | None]) -> None:
    for key, value in values.items():
        least, most = _LIMITS[key]
        if value is not None and (not isinstance(value, int) or not least <= value <= most):
            raise BadModelFile(f"{path.name}: {key} is {value}, which no projector has; fetch it again")
    width, heads = values["embedding_length"], values["attention.head_count"]
    if isinstance(width, int) and isinstance(heads, int) and width % heads:
        raise BadModelFile(f"{path.name}: {width} cannot be shared by {heads} heads; fetch it again")
