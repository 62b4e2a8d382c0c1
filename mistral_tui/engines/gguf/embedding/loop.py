"""The engine thread of a model that was loaded for embeddings or reranking."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from mistral_tui.engines.gguf.embedding.pooling import PoolingContext
from mistral_tui.engines.gguf.library import llama
from mistral_tui.engines.gguf.model import Model
from mistral_tui.engines.gguf.text.queries import TextQueries
from mistral_tui.engines.worker.outbox import Outbox
from mistral_tui.types.errors import InvalidRequest, LoadCancelled, MistralTuiError
from mistral_tui.types.events import Finished
from mistral_tui.types.messages import Usage
from mistral_tui.types.models import LoadedModel
from mistral_tui.types.queries import Answer, Embed, Embeddings, Query, Refusal, Rerank, Scores
from mistral_tui.types.requests import GenerateRequest

_NO_TEMPLATE: Final = "{{ raise_exception('this model is loaded for embeddings and takes no chat') }}"


class _Asked(NamedTuple):
    request_id: str
    query: Embed | Rerank
    reply: Callable[[Answer], None]


class EmbeddingLoop:
    """Answers one query after the other; an `EngineLoop`."""

    def __init__(self, loaded: LoadedModel, model: Model, context: PoolingContext) -> None:
        self._loaded = loaded
        self._model = model
        self._context = context
        self._text_queries = TextQueries(model, _NO_TEMPLATE)
        self._changed = threading.Condition()
        # Under the lock of `_changed`.
        self._waiting: deque[_Asked] = deque()
        self._threads: int | None = None
        self._current: str | None = None
        self._stopped = False

    @property
    def model(self) -> LoadedModel:
        """What is loaded."""
        return self._loaded

    def submit(self, request: GenerateRequest, outbox: Outbox) -> None:
        """Refuse a prompt."""
        cause = f"{self._loaded.name} is loaded for embeddings and writes no replies; load it for chat"
        outbox.put(Finished("failed", Usage(), cause))

    def ask(self, request_id: str, query: Query, reply: Callable[[Answer], None]) -> None:
        """Take a query."""
        if not isinstance(query, Embed | Rerank):
            self._text_queries.ask(query, reply)
            return
        with self._changed:
            if not self._stopped:
                self._waiting.append(_Asked(request_id, query, reply))
                self._changed.notify()
                return
        reply(_stopped(self._loaded.name))

    def cancel(self, request_id: str) -> None:
        """Stop a query."""
        with self._changed:
            if self._current == request_id:
                self._context.abort()
            given_up = [asked for asked in self._waiting if asked.request_id == request_id]
            for asked in given_up:
                self._waiting.remove(asked)
        for asked in given_up:
            asked.reply(_stopped(self._loaded.name))

    def forget(self, chat_id: str) -> None:
        """Nothing is kept."""

    def set_threads(self, count: int) -> None:
        """Compute with at most so many threads from the next query on."""
        self._threads = count

    def stop(self) -> None:
        """Make `run` return soon."""
        with self._changed:
            self._stopped = True
            self._context.abort()
            self._changed.notify()

    def run(self) -> None:
        """Serve queries until `stop`, then free the model."""
        try:
            while asked := self._next():
                asked.reply(self._answer(asked.query))
        finally:
            with self._changed:
                self._stopped = True
                unanswered = list(self._waiting)
            for asked in unanswered:
                asked.reply(_stopped(self._loaded.name))
            self._text_queries.close()
            self._context.close()
            self._model.close()

    def _next(self) -> _Asked | None:
        with self._changed:
            self._current = None
            while not self._waiting and not self._stopped:
                self._changed.wait()
            if self._stopped:
                return None
            asked = self._waiting.popleft()
            self._current = asked.request_id
            self._context.allow()
            return asked

    def _answer(self, query: Embed | Rerank) -> Answer:
        if self._threads is not None:
            self._context.use_threads(self._threads)
        try:
            return self._embed(query) if isinstance(query, Embed) else self._rerank(query)
        except LoadCancelled:
            return _stopped(self._loaded.name)
        except MistralTuiError as error:
            return Refusal.of(error)
        except Exception as error:  # a bug must not end the others' answers
            return Refusal("EngineError", f"{self._loaded.name} cannot answer: {error!r}")

    def _embed(self, query: Embed) -> Embeddings:
        if self._context.ranks:
            raise InvalidRequest(f"{self._loaded.name} is a reranker and gives no embeddings; ask it to rerank")
        texts = [self._model.vocabulary.tokenize_whole(text) for text in query.texts]
        return Embeddings(tuple(self._context.compute(texts)), sum(map(len, texts)))

    def _rerank(self, query: Rerank) -> Scores:
        if not self._context.ranks:
            raise InvalidRequest(f"{self._loaded.name} is no reranker; choose a model made for it")
        texts = [self._pair(query.query, document) for document in query.documents]
        scores = tuple(values[0] for values in self._context.compute(texts))
        return Scores(scores, sum(map(len, texts)))

    def _pair(self, query: str, document: str) -> list[int]:
        """Return a query and a document as the model wants them: by its own prompt, or with its marks between."""
        vocabulary = self._model.vocabulary
        prompt = llama.llama_model_chat_template(self._model.handle, b"rerank")
        if prompt:
            text = prompt.decode("utf-8", "replace")
            before, _, after = text.partition("{query}")
            # Not one replacement after the other: the query may contain the name of the other place.
            pieces = [before.replace("{document}", document), query, after.replace("{document}", document)]
            return vocabulary.tokenize("".join(pieces), beginning=True)
        return vocabulary.tokenize_pair(query, document)


def _stopped(name: str) -> Refusal:
    return Refusal("EngineError", f"{name} was stopped before it had the answer")
