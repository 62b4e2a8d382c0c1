"""What can be run, and how it was loaded."""

import math
from pathlib import Path
from typing import Any, Literal

import msgspec

from mistral_tui.types.choices import FlashAttention, KvType
from mistral_tui.types.endpoints import RemoteModel
from mistral_tui.types.errors import InvalidRequest

ModelFormat = Literal["gguf", "safetensors", "remote"]
"""How its file is written; `remote`: there is none, the model runs at an endpoint."""
QUANTIZED_KV = frozenset({"q8_0", "q5_1", "q5_0", "q4_1", "q4_0"})
"""Types of the KV cache that lose a little; they need flash attention, and heads of a multiple of 32 values."""
MOST_RPC_WORKERS = 16  # llama.cpp's limit
LoadStage = Literal["starting", "loading", "checking", "ready"]


class ModelEntry(msgspec.Struct, frozen=True):
    """One model of the inventory, or a file that was named directly."""

    name: str
    path: Path
    """Absolute: what the inventory names, resolved against the inventory's own folder. Of a remote model: its name."""
    format: ModelFormat
    size_bytes: int
    """Size on disk; for a model that is not downloaded the size that the inventory promises."""
    downloaded: bool
    """Whether it can be run as it is; a remote model always."""
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
    remote: RemoteModel | None = None
    """Where it runs, if its format is `remote`."""


class Adapter(msgspec.Struct, frozen=True):
    """A LoRA and how strongly it counts.

    Raises:
        InvalidRequest: The scale is out of range.
    """

    path: str
    scale: float = 1.0
    """From -100 to 100; 0 is off."""

    def __post_init__(self) -> None:
        if not -100 <= self.scale <= 100:
            raise InvalidRequest(f"the scale of an adapter is {self.scale}; it must be from -100 to 100")


class LoadOptions(msgspec.Struct, frozen=True):
    """How to load a model. Equal options on one path share a worker.

    Raises:
        InvalidRequest: A value is outside its range.
    """

    n_ctx: int | None = None
    """Context of one chat in tokens; `None`: what the model was trained for, at most 8,192."""
    max_seqs: int | None = None
    """How many chats may be in the context at once; `None`: from 4 to 16, by the memory that is free."""
    threads: int | None = None
    """Threads of a decode step; `None` lets the engine choose."""
    n_gpu_layers: int | None = None
    """Layers on the accelerator; `None`: all where there is one, 0 where there is none."""
    chat_template: str | None = None
    """Jinja text that replaces the model's own template."""
    cpu: bool = False
    """Leave accelerators alone."""
    device_layers: tuple[tuple[int, int], ...] = ()
    """Layers for each accelerator, as pairs of its number and a count; instead of `n_gpu_layers`."""
    tensor_split: tuple[float, ...] = ()
    """Shares of the layers for the accelerators, in their order; empty: by their free memory."""
    cpu_moe: int = 0
    """Keep the experts of the first so many layers on the CPU; -1: of all layers."""
    rpc: tuple[str, ...] = ()
    """Workers, as `HOST:PORT`, that take layers of the model."""
    kv_type: KvType = "f16"
    flash_attention: FlashAttention = "auto"
    """`auto`: what `tune` found for this model, else off on a CPU and on elsewhere."""
    batch_tokens: int | None = None
    """Most tokens of one decode; `None`: 512, or what `tune` found."""
    kv_cache: bool = True
    """Whether anything of a chat is kept between its turns, in memory or on disk."""
    prefix_cache_n: int = 16
    """How many chats stay in the context while nobody asks, as long as there is room."""
    spill_mb: int = 1024
    """Disk space for the KV cache of idle chats; 0: none is written."""
    mmproj: str | None = None
    """The projector file of a model that sees or hears; `None`: the one beside the model, if there is one."""
    adapters: tuple[Adapter, ...] = ()
    """LoRAs that count unless a request names others."""
    draft: str | None = None
    """A small model with the same vocabulary that proposes tokens (speculative decoding)."""
    gamma: int = 16
    """How many tokens it proposes at most."""
    embedding: bool = False
    """Load for embeddings and reranking, not for chat."""
    force: bool = False
    """Load although the estimate says that memory does not suffice."""

    def __post_init__(self) -> None:
        for name, low, high in LOAD_RANGES:
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise InvalidRequest(f"{name} is {value}; it must be from {low} to {high}")
        self._check_devices()
        if self.flash_attention == "off" and self.kv_type in QUANTIZED_KV:
            raise InvalidRequest(
                f"a KV cache of type {self.kv_type} needs flash attention; leave it on, or take f16 or bf16"
            )

    def _check_devices(self) -> None:
        if self.cpu and (self.rpc or self.device_layers or self.n_gpu_layers):
            raise InvalidRequest("cpu leaves all accelerators and RPC workers alone; leave out cpu, or name none")
        numbers = [number for number, _ in self.device_layers]
        if len(set(numbers)) < len(numbers) or any(value < 0 for pair in self.device_layers for value in pair):
            raise InvalidRequest("device_layers names each accelerator once, with a count of layers of at least 0")
        if self.tensor_split and (min(self.tensor_split) < 0 or not 0 < sum(self.tensor_split) < math.inf):
            raise InvalidRequest("tensor_split is shares of at least 0, one of them above 0, such as 3,1")
        for address in self.rpc:
            host, _, port = address.rpartition(":")
            if not host or ":" in host or not (port.isascii() and port.isdecimal() and 0 < int(port) < 2**16):
                raise InvalidRequest(f"{address!r} is no RPC worker; write HOST:PORT, such as 127.0.0.1:50052")
        if len(set(self.rpc)) < len(self.rpc) or len(self.rpc) > MOST_RPC_WORKERS:
            raise InvalidRequest(f"rpc names each worker once, and at most {MOST_RPC_WORKERS}")


LOAD_RANGES = (
    ("n_ctx", 1, 2**31 - 1),
    ("max_seqs", 1, 256),  # llama.cpp's limit
    ("threads", 1, 512),  # llama.cpp's limit
    ("n_gpu_layers", 0, 2**31 - 1),
    ("cpu_moe", -1, 2**31 - 1),
    ("batch_tokens", 32, 8192),
    ("prefix_cache_n", 0, 2**31 - 1),
    ("spill_mb", 0, 2**31 - 1),
    ("gamma", 1, 64),
)


class LoadProgress(msgspec.Struct, frozen=True, tag="load_progress"):
    """How far loading has come."""

    stage: LoadStage
    fraction: float
    """From 0 to 1, over the whole load."""


class SamplingDefaults(msgspec.Struct, frozen=True):
    """How tokens are chosen where a request leaves it open: mistral.rs's defaults, unless a model has others.

    What each field means stands in `SamplingParams`.
    """

    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    xtc_probability: float = 0.0
    xtc_threshold: float = 0.1
    mirostat: int = 0
    mirostat_tau: float = 5.0
    mirostat_eta: float = 0.1
    repetition_penalty: float = 1.0
    penalty_window: int = 64


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
    sees: bool = False
    """Whether it takes images."""
    hears: bool = False
    """Whether it takes audio."""
    sampling: SamplingDefaults = SamplingDefaults()
    """What counts for requests that leave it open: what its file recommends, else the usual values."""
    kv_tokens: int = 0
    """Tokens that the KV cache has room for, all chats together; 0: nobody says."""
    kv_token_bytes: int = 0
    """Memory that a token takes in the KV cache, as measured; 0: nobody says, or it does not depend on the length."""
    device_bytes: int = 0
    """Memory of accelerators that loading it has taken; 0: none, or nobody says."""
    notices: tuple[str, ...] = ()
    """What the person should know: for instance that a slower way of loading had to be taken."""
