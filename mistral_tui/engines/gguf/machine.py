"""What makes one machine as fast as another: measurements hold for this and nothing else."""

from mistral_tui.engines.cores import usable_cores
from mistral_tui.engines.gguf.devices import devices
from mistral_tui.engines.gguf.library import build, cpu_features
from mistral_tui.engines.gguf.placement import Placement


def machine(placement: Placement) -> str:
    """Return processor, cores, build of llama.cpp, and the devices that take layers, as one line."""
    cpu = next((device.description for device in devices() if device.type == "cpu"), "unknown")
    used = [feature for feature, on in cpu_features().items() if on]
    where = f"{placement.layers} layers on {placement.name}" if placement.devices else "CPU"
    shares = ",".join(f"{share:g}" for share in placement.shares)
    experts = f"experts of {placement.experts_on_cpu} layers on the CPU" if placement.experts_on_cpu else ""
    return "; ".join(filter(None, (cpu, f"{usable_cores()} cores", build(), " ".join(used), where, shares, experts)))
