"""How likely the tokens of a reply were, for people and as JSON."""

import json
import math
from collections.abc import Sequence
from typing import Any

from mistral_tui.types.events import TokenChance, TokenScored
from mistral_tui.types.text import printable_line

_WIDTH = 20


def table(scored: Sequence[TokenScored]) -> str:
    """Return a line for each token: what it is, how likely it was, and the likeliest in its place."""
    return "\n".join(["Token, its probability, and the likeliest in its place:", *map(_line, scored)])


def as_json(scored: Sequence[TokenScored]) -> list[dict[str, Any]]:
    """Return what OpenAI's API calls the content of `logprobs`, with the numbers of the tokens as `id`."""
    return [_plain(one.chosen) | {"top_logprobs": [_plain(chance) for chance in one.top]} for one in scored]


def _line(scored: TokenScored) -> str:
    text, percent = _shown(scored.chosen)
    others = "  ".join(" ".join(_shown(chance)) for chance in scored.top)
    return f"  {text:<{_WIDTH}} {percent:>6}   {others}".rstrip()


def _shown(chance: TokenChance) -> tuple[str, str]:
    return printable_line(json.dumps(chance.text, ensure_ascii=False)), f"{math.exp(chance.logprob):.1%}"


def _plain(chance: TokenChance) -> dict[str, Any]:
    return {"token": chance.text, "id": chance.token, "logprob": chance.logprob, "bytes": list(chance.data)}
