"""Speculative decoding: a small model guesses the next tokens, the large one checks them all in one computation.

What is chosen is what the large model alone would choose: each token is sampled from its own logits, and the guesses
only decide how many of them one computation yields. Source: Leviathan et al., "Fast Inference from Transformers via
Speculative Decoding", 2023; the check is by equality, as llama.cpp's `speculative` example has it.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from mistral_tui.engines.gguf.context import Context, Decoded
from mistral_tui.engines.gguf.library import log
from mistral_tui.engines.gguf.model import Model
from mistral_tui.engines.gguf.scheduling.generation import Generation
from mistral_tui.engines.gguf.speculation.payoff import Payoff
from mistral_tui.engines.gguf.text.transcript import common_length
from mistral_tui.engines.gguf.text.vocabulary import Vocabulary
from mistral_tui.types.errors import InvalidRequest

_SURE: Final = 0.2
"""The small model stops to guess at a token that is less likely to it."""
_TOKENS_COMPARED: Final = 2000
"""Of two vocabularies of equal size; all of 262,144 would take a second."""


class _Line(NamedTuple):
    """One reply that guesses are wanted for."""

    generation: Generation
    sequence: int
    most: int


class Speculation:
    """The small model, and what it has read of each sequence.

    Args:
        model: Closed by `close`.
        context: Of that model, with as many sequences as the large one's; closed by `close`.
        gamma: Most tokens to guess.
    """

    def __init__(self, model: Model, context: Context, gamma: int) -> None:
        self._model = model
        self._context = context
        self._gamma = gamma
        self._read: dict[int, list[int]] = {}
        """What the small model's KV cache has, by the number of the sequence."""
        self._payoff = Payoff()
        self._catching_up = False
        """Whether it is still reading what was written before; that says nothing about guessing."""

    def guess(self, active: Iterable[Generation], room: int, threads: int) -> dict[Generation, list[int]]:
        """Return guesses for the replies that are being written, none where the small model is not sure.

        Args:
            active: All requests with a sequence.
            room: How many tokens the large model's batch can take for guesses, all together.
            threads: Threads to compute with.
        """
        writing = [generation for generation in active if _writes(generation)]
        if not writing or not self._payoff.worthwhile:
            return {}
        self._context.threads = threads
        share = min(self._gamma, room // len(writing))
        lines = [
            _Line(generation, generation.sequence.number, min(share, generation.tokens_left - 1))
            for generation in writing
            if generation.sequence is not None
        ]
        guesses: dict[Generation, list[int]] = {}
        going = self._catch_up([line for line in lines if line.most > 0])
        self._catching_up = not going
        while going:
            written = []
            for line, row in going:
                token, sure = self._likeliest(row)
                mine = guesses.setdefault(line.generation, [])
                if sure < _SURE or self._model.vocabulary.ends_reply(token):
                    continue
                mine.append(token)
                if len(mine) < line.most:
                    written.append((line, token))
            going = self._write_on(written)
        return {generation: tokens for generation, tokens in guesses.items() if tokens}

    def took(self, seconds: float, tokens: float) -> None:
        """Learn whether guessing pays: a computation took so long and gave each reply so many tokens."""
        if not self._payoff.worthwhile or not self._catching_up:
            self._payoff.took(self._payoff.worthwhile, seconds, tokens)

    def close(self) -> None:
        """Free everything native."""
        self._context.close()
        self._model.close()

    def _catch_up(self, lines: Sequence[_Line]) -> list[tuple[_Line, int]]:
        """Read what was written since; return those that are done with it, and the rows of their last tokens."""
        self._context.clear_batch()
        done, put = [], []
        for line in lines:
            tokens = line.generation.transcript.tokens
            read = self._read.get(line.sequence, [])
            known = self._context.keep(line.sequence, min(common_length(read, tokens), len(tokens) - 1))
            part = tokens[known : known + self._context.batch_room]
            if not part:
                self._read[line.sequence] = tokens[:known]
                continue
            last = known + len(part) == len(tokens)
            row = self._context.add(line.sequence, part, known, logits=last)
            put.append((line.sequence, tokens[: known + len(part)]))
            if last:
                done.append((line, row))
        if not self._decode():
            return []
        self._read.update(put)
        return done

    def _write_on(self, written: Sequence[tuple[_Line, int]]) -> list[tuple[_Line, int]]:
        self._context.clear_batch()
        rows = []
        for line, token in written:
            read = self._read[line.sequence]
            rows.append((line, self._context.add(line.sequence, [token], len(read), logits=True)))
            read.append(token)
        return rows if self._decode() else []

    def _decode(self) -> bool:
        """Compute the batch; whatever fails, the small model forgets, and the large one goes on alone."""
        if self._context.batch_room == self._context.batch_tokens:
            return False
        if self._context.decode() == Decoded.DONE:
            return True
        log().clear()
        self._context.clear()
        self._read.clear()
        return False

    def _likeliest(self, row: int) -> tuple[int, float]:
        logits = np.ctypeslib.as_array(self._context.logits(row), shape=(self._model.vocabulary.size,))
        token = int(logits.argmax())
        return token, float(1 / np.exp(logits - logits[token]).sum())


def check_vocabularies(small: Vocabulary, large: Vocabulary, name: str) -> None:
    """See that two models mean the same by a token.

    Raises:
        InvalidRequest: They do not.
    """
    step = max(1, large.size // _TOKENS_COMPARED)
    same = small.size == large.size and all(
        small.spelling(token) == large.spelling(token) for token in range(0, large.size, step)
    )
    if not same:
        raise InvalidRequest(
            f"{name} has another vocabulary ({small.size:,} tokens, not {large.size:,} or not the same ones) and "
            "cannot guess for this model; choose a smaller model of the same family"
        )


def _writes(generation: Generation) -> bool:
    # Media are no tokens that the small model could read.
    return (
        generation.following is None
        and not generation.outbox.full
        and generation.account.completion_tokens > 0
        and generation.missing == 1
        and not generation.transcript.placed
    )
