"""Passages in Redis, each with a vector, and those nearest to a vector.

Nothing but plain Redis is needed: a passage is a hash with its text, its source and its vector as bytes; a set holds
the keys of all passages. Every search reads all vectors and compares them here: enough for some ten thousand passages.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray
from redis.asyncio import Redis

_READ_AT_ONCE: Final = 1000


@dataclass(frozen=True)
class Passage:
    """A piece of a text."""

    source: str
    """Where the text is from; one text a source."""
    text: str


@dataclass(frozen=True)
class Found:
    """A passage that was searched for."""

    passage: Passage
    score: float
    """The cosine of its vector and the one searched for: 1 for the same direction."""


class Passages:
    """All passages whose vectors one model made; vectors of two models cannot be compared.

    Args:
        redis: Where they are kept.
        model: Name of the model.
    """

    def __init__(self, redis: Redis, model: str) -> None:
        self._redis = redis
        self._keys = f"mistral-tui:rag:{model}"
        self._changing = asyncio.Lock()

    async def put(self, source: str, texts: Sequence[str], vectors: Sequence[Sequence[float]]) -> None:
        """Keep the passages of a source in place of those that it had, all at once."""
        async with self._changing, self._redis.pipeline(transaction=True) as change:
            if old := await self._of(source):
                change.delete(*old)
                change.srem(self._keys, *old)
            for number, (text, vector) in enumerate(zip(texts, vectors, strict=True)):
                key = f"{self._prefix(source)}{number}"
                values = {"source": source, "text": text, "vector": np.asarray(vector, "<f4").tobytes()}
                change.hset(key, mapping=cast(Any, values))
                change.sadd(self._keys, key)
            await change.execute()

    async def remove(self, source: str) -> int:
        """Forget the passages of a source, and return how many there were."""
        count = len(await self._of(source))
        await self.put(source, (), ())
        return count

    async def nearest(self, vector: Sequence[float], limit: int) -> list[Found]:
        """Return at most `limit` passages, the nearest first."""
        keys = sorted(await self._all())
        if not keys:
            return []
        rows: list[bytes | None] = []
        for start in range(0, len(keys), _READ_AT_ONCE):
            async with self._redis.pipeline(transaction=False) as reading:
                for key in keys[start : start + _READ_AT_ONCE]:
                    reading.hget(key, "vector")
                rows += await reading.execute()
        # What another client has removed meanwhile has no vector.
        there = [(key, row) for key, row in zip(keys, rows, strict=True) if row is not None]
        scores = _cosines(np.frombuffer(b"".join(row for _, row in there), "<f4").reshape(len(there), -1), vector)
        best = np.argsort(-scores, kind="stable")[:limit]
        found = [(float(scores[index]), await self._read(there[index][0])) for index in best]
        return [Found(passage, score) for score, passage in found if passage is not None]

    async def _read(self, key: bytes) -> Passage | None:
        source, text = await cast("Awaitable[list[bytes | None]]", self._redis.hmget(key, ["source", "text"]))
        return Passage(source.decode(), text.decode()) if source is not None and text is not None else None

    async def _of(self, source: str) -> list[bytes]:
        prefix = self._prefix(source).encode()
        return [key for key in await self._all() if key.startswith(prefix)]

    async def _all(self) -> set[bytes]:
        return await cast("Awaitable[set[bytes]]", self._redis.smembers(self._keys))

    def _prefix(self, source: str) -> str:
        return f"{self._keys}:{hashlib.sha256(source.encode()).hexdigest()}:"


def _cosines(rows: NDArray[np.float32], vector: Sequence[float]) -> NDArray[np.float32]:
    wanted = np.asarray(vector, np.float32)
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(wanted)
    cosines: NDArray[np.float32] = (rows @ wanted) / np.maximum(lengths, np.finfo(np.float32).tiny)
    return cosines
