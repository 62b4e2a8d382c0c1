"""Grammars over a vocabulary of single bytes: does one match a text, and what does it allow?"""

from collections.abc import Callable

from mistral_tui.engines.grammar.compiling import compiled, stand_in
from mistral_tui.engines.grammar.constraint import Constraint
from mistral_tui.engines.grammar.vocabulary import SpecialTokens
from mistral_tui.types.requests import Grammar

END = 256
"""The token that ends a reply; those before it are bytes."""
SPECIAL = SpecialTokens(258, {END: "<|end|>", 257: "<think>"}, (END,))
_TOKENIZER = stand_in(SPECIAL)


def constraint(grammar: Grammar) -> Constraint:
    return compiled(grammar, _TOKENIZER)


def matches(grammar: Grammar, text: str) -> bool:
    followed = constraint(grammar)
    for byte in text.encode():
        if not followed.allows(byte):
            return False
        followed.accept(byte)
    return followed.done or followed.allows(END)


def allowed(followed: Constraint) -> list[int]:
    mask = followed.mask()
    return [token for token in range(SPECIAL.size) if mask[token // 8] >> token % 8 & 1]


def written(grammar: Grammar, choose: Callable[[list[int]], int], most: int = 2_000) -> str:
    """Return a reply whose tokens `choose` takes among those that are allowed."""
    followed = constraint(grammar)
    reply = bytearray()
    while not followed.done:
        token = choose(allowed(followed))
        if token == END:
            break
        assert followed.allows(token)
        followed.accept(token)
        reply.append(token)
        assert len(reply) < most
    return reply.decode()
