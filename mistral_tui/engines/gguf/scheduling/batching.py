"""What goes into the next decode: one token of every reply, and a piece of a prompt."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from mistral_tui.engines.gguf.context import Context
from mistral_tui.engines.gguf.scheduling.generation import Generation
from mistral_tui.types.models import Adapter

_SECONDS_ALONE: Final = 0.25
"""How long a piece of a prompt may take when nobody else waits: progress is seen four times a second."""
_SECONDS_SHARED: Final = 0.08
"""The same while replies are written: they stand still for so long."""
_LEAST_CHUNK: Final = 32
_FIRST_CHUNK: Final = 256
_TURNS: Final = 4
"""Batches in a row with the same adapters, while others wait: every change costs llama.cpp a new plan."""


Guesses = Mapping[Generation, Sequence[int]]
_NO_GUESSES: Final[Guesses] = {}


class Share(NamedTuple):
    """What one request has in a batch."""

    generation: Generation
    tokens: int
    row: int | None
    """Where the logits of its last token are; `None` in the middle of a prompt. Those of its guesses follow."""
    guesses: Sequence[int] = ()
    """Tokens after those, that the reply may go on with."""

    @property
    def cells(self) -> int:
        """How many cells of the KV cache it takes."""
        return self.tokens + len(self.guesses)


class Batching:
    """Fills the batch of a context fairly, with prompts in pieces as large as their speed allows."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._prompt_rate: float | None = None
        self._last_prompt: Generation | None = None
        self._media_next = True
        self._adapters: tuple[Adapter, ...] = ()
        self._turns_left = 0

    def fill(self, active: Sequence[Generation], guesses: Guesses = _NO_GUESSES) -> list[Share]:
        """Begin a new batch with what the active requests need next.

        Those whose reader is slow are left out, and those for which another request is computing.

        Args:
            active: The requests with a sequence.
            guesses: What replies may go on with: it is computed along.
        """
        self._context.clear_batch()
        shares = []
        prompts = []
        ready = self._group([one for one in active if not one.outbox.full and one.following is None])
        media = [generation for generation in ready if _at_medium(generation)]
        self._media_next = bool(media) and (self._media_next or len(media) == len(ready))
        if self._media_next:
            # Embeddings can't be in a batch with tokens: the two take turns.
            self._media_next = False
            return [self._add_medium(self._in_turn(media)[0], alone=len(ready) == 1)]
        self._media_next = bool(media)
        for generation in ready:
            if generation in media:
                continue
            if _missing(generation) == 1:
                shares.append(self.add(generation, 1, guesses.get(generation, ())))
            else:
                prompts.append(generation)
        if prompts:
            budget = min(self._context.batch_room, self._chunk(alone=not shares))
            for generation in self._in_turn(prompts):
                tokens = min(budget, self._piece(generation))
                if tokens == 0:
                    break
                shares.append(self.add(generation, tokens))
                self._last_prompt = generation
                budget -= tokens
        return shares

    def _group(self, ready: list[Generation]) -> list[Generation]:
        """Return those that compute with the same adapters; the groups take turns of some batches each."""
        groups = list(dict.fromkeys(generation.adapters for generation in ready))
        if len(groups) < 2:
            return ready
        self._turns_left -= 1
        if self._adapters not in groups:
            self._adapters, self._turns_left = groups[0], _TURNS
        elif self._turns_left <= 0:
            self._adapters = groups[(groups.index(self._adapters) + 1) % len(groups)]
            self._turns_left = _TURNS
        return [generation for generation in ready if generation.adapters == self._adapters]

    def add(self, generation: Generation, tokens: int, guesses: Sequence[int] = ()) -> Share:
        """Put the next `tokens` tokens or embeddings of one request into the batch, and what may come after them."""
        sequence = generation.sequence
        assert sequence is not None
        begin = sequence.computed
        transcript = generation.transcript
        last = begin + tokens == len(transcript.tokens)
        _, placed = transcript.stretch(begin)
        if placed is None:
            part = transcript.tokens[begin : begin + tokens]
            position = transcript.position(begin)
            row = self._context.add(sequence.number, [*part, *guesses], position, last, len(guesses))
        else:
            embeddings = generation.media.embeddings[placed.key][placed.number]
            position = transcript.position(placed.begin)
            offset = begin - placed.begin
            self._context.put_embeddings(placed.run, embeddings, offset, tokens, sequence.number, position, last)
            row = tokens - 1
        return Share(generation, tokens, row if last else None, guesses)

    def _add_medium(self, generation: Generation, alone: bool) -> Share:
        assert generation.sequence is not None
        begin = generation.sequence.computed
        end, placed = generation.transcript.stretch(begin)
        tokens = end - begin
        if placed is not None and not placed.run.whole:
            tokens = min(tokens, self._chunk(alone))
        self._last_prompt = generation
        return self.add(generation, tokens)

    def took(self, shares: Sequence[Share], seconds: float) -> None:
        """Learn from a batch how fast prompts are computed."""
        tokens = sum(share.tokens for share in shares)
        if tokens >= _LEAST_CHUNK and seconds > 0:
            rate = tokens / seconds
            self._prompt_rate = rate if self._prompt_rate is None else (self._prompt_rate + rate) / 2

    def _piece(self, generation: Generation) -> int:
        """Return how many tokens of a prompt may be computed before something else happens."""
        missing = _missing(generation)
        # A checkpoint before the last token: with it, the same prompt can be answered again.
        stops = not self._context.goes_back and missing == generation.missing
        return missing - 1 if stops else missing

    def _chunk(self, alone: bool) -> int:
        if self._prompt_rate is None:
            return _FIRST_CHUNK if alone else _LEAST_CHUNK
        tokens = int(self._prompt_rate * (_SECONDS_ALONE if alone else _SECONDS_SHARED))
        return max(_LEAST_CHUNK, min(self._context.batch_tokens, tokens - tokens % _LEAST_CHUNK))

    def _in_turn(self, prompts: list[Generation]) -> list[Generation]:
        """Return the prompts, beginning after the one that was served last: a short one does not wait for a long."""
        if self._last_prompt not in prompts:
            return prompts
        after = prompts.index(self._last_prompt) + 1
        return prompts[after:] + prompts[:after]


def _missing(generation: Generation) -> int:
    """Return how many tokens are to be computed before the next medium, or the end."""
    assert generation.sequence is not None
    end, _ = generation.transcript.stretch(generation.sequence.computed)
    return end - generation.sequence.computed


def _at_medium(generation: Generation) -> bool:
    assert generation.sequence is not None
    return generation.transcript.stretch(generation.sequence.computed)[1] is not None
