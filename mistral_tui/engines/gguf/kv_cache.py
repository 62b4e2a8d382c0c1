"""Which chat has which sequence of the KV cache, and who makes way when it is full."""

from mistral_tui.engines.gguf.context import Context
from mistral_tui.engines.gguf.transcript import Transcript


class Sequence:
    """One of the sequences that a context can hold, and what is in it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.chat_id = ""
        """The chat that may go on from here; empty: nobody."""
        self.transcript = Transcript()
        self.computed = 0
        """How many tokens of the transcript, counted from its beginning, are in the KV cache."""
        self.first_kept: str | None = None
        """Id of the first message of the chat that is in the context, if older ones were left out."""
        self.busy = False
        """Whether a request is using it; then it is never taken away."""
        self.used_at = 0
        """Larger for the one that was used later."""


class KvCache:
    """The sequences of one context. A cell holds one token of one sequence."""

    def __init__(self, context: Context, count: int) -> None:
        self._context = context
        self._sequences = [Sequence(number) for number in range(count)]
        self._uses = 0

    @property
    def free_cells(self) -> int:
        """How many more tokens fit, with everything that is kept now."""
        return self._context.cells - sum(sequence.computed for sequence in self._sequences)

    def claim(self, chat_id: str) -> Sequence | None:
        """Return a sequence for a request of this chat, its own if it has one, or `None` if all are busy."""
        idle = [sequence for sequence in self._sequences if not sequence.busy]
        if not idle:
            return None
        own = [sequence for sequence in idle if chat_id and sequence.chat_id == chat_id]
        chosen = own[0] if own else min(idle, key=lambda sequence: (sequence.computed > 0, sequence.used_at))
        if not own:
            self.clear(chosen)
        chosen.busy = True
        chosen.chat_id = chat_id
        return chosen

    def release(self, sequence: Sequence) -> None:
        """The request that used this sequence is done; what is in it is kept for the next one of the chat."""
        sequence.busy = False
        self._uses += 1
        sequence.used_at = self._uses
        if not sequence.chat_id:
            self.clear(sequence)
            return
        for other in self._sequences:
            if other is not sequence and not other.busy and other.chat_id == sequence.chat_id:
                self.clear(other)

    def keep(self, sequence: Sequence, length: int) -> None:
        """Shorten what is in the KV cache to `length` tokens, or to fewer where the model cannot do that."""
        transcript = sequence.transcript
        length = transcript.cut(min(length, sequence.computed))
        position = transcript.position(length)
        kept = self._context.keep(sequence.number, position)
        if kept != position and transcript.placed:
            kept = self._context.keep(sequence.number, 0)
        sequence.computed = length if kept == position else kept

    def clear(self, sequence: Sequence) -> None:
        """Forget what is in a sequence."""
        self._context.keep(sequence.number, 0)
        sequence.computed = 0
        sequence.transcript = Transcript()
        sequence.first_kept = None
        if not sequence.busy:
            sequence.chat_id = ""

    def make_room(self, cells: int) -> bool:
        """Forget idle chats, the longest unused first, until so many cells are free; return whether they are."""
        idle = [sequence for sequence in self._sequences if not sequence.busy and sequence.computed]
        for sequence in sorted(idle, key=lambda sequence: sequence.used_at):
            if self.free_cells >= cells:
                break
            self.clear(sequence)
        return self.free_cells >= cells

    def forget(self, chat_id: str) -> None:
        """Forget a chat: now, or when the request that is using its sequence is done."""
        for sequence in self._sequences:
            if chat_id and sequence.chat_id == chat_id:
                sequence.chat_id = ""
                if not sequence.busy:
                    self.clear(sequence)
