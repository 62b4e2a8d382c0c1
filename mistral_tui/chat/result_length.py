"""How much of a tool's result the model is shown: what fits into its share of the context."""

from typing import Final

from mistral_tui.engines.engine import Engine
from mistral_tui.engines.queries import detokenize, tokenize
from mistral_tui.types.errors import MistralTuiError

_SHARE: Final = 4
"""All results of a round have this part of the context, that is a quarter."""
_LEAST: Final = 64
_CHARACTERS_A_TOKEN: Final = 4
"""Where nobody counts tokens."""
_LONGEST_TOKENS: Final = 16
"""Characters that a token of a usual text has at most; more of it need not be counted to know that it is too long."""


def tokens_of_a_result(engine: Engine, at_most: int, calls: int) -> int:
    """Return how many tokens one of several results of a round may have."""
    context = engine.model.n_ctx
    return max(_LEAST, min(at_most, context // _SHARE // max(1, calls))) if context > 0 else at_most


async def fitted(engine: Engine, text: str, tokens: int) -> str:
    """Return a text, or its beginning and its end, with at most about so many tokens.

    They are counted by the engine, or guessed where it cannot.
    """
    if len(text) * 4 <= tokens:  # no character has more tokens than bytes
        return text
    some = tokens * _LONGEST_TOKENS
    try:
        if len(text) <= some and len((await tokenize(engine, text)).tokens) <= tokens:
            return text
        head = await detokenize(engine, (await tokenize(engine, text[:some])).tokens[: tokens * 2 // 3])
        tail = await detokenize(engine, (await tokenize(engine, text[-some:])).tokens[-(tokens // 3) :])
    except MistralTuiError:
        return shortened(text, tokens * _CHARACTERS_A_TOKEN)
    return _joined(text, head.rstrip("\ufffd"), tail.lstrip("\ufffd"))


def shortened(text: str, limit: int) -> str:
    """Return the beginning and the end of a text that is longer than `limit` characters, and say what is missing."""
    return text if len(text) <= limit else _joined(text, text[: limit * 2 // 3], text[-(limit // 3) :])


def _joined(text: str, head: str, tail: str) -> str:
    return f"{head}\n… ({max(0, len(text) - len(head) - len(tail)):,} characters are left out here) …\n{tail}"
