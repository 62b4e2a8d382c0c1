"""The engine thread: takes requests, lets their prompts and replies share one context, and never fails as a whole."""

import sys
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Final

from mistral_tui.engines.gguf.adapters import Adapters
from mistral_tui.engines.gguf.context import Context, Decoded
from mistral_tui.engines.gguf.kv.cache import KvCache
from mistral_tui.engines.gguf.kv.parking import MOST_BYTES, Parking
from mistral_tui.engines.gguf.kv.spill import FileWanted, Spill, SpillPlace
from mistral_tui.engines.gguf.library import log
from mistral_tui.engines.gguf.media.queue import MediaNeeded, MediaQueue
from mistral_tui.engines.gguf.media.reader import MediaReader
from mistral_tui.engines.gguf.model import Model
from mistral_tui.engines.gguf.sampling.pending_grammars import PendingGrammars
from mistral_tui.engines.gguf.sampling.sampler import Samplers
from mistral_tui.engines.gguf.scheduling.admission import Admission
from mistral_tui.engines.gguf.scheduling.batching import Batching, Guesses, Share
from mistral_tui.engines.gguf.scheduling.generation import Generation
from mistral_tui.engines.gguf.scheduling.inbox import Inbox
from mistral_tui.engines.gguf.scheduling.reply import ReplyNotation
from mistral_tui.engines.gguf.scheduling.threads import ThreadGovernor
from mistral_tui.engines.gguf.text.prompt import PromptWriter
from mistral_tui.engines.gguf.text.queries import TextQueries
from mistral_tui.engines.worker.outbox import Outbox
from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.events import Finished
from mistral_tui.types.messages import Usage
from mistral_tui.types.models import LoadedModel
from mistral_tui.types.queries import Answer, Query
from mistral_tui.types.requests import GenerateRequest

if TYPE_CHECKING:
    from mistral_tui.engines.gguf.speculation.draft import Speculation

_SECONDS_TO_SAVE: Final = 0.7
"""How long chats may be written when the process ends: whoever ends it waits for not quite a second."""


class Scheduler:
    """Continuous batching over all requests to one model; an `EngineLoop`.

    Requests wait in the order of their arrival for one of the sequences. When the KV cache is full, idle chats make
    way, then the newest request: it keeps its tokens and is computed again when there is room.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        model: Model,
        context: Context,
        max_seqs: int,
        writer: PromptWriter,
        governor: ThreadGovernor,
        adapters: Adapters,
        reader: MediaReader | None = None,
        place: SpillPlace | None = None,
        most_idle: int | None = None,
        speculation: "Speculation | None" = None,
    ) -> None:
        self._loaded = loaded
        self._model = model
        self._context = context
        self._governor = governor
        self._adapters = adapters
        self._speculation = speculation
        self._queries = TextQueries(model, writer.template)
        self._inbox = Inbox(context)
        parking = Parking(MOST_BYTES if most_idle != 0 else 0)
        self._spill = Spill(context, model, place, parking, adapters, self._inbox.wake)
        self._cache = KvCache(context, max_seqs, most_idle, self._spill.park)
        self._admission = Admission(self._cache, writer, adapters, self._spill, parking)
        self._batching = Batching(context)
        self._notation = ReplyNotation(writer.chat_template, model.vocabulary)
        self._samplers = Samplers(model.vocabulary, loaded.sampling)
        self._media = MediaQueue(loaded.name, reader, self._inbox.wake)
        self._grammars = PendingGrammars(model.vocabulary, self._arrive)
        self._waiting: deque[Generation] = deque()
        self._active: list[Generation] = []
        self._no_room = False
        """Whether the first that waits was refused, and nothing has changed since."""

    # For any thread

    @property
    def model(self) -> LoadedModel:
        """What is loaded."""
        return self._loaded

    def submit(self, request: GenerateRequest, outbox: Outbox) -> None:
        """Take a request; its events go to `outbox`."""
        try:
            generation = Generation(
                request, outbox, self._model.vocabulary, self._loaded.n_ctx, self._samplers, self._notation
            )
        except MistralTuiError as error:
            outbox.put(Finished("failed", Usage(), str(error)))
            return
        except Exception as error:  # of tools, for which a grammar is written
            traceback.print_exc()
            outbox.put(Finished("failed", Usage(), f"the request cannot be taken: {error!r}; see the log"))
            return
        outbox.on_writable = self._inbox.wake
        if generation.wanted is not None:
            self._grammars.add(generation, generation.wanted)
        else:
            self._arrive(generation)

    def _arrive(self, generation: Generation) -> None:
        if not self._inbox.put(generation):
            generation.finish("cancelled")

    def ask(self, request_id: str, query: Query, reply: Callable[[Answer], None]) -> None:
        """Take a query about text or tokens."""
        self._queries.ask(query, reply)

    def cancel(self, request_id: str) -> None:
        """Stop a request, also in the middle of its prompt."""
        if not self._grammars.cancel(request_id):
            self._inbox.cancel(request_id)

    def forget(self, chat_id: str) -> None:
        """Release what the KV cache keeps for a chat."""
        self._inbox.forget(chat_id)

    def set_threads(self, count: int) -> None:
        """Compute with at most so many threads."""
        self._governor.limit(count)

    def stop(self) -> None:
        """Make `run` return soon."""
        self._inbox.stop()

    # The engine thread

    def run(self) -> None:
        """Serve requests until `stop`, then free the model."""
        try:
            while self._listen():
                if self._waiting and not self._no_room:
                    self._admit()
                self._step()
            self._save_all()
        finally:
            for generation in [*self._taken, *self._inbox.close()]:
                generation.finish("cancelled")
            self._media.close()
            self._queries.close()
            self._grammars.close()
            self._samplers.close()
            if self._speculation is not None:
                self._speculation.close()
            self._context.close()
            self._model.close()

    def _listen(self) -> bool:
        """Take in what other threads asked for, and sleep while there is nothing to do; `False` to end."""
        if not self._inbox.has_news and self._runnable():
            return True
        news = self._inbox.take(self._runnable, lambda: self._spill.seconds_left(self._cache))
        for chat_id in news.forgotten:
            self._cache.forget(chat_id)
            self._spill.remove(chat_id)
        if news.stopped:
            self._waiting += news.arrivals
            return False
        self._read_media(news.arrivals)
        self._waiting.extendleft(reversed(self._spill.pass_on()))
        if news.idle:
            self._spill.settle(self._cache)
        for generation in [generation for generation in self._taken if generation.cancelled]:
            generation.finish("cancelled")
            self._retire(generation)
        self._no_room = False
        return True

    @property
    def _taken(self) -> list[Generation]:
        """All requests that the engine thread has."""
        return [*self._active, *self._waiting, *self._media.reading, *self._spill.reading]

    def _save_all(self) -> None:
        """The end: keep all chats, as far as the time allows."""
        for generation in list(self._active):
            generation.finish("cancelled")
            self._retire(generation)
        self._spill.save_all(self._cache.idle, _SECONDS_TO_SAVE)

    def _read_media(self, arrivals: list[Generation]) -> None:
        """Let those wait for a sequence whose pictures and recordings are read, and have the others' read."""
        try_again, failed = self._media.pass_on(arrivals)
        self._waiting += try_again
        for generation, cause in failed:
            self._fail(generation, cause)

    def _runnable(self) -> bool:
        if self._waiting and not self._no_room:
            return True
        return any(not generation.outbox.full for generation in self._active)

    def _admit(self) -> None:
        """Give sequences to those that wait, first come, first served."""
        while self._waiting and self._cache.has_idle:
            generation = self._waiting[0]
            try:
                fits = self._admission.admit(generation, self._active)
            except MediaNeeded as needed:
                self._waiting.popleft()
                self._media.read(generation, needed.paths)
                continue
            except FileWanted:
                self._waiting.popleft()
                self._spill.read(generation)
                continue
            except MistralTuiError as error:
                self._fail(generation, str(error))
                continue
            except Exception as error:
                traceback.print_exc()
                self._fail(generation, f"the prompt cannot be prepared: {error!r}; see the log")
                continue
            if fits:
                self._active.append(self._waiting.popleft())
            elif self._active:
                break
            else:
                self._fail(generation, "the KV cache has too few cells for it; load the model with a larger --n-ctx")
        self._no_room = bool(self._waiting)

    def _step(self) -> None:
        """Compute one batch and hand out what came of it."""
        self._follow()
        began = perf_counter()
        self._governor.look()
        shares = self._batching.fill(self._active, self._guess())
        if not shares:
            return
        self._context.threads = self._governor.count
        self._adapters.lay(shares[0].generation.adapters)
        outcome = self._context.decode()
        if outcome == Decoded.DONE:
            seconds = perf_counter() - began
            if any(share.tokens > 1 for share in shares):
                self._batching.took(shares, seconds)
            elif not any(share.guesses for share in shares):
                self._governor.took(len(shares), seconds)
            tokens = self._hand_out(shares)
            if self._speculation is not None and all(share.tokens == 1 for share in shares):
                self._speculation.took(perf_counter() - began, tokens / len(shares))
        elif outcome == Decoded.NO_ROOM:
            self._on_full(sum(share.cells for share in shares))
        elif outcome == Decoded.ABORTED:
            self._restore(shares)
            log().clear()
        else:
            self._find_culprit(shares, outcome)

    def _guess(self) -> Guesses:
        if self._speculation is None:
            return {}
        room = self._context.batch_tokens - len(self._active)
        return self._speculation.guess(self._active, room, self._governor.count)

    def _hand_out(self, shares: list[Share]) -> int:
        """Choose what comes next; return how many tokens the replies got."""
        chosen = 0
        for share in shares:
            generation = share.generation
            generation.computed(share.tokens)
            if share.tokens > 1 and generation.missing == 1 and generation.sequence is not None:
                self._cache.checkpoint(generation.sequence)
        self._follow()  # before a request ends, and what it has computed is gone
        for share in shares:
            if share.row is None:
                continue
            try:
                chosen += self._choose(share.generation, share.row, share.guesses)
            except MistralTuiError as error:
                self._fail(share.generation, str(error))
            except Exception as error:
                traceback.print_exc()
                self._fail(share.generation, f"the reply cannot be continued: {error!r}; see the log")
        return chosen

    def _choose(self, generation: Generation, row: int, guesses: Sequence[int]) -> int:
        """Choose the next token of a reply, and one more for each guess that was right; return how many."""
        if self._context.has_nan(row):
            self._fail(generation, f"{self._loaded.name} computed no numbers (NaN); its file may be damaged")
            return 0
        sequence = generation.sequence
        assert sequence is not None
        for place, guess in enumerate((*guesses, None)):
            token = generation.sampler.sample(self._context.handle, row + place)
            generation.score(self._context, row + place, token)
            generation.take(token)
            if generation.finished or token != guess:
                break
            generation.computed(1)
        if guesses:
            generation.account.guessed(len(guesses), right=place)
            self._cache.keep(sequence, sequence.computed)
        if generation.full and not generation.finished:
            self._shift(generation)
        if generation.finished:
            self._retire(generation)
        return place + 1

    def _follow(self) -> None:
        """Let those who wait for what another request computes have it."""
        for generation in self._active:
            self._admission.follow(generation)

    def _shift(self, generation: Generation) -> None:
        """Give up the older half of what comes after the system messages, or end the reply if that is not possible."""
        begin = generation.system_tokens
        count = (len(generation.transcript.tokens) - begin) // 2
        assert generation.sequence is not None
        if count > 0 and self._cache.shift(generation.sequence, begin, count):
            generation.shifted(count)
        else:
            generation.finish("context")

    def _on_full(self, cells: int) -> None:
        """The KV cache is full: idle chats go first, then the newest request waits for its turn again."""
        # Where our count says that there was room, llama.cpp knows better.
        if self._cache.free_cells < cells and self._cache.make_room(cells):
            return
        newest = self._active[-1]
        if len(self._active) == 1:
            self._fail(newest, "the context has no room left for this chat; load the model with a larger --n-ctx")
            return
        self._step_back(newest)
        self._no_room = True

    def _step_back(self, generation: Generation) -> None:
        """Let an active request wait for its turn again; what was computed of it is lost."""
        sequence = generation.sequence
        assert sequence is not None
        self._active.remove(generation)
        generation.sequence = generation.following = None
        self._follow()
        self._cache.clear(sequence)
        self._cache.release(sequence)
        self._waiting.appendleft(generation)
        self._no_room = False

    def _restore(self, shares: list[Share]) -> None:
        """Make sure that after a batch that was not completed the KV cache holds what we think."""
        for generation in [share.generation for share in shares]:
            assert generation.sequence is not None
            self._cache.keep(generation.sequence, generation.sequence.computed)
            # Where the model could not keep it, media are to be computed that were not encoded for this request.
            if generation.media.lacking(generation.transcript.placed, generation.sequence.computed):
                self._step_back(generation)

    def _find_culprit(self, shares: list[Share], outcome: int) -> None:
        """A batch failed: compute the share of each request alone, so that only those fail that cannot go on."""
        self._restore(shares)
        for share in shares:
            generation = share.generation
            if generation.sequence is None:
                continue
            if len(shares) > 1:
                self._context.clear_batch()
                alone = self._batching.add(generation, share.tokens)
                outcome = self._context.decode()
                if outcome == Decoded.DONE:
                    self._hand_out([alone])
                    continue
                if outcome in (Decoded.ABORTED, Decoded.NO_ROOM):
                    self._restore([alone])
                    continue
            reason = log().reason() or f"llama.cpp's error {outcome}"
            log().clear()
            self._fail(generation, f"{self._loaded.name} stopped computing: {reason}; send the prompt again")

    def _fail(self, generation: Generation, cause: str) -> None:
        print(f"request {generation.request.id} failed: {cause}", file=sys.stderr, flush=True)
        generation.finish("failed", cause)
        if generation.sequence is not None:
            self._cache.clear(generation.sequence)
        self._retire(generation)

    def _retire(self, generation: Generation) -> None:
        """A request is done: its sequence is free for the next one."""
        if generation.sequence is not None:
            self._cache.release(generation.sequence)
            generation.sequence = None
        if generation in self._active:
            self._active.remove(generation)
        if generation in self._waiting:
            self._waiting.remove(generation)
        self._media.give_up(generation)
        self._spill.give_up(generation)
        self._inbox.done(generation)
        self._no_room = False
