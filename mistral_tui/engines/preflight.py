"""What can be said of a model before a worker loads it: is its file there, readable, sound, and does it fit."""

import importlib.util
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mistral_tui.types.errors import BadModelFile, ModelError, ModelNotFound, NotEnoughMemory
from mistral_tui.types.models import LoadOptions, ModelEntry

_ACCELERATORS: Final = ("ggml-cuda", "ggml-hip", "ggml-metal", "ggml-musa", "ggml-opencl", "ggml-sycl", "ggml-vulkan")
"""Beginnings of the names of llama.cpp's libraries for GPUs."""


def check_file(entry: ModelEntry) -> None:
    """Look at the file from outside; quick.

    Raises:
        ModelError: It is not there, may not be read, or is of a format that no engine here runs.
    """
    if entry.remote is not None:
        raise ModelError(f"{entry.name} runs at an endpoint, and this needs a model on this machine; name one")
    if entry.format != "gguf":
        raise ModelError(
            f"{entry.name} is a {entry.format} model, and the engine for those (torch) is not part of this version; "
            "choose a GGUF model"
        )
    try:
        kind = entry.path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a null character
        raise ModelNotFound(
            f"{entry.name} is not downloaded: there is no file {entry.path}; see mistral-tui models list"
        ) from None
    except OSError as error:
        raise BadModelFile(f"{entry.path} cannot be read: {error.strerror or error}; name another file") from error
    if not stat.S_ISREG(kind):
        raise BadModelFile(f"{entry.path} is a folder or a device and not a GGUF file")
    if not os.access(entry.path, os.R_OK):
        raise BadModelFile(f"{entry.path} may not be read by you; change its permissions")


@dataclass(frozen=True)
class Taken:
    """Memory that a model of ours takes, or is about to."""

    pid: int | None
    """Its worker, if that runs already."""
    bytes: int


def check_content(
    entry: ModelEntry,
    options: LoadOptions,
    taken: Sequence[Taken] = (),
    budget: int | None = None,
    reclaimed: int = 0,
) -> int:
    """Read the header and compare the memory that is needed with what is free; takes milliseconds.

    Args:
        entry: The model.
        options: How it is to be loaded; with `force` everything fits.
        taken: What our other models take.
        budget: Bytes that all our models may take together; `None`: what is free.
        reclaimed: Bytes of `taken` that would be free again if models were unloaded.

    Returns:
        Bytes that it needs, as estimated.

    Raises:
        BadModelFile: The header is damaged.
        NotEnoughMemory: It does not fit; names what it needs and what there is.
    """
    # Imported here, on a thread: the worker's start comes first.
    from mistral_tui.models.gguf_header import read_header
    from mistral_tui.models.memory_fit import check_fit, free_memory, gigabytes

    header = read_header(entry.path)
    free = free_memory() - sum(map(_unseen, taken)) + reclaimed
    # With accelerators only the worker knows what is free where; see `mistral_tui.engines.gguf.placement`.
    needed = check_fit(header, options, max(0, free), accelerated=may_be_accelerated()).total
    left = None if budget is None else budget - sum(one.bytes for one in taken) + reclaimed
    if left is not None and needed > left and not options.force:
        raise NotEnoughMemory(
            f"{entry.name} needs about {gigabytes(needed)} of memory, and {gigabytes(max(0, left))} are left of the "
            f"memory budget of {gigabytes(budget or 0)}; raise --memory-budget, or ask for a smaller --n-ctx"
        )
    return needed


def may_be_accelerated() -> bool:
    """Return whether this build of llama.cpp can compute on more than the CPU; the machine may still have no GPU."""
    found = importlib.util.find_spec("llama_cpp")
    places = found.submodule_search_locations or () if found is not None else ()
    libraries = [path.name for place in places for path in (Path(place) / "lib").glob("*ggml-*")]
    return any(backend in name for name in libraries for backend in _ACCELERATORS)


def _unseen(taken: Taken) -> int:
    """Return how much of what a model takes the system calls free: it is still to come, or mapped from its file."""
    import psutil

    try:
        memory = psutil.Process(taken.pid).memory_info() if taken.pid else None
    except psutil.Error:
        return 0  # it has just ended
    own = 0 if memory is None else memory.rss - getattr(memory, "shared", 0)
    return max(0, taken.bytes - own)
