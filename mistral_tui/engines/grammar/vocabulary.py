"""What grammars must know of a model's vocabulary."""

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:  # imported when the first grammar comes: it takes 50 ms
    from llguidance import LLTokenizer


class SpecialTokens(msgspec.Struct, frozen=True):
    """What a grammar can say of a vocabulary besides text."""

    size: int
    """How many tokens there are, others included."""
    names: dict[int, str]
    """The tokens that stand for no text."""
    ends: tuple[int, ...]
    """Those of them that end a reply; at least one."""


class GrammarVocabulary(Protocol):
    """A model's vocabulary, as an engine offers it. Its methods are called on other threads than the engine's."""

    def special_tokens(self) -> SpecialTokens:
        """Return the tokens that stand for no text."""
        ...

    def tokenizer(self) -> "LLTokenizer":
        """Return the vocabulary as llguidance wants it; called once."""
        ...
