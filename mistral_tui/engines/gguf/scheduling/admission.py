"""How a request gets its sequence: with as much of its prompt as the KV cache has, or soon will have."""

from collections.abc import Sequence
from typing import Final

from mistral_tui.engines.gguf.adapters import Adapters
from mistral_tui.engines.gguf.kv.cache import KvCache, Prefix
from mistral_tui.engines.gguf.kv.parking import Parking
from mistral_tui.engines.gguf.kv.spill import Spill
from mistral_tui.engines.gguf.media.queue import MediaNeeded
from mistral_tui.engines.gguf.scheduling.generation import Following, Generation
from mistral_tui.engines.gguf.text.prompt import PromptWriter
from mistral_tui.types.events import ContextTrimmed

_GROWTH: Final = 64
"""Cells that must be free for each active reply to grow before one more request is let in."""
_WORTH_BRINGING: Final = 64
"""A parked chat is brought back for another one that begins with at least so many tokens of it."""
_WORTH_WAITING: Final = 32
"""A request waits for another one that computes at least so many tokens of its prompt."""


class Admission:
    """Prepares requests for the context.

    A prompt takes over the longest beginning that any sequence holds, of whatever chat: so a retry in a chat of its
    own, or a fork, computes only what is new. If another request is just computing a longer one, it is waited for:
    it takes that request less time than both together.
    """

    def __init__(
        self, cache: KvCache, writer: PromptWriter, adapters: Adapters, spill: Spill, parking: Parking
    ) -> None:
        self._cache = cache
        self._adapters = adapters
        self._writer = writer
        self._spill = spill
        self._parking = parking

    def admit(self, generation: Generation, active: Sequence[Generation]) -> bool:
        """Give a request a sequence, if there are cells for its prompt.

        Args:
            generation: It has no sequence; one must be idle.
            active: The requests that have one.

        Returns:
            Whether there is room. If not, it has no sequence still.

        Raises:
            MistralTuiError: There can be no prompt for it.
            MediaNeeded: Some of its media must be encoded first.
            FileWanted: Its chat may be in a file.
        """
        cache, request = self._cache, generation.request
        self._look_into_files(generation)
        if not generation.transcript.tokens:
            self._write_prompt(generation)
        tokens = generation.transcript.tokens
        prefixes = self._prefixes(generation)
        own = cache.own(request.chat_id)
        best = max(prefixes, key=lambda prefix: (prefix.ready, prefix.sequence is own), default=None)
        if lacking := generation.media.lacking(generation.transcript.placed, best.ready if best else 0):
            raise MediaNeeded(lacking)
        generation.sequence = sequence = cache.claim(request.chat_id, spare=best.sequence if best else None)
        cache.begin_with(sequence, best, generation.adapters)
        sequence.keep_on_disk = request.keep_on_disk
        sequence.transcript = generation.transcript
        sequence.first_kept = generation.first_kept
        cache.park_idle()
        following = _worth_following(prefixes, sequence.computed, active)
        missing = len(tokens) - max(sequence.computed, following.tokens if following else 0)
        if not cache.make_room(missing + (_GROWTH * (len(active) + 1) if active else 0)):
            generation.sequence = None
            cache.release(sequence)
            return False
        generation.following = following
        if not generation.started:
            if generation.left_out:
                generation.outbox.put(ContextTrimmed(generation.left_out))
            generation.start(sequence.computed)
        return True

    def _look_into_files(self, generation: Generation) -> None:
        chat_id = generation.request.chat_id
        if self._cache.has(chat_id) or generation.started or self._bring_back(chat_id):
            return
        if (saved := self._spill.take(generation.request)) is not None:
            self._cache.restore(chat_id, saved)

    def _write_prompt(self, generation: Generation) -> None:
        request = generation.request
        own = self._cache.own(request.chat_id)
        known = [*self._cache.transcripts(request.chat_id), *self._parking.transcripts]
        generation.adapters = self._adapters.ready(request.adapters)
        first_kept = own.first_kept if own else None
        generation.prepare(self._writer.write(request, known, first_kept, generation.media.media))

    def _prefixes(self, generation: Generation) -> list[Prefix]:
        """Return where the beginning of the prompt is; a parked chat that has far more of it comes back for that."""
        tokens = generation.transcript.tokens
        prefixes = self._cache.prefixes(tokens, generation.adapters)
        parked = self._parking.longest(tokens, generation.adapters)
        if parked.length >= max((prefix.coming for prefix in prefixes), default=0) + _WORTH_BRINGING:
            self._bring_back(parked.chat_id)
            prefixes = self._cache.prefixes(tokens, generation.adapters)
        return prefixes

    def _bring_back(self, chat_id: str) -> bool:
        """Let a chat that is parked have a sequence again; return whether it is there."""
        saved = self._parking.take(chat_id)
        if saved is not None and not self._cache.has(chat_id):
            self._cache.restore(chat_id, saved)
        return saved is not None

    def follow(self, generation: Generation) -> None:
        """Let a request that waits for another one take over what that has computed."""
        following, sequence = generation.following, generation.sequence
        if following is None or sequence is None:
            return
        leader = following.leader
        source = None if leader.finished else leader.sequence
        if source is not None:
            generation.took_over(self._cache.extend(sequence, source, following.tokens))
        # A leader that is not computed further, for whatever reason, is not waited for.
        if source is None or leader.outbox.full or source.computed >= following.tokens:
            generation.following = None


def _worth_following(prefixes: list[Prefix], ready: int, active: Sequence[Generation]) -> Following | None:
    longest = max(prefixes, key=lambda prefix: prefix.coming, default=None)
    if longest is None or longest.coming < ready + _WORTH_WAITING:
        return None
    leader = next((other for other in active if other.sequence is longest.sequence), None)
    if leader is None or leader.outbox.full:
        return None
    return Following(leader, longest.coming)
