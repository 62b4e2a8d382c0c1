"""Durations and sizes as people write them."""

import pytest

from mistral_tui.config.quantities import duration, duration_words, size
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.pool import FOREVER

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10m", 600), ("1.5h", 5400), ("90s", 90), ("90", 90), (45, 45), ("2 d", 172800), (0, 0), ("0", 0)],
)
def test_a_duration_is_a_number_with_a_unit(text: str | float, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["forever", "Forever ", "-1", -1, "-1m"])
def test_for_ever_is_a_word_or_less_than_nothing(text: str | float) -> None:
    assert duration(text) == FOREVER


@pytest.mark.parametrize("text", ["", "m", "10 parsecs", "1e9", "nan", "inf", "9" * 400])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidRequest, match="write 10m"):
        duration(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("8GB", 8e9), ("500 mb", 5e8), ("1.5GiB", 1.5 * 2**30), (4, 4e9), ("0.5", 5e8)]
)
def test_a_size_is_a_number_with_a_unit_or_in_gigabytes(text: str | float, expected: float) -> None:
    assert size(text) == expected


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "8 bananas", "nan"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidRequest, match="write 8GB"):
        size(text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(600, "10 minutes"), (60, "1 minute"), (3600, "1 hour"), (7, "7 seconds"), (172800, "2 days")],
)
def test_a_duration_is_told_in_words(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words
