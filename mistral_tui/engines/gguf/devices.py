"""What llama.cpp can compute on."""

import ctypes
from dataclasses import dataclass
from typing import Final

from mistral_tui.engines.gguf.library import ggml

_KINDS: Final = ("cpu", "gpu", "integrated gpu", "accelerator", "meta")
"""Names for `enum ggml_backend_dev_type`."""


@dataclass(frozen=True)
class Device:
    """A CPU, a GPU or an accelerator; memory in bytes."""

    name: str
    description: str
    free: int
    total: int
    type: str

    @property
    def is_gpu(self) -> bool:
        """Whether layers of a model go there by default."""
        return "gpu" in self.type


def devices() -> list[Device]:
    """Return the devices of this machine that this build can use."""
    count = ggml("ggml_backend_dev_count", ctypes.c_size_t)
    get = ggml("ggml_backend_dev_get", ctypes.c_void_p, ctypes.c_size_t)
    return [_describe(get(index)) for index in range(count())]


def _describe(device: int) -> Device:
    def text(function: str) -> str:
        value: bytes | None = ggml(function, ctypes.c_char_p, ctypes.c_void_p)(device)
        return (value or b"").decode("utf-8", "replace").strip()

    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    size_pointer = ctypes.POINTER(ctypes.c_size_t)
    memory = ggml("ggml_backend_dev_memory", None, ctypes.c_void_p, size_pointer, size_pointer)
    memory(device, ctypes.byref(free), ctypes.byref(total))
    kind = ggml("ggml_backend_dev_type", ctypes.c_int, ctypes.c_void_p)(device)
    return Device(
        name=text("ggml_backend_dev_name"),
        description=text("ggml_backend_dev_description"),
        free=free.value,
        total=total.value,
        type=_KINDS[kind] if 0 <= kind < len(_KINDS) else "unknown",
    )
