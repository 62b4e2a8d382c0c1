"""An MCP server that keeps texts in Redis and finds passages of them by their meaning.

    python server.py [--redis URL] [--model NAME]

The vectors are those of a model of mistral-tui, which runs on this machine. The model is loaded at the first call.
"""

import argparse
import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Final

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from passages import Passages
from pydantic import BaseModel, Field
from redis.asyncio import Redis
from redis.exceptions import RedisError

from mistral_tui.cli.flags import ModelFlags
from mistral_tui.cli.loaded import for_embeddings
from mistral_tui.cli.pools import pool_for
from mistral_tui.cli.setup import Setup
from mistral_tui.engines.queries import embed
from mistral_tui.types.errors import MistralTuiError

_LONGEST_PASSAGE: Final = 800
"""Characters: about 200 tokens, which every model for embeddings takes."""


class Hit(BaseModel):
    """A passage that answers a search."""

    source: str
    text: str
    score: float
    """How near it is to what was searched for; 1 at most."""


class Rag:
    """Texts in Redis, and the model that makes their vectors."""

    def __init__(self, redis_url: str, model: str | None) -> None:
        flags = ModelFlags(model=model)
        setup = Setup.read(strict=True)
        self._entry = setup.entry_or_error(model or setup.settings.embedding_model)
        self._options = for_embeddings(setup.load_options(flags))
        self._pool = pool_for(setup, flags)
        self._redis = Redis.from_url(redis_url)
        self._passages = Passages(self._redis, self._entry.name)

    async def add_text(
        self,
        source: Annotated[str, Field(description="Where the text is from, such as the name of a file")],
        text: str,
    ) -> str:
        """Keep a text, to be searched later. A text that was kept of the same source before is replaced."""
        texts = _passages_of(text)
        if not texts:
            raise ToolError("there is no text in it; to forget a source, call remove_text")
        with _told():
            await self._passages.put(source, texts, await self._vectors(texts))
        return f"passages of {source} that are kept: {len(texts)}"

    async def search(self, query: str, limit: Annotated[int, Field(ge=1, le=50)] = 5) -> list[Hit]:
        """Find the passages nearest in meaning to a question or to some words, the nearest first."""
        with _told():
            (vector,) = await self._vectors([query])
            found = await self._passages.nearest(vector, limit)
        return [Hit(source=each.passage.source, text=each.passage.text, score=round(each.score, 4)) for each in found]

    async def remove_text(self, source: str) -> str:
        """Forget the text of a source."""
        with _told():
            count = await self._passages.remove(source)
        return f"passages of {source} that were removed: {count}"

    async def close(self) -> None:
        """Unload the model and leave Redis."""
        await asyncio.gather(self._pool.close(), self._redis.aclose())

    async def _vectors(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        engine = await self._pool.acquire(self._entry, self._options)
        return (await embed(engine, texts)).vectors


@contextmanager
def _told() -> Iterator[None]:
    """Tell the model what is wrong with Redis or the engine; the SDK tells it nothing of other errors."""
    try:
        yield
    except RedisError as error:
        raise ToolError(f"Redis cannot be used: {error}") from error
    except MistralTuiError as error:
        raise ToolError(str(error)) from error


def _passages_of(text: str) -> list[str]:
    """Split a text at empty lines, and paragraphs that are too long between words."""
    passages: list[str] = []
    for paragraph in text.replace("\r\n", "\n").split("\n\n"):
        passage = ""
        for word in paragraph.split():
            if passage and len(passage) + 1 + len(word) > _LONGEST_PASSAGE:
                passages.append(passage)
                passage = ""
            passage = f"{passage} {word}".lstrip()
        passages += [passage[start : start + _LONGEST_PASSAGE] for start in range(0, len(passage), _LONGEST_PASSAGE)]
    return passages


def main() -> None:
    """Serve over standard input and output."""
    parser = argparse.ArgumentParser(description="Keeps texts in Redis and finds passages of them by their meaning.")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0", metavar="URL")
    parser.add_argument("--model", metavar="NAME", help="makes the vectors; else what the settings of mistral-tui say")
    arguments = parser.parse_args()
    try:
        rag = Rag(arguments.redis, arguments.model or None)
    except (MistralTuiError, ValueError) as error:
        parser.exit(2, f"error: {error}\n")

    @asynccontextmanager
    async def lifespan(_: MCPServer[None]) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await rag.close()

    server = MCPServer("rag-redis", lifespan=lifespan, log_level="WARNING")
    for tool in (rag.add_text, rag.search, rag.remove_text):
        server.add_tool(tool)
    server.run()


if __name__ == "__main__":
    main()
