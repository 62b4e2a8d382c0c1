from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_tui.engines.gguf.text.detokenize import TextDecoder

pytestmark = pytest.mark.core


def decoded(pieces: list[bytes]) -> str:
    decoder = TextDecoder()
    return "".join(map(decoder.feed, pieces)) + decoder.flush()


@given(st.text(), st.lists(st.integers(0, 200)))
def test_text_cut_anywhere_comes_out_whole(text: str, cuts: list[int]) -> None:
    data = text.encode()
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    assert decoded([data[a:b] for a, b in pairwise(places)]) == text


@given(st.lists(st.binary(max_size=6)))
def test_any_bytes_give_text_that_can_be_encoded(pieces: list[bytes]) -> None:
    decoded(pieces).encode()


def test_an_emoji_appears_with_its_last_byte() -> None:
    decoder = TextDecoder()
    data = "😀".encode()
    assert [decoder.feed(data[i : i + 1]) for i in range(4)] == ["", "", "", "😀"]


def test_a_character_that_is_never_completed_becomes_the_replacement_character() -> None:
    assert decoded([b"ok ", "é".encode()[:1]]) == "ok \ufffd"
