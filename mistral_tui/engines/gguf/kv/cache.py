"""Which chat has which sequence of the KV cache, what sequences share, and who makes way when it is full."""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

import psutil

from mistral_tui.engines.gguf.context import Context
from mistral_tui.engines.gguf.kv.checkpoints import MOST_BYTES, Checkpoint, Checkpoints
from mistral_tui.engines.gguf.kv.shared_cells import SharedCells
from mistral_tui.engines.gguf.text.transcript import Transcript, common_length
from mistral_tui.types.models import Adapter

_IN_THE_WAY: Final = 256
"""Cells of an idle chat that others don't notice."""


class Sequence:
    """One of the sequences that a context can hold, and what is in it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.chat_id = ""
        """The chat that may go on from here; empty: nobody."""
        self.adapters: tuple[Adapter, ...] = ()
        """What it was computed with: with others, the same tokens give another state."""
        self.transcript = Transcript()
        self.computed = 0
        """How many tokens of the transcript, counted from its beginning, are in the KV cache."""
        self.first_kept: str | None = None
        """Id of the first message of the chat that is in the context, if older ones were left out."""
        self.checkpoints = Checkpoints()
        self.keep_on_disk = True
        """Whether it may be written to a file."""
        self.on_disk = 0
        """How many tokens its file has; 0: there is none of it."""
        self.unsavable = False
        """Whether what it has could not be kept elsewhere; then that is not tried again."""
        self.busy = False
        """Whether a request is using it; then it is never taken away."""
        self.released_at = 0.0
        """When it was used last, on the monotonic clock."""
        self.used_at = 0
        """Larger for the one that was used later."""


class SavedChat(NamedTuple):
    """What a chat had in its sequence before it made way."""

    transcript: Transcript
    computed: int
    first_kept: str | None
    adapters: tuple[Adapter, ...]
    state: bytearray


class Prefix(NamedTuple):
    """The first tokens of a prompt, where a sequence has them."""

    sequence: Sequence
    ready: int
    """So many can be taken over now."""
    coming: int
    """So many once the sequence's own prompt is computed."""


class KvCache:
    """The sequences of one context. A cell holds one token, of every sequence that shares it.

    Args:
        context: The context.
        count: How many sequences it has.
        most_idle: How many chats may stay in it while nobody asks.
        park: Called with an idle sequence that has to make way; returns whether its chat could come back.
    """

    def __init__(
        self,
        context: Context,
        count: int,
        most_idle: int | None = None,
        park: Callable[[Sequence], bool] = lambda sequence: False,
    ) -> None:
        self._context = context
        self._most_idle = count if most_idle is None else most_idle
        self._park = park
        self._sequences = [Sequence(number) for number in range(count)]
        self._shared = SharedCells(count)
        self._uses = 0

    @property
    def free_cells(self) -> int:
        """How many more tokens fit, with everything that is kept now."""
        return self._context.cells - self._shared.used([sequence.computed for sequence in self._sequences])

    @property
    def has_idle(self) -> bool:
        """Whether a sequence can be claimed."""
        return any(not sequence.busy for sequence in self._sequences)

    @property
    def idle(self) -> list[Sequence]:
        """The sequences that hold something and are not in use, the longest unused first."""
        idle = [sequence for sequence in self._sequences if not sequence.busy and sequence.computed]
        return sorted(idle, key=lambda sequence: sequence.used_at)

    @property
    def crowding(self) -> Sequence | None:
        """The idle chat that should leave so that the next new one finds a free sequence, if there is none."""
        if len(self._sequences) == 1 or any(
            not sequence.computed and not sequence.busy for sequence in self._sequences
        ):
            return None
        return next((sequence for sequence in self.idle if not sequence.unsavable), None)

    def has(self, chat_id: str) -> bool:
        """Return whether a chat has a sequence, in use or not."""
        return bool(chat_id) and any(sequence.chat_id == chat_id for sequence in self._sequences)

    def own(self, chat_id: str) -> Sequence | None:
        """Return the sequence that a chat has left, unless a request is using it."""
        owned = (sequence for sequence in self._sequences if chat_id and sequence.chat_id == chat_id)
        return next((sequence for sequence in owned if not sequence.busy), None)

    def transcripts(self, chat_id: str) -> list[Transcript]:
        """Return what is in the sequences, that of this chat first; of those in use what their replies began with."""
        own = self.own(chat_id)
        others = [sequence for sequence in self._sequences if sequence is not own and sequence.transcript.tokens]
        known = [sequence.transcript.prompt if sequence.busy else sequence.transcript for sequence in others]
        return [own.transcript, *known] if own is not None else known

    def prefixes(self, tokens: list[int], adapters: tuple[Adapter, ...]) -> list[Prefix]:
        """Return where the first tokens of a prompt are already, or soon will be."""
        found = []
        # At least one token is computed: the first of the reply is chosen from its logits.
        most = len(tokens) - 1
        for sequence in self._sequences:
            if sequence.adapters == adapters:
                common = min(common_length(sequence.transcript.tokens, tokens), most, sequence.transcript.sound)
                ready = self._reachable(sequence, common)
                found.append(Prefix(sequence, ready, common if sequence.busy else ready))
        return found

    def claim(self, chat_id: str, spare: Sequence | None = None) -> Sequence:
        """Return an idle sequence for a request of this chat: its own if it has one, else an unused or old one.

        What is in it stays until `begin_with`.

        Args:
            chat_id: The chat.
            spare: A sequence whose beginning is wanted: it is taken only if there is no other.
        """
        idle = [sequence for sequence in self._sequences if not sequence.busy]
        order = sorted(idle, key=lambda sequence: (sequence is spare, sequence.computed > 0, sequence.used_at))
        own = self.own(chat_id)
        chosen = own or order[0]
        if own is None:
            self._park(chosen)
            chosen.on_disk, chosen.unsavable = 0, False
        chosen.busy = True
        chosen.chat_id = chat_id
        return chosen

    def begin_with(self, sequence: Sequence, prefix: Prefix | None, adapters: tuple[Adapter, ...]) -> None:
        """Let a claimed sequence hold this prefix and nothing else."""
        if prefix is None or prefix.ready == 0:
            self.clear(sequence)
        elif prefix.sequence is sequence:
            self.keep(sequence, prefix.ready)
        else:
            self.clear(sequence)
            self.extend(sequence, prefix.sequence, prefix.ready)
        sequence.adapters = adapters

    def extend(self, sequence: Sequence, source: Sequence, length: int) -> int:
        """Let a sequence share the first `length` cells of another one, which begins as it does.

        Returns:
            How many tokens that saves it: fewer than wanted, or none, where the model cannot take a part.
        """
        length = self._reachable(source, length)
        if length <= sequence.computed:
            return 0
        before = sequence.computed
        if self._shared.between(sequence.number, source.number) < before:
            self.keep(sequence, 0)
        self._context.copy(source.number, sequence.number, source.transcript.position(length))
        self._shared.copied(source.number, sequence.number, length)
        sequence.checkpoints.take_over(source.checkpoints, length)
        sequence.computed = self._cut(sequence, source.transcript, length)
        self._shared.cut(sequence.number, sequence.computed)
        return sequence.computed - before

    def release(self, sequence: Sequence) -> None:
        """The request that used this sequence is done; what is in it is kept for the next one of the chat."""
        if sequence.transcript.shifted:
            self.keep(sequence, sequence.transcript.sound)
            sequence.transcript = sequence.transcript.prompt
        self._leave(sequence)
        if not sequence.chat_id:
            self.clear(sequence)
            return
        for other in self._sequences:
            if other is not sequence and not other.busy and other.chat_id == sequence.chat_id:
                self.clear(other)
        for idle in self.idle[: -self._most_idle or None]:
            self._evict(idle)

    def restore(self, chat_id: str, saved: SavedChat) -> None:
        """Give a chat that has no sequence what it had once, if there is room for it."""
        sequence = self.claim(chat_id)
        self.clear(sequence)
        position = saved.transcript.position(saved.computed)
        if self.make_room(saved.computed) and self._context.restore(sequence.number, saved.state, position):
            sequence.transcript = saved.transcript
            sequence.computed = sequence.on_disk = saved.computed
            sequence.first_kept = saved.first_kept
            sequence.adapters = saved.adapters
        self._leave(sequence)

    def keep(self, sequence: Sequence, length: int) -> None:
        """Shorten what is in the KV cache to `length` tokens, or to fewer where the model cannot do that."""
        length = sequence.transcript.cut(min(length, sequence.computed))
        sequence.computed = self._cut(sequence, sequence.transcript, length)
        self._shared.cut(sequence.number, sequence.computed)
        sequence.checkpoints.cut(sequence.computed)
        if sequence.computed < sequence.on_disk:
            sequence.on_disk = 0

    def shift(self, sequence: Sequence, begin: int, count: int) -> bool:
        """Give up `count` tokens from place `begin` on, and let what comes after them move up.

        Returns:
            Whether that was possible. If not, nothing was given up.
        """
        if not self._context.can_shift or sequence.transcript.placed or sequence.computed < begin + count:
            return False
        if self._shared.most(sequence.number) > begin and not self._unshare(sequence):
            return False
        self._context.shift(sequence.number, begin, count)
        sequence.transcript.give_up(begin, count)
        sequence.computed -= count
        sequence.on_disk = 0
        self._shared.cut(sequence.number, begin)
        sequence.checkpoints.cut(begin)
        return True

    def _unshare(self, sequence: Sequence) -> bool:
        """Give a sequence cells of its own."""
        if not self.make_room(self._shared.most(sequence.number)):
            return False
        state = self._context.state(sequence.number, psutil.virtual_memory().available // 2)
        self._shared.cut(sequence.number, 0)
        if not state or not self._context.restore(sequence.number, state, sequence.computed):
            self.keep(sequence, 0)
            return False
        return True

    def checkpoint(self, sequence: Sequence) -> None:
        """Remember what a sequence has now, if it could not go back here otherwise."""
        if self._context.goes_back or sequence.computed == 0:
            return
        if state := self._context.checkpoint(sequence.number, MOST_BYTES):
            sequence.checkpoints.add(Checkpoint(sequence.computed, state))
        with_some = sorted(self._sequences, key=lambda sequence: (sequence.busy, sequence.used_at))
        while sum(sequence.checkpoints.size for sequence in with_some) > MOST_BYTES:
            next(sequence for sequence in with_some if sequence.checkpoints.size).checkpoints.forget_oldest()

    def clear(self, sequence: Sequence) -> None:
        """Forget what is in a sequence."""
        self.keep(sequence, 0)
        sequence.transcript = Transcript()
        sequence.first_kept = None
        if not sequence.busy:
            sequence.chat_id = ""

    def make_room(self, cells: int) -> bool:
        """Let idle chats make way, the longest unused first, until so many cells are free; return whether they are."""
        for sequence in self.idle:
            if self.free_cells >= cells:
                break
            self._evict(sequence)
        return self.free_cells >= cells

    def park_idle(self) -> None:
        """Let idle chats leave that would slow down the others; those that could not come back stay."""
        busy = [sequence.number for sequence in self._sequences if sequence.busy]
        for sequence in self.idle:
            shared = max((self._shared.between(sequence.number, number) for number in busy), default=0)
            if sequence.computed - shared > _IN_THE_WAY and self._park(sequence):
                self.clear(sequence)

    def forget(self, chat_id: str) -> None:
        """Forget a chat: now, or when the request that is using its sequence is done."""
        for sequence in self._sequences:
            if chat_id and sequence.chat_id == chat_id:
                sequence.chat_id = ""
                if not sequence.busy:
                    self.clear(sequence)

    def _leave(self, sequence: Sequence) -> None:
        sequence.busy = False
        sequence.unsavable = False
        self._uses += 1
        sequence.used_at = self._uses
        sequence.released_at = time.monotonic()

    def _evict(self, sequence: Sequence) -> None:
        self._park(sequence)
        self.clear(sequence)

    def _reachable(self, sequence: Sequence, length: int) -> int:
        """Return how many of the first `length` tokens of a sequence it, or another one, could begin with now."""
        length = sequence.transcript.cut(min(length, sequence.computed, sequence.transcript.sound))
        position = sequence.transcript.position(length)
        if self._context.can_keep(sequence.number, position) == position:
            return length
        checkpoint = sequence.checkpoints.up_to(length)
        return checkpoint.length if checkpoint is not None else 0

    def _cut(self, sequence: Sequence, transcript: Transcript, length: int) -> int:
        """Let a sequence have `length` tokens of a transcript, or fewer if need be; return how many."""
        position = transcript.position(length)
        if self._context.can_keep(sequence.number, position) != position:
            checkpoint = sequence.checkpoints.up_to(length)
            if checkpoint is not None:
                length, position = checkpoint.length, transcript.position(checkpoint.length)
                if self._context.go_back(sequence.number, checkpoint.state, position) == position:
                    return length
        kept = self._context.keep(sequence.number, position)
        if kept == position:
            return length
        # Where media make positions differ from tokens, a shorter piece has no meaning.
        return self._context.keep(sequence.number, 0) if transcript.placed else kept
