"""LoRAs: loaded when they are first asked for, and laid over the weights for the replies that want them."""

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mistral_tui.engines.gguf.kv.files import fingerprint
from mistral_tui.engines.gguf.library import llama, log
from mistral_tui.engines.gguf.model import Model
from mistral_tui.models.adapter_file import check_adapter
from mistral_tui.types.errors import BadModelFile, InvalidRequest
from mistral_tui.types.models import Adapter

_MOST = 16


class _Loaded(NamedTuple):
    handle: Any
    state: tuple[int, int] | None
    """Size and time of the file."""
    fingerprint: str


class Adapters:
    """The LoRAs of one model, and which of them its context computes with.

    Args:
        model: Stays open for at least as long.
        context: `llama_context *` of that model.
        usual: Those that count unless a request names others.

    Raises:
        BadModelFile: One of `usual` cannot be used.
    """

    def __init__(self, model: Model, context: Any, usual: Sequence[Adapter]) -> None:
        self._model = model
        self._context = context
        self._loaded: dict[str, _Loaded] = {}
        self._set: tuple[Adapter, ...] = ()
        self.usual = self.ready(usual)

    def ready(self, wanted: Sequence[Adapter] | None) -> tuple[Adapter, ...]:
        """Load what is wanted and return it in a normal form: equal effects are equal tuples.

        Args:
            wanted: Adapters in any order; `None`: the usual ones.

        Raises:
            BadModelFile: A file is missing, damaged, or for another model.
            InvalidRequest: There are too many, or one of them is named twice.
        """
        if wanted is None:
            return self.usual
        if len(wanted) > _MOST:
            raise InvalidRequest(f"{len(wanted)} adapters are too many; at most {_MOST} can be laid over a model")
        paths = [os.path.realpath(adapter.path) for adapter in wanted]
        if len(set(paths)) < len(paths):
            raise InvalidRequest("an adapter is named twice; name it once, with the scale that it should have")
        found = [Adapter(path, adapter.scale) for path, adapter in zip(paths, wanted, strict=True) if adapter.scale]
        for adapter in found:
            path = Path(adapter.path)
            if self._load(path).state != _state(path):
                raise BadModelFile(f"the adapter {path.name} has changed since it was loaded; unload the model first")
        return tuple(sorted(found, key=lambda adapter: adapter.path))

    def lay(self, adapters: tuple[Adapter, ...]) -> None:
        """Let the context compute with these from now on; what `ready` returned."""
        if adapters == self._set:
            return
        count = len(adapters)
        handles = (llama.llama_adapter_lora_p_ctypes * count)(*map(self._handle, adapters))
        scales = (ctypes.c_float * count)(*(adapter.scale for adapter in adapters))
        llama.llama_set_adapters_lora(self._context, handles, count, scales)
        self._set = adapters

    def fingerprints(self, adapters: tuple[Adapter, ...]) -> tuple[str, ...]:
        """Return what tells these LoRAs from all others: as they were loaded, whatever is in their files now."""
        return tuple(
            loaded.fingerprint if (loaded := self._loaded.get(adapter.path)) else fingerprint(Path(adapter.path))
            for adapter in adapters
        )

    def _handle(self, adapter: Adapter) -> Any:
        return self._load(Path(adapter.path)).handle

    def _load(self, path: Path) -> "_Loaded":
        loaded = self._loaded.get(str(path))
        if loaded is None:
            state = _state(path)
            check_adapter(path, self._model.architecture)
            log().clear()
            handle = llama.llama_adapter_lora_init(self._model.handle, os.fsencode(path))
            if not handle:
                reason = log().reason() or "llama.cpp cannot load it and gives no reason"
                raise BadModelFile(f"the adapter {path.name}: {reason}; choose one that was made for this model")
            # Kept until the model is freed, which frees its adapters: what is in the KV cache was computed with it.
            loaded = self._loaded[str(path)] = _Loaded(handle, state, fingerprint(path))
        return loaded


def _state(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size
