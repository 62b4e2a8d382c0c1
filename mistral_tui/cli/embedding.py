"""`mistral-tui embedding`: vectors of texts, or how well they answer a query."""

import asyncio
import json
import sys
from collections.abc import Sequence

from mistral_tui.cli.flags import ArgumentParser, ModelFlags, add_model_flags
from mistral_tui.cli.loaded import for_embeddings, loaded_engine
from mistral_tui.engines.queries import embed, rerank
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.text import printable_line

SCHEMA_VERSION = 1


class EmbeddingFlags(ModelFlags):
    """The texts, and what to do with them."""

    text: list[str]
    rerank: str | None = None
    json: bool = False


def embedding(arguments: Sequence[str], flags: ModelFlags) -> int:
    """Print one vector a text, or the texts in the order of their scores, and return the exit status."""
    call = _parser().parse_intermixed_args(arguments, namespace=EmbeddingFlags(**vars(flags)))
    texts = call.text or [line for line in _piped() if line]
    if not texts:
        raise InvalidRequest("there is no text; give some, or pipe in one a line")
    asyncio.run(_rerank(call, call.rerank, texts) if call.rerank is not None else _embed(call, texts))
    return 0


async def _embed(call: EmbeddingFlags, texts: list[str]) -> None:
    async with loaded_engine(call, adapt=for_embeddings) as engine:
        result = await embed(engine, texts)
    if not call.json:
        for vector in result.vectors:
            print(json.dumps(vector))
        return
    data = [{"index": index, "embedding": vector} for index, vector in enumerate(result.vectors)]
    _print_json(engine.model.name, {"data": data, "usage": {"prompt_tokens": result.tokens}})


async def _rerank(call: EmbeddingFlags, query: str, texts: list[str]) -> None:
    async with loaded_engine(call, adapt=for_embeddings) as engine:
        result = await rerank(engine, query, texts)
    order = sorted(range(len(texts)), key=lambda index: result.scores[index], reverse=True)
    if not call.json:
        for index in order:
            print(f"{result.scores[index]:.4f}\t{printable_line(texts[index])}")
        return
    results = [{"index": index, "relevance_score": result.scores[index]} for index in order]
    _print_json(engine.model.name, {"results": results, "usage": {"prompt_tokens": result.tokens}})


def _print_json(model: str, content: dict[str, object]) -> None:
    print(json.dumps({"schema_version": SCHEMA_VERSION, "model": model, **content}, ensure_ascii=sys.stdout.isatty()))


def _piped() -> list[str]:
    if sys.stdin is None or sys.stdin.isatty():
        return []
    return sys.stdin.buffer.read().decode("utf-8", "replace").splitlines()


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "mistral-tui embedding",
        "One vector a text on stdout, as a JSON array a line. Without texts, every line that is piped in is one.",
    )
    parser.add_argument("text", nargs="*", help="what to turn into a vector")
    parser.add_argument(
        "--rerank", metavar="QUERY", help="print the texts with a score, the one that answers QUERY best first"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_model_flags(parser)
    return parser
