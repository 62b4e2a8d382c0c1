"""Results are cut to what the context has room for: by tokens where the engine counts them, else by characters."""

import msgspec
import pytest

from mistral_tui.chat.result_length import fitted, shortened, tokens_of_a_result
from mistral_tui.types.queries import Answer, Detokenize, Query, Text, Tokenize, Tokens
from tests.stubs.engines import LOADED, FakeEngine

pytestmark = pytest.mark.core


def by_characters(query: Query) -> Answer:
    """Answer as a model whose tokens are two characters each."""
    if isinstance(query, Tokenize):
        pairs = [query.text[place : place + 2] for place in range(0, len(query.text), 2)]
        return Tokens(tuple(ord(pair[0]) for pair in pairs))
    assert isinstance(query, Detokenize)
    return Text("".join(chr(token) * 2 for token in query.tokens))


COUNTS = FakeEngine(answers=by_characters)


@pytest.mark.parametrize(
    ("context", "at_most", "calls", "tokens"),
    [(32_000, 2000, 1, 2000), (4096, 2000, 1, 1024), (4096, 2000, 4, 256), (512, 2000, 9, 64), (0, 2000, 4, 2000)],
)
def test_the_results_of_a_round_share_a_part_of_the_context(
    context: int, at_most: int, calls: int, tokens: int
) -> None:
    engine = FakeEngine(model=msgspec.structs.replace(LOADED, n_ctx=context))
    assert tokens_of_a_result(engine, at_most, calls) == tokens


async def test_what_fits_is_shown_whole() -> None:
    assert await fitted(COUNTS, "a" * 200, 100) == "a" * 200


async def test_of_what_does_not_fit_the_beginning_and_the_end_are_shown() -> None:
    text = "a" * 5000 + "b" * 5000
    assert await fitted(COUNTS, text, 99) == f"{'a' * 132}\n… (9,802 characters are left out here) …\n{'b' * 66}"


async def test_without_an_engine_that_counts_characters_are() -> None:
    text = "a" * 900 + "b" * 900
    expected = f"{'a' * 200}\n… (1,500 characters are left out here) …\n{'b' * 100}"
    assert await fitted(FakeEngine(), text, 75) == expected


def test_what_is_short_stays_as_it_is() -> None:
    assert shortened("abc", 3) == "abc"
