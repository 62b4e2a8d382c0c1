"""How much memory a model will take, from its header, and whether that is free.

The estimate is llama.cpp's own arithmetic for a CPU: the weights, the KV cache, and the larger of the two buffers that
a full batch computes in (the logits, or the attention scores, which flash attention does without). It errs upwards.
What goes to accelerators or to RPC workers is left out of it, and counted by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import psutil

from mistral_tui.models.context_size import BATCH_TOKENS, LEAST_CHATS, context_of_one_chat, kv_cells
from mistral_tui.models.gguf_header import GgufHeader, read_header
from mistral_tui.models.gguf_types import TENSOR_TYPES, TYPE_NUMBERS
from mistral_tui.models.projector_file import projector_size
from mistral_tui.types.choices import KvType
from mistral_tui.types.errors import ModelError, NotEnoughMemory
from mistral_tui.types.models import QUANTIZED_KV, LoadOptions

_FLOAT: Final = 4
_PROCESS: Final = 100 * 2**20
"""A worker without a model: the interpreter and llama.cpp."""
_SMALLEST_CONTEXT: Final = 512
_CGROUP: Final = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes that a loaded model takes of this machine's memory, and of others."""

    weights: int
    kv_cache: int
    compute: int
    on_devices: int = 0
    """What accelerators and RPC workers take of weights and KV cache."""

    @property
    def total(self) -> int:
        """All of it that this machine's memory takes, the process included."""
        return self.weights + self.kv_cache + self.compute + _PROCESS


def estimate(
    header: GgufHeader,
    cells: int,
    options: LoadOptions = LoadOptions(),  # noqa: B008  # frozen
    *,
    accelerated: bool = False,
) -> MemoryEstimate:
    """Return what a model takes with a KV cache of `cells` tokens, all layers seeing all of them.

    Args:
        header: The model.
        cells: Tokens in the KV cache.
        options: Of these the type of the KV cache, flash attention, the batch, and what goes to which device.
        accelerated: Whether there is an accelerator; without one and without RPC workers all stays here.

    Raises:
        BadModelFile: The draft model of `options` cannot be read.
    """
    away = _layers_away(header, options, accelerated)
    weights_away = _weights_away(header, options, away)
    packing = TENSOR_TYPES[TYPE_NUMBERS[options.kv_type]]
    per_head = (header.key_length + header.value_length) * packing.bytes / packing.block
    kv_cache = int(sum(header.n_head_kv) * per_head) * cells
    # The output counts as the last layer and has no KV cache; the first layers stay here.
    kv_here = int(sum(header.n_head_kv[: header.n_layers + 1 - away]) * per_head) * cells
    batch = max(options.batch_tokens or BATCH_TOKENS, options.max_seqs or LEAST_CHATS)
    flash = options.flash_attention == "on" or options.kv_type in QUANTIZED_KV
    widest = header.n_vocab if flash else max(header.n_vocab, header.n_head * cells)
    projector = projector_size(header.path, options.mmproj)
    compute = batch * _FLOAT * (widest + cells + 4 * header.n_embd)
    alone = MemoryEstimate(
        header.size_bytes - weights_away + projector, kv_here, compute, on_devices=weights_away + kv_cache - kv_here
    )
    if options.draft is None:
        return alone
    draft_options = msgspec.structs.replace(options, draft=None, mmproj=None, kv_type="f16", batch_tokens=None)
    draft = estimate(read_header(Path(options.draft)), cells, draft_options, accelerated=accelerated)
    return MemoryEstimate(
        alone.weights + draft.weights,
        alone.kv_cache + draft.kv_cache,
        alone.compute + draft.compute,
        alone.on_devices + draft.on_devices,
    )


def check_fit(
    header: GgufHeader, options: LoadOptions, free_bytes: int | None = None, *, accelerated: bool = False
) -> MemoryEstimate:
    """Compare what loading with `options` takes with what is free.

    Args:
        header: The model.
        options: Of these the context, the number of chats, what `estimate` looks at, and `force`: with it all is
            well, unless the KV cache is larger than the whole memory of the machine.
        free_bytes: What may be taken; without it `free_memory()`.
        accelerated: Whether there is an accelerator.

    Returns:
        The estimate.

    Raises:
        NotEnoughMemory: It does not fit; names both figures, and a context with which it would, if there is one.
        ModelError: It cannot have a KV cache of this type.
    """
    _check_kv_type(header, options.kv_type)
    n_ctx = context_of_one_chat(options.n_ctx, header.context_length)
    chats = options.max_seqs or LEAST_CHATS
    needed = estimate(header, kv_cells(n_ctx, chats), options, accelerated=accelerated)
    free = free_memory() if free_bytes is None else free_bytes
    # Weights are mapped from their file, so they may be more than there is; a KV cache is written to before anything.
    hopeless = needed.kv_cache > psutil.virtual_memory().total + psutil.swap_memory().total
    if needed.total <= free or (options.force and not hopeless):
        return needed

    def fits(n_ctx: int) -> bool:
        return estimate(header, kv_cells(n_ctx, chats), options, accelerated=accelerated).total <= free

    if fitting := _largest_context(n_ctx, fits):
        advice = f"it fits with a context of {fitting:,} (--n-ctx {fitting})"
    else:
        smallest = estimate(header, kv_cells(_SMALLEST_CONTEXT, 1), options, accelerated=accelerated)
        advice = f"a model of up to {gigabytes(max(0, free - (smallest.total - smallest.weights)))} fits"
    raise NotEnoughMemory(
        f"{header.path.name} with a context of {n_ctx:,} needs about {gigabytes(needed.total)} of memory and "
        f"{gigabytes(free)} are free; {advice}"
        + ("; not even --force helps" if hopeless else "; --force loads it anyway")
    )


def _check_kv_type(header: GgufHeader, kv_type: KvType) -> None:
    block = TENSOR_TYPES[TYPE_NUMBERS[kv_type]].block
    heads = {header.key_length, header.value_length}
    if any(length % block for length in heads):
        raise ModelError(
            f"{header.path.name} cannot have a KV cache of type {kv_type}: its heads have {max(heads)} values, no "
            f"multiple of {block}; take f16 or bf16"
        )


def _layers_away(header: GgufHeader, options: LoadOptions, accelerated: bool) -> int:
    """Return how many layers go to other devices; the output counts as one."""
    if options.cpu or not (accelerated or options.rpc):
        return 0
    if options.device_layers:
        wanted = sum(layers for _, layers in options.device_layers)
    else:
        wanted = header.n_layers + 1 if options.n_gpu_layers is None else options.n_gpu_layers
    return min(wanted, header.n_layers + 1)


def _weights_away(header: GgufHeader, options: LoadOptions, layers: int) -> int:
    share = layers / (header.n_layers + 1)
    away = (header.size_bytes - header.input_bytes) * share
    if header.expert_bytes and options.cpu_moe:
        stay = header.n_layers if options.cpu_moe < 0 else options.cpu_moe
        first = header.n_layers + 1 - layers
        away -= header.expert_bytes * max(0, min(stay, header.n_layers) - first) / header.n_layers
    return int(away)


def free_memory() -> int:
    """Return the bytes that a new process may take: what the system has available, or the container, if less."""
    return min(psutil.virtual_memory().available, _free_in_cgroup(_CGROUP))


def gigabytes(size: int) -> str:
    """Return a size for people: `0.10 GB`, `4.4 GB`."""
    return f"{size / 1e9:.2f} GB" if size < 1e9 else f"{size / 1e9:.1f} GB"


def _largest_context(n_ctx: int, fits: Callable[[int], bool]) -> int:
    """Return the largest context below `n_ctx` that fits, in steps of 256; 0 if none is of use."""
    low, high = _SMALLEST_CONTEXT // 256 - 1, n_ctx // 256
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle * 256):
            low = middle
        else:
            high = middle - 1
    return low * 256 if low * 256 >= _SMALLEST_CONTEXT else 0


def _free_in_cgroup(root: Path) -> int:
    """Return what the limits of this process's control groups leave; a very large number where there are none."""
    unlimited = 2**62
    try:
        groups = Path("/proc/self/cgroup").read_text("ascii", "replace").splitlines()
    except OSError:
        return unlimited
    own = next((line[3:] for line in groups if line.startswith("0::")), "/")
    folder = root / own.lstrip("/")
    free = unlimited
    for group in (folder, *folder.parents):
        if not group.is_relative_to(root):
            break
        free = min(free, _free_in_group(group, unlimited))
    return free


def _free_in_group(group: Path, unlimited: int) -> int:
    try:
        limit = (group / "memory.max").read_text("ascii").strip()
        if limit == "max":
            return unlimited
        used = int((group / "memory.current").read_text("ascii"))
        statistics = dict(line.split() for line in (group / "memory.stat").read_text("ascii").splitlines())
        # Cached files count as used, and make way when memory is wanted.
        return max(0, int(limit) - used + int(statistics.get("inactive_file", 0)))
    except (OSError, ValueError):
        return unlimited
