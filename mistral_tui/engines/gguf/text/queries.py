"""Questions about text and tokens, answered beside the engine thread: a long text must not hold up the replies."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

from mistral_tui.engines.gguf.model import Model
from mistral_tui.engines.gguf.text.vocabulary import Vocabulary
from mistral_tui.models.chat_template import ChatTemplate, TemplateArguments
from mistral_tui.types.errors import InvalidRequest, MistralTuiError
from mistral_tui.types.queries import (
    Answer,
    Count,
    CountTokens,
    Detokenize,
    Embed,
    Query,
    Refusal,
    Rerank,
    Text,
    Tokenize,
    Tokens,
)

Reply = Callable[[Answer], None]


class TextQueries:
    """Answers `Tokenize`, `Detokenize` and `CountTokens` on a thread of its own, which starts with the first one.

    Args:
        model: Stays open for as long as `close` has not returned.
        template: The chat template, by which prompts are counted.
    """

    def __init__(self, model: Model, template: str) -> None:
        self._model = model
        self._template_text = template
        self._asked: SimpleQueue[tuple[Query, Reply] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def ask(self, query: Query, reply: Reply) -> None:
        """Take a query; `reply` is called on another thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, daemon=True)
            self._thread.start()
        self._asked.put((query, reply))

    def close(self) -> None:
        """Answer what was asked, and end."""
        if self._thread is not None:
            self._asked.put(None)
            self._thread.join()

    def _serve(self) -> None:
        # Both have buffers and caches that belong to one thread.
        self._vocabulary = Vocabulary(self._model.vocabulary.handle)
        self._template = ChatTemplate(self._template_text)
        while asked := self._asked.get():
            query, reply = asked
            try:
                reply(self._answer(query))
            except MistralTuiError as error:
                reply(Refusal.of(error))
            except Exception as error:  # a bug must not leave the one who asked waiting
                reply(Refusal("EngineError", f"{self._model.name} cannot answer: {error!r}"))

    def _answer(self, query: Query) -> Answer:
        match query:
            case Tokenize():
                tokens = self._vocabulary.tokenize(query.text, query.beginning, special=query.special)
                return Tokens(tuple(tokens), tuple(map(self._vocabulary.name, tokens)))
            case Detokenize():
                return Text(self._text(query))
            case CountTokens(request=request):
                vocabulary = self._vocabulary
                arguments = TemplateArguments.of(request)
                prompt = self._template.render(
                    request.messages,
                    vocabulary.bos_text,
                    vocabulary.eos_text,
                    arguments=arguments,
                    literal=vocabulary.literal,
                )
                return Count(len(vocabulary.tokenize(prompt, beginning=True)))
            case Embed() | Rerank():
                raise InvalidRequest(f"{self._model.name} is loaded for chat; load it for embeddings to ask that")

    def _text(self, query: Detokenize) -> str:
        vocabulary = self._vocabulary
        unknown = next((token for token in query.tokens if not 0 <= token < vocabulary.size), None)
        if unknown is not None:
            raise InvalidRequest(f"there is no token {unknown}; {self._model.name} has 0 to {vocabulary.size - 1}")
        spell = vocabulary.spelling if query.special else vocabulary.piece
        return b"".join(map(spell, query.tokens)).decode("utf-8", "replace")
