"""What this machine and this build of llama.cpp can do, printed as JSON.

    python -m mistral_tui.engines.gguf.probe

A process of its own, because asking a bad build or driver may end it.
"""

import json
import sys
from dataclasses import asdict
from typing import Any

from mistral_tui.types.errors import MistralTuiError


def describe() -> dict[str, Any]:
    """Return everything that `mistral-tui doctor` wants to know.

    Raises:
        EngineError: llama.cpp is not there, of another version, or cannot be loaded.
    """
    # Imported here, so that a build that cannot be loaded ends in an error of ours.
    from mistral_tui.engines.gguf.devices import accelerators, devices
    from mistral_tui.engines.gguf.library import PINNED, build, cpu_features, llama, log

    log()
    found = devices()
    return {
        "version": PINNED,
        "llama_cpp": build(),
        "features": cpu_features(),
        "devices": [{key: value for key, value in asdict(device).items() if key != "handle"} for device in found],
        "accelerators": [device.name for device in accelerators()],
        "rpc": bool(llama.llama_supports_rpc()),
        # `llama_supports_gpu_offload` is true for every build with RPC.
        "gpu_offload": any(device.is_gpu for device in found),
    }


if __name__ == "__main__":
    try:
        print(json.dumps(describe()))
    except MistralTuiError as error:
        sys.exit(f"error: {error}")
