"""What llama.cpp can compute on."""

import ctypes
from dataclasses import dataclass, field
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
    id: str = ""
    """Where it sits, such as its PCI address; two backends may show one GPU. Empty if unknown."""
    handle: int = field(default=0, repr=False, compare=False)
    """llama.cpp's pointer to it; means nothing outside this process."""

    @property
    def is_gpu(self) -> bool:
        """Whether layers of a model go there by default."""
        return "gpu" in self.type


class _Properties(ctypes.Structure):
    """`struct ggml_backend_dev_props` of ggml-backend.h."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("description", ctypes.c_char_p),
        ("free", ctypes.c_size_t),
        ("total", ctypes.c_size_t),
        ("type", ctypes.c_int),
        ("id", ctypes.c_char_p),
        ("capabilities", ctypes.c_bool * 5),
    ]


def devices() -> list[Device]:
    """Return the devices of this machine that this build can use."""
    count = ggml("ggml_backend_dev_count", ctypes.c_size_t)
    get = ggml("ggml_backend_dev_get", ctypes.c_void_p, ctypes.c_size_t)
    return [describe(get(index)) for index in range(count())]


def accelerators() -> list[Device]:
    """Return the devices of this machine that take layers of a model: the GPUs, or without any the integrated ones."""
    found: dict[str, Device] = {}
    for device in devices():
        if device.is_gpu:
            found.setdefault(device.id or device.name, device)
    discrete = [device for device in found.values() if device.type == "gpu"]
    return discrete or list(found.values())


def describe(handle: int) -> Device:
    """Return what llama.cpp says of one of its devices."""
    found = _Properties()
    ggml("ggml_backend_dev_get_props", None, ctypes.c_void_p, ctypes.POINTER(_Properties))(handle, ctypes.byref(found))
    return Device(
        name=_text(found.name),
        description=_text(found.description),
        free=found.free,
        total=found.total,
        type=_KINDS[found.type] if 0 <= found.type < len(_KINDS) else "unknown",
        id=_text(found.id),
        handle=handle,
    )


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace").strip()
