"""How many tokens a part of a prompt has: exactly, by the engine, or about."""

from typing import Final

import msgspec

from mistral_tui.engines.engine import Engine
from mistral_tui.engines.queries import count_tokens
from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.messages import FilePart, Message, Part, TextPart
from mistral_tui.types.requests import GenerateRequest

_BYTES_A_TOKEN: Final = 4
"""Of English; other languages have fewer, source code too."""


class TokenCount(msgspec.Struct, frozen=True):
    """A number of tokens."""

    tokens: int
    exact: bool = True
    """Whether the engine has counted them."""

    def __str__(self) -> str:
        return f"{'' if self.exact else '~'}{self.tokens:,}"


async def count_parts(engine: Engine | None, request: GenerateRequest, *parts: Part) -> TokenCount:
    """Return what the texts and documents of a prompt add to it, as the chat template renders them.

    Without an engine, or where it cannot count, it is an estimate.
    """

    async def prompt_of(given: tuple[Part, ...]) -> int:
        assert engine is not None
        return await count_tokens(engine, msgspec.structs.replace(request, messages=(Message("user", given),)))

    texts = tuple(part for part in parts if isinstance(part, TextPart | FilePart))
    if engine is None:
        return estimate(*texts)
    try:
        return TokenCount(max(0, await prompt_of(texts) - await prompt_of((TextPart(""),))))
    except MistralTuiError:
        return estimate(*texts)


def estimate(*parts: TextPart | FilePart) -> TokenCount:
    """Return about how many tokens some texts have, without a model."""
    size = sum(len(part.text.encode("utf-8", "replace")) for part in parts)
    return TokenCount(-(-size // _BYTES_A_TOKEN), exact=False)
