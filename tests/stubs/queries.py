"""Answers to queries, as a model of few words would give them."""

import math
import re

from mistral_tui.types.messages import FilePart, TextPart
from mistral_tui.types.queries import Answer, Count, CountTokens, Embed, Embeddings, Query, Refusal

TOPICS = ("moon", "sea", "bread", "music")
"""What `understanding` tells apart."""


def understanding(query: Query) -> Answer:
    """Count every word as a token, and make vectors by how often each of `TOPICS` is spoken of."""
    match query:
        case CountTokens(request=request):
            parts = [part for message in request.messages for part in message.parts]
            words = [part.text.split() for part in parts if isinstance(part, TextPart | FilePart)]
            return Count(3 + sum(map(len, words)))
        case Embed(texts=texts):
            return Embeddings(tuple(map(_vector, texts)), sum(len(text.split()) for text in texts))
    return Refusal("EngineError", "this stub does not know such queries")


def _vector(text: str) -> tuple[float, ...]:
    words = re.findall(r"\w+", text.lower())
    counts = [float(words.count(topic)) for topic in TOPICS]
    length = math.hypot(*counts) or 1.0
    return tuple(count / length for count in counts)
