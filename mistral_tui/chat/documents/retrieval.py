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
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from operator import mul
from typing import Final

from mistral_tui.chat.documents.passages import Passage, passages
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import FilePart

Vector = Sequence[float]
Embed = Callable[[Sequence[str]], Awaitable[Sequence[Vector]]]

MOST_PASSAGES: Final = 2000
"""Of one document: each takes a model some milliseconds."""
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
        self._vectors: dict[bytes, list[Vector]] = {}

    async def ranked(self, part: FilePart, question: str) -> list[Passage]:
        """Return all passages of a document, the one that fits the question best first.

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
        vectors = await self._vectors_of(part, found)
        (wanted,) = await self._vectors_for([question])
        return await asyncio.to_thread(_ranked, found, vectors, wanted, question)

    async def _vectors_of(self, part: FilePart, found: Sequence[Passage]) -> list[Vector]:
        key = sha256(part.text.encode()).digest()
        if key not in self._vectors:
            self._vectors[key] = await self._vectors_for([passage.text for passage in found])
        return self._vectors[key]

    async def _vectors_for(self, texts: Sequence[str]) -> list[Vector]:
        try:
            vectors = await self._embed(texts)
        except InvalidRequest:  # scripts that take a token for a character do not fit into small models
            vectors = await self._embed([text[:_SHORT] for text in texts])
        return [array("f", vector) for vector in vectors]


def _ranked(found: Sequence[Passage], vectors: Sequence[Vector], wanted: Vector, question: str) -> list[Passage]:
    meaning = [sum(map(mul, vector, wanted)) for vector in vectors]
    words = _shared_words([passage.text for passage in found], question)
    fused = [0.0] * len(found)
    for scores in (meaning, words):
        order = sorted(range(len(found)), key=lambda index: -scores[index])
        for rank, index in enumerate(order):
            # Passages that share no word with the question have no order among them.
            fused[index] += 1 / (_RANK_SOFTENER + rank) if scores is meaning or scores[index] else 0.0
    return [found[index] for index in sorted(range(len(found)), key=lambda index: -fused[index])]


def _shared_words(texts: Sequence[str], question: str) -> list[float]:
    """Return for each text how much the words weigh that it shares with the question: the rarer, the more."""
    bags = [Counter(_WORD.findall(text.lower())) for text in texts]
    wanted = set(_WORD.findall(question.lower()))
    weights = {word: math.log(1 + len(texts) / (1 + sum(word in bag for bag in bags))) for word in wanted}
    return [sum(weights[word] * count / (count + 1) for word in wanted if (count := bag[word])) for bag in bags]
