"""How models mark what they think before they answer."""

from collections.abc import Callable
from typing import Final, NamedTuple


class Reasoning(NamedTuple):
    """One family's marks around its reasoning."""

    opens: str
    closes: str
    sign: str
    """What a chat template that knows it contains."""
    silent: tuple[str, ...] = ()
    """Further marks that are no text, if the template contains them."""


_REASONING: Final = (
    Reasoning("<seed:think>", "</seed:think>", "<seed:think>"),
    Reasoning("<mm:think>", "</mm:think>", "<mm:think>"),
    Reasoning("<thinking>", "</thinking>", "</thinking>"),
    Reasoning("[THINK]", "[/THINK]", "[THINK]"),
    Reasoning("<|inner_prefix|>", "<|inner_suffix|>", "<|inner_prefix|>"),
    Reasoning("<|channel>thought", "<channel|>", "<|channel>"),
    Reasoning("<|think|>", "<|end|>", "<|begin|>", ("<|begin|>assistant", "<|content|>", "<|end|>")),
    Reasoning(
        "Here are my reasoning steps:",
        "[BEGIN FINAL RESPONSE]",
        "[BEGIN FINAL RESPONSE]",
        ("[END FINAL RESPONSE]",),
    ),
    Reasoning(
        "<|START_THINKING|>",
        "<|END_THINKING|>",
        "<|START_THINKING|>",
        ("<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>"),
    ),
    Reasoning("<think>", "</think>", "</think>", ("<response>", "</response>")),
)


def reasoning_of(template: str, has_token: Callable[[str], bool]) -> Reasoning | None:
    """Return how a model marks its reasoning; `None` if it has none.

    Args:
        template: Its chat template.
        has_token: Whether its vocabulary has a token of this name; that counts where the template says nothing.
    """
    for reasoning in _REASONING:
        if reasoning.sign in template:
            return reasoning._replace(silent=tuple(mark for mark in reasoning.silent if mark in template))
    return next((each._replace(silent=()) for each in _REASONING if has_token(each.opens)), None)
