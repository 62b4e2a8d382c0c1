"""What can be run, and how it was loaded."""

from pathlib import Path
from typing import Any, Literal

import msgspec

from mistral_tui.types.errors import InvalidRequest

ModelFormat = Literal["gguf", "safetensors"]
LoadStage = Literal["starting", "loading", "checking", "ready"]


class ModelEntry(msgspec.Struct, frozen=True):
    """One model of the inventory, or a file that was named directly."""

    name: str
    path: Path
    """Absolute: what the inventory names, resolved against the inventory's own folder."""
    format: ModelFormat
    size_bytes: int
    """Size on disk; for a model that is not downloaded the size that the inventory promises."""
    downloaded: bool
    notes: str = ""
    kind: str = "text"
    source: str | None = None
    """Where it can be fetched from: `hf:REPO/FILE` or `pypi:PACKAGE==VERSION`."""
    sha256: str | None = None
    mmproj: Path | None = None
    chat_template: str | None = None
    """Name or file of the template to use instead of the model's own."""
    adapters: tuple[Path, ...] = ()
    extra: dict[str, Any] = {}
    """Keys of the inventory that this version does not know."""


class LoadOptions(msgspec.Struct, frozen=True):
    """How to load a model. Equal options on one path share a worker.

    Raises:
        InvalidRequest: A value is outside its range.
    """

    n_ctx: int | None = None
    """Context of one chat in tokens; `None`: what the model was trained for, at most 8,192."""
    max_seqs: int = 4
    """How many chats may be in the context at once."""
    threads: int | None = None
    """Threads of a decode step; `None` lets the engine choose."""
    n_gpu_layers: int | None = None
    """Layers on the accelerator; `None`: all where there is one, 0 where there is none."""
    chat_template: str | None = None
    """Jinja text that replaces the model's own template."""
    force: bool = False
    """Load although the estimate says that memory does not suffice."""

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise InvalidRequest(f"{name} is {value}; it must be from {low} to {high}")


_RANGES = (
    ("n_ctx", 1, 2**31 - 1),
    ("max_seqs", 1, 256),  # llama.cpp's limit
    ("threads", 1, 512),  # llama.cpp's limit
    ("n_gpu_layers", 0, 2**31 - 1),
)


class LoadProgress(msgspec.Struct, frozen=True, tag="load_progress"):
    """How far loading has come."""

    stage: LoadStage
    fraction: float
    """From 0 to 1, over the whole load."""


class LoadedModel(msgspec.Struct, frozen=True):
    """What an engine knows of the model that it has loaded."""

    name: str
    path: str
    architecture: str
    n_ctx: int
    """Context of one chat, in tokens."""
    n_ctx_train: int
    n_vocab: int
    size_bytes: int
    build: str
    """Version of the engine's library and the CPU or GPU features in use."""
    device: str = "CPU"
    notices: tuple[str, ...] = ()
    """What the person should know: for instance that a slower way of loading had to be taken."""
