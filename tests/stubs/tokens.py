"""Scored tokens, as an engine tells them that was asked for probabilities."""

import math
from collections.abc import Sequence

from mistral_tui.types.events import Delta, ReasoningDelta, TextDelta, TokenChance, TokenScored


def chance(text: str, probability: float = 0.5, control: bool = False) -> TokenChance:
    return TokenChance(text, text.encode(), hash(text) % 1000, math.log(probability), control)


def scored(text: str, *others: str, probability: float = 0.5, control: bool = False) -> TokenScored:
    """Score a token, and the others that could have stood in its place, each half as likely as the one before."""
    chosen = chance(text, probability, control)
    rest = (chance(other, probability / 2 ** (place + 1)) for place, other in enumerate(others))
    return TokenScored(chosen, (chosen, *rest))


def told(*tokens: str | TokenScored, thought: bool = False) -> list[Delta | TokenScored]:
    """Return what an engine tells of these tokens: of each how likely it was, then its text."""
    events: list[Delta | TokenScored] = []
    for each in tokens:
        token = scored(each) if isinstance(each, str) else each
        text = "" if token.chosen.control else token.chosen.text
        events += [token, ReasoningDelta(text) if thought else TextDelta(text)]
    return events


def texts(tokens: Sequence[TokenScored]) -> list[str]:
    return [token.chosen.text for token in tokens]
