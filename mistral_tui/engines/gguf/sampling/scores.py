"""How likely a chosen token was, from the raw logits of its one row.

Importing this module loads numpy; it is imported for requests that ask for log-probabilities.
"""

from typing import Any, Final

import numpy as np

from mistral_tui.engines.gguf.text.vocabulary import Vocabulary
from mistral_tui.types.events import TokenChance, TokenScored

_LONGEST: Final = 1024
"""Bytes of a token that are told. Real ones are shorter; those of a hostile file must not burst a frame."""


class Scorer:
    """Scores the tokens of one reply.

    Args:
        vocabulary: The model's.
        top: How many of the likeliest tokens are told along.
    """

    def __init__(self, vocabulary: Vocabulary, top: int) -> None:
        self._vocabulary = vocabulary
        self._top = min(top, vocabulary.size)

    def score(self, logits: Any, token: int) -> TokenScored:
        """Return how likely `token` was.

        Args:
            logits: `float *` to one row, a logit for each token of the vocabulary; it is read and not kept.
            token: What was chosen.
        """
        row = np.ctypeslib.as_array(logits, shape=(self._vocabulary.size,))
        best = float(row.max())
        total = best + float(np.log(np.exp(row - best).sum(dtype=np.float64)))
        likeliest: list[int] = []
        if self._top:
            likeliest = sorted(np.argpartition(row, -self._top)[-self._top :].tolist(), key=lambda other: -row[other])
        chances = [self._chance(other, float(row[other]) - total) for other in (token, *likeliest)]
        return TokenScored(chances[0], tuple(chances[1:]))

    def _chance(self, token: int, logprob: float) -> TokenChance:
        # A control token adds nothing to the text; it is shown by its name.
        piece = self._vocabulary.piece(token)
        data = (piece or self._vocabulary.name(token).encode())[:_LONGEST]
        return TokenChance(data.decode("utf-8", "replace"), data, token, min(logprob, 0.0), not piece)
