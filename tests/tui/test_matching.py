"""Finding models by a few letters."""

import pytest

from mistral_tui.tui.models.matching import match

pytestmark = pytest.mark.core


def score(query: str, name: str, others: str = "") -> int:
    found = match(query, name, others)
    return 0 if found is None else found[0]


def test_every_word_must_be_found_somewhere() -> None:
    assert match("qwen ollama", "Qwen2.5-Coder", "Ollama Q4_K_M") is not None
    assert match("qwen ollama", "Qwen2.5-Coder", "Hugging Face cache") is None


def test_the_start_of_a_word_counts_most_and_scattered_letters_least() -> None:
    assert score("cod", "Qwen-Coder") > score("ode", "Qwen-Coder") > score("qcd", "Qwen-Coder") > 0


def test_letters_that_are_too_far_apart_match_nothing() -> None:
    assert match("az", "a" + "-" * 40 + "z", "") is None


def test_the_letters_of_the_name_that_matched_are_told() -> None:
    assert match("cod", "Qwen-Coder", "") == (4, (5, 6, 7))


def test_letters_that_change_their_number_with_their_case_shift_nothing() -> None:
    found = match("x", "\u0130\u00dfx", "")
    assert found is not None
    assert found[1] == (2,)
