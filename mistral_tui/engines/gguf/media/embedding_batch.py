"""A batch of embeddings instead of tokens: a piece of a picture or a recording, for one sequence."""

import ctypes
from typing import Any, Final

from mistral_tui.engines.gguf.library import llama
from mistral_tui.engines.gguf.media.places import MediaRun

_SECTIONS: Final = 4
"""Positions of each embedding on models that place them in a plane: time, row, column, and one that is not used."""


class EmbeddingBatch:
    """Consecutive embeddings of a run.

    Args:
        run: The run.
        embeddings: All of its embeddings, an array of `c_float`.
        begin: The first of them to compute.
        count: How many.
        sequence: Number of the sequence.
        position: Of the first embedding of the run in the sequence.
        in_plane: Whether the model wants `_SECTIONS` positions for each.
        logits: Whether the last one is to give logits.
    """

    def __init__(
        self,
        run: MediaRun,
        embeddings: Any,
        begin: int,
        count: int,
        sequence: int,
        position: int,
        in_plane: bool,
        logits: bool,
    ) -> None:
        width = len(embeddings) // len(run.tokens)
        self._embeddings = embeddings  # the batch points into it
        self._positions = _positions(run, begin, count, position, in_plane)
        self._sequence = (llama.llama_seq_id * 1)(sequence)
        sequences = (ctypes.POINTER(llama.llama_seq_id) * count)()
        for row in range(count):
            sequences[row] = ctypes.cast(self._sequence, ctypes.POINTER(llama.llama_seq_id))
        self._sequences = sequences
        self._counts = (ctypes.c_int32 * count)(*([1] * count))
        self._logits = (ctypes.c_int8 * count)()
        self._logits[count - 1] = logits
        first = ctypes.addressof(embeddings) + begin * width * ctypes.sizeof(ctypes.c_float)
        self._batch = llama.llama_batch(
            n_tokens=count,
            embd=ctypes.cast(first, ctypes.POINTER(ctypes.c_float)),
            pos=self._positions,
            n_seq_id=self._counts,
            seq_id=self._sequences,
            logits=self._logits,
        )
        self._whole = run.whole

    def decode(self, context: Any) -> int:
        """Compute it in a `llama_context *`."""
        if self._whole:
            llama.llama_set_causal_attn(context, False)
        try:
            outcome: int = llama.llama_decode(context, self._batch)
            return outcome
        finally:
            if self._whole:
                llama.llama_set_causal_attn(context, True)


def _positions(run: MediaRun, begin: int, count: int, position: int, in_plane: bool) -> Any:
    ahead: Any = list(range(position + begin, position + begin + count))
    if not in_plane:
        return (llama.llama_pos * count)(*ahead)
    places = (llama.llama_pos * (_SECTIONS * count))()
    if run.plane is None:
        for section in range(_SECTIONS):
            places[section * count : (section + 1) * count] = ahead
        return places
    for row, place in enumerate(run.plane[begin : begin + count]):
        for section, offset in enumerate(place):
            places[section * count + row] = position + offset
    return places
