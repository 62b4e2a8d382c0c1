"""The weights of one GGUF file and what their header says."""

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from mistral_tui.engines.gguf.library import llama, log
from mistral_tui.engines.gguf.placement import Placement
from mistral_tui.engines.gguf.text.vocabulary import Vocabulary
from mistral_tui.models.template_files import one_of_named
from mistral_tui.types.errors import BadModelFile, LoadCancelled

_PLANE_ROPES: Final = (llama.LLAMA_ROPE_TYPE_MROPE, llama.LLAMA_ROPE_TYPE_IMROPE)


class Model:
    """A loaded GGUF file.

    Args:
        path: The file.
        name: What people call it.
        placement: Which devices take its layers.
        plain_kernels: Load without repacked weights: slower, but avoids a crash on CPUs with AMX.
        on_progress: Called with the share that is loaded, from 0 to 1.
        cancelled: Asked often; `True` stops the load.

    Raises:
        BadModelFile: llama.cpp refuses the file; says why.
        LoadCancelled: `cancelled` said so.
    """

    def __init__(
        self,
        path: str,
        name: str,
        placement: Placement,
        plain_kernels: bool,
        on_progress: Callable[[float], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self.path = path
        self.name = name
        self.placement = placement

        def go_on(fraction: float, _: int | None) -> bool:
            if cancelled():
                return False
            on_progress(fraction)
            return True

        callback = llama.llama_progress_callback(go_on)
        params = llama.llama_model_default_params()
        _kept = placement.apply(params)
        params.use_extra_bufts = not plain_kernels
        params.progress_callback = callback
        log().clear()
        self.handle: Any = llama.llama_model_load_from_file(path.encode(), params)
        if not self.handle:
            if cancelled():
                raise LoadCancelled(f"loading {name} was cancelled")
            reason = log().reason() or "llama.cpp cannot load it and gives no reason"
            raise BadModelFile(f"{Path(path).name}: {reason}; choose another file")
        try:
            self._read()
        except BaseException:
            self.close()
            raise

    def _read(self) -> None:
        handle = self.handle
        encodes, decodes = llama.llama_model_has_encoder(handle), llama.llama_model_has_decoder(handle)
        self.writes_from_encoded: bool = decodes and encodes
        """Reads with one half and writes with the other, as T5 does."""
        self.vocabulary = Vocabulary(llama.llama_model_get_vocab(handle))
        if self.vocabulary.size == 0:
            raise BadModelFile(f"{Path(self.path).name} has no tokens; choose another file")
        self.architecture = self.metadata("general.architecture") or "unknown"
        sees_all_tokens = self.metadata(f"{self.architecture}.attention.causal") == "false"
        self.writes_text: bool = decodes and not encodes and not sees_all_tokens
        self.trained_context: int = llama.llama_model_n_ctx_train(handle)
        self.size_bytes: int = llama.llama_model_size(handle)
        self.sliding_window: int = llama.llama_model_n_swa(handle)
        heads: int = llama.llama_model_n_head(handle) or 1
        per_layer: int = 2 * llama.llama_model_n_head_kv(handle) * llama.llama_model_n_embd(handle) // heads
        self.kv_values: int = per_layer * llama.llama_model_n_layer(handle)
        """About how many values a token has in the KV cache."""
        self.keeps_running_state: bool = llama.llama_model_is_recurrent(handle) or llama.llama_model_is_hybrid(handle)
        """Recurrent, at least in part: what went in cannot be taken out again."""
        self.places_in_plane: bool = llama.llama_model_rope_type(handle) in _PLANE_ROPES
        """Whether what it sees has positions in a plane and not in a row."""
        self.chat_template: str | None = one_of_named(
            {
                name: template.decode("utf-8", "replace")
                for name in ("default", "tool_use")
                if (template := llama.llama_model_chat_template(handle, None if name == "default" else name.encode()))
            }
        )

    def metadata(self, key: str) -> str | None:
        """Return a value of the file's header as text."""
        buffer = ctypes.create_string_buffer(256)
        length = llama.llama_model_meta_val_str(self.handle, key.encode(), buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace") if length >= 0 else None

    def close(self) -> None:
        """Free the weights; nothing that uses them may be called afterwards."""
        if self.handle:
            llama.llama_model_free(self.handle)
            self.handle = None
