"""What can be asked of a loaded model besides a reply, and what it answers."""

from typing import Self

import msgspec

from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.requests import GenerateRequest


class Tokenize(msgspec.Struct, frozen=True, tag="tokenize"):
    """Turn text into tokens. Answered by `Tokens`."""

    text: str
    special: bool = False
    """Whether the names of control tokens stand for these; otherwise they are text like any other."""
    beginning: bool = False
    """Whether the token for the beginning comes first, where the model wants one."""


class Detokenize(msgspec.Struct, frozen=True, tag="detokenize"):
    """Turn tokens into text. Answered by `Text`."""

    tokens: tuple[int, ...]
    special: bool = False
    """Whether control tokens show their names; otherwise they are left out."""


class CountTokens(msgspec.Struct, frozen=True, tag="count"):
    """Count the tokens of a prompt as the chat template renders it. Answered by `Count`."""

    request: GenerateRequest


class Embed(msgspec.Struct, frozen=True, tag="embed"):
    """Turn each text into one vector. Answered by `Embeddings`."""

    texts: tuple[str, ...]


class Rerank(msgspec.Struct, frozen=True, tag="rerank"):
    """Say how well each document answers the query. Answered by `Scores`."""

    query: str
    documents: tuple[str, ...]


class Tokens(msgspec.Struct, frozen=True, tag="tokens"):
    """The tokens of a text."""

    tokens: tuple[int, ...]
    names: tuple[str, ...] = ()
    """What each of them stands for; bytes that are no UTF-8 become U+FFFD."""


class Text(msgspec.Struct, frozen=True, tag="text"):
    """The text of some tokens."""

    text: str


class Count(msgspec.Struct, frozen=True, tag="number"):
    """How many tokens a prompt has."""

    tokens: int


class Embeddings(msgspec.Struct, frozen=True, tag="embeddings"):
    """One vector for each text, of length 1 by Euclid's measure."""

    vectors: tuple[tuple[float, ...], ...]
    tokens: int
    """Tokens of all texts together."""


class Scores(msgspec.Struct, frozen=True, tag="scores"):
    """How well each document answers the query: higher is better; the scale is the model's own."""

    scores: tuple[float, ...]
    tokens: int


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """There is no answer."""

    error: str
    """Name of a class of `mistral_tui.types.errors`."""
    message: str

    @classmethod
    def of(cls, error: MistralTuiError) -> Self:
        """Return `error` as it travels."""
        return cls(type(error).__name__, str(error))


Query = Tokenize | Detokenize | CountTokens | Embed | Rerank
Answer = Tokens | Text | Count | Embeddings | Scores | Refusal
