"""Finds the passages of a document that fit a question.

A passage is found by what it means, by its vector from a local model, and by the rare words that it shares with the
question; the two orders are fused by their ranks (reciprocal rank fusion, Cormack and others 2009), since a model that
was made for chat gives vectors that mean little by themselves. The same question finds the same passages.
"""

import asyncio
import math
import re
from array import array
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from operator import mul
from typing import Final

from mistral_tui.chat.documents.passages import Passage, passages
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import FilePart

Vector = Sequence[float]
Embed = Callable[[Sequence[str]], Awaitable[Sequence[Vector]]]

Report = Callable[[int, int], None]
"""Is told how much is done, and of how much."""

MOST_PASSAGES: Final = 10_000
"""Of one document."""
_MOST_COMPARED: Final = 64
"""Passages of which vectors are made for a question, each of which takes a model up to half a second: of a longer
document, those that share the most with it in words, and if these are fewer, some of every part."""
_AT_ONCE: Final = 16
"""Passages that are made into vectors before it is told how far it is."""
_SHORT: Final = 200
"""Characters of a passage that every model takes, whatever the script."""
_RANK_SOFTENER: Final = 60
"""The usual constant of the fusion."""
_WORD: Final = re.compile(r"\w{2,}")


class Retrieval:
    """Searches documents; what was computed of one is remembered as long as the program runs.

    Args:
        embed: Returns a vector of length 1 for each text.
    """

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._vectors: dict[bytes, dict[int, Vector]] = {}
        """Of each document, by the numbers of its passages."""
        self._embedding = asyncio.Lock()
        """Held while a document is made into vectors: who asks for the same waits for these."""

    async def ranked(self, part: FilePart, question: str, report: Report = lambda done, total: None) -> list[Passage]:
        """Return all passages of a document, the one that fits the question best first.

        What was computed until a cancel counts the next time.

        Args:
            part: The document.
            question: What they are to fit.
            report: Is told how many passages are read, of how many, while that goes on.

        Raises:
            InvalidRequest: The document is too long for this.
            MistralTuiError: There is no model to compare them with, or it fails.
        """
        found = await asyncio.to_thread(passages, part)
        if len(found) > MOST_PASSAGES:
            raise InvalidRequest(
                f"{part.name} has {len(found):,} passages, and at most {MOST_PASSAGES:,} are searched; "
                "give a part of it, or its beginning and end"
            )
        words = await asyncio.to_thread(_shared_words, [passage.text for passage in found], question)
        compared = _compared(words)
        vectors = await self._vectors_of(part, found, compared, report)
        (wanted,) = await self._vectors_for([question])
        meaning = {index: sum(map(mul, vectors[index], wanted)) for index in compared}
        return [found[index] for index in _fused(words, meaning)]

    async def _vectors_of(
        self, part: FilePart, found: Sequence[Passage], compared: Sequence[int], report: Report
    ) -> dict[int, Vector]:
        vectors = self._vectors.setdefault(sha256(part.text.encode()).digest(), {})
        async with self._embedding:
            missing = [index for index in compared if index not in vectors]
            for first in range(0, len(missing), _AT_ONCE):
                report(first, len(missing))
                batch = missing[first : first + _AT_ONCE]
                made = await self._vectors_for([found[index].text for index in batch])
                vectors.update(zip(batch, made, strict=True))
        return vectors

    async def _vectors_for(self, texts: Sequence[str]) -> list[Vector]:
        try:
            vectors = await self._embed(texts)
        except InvalidRequest:  # scripts that take a token for a character do not fit into small models
            vectors = await self._embed([text[:_SHORT] for text in texts])
        return [array("f", vector) for vector in vectors]


def _compared(words: Sequence[float]) -> list[int]:
    """Return the numbers of the passages that are compared by meaning: those with the most shared words first."""
    shared = sorted((index for index, weight in enumerate(words) if weight), key=lambda index: -words[index])
    others = [index for index, weight in enumerate(words) if not weight]
    room = max(1, _MOST_COMPARED - len(shared))
    return [*shared, *others[:: -(-len(others) // room) or 1]][:_MOST_COMPARED]


def _fused(words: Sequence[float], meaning: Mapping[int, float]) -> list[int]:
    """Return the numbers of all passages, the best first by both orders.

    Args:
        words: What the words weigh that each passage shares with the question.
        meaning: How near passages are to the question by their vectors; some have none.
    """
    fused = [0.0] * len(words)
    # Passages that share no word with the question have no order among them.
    shared = {index: weight for index, weight in enumerate(words) if weight}
    for scores in (meaning, shared):
        for rank, index in enumerate(sorted(scores, key=lambda index: -scores[index])):
            fused[index] += 1 / (_RANK_SOFTENER + rank)
    return sorted(range(len(words)), key=lambda index: -fused[index])


def _shared_words(texts: Sequence[str], question: str) -> list[float]:
    """Return for each text how much the words weigh that it shares with the question: the rarer, the more."""
    bags = [Counter(_WORD.findall(text.lower())) for text in texts]
    wanted = set(_WORD.findall(question.lower()))
    weights = {word: math.log(1 + len(texts) / (1 + sum(word in bag for bag in bags))) for word in wanted}
    return [sum(weights[word] * count / (count + 1) for word in wanted if (count := bag[word])) for bag in bags]
