import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_tui.engines.gguf.text.stop_strings import StopStrings

pytestmark = pytest.mark.core

SMALL = st.text("ab\n", max_size=30)
STOPS = st.lists(st.text("ab\n", min_size=1, max_size=5), max_size=4)


def shown(stops: list[str], pieces: list[str]) -> tuple[str, bool]:
    search = StopStrings(stops)
    text = ""
    for piece in pieces:
        more, stopped = search.feed(piece)
        text += more
        if stopped:
            return text, True
    rest, stopped = search.flush()
    return text + rest, stopped


def searched(stops: list[str], text: str) -> tuple[str, bool]:
    places = [place for place in (text.find(stop) for stop in stops) if place >= 0]
    return (text[: min(places)], True) if places else (text, False)


@given(STOPS, st.lists(st.text("ab\n", max_size=4), max_size=12))
def test_any_chunking_ends_where_a_search_in_the_whole_text_would(stops: list[str], pieces: list[str]) -> None:
    assert shown(stops, pieces) == searched(stops, "".join(pieces))


@given(STOPS, SMALL)
def test_nothing_is_held_back_longer_than_a_stop_string(stops: list[str], text: str) -> None:
    search = StopStrings(stops)
    longest = max(map(len, stops), default=0)
    fed = told = 0
    for character in text:
        more, stopped = search.feed(character)
        fed, told = fed + 1, told + len(more)
        if stopped:
            return
        assert fed - told <= max(0, 2 * longest - 2)


def test_a_stop_string_that_spans_three_pieces_is_never_shown() -> None:
    search = StopStrings(["END."])
    assert search.feed("the E") == ("the ", False)
    assert search.feed("N") == ("", False)
    assert search.feed("D. more") == ("", True)


def test_a_beginning_that_turns_out_to_be_none_is_shown() -> None:
    search = StopStrings(["END."])
    assert search.feed("the EN") == ("the ", False)
    assert search.feed("T") == ("ENT", False)
    assert search.feed("E") == ("", False)
    assert search.flush() == ("E", False)


def test_without_stop_strings_text_passes() -> None:
    assert StopStrings([]).feed("text") == ("text", False)
