"""How much memory a model will take, from its header, and whether that is free.

The estimate is llama.cpp's own arithmetic for a CPU: the weights, the KV cache in half precision, and the larger of
the two buffers that a prefill of 512 tokens computes in (the logits, or the attention scores). It errs upwards.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from mistral_tui.models.context_size import context_of_one_chat, kv_cells
from mistral_tui.models.gguf_header import GgufHeader
from mistral_tui.types.errors import NotEnoughMemory
from mistral_tui.types.models import LoadOptions

_BATCH: Final = 512
"""Tokens that are computed at once in a prefill."""
_KV_BYTES: Final = 2
_FLOAT: Final = 4
_PROCESS: Final = 100 * 2**20
"""A worker without a model: the interpreter and llama.cpp."""
_SMALLEST_CONTEXT: Final = 512
_CGROUP: Final = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes that a loaded model takes."""

    weights: int
    kv_cache: int
    compute: int

    @property
    def total(self) -> int:
        """All of it, the process included."""
        return self.weights + self.kv_cache + self.compute + _PROCESS


def estimate(header: GgufHeader, cells: int) -> MemoryEstimate:
    """Return what a model takes with a KV cache of `cells` tokens, all layers seeing all of them."""
    per_cell = sum(header.n_head_kv) * (header.key_length + header.value_length) * _KV_BYTES
    widest = max(header.n_vocab, header.n_head * cells)
    compute = _BATCH * _FLOAT * (widest + cells + 4 * header.n_embd)
    return MemoryEstimate(header.size_bytes, per_cell * cells, compute)


def check_fit(header: GgufHeader, options: LoadOptions, free_bytes: int | None = None) -> MemoryEstimate:
    """Compare what loading with `options` takes with what is free.

    Args:
        header: The model.
        options: Of these the context, the number of chats and `force` count; with `force` all is well.
        free_bytes: What may be taken; without it `free_memory()`.

    Returns:
        The estimate.

    Raises:
        NotEnoughMemory: It does not fit; names both figures, and a context with which it would, if there is one.
    """
    n_ctx = context_of_one_chat(options.n_ctx, header.context_length)
    needed = estimate(header, kv_cells(n_ctx, options.max_seqs))
    free = free_memory() if free_bytes is None else free_bytes
    if needed.total <= free or options.force:
        return needed
    fitting = _largest_context(header, options.max_seqs, n_ctx, free)
    if fitting:
        advice = f"it fits with a context of {fitting:,} (--n-ctx {fitting})"
    else:
        weights = max(0, free - (estimate(header, kv_cells(_SMALLEST_CONTEXT, 1)).total - needed.weights))
        advice = f"a model of up to {gigabytes(weights)} fits"
    raise NotEnoughMemory(
        f"{header.path.name} with a context of {n_ctx:,} needs about {gigabytes(needed.total)} of memory and "
        f"{gigabytes(free)} are free; {advice}; --force loads it anyway"
    )


def free_memory() -> int:
    """Return the bytes that a new process may take: what the system has available, or the container, if less."""
    return min(psutil.virtual_memory().available, _free_in_cgroup(_CGROUP))


def gigabytes(size: int) -> str:
    """Return a size for people: `0.10 GB`, `4.4 GB`."""
    return f"{size / 1e9:.2f} GB" if size < 1e9 else f"{size / 1e9:.1f} GB"


def _largest_context(header: GgufHeader, max_seqs: int, n_ctx: int, free: int) -> int:
    """Return the largest context below `n_ctx` that fits, in steps of 256; 0 if none is of use."""
    low, high = _SMALLEST_CONTEXT // 256 - 1, n_ctx // 256
    while low < high:
        middle = (low + high + 1) // 2
        if estimate(header, kv_cells(middle * 256, max_seqs)).total <= free:
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
