"""What can be said of a model before a worker loads it: is its file there, readable, sound, and does it fit."""

import importlib.util
import os
import stat
from pathlib import Path
from typing import Final

from mistral_tui.types.errors import BadModelFile, ModelError, ModelNotFound
from mistral_tui.types.models import LoadOptions, ModelEntry

_ACCELERATORS: Final = ("ggml-cuda", "ggml-hip", "ggml-metal", "ggml-musa", "ggml-opencl", "ggml-sycl", "ggml-vulkan")
"""Beginnings of the names of llama.cpp's libraries for GPUs."""


def check_file(entry: ModelEntry) -> None:
    """Look at the file from outside; quick.

    Raises:
        ModelError: It is not there, may not be read, or is of a format that no engine here runs.
    """
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


def check_content(entry: ModelEntry, options: LoadOptions) -> None:
    """Read the header and compare the memory that is needed with what is free; takes milliseconds.

    Raises:
        BadModelFile: The header is damaged.
        NotEnoughMemory: It does not fit, and `options.force` is not set.
    """
    # Imported here, on a thread: the worker's start comes first.
    from mistral_tui.models.gguf_header import read_header
    from mistral_tui.models.memory_fit import check_fit

    # With accelerators only the worker knows what is free where; see `mistral_tui.engines.gguf.placement`.
    check_fit(read_header(entry.path), options, accelerated=may_be_accelerated())


def may_be_accelerated() -> bool:
    """Return whether this build of llama.cpp can compute on more than the CPU; the machine may still have no GPU."""
    found = importlib.util.find_spec("llama_cpp")
    places = found.submodule_search_locations or () if found is not None else ()
    libraries = [path.name for place in places for path in (Path(place) / "lib").glob("*ggml-*")]
    return any(backend in name for name in libraries for backend in _ACCELERATORS)
