"""What endpoints answer besides replies: vectors and scores, and the tokens of a text where they tell."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mistral_tui.engines.remote.client import Client
from mistral_tui.engines.remote.failures import Refused, described
from mistral_tui.types.errors import EndpointError, InvalidRequest
from mistral_tui.types.queries import (
    Answer,
    CountTokens,
    Detokenize,
    Embed,
    Embeddings,
    Query,
    Rerank,
    Scores,
    Text,
    Tokenize,
    Tokens,
)

_ABSENT: Final = (404, 405, 501)


async def answer_to(query: Query, client: Client, model: str) -> Answer:
    """Return the answer of an endpoint.

    Raises:
        MistralTuiError: It cannot answer this, or fails.
    """
    match query:
        case Embed(texts=texts):
            return await _embed(client, model, texts)
        case Rerank(query=words, documents=documents):
            return await _rerank(client, model, words, documents)
        case Tokenize():
            return await _tokenize(client, model, query)
        case Detokenize(tokens=tokens):
            return await _detokenize(client, model, tokens)
        case CountTokens():
            # People see a count while they type: what they have not sent does not leave this machine.
            raise InvalidRequest(f"{described(client.endpoint)} is not asked to count prompts; send it to know")


async def _embed(client: Client, model: str, texts: Sequence[str]) -> Embeddings:
    answer = await _first(client, "make vectors", [("/embeddings", {"model": model, "input": list(texts)})])
    data = [each for each in _list(answer, "data") if isinstance(each, dict)]
    data.sort(key=lambda each: each["index"] if isinstance(each.get("index"), int) else 0)
    vectors = tuple(_normal(_numbers(each.get("embedding"))) for each in data)
    if len(vectors) != len(texts) or not all(vectors):
        raise _strange(client, "vectors")
    return Embeddings(vectors, _tokens_told(answer))


async def _rerank(client: Client, model: str, query: str, documents: Sequence[str]) -> Scores:
    body = {"model": model, "query": query, "documents": list(documents), "top_n": len(documents)}
    answer = await _first(client, "rerank", [("/rerank", body), (f"{client.endpoint.root}/rerank", body)])
    scores: dict[int, float] = {}
    for each in _list(answer, "results"):
        match each:
            case {"index": int(index), "relevance_score": int() | float() as score}:
                scores[index] = float(score)
    if sorted(scores) != list(range(len(documents))):
        raise _strange(client, "scores")
    return Scores(tuple(scores[index] for index in range(len(documents))), _tokens_told(answer))


async def _tokenize(client: Client, model: str, query: Tokenize) -> Tokens:
    root = client.endpoint.root
    body = {
        "model": model,
        # vLLM and SGLang
        "prompt": query.text,
        "add_special_tokens": query.beginning,
        "return_token_strs": True,
        # llama-server
        "content": query.text,
        "add_special": query.beginning,
        "parse_special": query.special,
        "with_pieces": True,
    }
    python = {"model": model, "input": query.text}  # llama-cpp-python
    answer = await _first(client, "tokenize", [(f"{root}/tokenize", body), (f"{root}/extras/tokenize", python)])
    if not isinstance(answer, dict):
        raise _strange(client, "tokens")
    tokens = _list(answer, "tokens")
    pieces = [each.get("piece") for each in tokens if isinstance(each, dict)]
    ids = [each.get("id") if isinstance(each, dict) else each for each in tokens]
    numbers = [number for number in ids if isinstance(number, int)]
    if "tokens" not in answer or len(numbers) < len(ids):
        raise _strange(client, "tokens")
    names = pieces if len(pieces) == len(numbers) else _list(answer, "token_strs")
    texts = [_piece(name) for name in names]
    return Tokens(tuple(numbers), tuple(texts if len(texts) == len(numbers) else [""] * len(numbers)))


async def _detokenize(client: Client, model: str, tokens: Sequence[int]) -> Text:
    root, body = client.endpoint.root, {"model": model, "tokens": list(tokens)}
    answer = await _first(client, "detokenize", [(f"{root}/detokenize", body), (f"{root}/extras/detokenize", body)])
    match answer:
        case {"prompt": str(text)} | {"content": str(text)} | {"text": str(text)}:
            return Text(text)
    raise _strange(client, "text")


async def _first(client: Client, doing: str, tries: Sequence[tuple[str, Mapping[str, Any]]]) -> Any:
    """Return the answer of the first path that the server knows.

    Raises:
        InvalidRequest: It knows none of them.
        EndpointError: It refuses, or fails.
    """
    for path, body in tries:
        try:
            return await client.post(path, body)
        except Refused as refusal:
            if refusal.status not in _ABSENT:
                raise
    raise InvalidRequest(f"{described(client.endpoint)} cannot {doing}; take a model on this machine")


def _strange(client: Client, what: str) -> EndpointError:
    return EndpointError(f"{described(client.endpoint)} answered without the {what} that were asked for; look at it")


def _normal(vector: Sequence[float]) -> tuple[float, ...]:
    length = math.sqrt(sum(value * value for value in vector))
    return tuple(value / length for value in vector) if length else tuple(vector)


def _numbers(value: Any) -> list[float]:
    plain = isinstance(value, list) and all(isinstance(each, int | float) for each in value)
    return [float(each) for each in value] if plain else []


def _list(answer: Any, key: str) -> list[Any]:
    value = answer.get(key) if isinstance(answer, dict) else None
    return value if isinstance(value, list) else []


def _tokens_told(answer: Any) -> int:
    match answer:
        case {"usage": {"total_tokens": int(tokens)}} | {"usage": {"prompt_tokens": int(tokens)}}:
            return tokens
    return 0


def _piece(name: Any) -> str:
    """Return what a token stands for; llama-server gives bytes where it is no UTF-8."""
    if isinstance(name, str):
        return name
    return bytes(name).decode("utf-8", "replace") if isinstance(name, list) else ""
