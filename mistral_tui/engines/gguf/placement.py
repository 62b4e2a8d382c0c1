"""Which part of a model goes to which device."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mistral_tui.engines.gguf.devices import Device, accelerators, describe
from mistral_tui.engines.gguf.library import ggml, llama
from mistral_tui.models.gguf_header import read_header
from mistral_tui.models.memory_fit import check_fit, gigabytes
from mistral_tui.types.errors import InvalidRequest, NotEnoughMemory
from mistral_tui.types.models import LoadOptions

ALL_LAYERS: Final = -1
RPC: Final = "rpc"
"""`Device.type` of a device behind an RPC worker."""
_EXPERTS: Final = r"\.ffn_(up|down|gate|gate_up)_(ch|)exps"
"""Matches the names of the tensors with a layer's experts, as llama.cpp's own --cpu-moe."""
_MOST_LAYERS: Final = 512


@dataclass(frozen=True)
class Placement:
    """Where a model's layers go; those that are not mentioned stay on the CPU."""

    devices: tuple[Device, ...] = ()
    """Those that take layers, in llama.cpp's order."""
    layers: int = ALL_LAYERS
    """How many they take together; the output counts as one."""
    shares: tuple[float, ...] = ()
    """What each of the devices takes of them; empty: by free memory."""
    experts_on_cpu: int = 0
    """Layers, from the first, whose experts stay on the CPU; -1: all."""
    notices: tuple[str, ...] = ()

    @property
    def on_gpu(self) -> bool:
        """Whether a GPU of this machine computes layers."""
        return any(device.type != RPC for device in self.devices)

    @property
    def name(self) -> str:
        """What people call it, such as `NVIDIA H200` or `CPU`."""
        return ", ".join(device.description or device.name for device in self.devices) or "CPU"

    @property
    def taken(self) -> int:
        """Bytes that are less free on the GPUs of this machine than when the layers were placed."""
        own = [device for device in self.devices if device.type != RPC]
        return sum(max(0, device.free - describe(device.handle).free) for device in own)

    def apply(self, params: Any) -> list[Any]:
        """Write it into `llama_model_params`.

        Returns:
            What the parameters point at; keep it until the model is loaded.
        """
        handles = (ctypes.c_void_p * (len(self.devices) + 1))(*(device.handle for device in self.devices), None)
        params.devices = ctypes.cast(handles, ctypes.c_void_p)
        params.n_gpu_layers = self.layers if self.devices else 0
        kept: list[Any] = [handles]
        if self.shares:
            # llama.cpp reads as many as there may be devices at all.
            shares = (ctypes.c_float * llama.llama_max_devices())(*self.shares)
            params.tensor_split = shares
            kept.append(shares)
        if patterns := self._patterns():
            on_cpu = ggml("ggml_backend_cpu_buffer_type", ctypes.c_void_p)()
            named = [_Override(pattern.encode(), on_cpu) for pattern in patterns]
            overrides = (_Override * (len(named) + 1))(*named)
            params.tensor_buft_overrides = ctypes.cast(overrides, ctypes.c_void_p)
            kept.append(overrides)
        return kept

    def _patterns(self) -> list[str]:
        if not self.devices or not self.experts_on_cpu:
            return []
        if self.experts_on_cpu < 0:
            return [_EXPERTS]
        return [rf"blk\.{layer}{_EXPERTS}" for layer in range(min(self.experts_on_cpu, _MOST_LAYERS))]


class _Override(ctypes.Structure):
    """`struct llama_model_tensor_buft_override` of llama.h."""

    _fields_ = [("pattern", ctypes.c_char_p), ("buffer_type", ctypes.c_void_p)]


def place(options: LoadOptions, remote: Sequence[Device] = ()) -> Placement:
    """Return where a model goes that is loaded with `options`.

    Args:
        options: Of these everything about devices.
        remote: The devices of its RPC workers; they come before those of this machine.

    Raises:
        InvalidRequest: A device is named that is not there; says which are.
    """
    if options.cpu or options.n_gpu_layers == 0:
        return Placement()
    found = (*remote, *accelerators())
    if options.device_layers:
        for number, _ in options.device_layers:
            if number >= len(found):
                raise InvalidRequest(f"there is no accelerator {number} for layers; {_list(found)}")
        wanted = [(found[number], float(layers)) for number, layers in options.device_layers if layers]
        return Placement(
            devices=tuple(device for device, _ in wanted),
            layers=int(sum(layers for _, layers in wanted)),
            shares=tuple(layers for _, layers in wanted),
            experts_on_cpu=options.cpu_moe,
        )
    if len(options.tensor_split) > len(found):
        count = len(options.tensor_split)
        raise InvalidRequest(f"the tensor split names {count} accelerators; {_list(found)}")
    notices: tuple[str, ...] = ()
    if not found and options.n_gpu_layers:
        notices = ("all layers stay on the CPU: this machine or this build of llama.cpp has no accelerator",)
    return Placement(
        devices=found,
        layers=ALL_LAYERS if options.n_gpu_layers is None else options.n_gpu_layers,
        shares=options.tensor_split,
        experts_on_cpu=options.cpu_moe,
        notices=notices,
    )


def check_memory(placement: Placement, path: str, options: LoadOptions) -> None:
    """See that what goes to the devices fits there, and what stays on the CPU here.

    Raises:
        NotEnoughMemory: It does not, and `options.force` is not set.
    """
    header = read_header(Path(path))
    needed = check_fit(header, options, accelerated=bool(placement.devices)).on_devices
    free = sum(device.free for device in placement.devices)
    if needed > free and not options.force:
        layers = header.n_layers + 1
        taken = min(layers, placement.layers if placement.layers >= 0 else layers)
        raise NotEnoughMemory(
            f"{header.path.name}: {taken} layers need about {gigabytes(needed)} on {placement.name}, and "
            f"{gigabytes(free)} are free there; about {taken * free // needed} fit (--num-device-layers)"
        )


def _list(found: Sequence[Device]) -> str:
    if not found:
        return "this machine or this build of llama.cpp has none"
    listed = ", ".join(f"{number}: {device.description or device.name}" for number, device in enumerate(found))
    return f"there is {listed}"
