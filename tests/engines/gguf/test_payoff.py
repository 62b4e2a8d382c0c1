"""Guessing goes on only where the clock says that it pays."""

import pytest

from mistral_tui.engines.gguf.speculation.payoff import Payoff

pytestmark = pytest.mark.core


def run(payoff: Payoff, computations: int, with_guesses: float, without: float) -> list[bool]:
    """Let so many computations take so many seconds a token; return which of them guessed."""
    kinds = []
    for _ in range(computations):
        kind = payoff.worthwhile
        payoff.took(kind, with_guesses if kind else without, 1)
        kinds.append(kind)
    return kinds


def test_both_kinds_are_tried_first() -> None:
    kinds = run(Payoff(), 16, 1, 1)
    assert kinds == [True] * 8 + [False] * 8


@pytest.mark.parametrize(("with_guesses", "without", "better"), [(1, 2, True), (2, 1, False)])
def test_the_faster_kind_wins(with_guesses: float, without: float, better: bool) -> None:
    payoff = Payoff()
    run(payoff, 16, with_guesses, without)
    assert run(payoff, 60, with_guesses, without) == [better] * 60


def test_the_slower_kind_is_tried_again_more_and_more_seldom() -> None:
    payoff = Payoff()
    kinds = run(payoff, 2000, 2, 1)
    assert sum(kinds) < 60
    assert any(kinds[64:])


def test_what_became_faster_is_found_out() -> None:
    payoff = Payoff()
    run(payoff, 16, 2, 1)
    assert run(payoff, 200, 0.5, 1)[-1]
