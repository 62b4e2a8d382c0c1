"""What follows an emoji stands in its column, whatever the terminal makes of the emoji."""

import pyte
import pytest
from rich.cells import cell_len

from mistral_tui.tui.widths import settled

pytestmark = pytest.mark.core

EMOJI = ["⚠\ufe0f", "❤\ufe0f", "1\ufe0f\u20e3", "👍🏽", "👩‍👩‍👧", "🏳\ufe0f‍🌈", "🇩🇪", "🫨", "日本", "e\u0301", "x"]


@pytest.mark.parametrize("emoji", EMOJI)
def test_the_column_behind_it_is_the_one_that_was_reckoned_with(emoji: str) -> None:
    screen = pyte.Screen(40, 2)  # it has its own idea of every width
    stream = pyte.Stream(screen)
    stream.feed("#" * 40)
    stream.feed("\r\x1b[1m" + settled(f"{emoji}{emoji}|") + "\x1b[0m")
    assert screen.cursor.x == 2 * cell_len(emoji) + 1
    row = [screen.buffer[0][column].data for column in range(40)]
    assert row[2 * cell_len(emoji)] == "|"
    assert "#" not in row[: 2 * cell_len(emoji)], "nothing is left of what was there"


@pytest.mark.parametrize("data", ["plain", "─│", "日本 שלום", "\x1b]9;done ⚠\ufe0f\x07", "\x1bP⚠\ufe0f\x1b\\"])
def test_all_else_is_written_as_it_is(data: str) -> None:
    assert settled(data) == data
