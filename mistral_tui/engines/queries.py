"""What can be asked of an engine besides a reply, as functions.

All raise `MistralTuiError` when the model cannot answer; the message says why.
"""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from mistral_tui.engines.engine import Engine
from mistral_tui.types.errors import EngineError, error_named
from mistral_tui.types.queries import (
    Answer,
    Count,
    CountTokens,
    Detokenize,
    Embed,
    Embeddings,
    Refusal,
    Rerank,
    Scores,
    Text,
    Tokenize,
    Tokens,
)
from mistral_tui.types.requests import GenerateRequest

_TEXTS_AT_ONCE: Final = 32
"""Texts of one query: their vectors, and the texts themselves, have to fit into a frame."""
_CHARACTERS_AT_ONCE: Final = 2**20

A = TypeVar("A", Tokens, Text, Count, Embeddings, Scores)


async def tokenize(engine: Engine, text: str, *, special: bool = False, beginning: bool = False) -> Tokens:
    """Return the tokens of `text`; see `mistral_tui.types.queries.Tokenize`."""
    return _expected(await engine.ask(Tokenize(text, special, beginning)), Tokens)


async def detokenize(engine: Engine, tokens: Sequence[int], *, special: bool = False) -> str:
    """Return the text of `tokens`.

    Raises:
        InvalidRequest: One of them is none of the model's.
    """
    return _expected(await engine.ask(Detokenize(tuple(tokens), special)), Text).text


async def count_tokens(engine: Engine, request: GenerateRequest) -> int:
    """Return how many tokens the prompt of `request` has, rendered by the chat template and not shortened."""
    return _expected(await engine.ask(CountTokens(request)), Count).tokens


async def embed(engine: Engine, texts: Sequence[str]) -> Embeddings:
    """Return a vector of length 1 for each text, pooled as the model says.

    Raises:
        InvalidRequest: A text is too long for the model, or it was not loaded for embeddings.
    """
    vectors: list[tuple[float, ...]] = []
    tokens = 0
    for group in _groups(texts):
        part = _expected(await engine.ask(Embed(group)), Embeddings)
        vectors += part.vectors
        tokens += part.tokens
    return Embeddings(tuple(vectors), tokens)


async def rerank(engine: Engine, query: str, documents: Sequence[str]) -> Scores:
    """Return how well each document answers the query.

    Raises:
        InvalidRequest: The model is no reranker, or was not loaded for it, or a text is too long.
    """
    scores: list[float] = []
    tokens = 0
    for group in _groups(documents):
        part = _expected(await engine.ask(Rerank(query, group)), Scores)
        scores += part.scores
        tokens += part.tokens
    return Scores(tuple(scores), tokens)


def _expected(answer: Answer, kind: type[A]) -> A:
    if isinstance(answer, kind):
        return answer
    if isinstance(answer, Refusal):
        raise error_named(answer.error, answer.message)
    raise EngineError(f"the engine answered with {type(answer).__name__} instead of {kind.__name__}")


def _groups(texts: Sequence[str]) -> Iterator[tuple[str, ...]]:
    group: list[str] = []
    characters = 0
    for text in texts:
        if group and (len(group) == _TEXTS_AT_ONCE or characters + len(text) > _CHARACTERS_AT_ONCE):
            yield tuple(group)
            group, characters = [], 0
        group.append(text)
        characters += len(text)
    if group:
        yield tuple(group)
