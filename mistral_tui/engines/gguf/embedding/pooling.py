"""A context that makes one vector of a text, or one score, and keeps nothing."""

import ctypes
import math
from collections.abc import Sequence
from typing import Any, Final

from mistral_tui.engines.gguf.abort import AbortSwitch
from mistral_tui.engines.gguf.context import FLASH_TYPES
from mistral_tui.engines.gguf.library import llama, log
from mistral_tui.engines.gguf.model import Model
from mistral_tui.types.choices import FlashAttention
from mistral_tui.types.errors import EngineError, InvalidRequest, LoadCancelled, NotEnoughMemory

LARGEST_DEFAULT: Final = 2048
"""Tokens of one text, unless more is asked for: a text is computed at once, and the buffers grow with it."""
_TEXTS_AT_ONCE: Final = 16
_ABORTED: Final = 2


class PoolingContext:
    """Computes texts in batches, each text whole: pooling looks at all of its tokens.

    Args:
        model: Stays open for at least as long.
        longest: Most tokens of one text.
        threads: Threads of a computation.
        flash_attention: Whether to use it; `auto` leaves it to llama.cpp.

    Raises:
        NotEnoughMemory: llama.cpp cannot allocate it.
    """

    def __init__(self, model: Model, longest: int, threads: int, flash_attention: FlashAttention = "auto") -> None:
        self._model = model
        self._flash_attention = flash_attention
        self.longest = longest
        self._threads = threads
        handle = self._open(threads, llama.LLAMA_POOLING_TYPE_UNSPECIFIED)
        if llama.llama_pooling_type(handle) == llama.LLAMA_POOLING_TYPE_NONE:
            # A model of another trade, such as one for chat, does not say how; the mean of all tokens is usual.
            llama.llama_free(handle)
            handle = self._open(threads, llama.LLAMA_POOLING_TYPE_MEAN)
        self._handle = handle
        self._switch = AbortSwitch(handle)
        self.ranks: bool = llama.llama_pooling_type(handle) == llama.LLAMA_POOLING_TYPE_RANK
        """Whether it gives scores instead of vectors."""
        self._memory = llama.llama_get_memory(handle)
        self._batch = llama.llama_batch_init(longest, 0, 1)

    def _open(self, threads: int, pooling: int) -> Any:
        params = llama.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = self.longest
        params.n_seq_max = _TEXTS_AT_ONCE
        params.kv_unified = True
        params.n_threads = params.n_threads_batch = threads
        params.embeddings = True
        if self._flash_attention != "auto":
            params.flash_attn_type = FLASH_TYPES[self._flash_attention]
        params.pooling_type = pooling
        log().clear()
        handle = llama.llama_init_from_model(self._model.handle, params)
        if not handle:
            reason = log().reason() or "llama.cpp gives no reason"
            raise NotEnoughMemory(
                f"no context for texts of {self.longest:,} tokens for {self._model.name}: {reason}; "
                "ask for a smaller one"
            )
        return handle

    def use_threads(self, count: int) -> None:
        """Compute with at most so many of the threads that it was made with."""
        count = min(count, self._threads)
        llama.llama_set_n_threads(self._handle, count, count)

    def compute(self, texts: Sequence[Sequence[int]]) -> list[tuple[float, ...]]:
        """Return for each text, given as tokens, a vector of length 1, or its scores from a model that `ranks`.

        Raises:
            InvalidRequest: A text is empty or too long.
            LoadCancelled: `abort` was called.
            EngineError: The model cannot compute it.
        """
        for number, text in enumerate(texts, start=1):
            if not text:
                raise InvalidRequest(f"text {number} is empty; leave it out")
            if len(text) > self.longest:
                larger = ", or load it with a larger --n-ctx" if self.longest < self._model.trained_context else ""
                raise InvalidRequest(
                    f"text {number} has {len(text):,} tokens, and {self._model.name} takes {self.longest:,} as it is "
                    f"loaded; shorten it{larger}"
                )
        results: list[tuple[float, ...]] = []
        begin = 0
        while begin < len(texts):
            end, tokens = begin, 0
            while end < len(texts) and end - begin < _TEXTS_AT_ONCE and tokens + len(texts[end]) <= self.longest:
                tokens += len(texts[end])
                end += 1
            results += self._compute_batch(texts[begin:end])
            begin = end
        return results

    def _compute_batch(self, texts: Sequence[Sequence[int]]) -> list[tuple[float, ...]]:
        batch, row = self._batch, 0
        for sequence, text in enumerate(texts):
            for position, token in enumerate(text):
                batch.token[row], batch.pos[row] = token, position
                batch.n_seq_id[row], batch.seq_id[row][0], batch.logits[row] = 1, sequence, True
                row += 1
        batch.n_tokens = row
        log().clear()
        if self._memory:
            llama.llama_memory_clear(self._memory, False)
        compute = llama.llama_decode if self._memory else llama.llama_encode
        outcome = compute(self._handle, batch)
        if outcome == _ABORTED:
            raise LoadCancelled("the computation was stopped")
        if outcome != 0:
            reason = log().reason() or f"llama.cpp's error {outcome}"
            raise EngineError(f"{self._model.name} cannot compute this: {reason}")
        return [self._result(sequence) for sequence in range(len(texts))]

    def _result(self, sequence: int) -> tuple[float, ...]:
        model = self._model.handle
        size = llama.llama_model_n_cls_out(model) if self.ranks else llama.llama_model_n_embd_out(model)
        found = llama.llama_get_embeddings_seq(self._handle, sequence)
        if not found:
            raise EngineError(f"{self._model.name} gives no vector for a text; choose a model for embeddings")
        values: list[float] = (ctypes.c_float * size).from_address(ctypes.addressof(found.contents))[:]
        if not all(map(math.isfinite, values)):
            raise EngineError(f"{self._model.name} computed no numbers (NaN); its file may be damaged")
        if self.ranks:
            return tuple(values)
        length = math.hypot(*values)
        return tuple(value / length for value in values) if length else tuple(values)

    def abort(self) -> None:
        """Make the computation that runs now, or else the next one, end in `LoadCancelled`. For any thread."""
        self._switch.press()

    def allow(self) -> None:
        """Take back `abort`."""
        self._switch.release()

    def close(self) -> None:
        """Free everything native; nothing may be called afterwards."""
        if self._handle:
            llama.llama_batch_free(self._batch)
            llama.llama_free(self._handle)
            self._handle = None
