"""One llama.cpp context: its batch, its KV cache, and the switch that stops it in the middle of a computation."""

import ctypes
import math
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Final

from mistral_tui.engines.gguf.abort import AbortSwitch
from mistral_tui.engines.gguf.library import llama, log
from mistral_tui.engines.gguf.media.embedding_batch import EmbeddingBatch
from mistral_tui.engines.gguf.media.places import MediaRun
from mistral_tui.engines.gguf.model import Model
from mistral_tui.models.context_size import BATCH_TOKENS
from mistral_tui.models.gguf_types import TYPE_NUMBERS
from mistral_tui.types.choices import FlashAttention, KvType
from mistral_tui.types.errors import ModelError, NotEnoughMemory
from mistral_tui.types.models import QUANTIZED_KV

FLASH_TYPES: Final[dict[FlashAttention, int]] = {
    "auto": llama.LLAMA_FLASH_ATTN_TYPE_AUTO,
    "on": llama.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    "off": llama.LLAMA_FLASH_ATTN_TYPE_DISABLED,
}


class Decoded(IntEnum):
    """What became of a decode; anything below 0 is a failure of the computation."""

    DONE = 0
    NO_ROOM = 1
    """The KV cache has too few free cells; nothing was computed."""
    ABORTED = 2
    """The batch is not in the KV cache."""
    FAILED = -1


class Context:
    """The KV cache of all sequences and the buffers to compute with. Everything but `abort` belongs to one thread.

    Args:
        model: Stays open for at least as long.
        cells: Tokens that the KV cache can hold for all sequences together.
        sequences: How many sequences may be in it.
        threads: Threads of a decode.
        batch_tokens: Most tokens of one decode.
        kv_type: How precise the KV cache is; a quantized one turns flash attention on.
        flash_attention: Whether to use it; `auto` where llama.cpp can, on a GPU of this machine only.
        swa_full: Whether layers with a sliding window keep what they don't look at any more. It takes memory, and
            spares computing much anew when a chat goes back.

    Raises:
        NotEnoughMemory: The KV cache or the buffers cannot be allocated.
        ModelError: llama.cpp cannot make a context of this kind for the model.
    """

    def __init__(
        self,
        model: Model,
        cells: int,
        sequences: int,
        threads: int,
        batch_tokens: int = BATCH_TOKENS,
        kv_type: KvType = "f16",
        flash_attention: FlashAttention = "auto",
        swa_full: bool = True,
    ) -> None:
        params = llama.llama_context_default_params()
        params.n_ctx = cells
        # Logical and physical batch are the same, so that an aborted decode leaves no trace.
        params.n_batch = params.n_ubatch = batch_tokens
        params.n_seq_max = sequences
        params.n_threads = params.n_threads_batch = threads
        params.kv_unified = True
        params.swa_full = swa_full
        params.type_k = params.type_v = TYPE_NUMBERS[kv_type]
        params.flash_attn_type = _flash_attention(flash_attention, kv_type, on_gpu=model.placement.on_gpu)
        log().clear()
        self.handle = llama.llama_init_from_model(model.handle, params)
        if not self.handle:
            reason = log().reason() or "llama.cpp gives no reason"
            if "cache type" in reason or "flash_attn" in reason:
                raise ModelError(f"{model.name} cannot have a KV cache of type {kv_type}: {reason}; take f16")
            raise NotEnoughMemory(f"no context of {cells:,} tokens for {model.name}: {reason}; ask for a smaller one")
        self.cells: int = llama.llama_n_ctx(self.handle)
        self.batch_tokens: int = llama.llama_n_batch(self.handle)
        """Most tokens of one decode."""
        self._model = model
        self.goes_back = not model.keeps_running_state and (swa_full or not model.sliding_window)
        """Whether a sequence can always give up its last tokens; if not, it needs a `checkpoint` to return to."""
        self._memory = llama.llama_get_memory(self.handle)
        self._batch = llama.llama_batch_init(self.batch_tokens, 0, 1)
        self._threads = threads
        self._tokens = _Column(self._batch.token, ctypes.c_int32, self.batch_tokens)
        self._positions = _Column(self._batch.pos, ctypes.c_int32, self.batch_tokens)
        self._logits = _Column(self._batch.logits, ctypes.c_int8, self.batch_tokens)
        self._decode = llama.llama_decode
        self._row_logits = llama.llama_get_logits_ith
        for row in range(self.batch_tokens):
            self._batch.n_seq_id[row] = 1
        self._sequence_of_row = [-1] * self.batch_tokens
        self._switch = AbortSwitch(self.handle)
        self._embeddings: EmbeddingBatch | None = None
        self._shifted = False

    # The batch

    def clear_batch(self) -> None:
        """Begin a new batch."""
        self._batch.n_tokens = 0
        self._embeddings = None

    @property
    def batch_room(self) -> int:
        """How many more tokens the batch can take."""
        return self.batch_tokens - int(self._batch.n_tokens)

    def add(self, sequence: int, tokens: Sequence[int], position: int, logits: bool, guesses: int = 0) -> int:
        """Put consecutive tokens of one sequence into the batch, at most `batch_room`.

        Args:
            sequence: Number of the sequence.
            tokens: At least one.
            position: Of the first of them in the sequence.
            logits: Whether the last of them is to give logits.
            guesses: So many of the last ones were guessed: they give logits too.

        Returns:
            The row of the last token that was not guessed, by which its logits are found after the decode.
        """
        batch, begin = self._batch, self._batch.n_tokens
        end = begin + len(tokens)
        self._tokens.values[begin:end] = tokens
        self._positions.values[begin:end] = range(position, position + len(tokens))
        self._logits.values[begin:end] = bytes(len(tokens))
        for row in range(begin, end):
            if self._sequence_of_row[row] != sequence:
                self._sequence_of_row[row] = batch.seq_id[row][0] = sequence
        for row in range(end - 1 - guesses, end):
            batch.logits[row] = logits
        batch.n_tokens = end
        return int(end) - 1 - guesses

    def put_embeddings(
        self, run: MediaRun, embeddings: Any, begin: int, count: int, sequence: int, position: int, logits: bool
    ) -> None:
        """Let the batch be embeddings of a medium, and nothing else; see `EmbeddingBatch`."""
        self.clear_batch()
        in_plane = self._model.places_in_plane
        self._embeddings = EmbeddingBatch(run, embeddings, begin, count, sequence, position, in_plane, logits)

    def decode(self) -> int:
        """Compute the batch. Returns a `Decoded`, or what llama.cpp calls a failure: a number below 0."""
        outcome: int
        if self._shifted:
            # The cells move with the next decode. Stopped in the middle of that, they would be in no known place.
            self._switch.listen(False)
        if self._embeddings is None:
            outcome = self._decode(self.handle, self._batch)
        else:
            outcome = self._embeddings.decode(self.handle)
        if self._shifted:
            self._shifted = False
            self._switch.listen(True)
        return outcome

    def logits(self, row: int) -> Any:
        """Return a `float *` to the logits of a row, one for each token of the vocabulary, until the next decode."""
        return self._row_logits(self.handle, row)

    def has_nan(self, row: int) -> bool:
        """Return whether the model computed nonsense for this row: one NaN spreads to all logits of a token."""
        return math.isnan(self.logits(row)[0])

    # Stopping and speed

    def abort(self) -> None:
        """Make the decode that runs now, or else the next one, return `ABORTED` soon. For any thread."""
        self._switch.press()

    def allow(self) -> None:
        """Take back `abort`."""
        self._switch.release()

    @property
    def threads(self) -> int:
        """Threads of a decode."""
        return self._threads

    @threads.setter
    def threads(self, count: int) -> None:
        if count != self._threads:
            self._threads = count
            llama.llama_set_n_threads(self.handle, count, count)

    # The KV cache

    def keep(self, sequence: int, length: int) -> int:
        """Shorten a sequence to its first `length` positions.

        Returns:
            How many positions it has now: at most `length`, and 0 where the model cannot give up a part.
        """
        length = self.can_keep(sequence, length)
        if length > 0 and llama.llama_memory_seq_rm(self._memory, sequence, length, -1):
            return length
        llama.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        return 0

    def can_keep(self, sequence: int, length: int) -> int:
        """Return how many positions `keep` would leave, or `copy` could take.

        Recurrent models cannot give up a part; and with a sliding window the tokens that the last ones look at may
        be gone.
        """
        newest = llama.llama_memory_seq_pos_max(self._memory, sequence)
        if not self._model.places_in_plane:  # there the last position may be less than what comes next
            length = min(length, newest + 1)
        if length > 0 and self._model.sliding_window:
            oldest = llama.llama_memory_seq_pos_min(self._memory, sequence)
            if oldest > max(0, length - self._model.sliding_window):
                return 0
        return 0 if self._model.keeps_running_state and length <= newest else length

    def copy(self, source: int, target: int, length: int) -> None:
        """Let `target` share the first `length` positions of `source`, of which it may have some already.

        Recurrent layers have no parts: theirs is shared as it is now.
        """
        if self._model.keeps_running_state:
            llama.llama_memory_seq_rm(self._memory, target, -1, -1)
            llama.llama_memory_seq_cp(self._memory, source, target, -1, -1)
        else:
            llama.llama_memory_seq_cp(self._memory, source, target, -1, length)

    @property
    def can_shift(self) -> bool:
        """Whether `shift` works with this model."""
        return not self._model.keeps_running_state and bool(llama.llama_memory_can_shift(self._memory))

    def shift(self, sequence: int, begin: int, count: int) -> None:
        """Take `count` positions out of a sequence, from `begin` on; what comes after them moves up.

        No cell from `begin` on may belong to another sequence, too: it would move there as well.
        """
        llama.llama_memory_seq_rm(self._memory, sequence, begin, begin + count)
        llama.llama_memory_seq_add(self._memory, sequence, begin + count, -1, -count)
        self._shifted = True

    def checkpoint(self, sequence: int, most_bytes: int) -> bytearray:
        """Return what `go_back` needs to come back to here: the state of recurrent layers, or of short windows.

        It is empty if it would be larger than `most_bytes`.
        """
        return self._state(sequence, llama.LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY, most_bytes)

    def go_back(self, sequence: int, state: bytearray, length: int) -> int:
        """Return to a checkpoint of the sequence, or of one that began as it did.

        Args:
            sequence: It has at least `length` positions.
            state: What `checkpoint` returned.
            length: How many positions there were then.

        Returns:
            How many there are now: `length`, or 0 if it failed.
        """
        self._restore(sequence, state, llama.LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY)
        return self.keep(sequence, length)

    def state(self, sequence: int, most_bytes: int) -> bytearray:
        """Return all that a sequence has, for `restore`; nothing if it is larger than `most_bytes`."""
        return self._state(sequence, 0, most_bytes)

    def state_size(self, sequence: int) -> int:
        """Return the bytes that all that a sequence has takes."""
        size: int = llama.llama_state_seq_get_size_ext(self.handle, sequence, 0)
        return size

    def restore(self, sequence: int, state: bytearray, length: int) -> bool:
        """Give a sequence what another one had.

        Args:
            sequence: What is in it is lost.
            state: What `state` returned, by this build of llama.cpp for this model; with anything else llama.cpp may
                end the process.
            length: How many positions it has.

        Returns:
            Whether that is in it now; if not, nothing is.
        """
        restored = self._restore(sequence, state, 0)
        if restored and (length == 0 or llama.llama_memory_seq_pos_max(self._memory, sequence) + 1 == length):
            return True
        llama.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        log().clear()
        return False

    def _state(self, sequence: int, flags: int, most_bytes: int) -> bytearray:
        size: int = llama.llama_state_seq_get_size_ext(self.handle, sequence, flags)
        if size > most_bytes:
            return bytearray()
        state = bytearray(size)
        buffer = (ctypes.c_uint8 * len(state)).from_buffer(state)
        written = llama.llama_state_seq_get_data_ext(self.handle, buffer, len(state), sequence, flags)
        return state if written == len(state) else bytearray()

    def _restore(self, sequence: int, state: bytearray, flags: int) -> bool:
        buffer = (ctypes.c_uint8 * len(state)).from_buffer(state)
        return bool(llama.llama_state_seq_set_data_ext(self.handle, buffer, len(state), sequence, flags))

    def clear(self) -> None:
        """Forget all sequences."""
        llama.llama_memory_clear(self._memory, False)

    def close(self) -> None:
        """Free everything native; nothing may be called afterwards but `abort`."""
        if self.handle:
            llama.llama_batch_free(self._batch)
            llama.llama_free(self.handle)
            self.handle = None


class _Column:
    """One array of a `llama_batch`, as a ctypes array that takes slices."""

    def __init__(self, pointer: Any, kind: Any, length: int) -> None:
        self.values: Any = (kind * length).from_address(ctypes.cast(pointer, _Pointer).value or 0)


def _flash_attention(wanted: FlashAttention, kv_type: KvType, *, on_gpu: bool) -> int:
    if kv_type in QUANTIZED_KV:
        return FLASH_TYPES["on"]
    # On a CPU flash attention can halve the speed, and llama.cpp's own "auto" does not notice. On a GPU it pays.
    return FLASH_TYPES["off" if wanted == "auto" and not on_gpu else wanted]


_Pointer: Final = ctypes.c_void_p
