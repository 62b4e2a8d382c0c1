"""Lets a constraint begin and end in the course of a reply."""

from typing import Literal, NamedTuple

from mistral_tui.engines.gguf.sampling.constraint import ConstrainedChoice
from mistral_tui.engines.gguf.sampling.sampler import Sampler
from mistral_tui.engines.grammar.constraint import Constraint
from mistral_tui.engines.parsing.reader import Begun
from mistral_tui.types.requests import Grammar

Scope = Literal["answer", "calls"]
"""What keeps to a grammar: the reply, behind reasoning if the prompt has begun some; or calls, once they begin."""


class WantedGrammar(NamedTuple):
    """A grammar, and what of a reply keeps to it."""

    grammar: Grammar
    scope: Scope


class Guide:
    """Binds one reply to a constraint where it is to be bound.

    Args:
        constraint: What the reply, or a part of it, keeps to.
        scope: Which part.
        sampler: Chooses the reply's tokens.
        vocabulary_size: How many tokens there are.
    """

    def __init__(self, constraint: Constraint, scope: Scope, sampler: Sampler, vocabulary_size: int) -> None:
        self._constraint = constraint
        self._scope = scope
        self._sampler = sampler
        self._choice = ConstrainedChoice(constraint, vocabulary_size)
        self._bound = False

    def start(self, in_reasoning: bool) -> None:
        """The reply begins, perhaps in the middle of reasoning."""
        if self._scope == "answer" and not in_reasoning:
            self._bind("")

    def follow(self, begun: Begun | None) -> None:
        """A token was taken.

        Args:
            begun: What has begun with it, if anything has.
        """
        if not self._bound and begun is not None and begun.is_call == (self._scope == "calls"):
            self._bind(begun.text)
        elif self._bound and self._scope == "calls" and self._constraint.done:
            self._bound = False
            self._sampler.constrain(None)

    @property
    def done(self) -> bool:
        """Whether the reply is complete."""
        return self._bound and self._scope != "calls" and self._constraint.done

    def _bind(self, text: str) -> None:
        if self._constraint.begin(text):
            self._bound = True
            self._sampler.constrain(self._choice)
