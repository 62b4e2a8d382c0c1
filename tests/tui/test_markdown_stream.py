"""A reply that is being written: cheap while it grows, and in the end the same as one parse of the whole."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.content import Content

from mistral_tui.tui.chat.markdown import markdown_rows
from mistral_tui.tui.chat.markdown_stream import MarkdownStream
from mistral_tui.tui.chat.message import MARGIN, MessageView
from mistral_tui.tui.chat.reply_stream import ReplyStream
from mistral_tui.tui.chat.rows import Row, wrapped
from mistral_tui.tui.chat.streaming_rows import OPEN_ROWS, SMALL, StreamingRows
from mistral_tui.types.events import TextDelta
from mistral_tui.types.messages import FinishReason, Message, TextPart
from tests.tui.harness import DOCUMENT

pytestmark = pytest.mark.core

ENDINGS: tuple[FinishReason, ...] = ("stop", "length", "context", "cancelled", "failed")

markdown = st.lists(
    st.sampled_from(
        [
            "# Title\n",
            "text with **bold** and `code`\n",
            "a second line\n",
            "\n",
            "- item\n",
            "  - inner\n",
            "  more of the item\n",
            "1. first\n",
            "2. second\n",
            "```python\n",
            "x = 1\n",
            "    y = 2\n",
            "```\n",
            "> quote\n",
            "| a | b |\n",
            "|---|---|\n",
            "| 1 | 2 |\n",
            "---\n",
            "[ref]\n",
            "[ref]: https://a.b\n",
            "\x1b[31mred\x1b[0m\n",
            "no end",
        ]
    ),
    max_size=25,
).map("".join)


def cut(text: str, places: list[int]) -> list[str]:
    edges = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[start:end] for start, end in pairwise(edges)]


def plain(rows: list[Row]) -> list[str]:
    return [row.content.plain for row in rows]


@settings(max_examples=200, deadline=None)
@given(markdown, st.lists(st.integers(0, 2000), max_size=40), st.sampled_from(ENDINGS), st.integers(8, 90))
def test_any_chunking_ends_as_one_parse_of_the_whole(
    text: str, places: list[int], ending: FinishReason, width: int
) -> None:
    begun = Message("assistant", ())
    stream = ReplyStream(begun)
    written = MessageView(begun, stream)
    written.rows_at(width + MARGIN)
    for chunk in cut(text, places):
        stream.feed(TextDelta(chunk))
        written.flush()
    message = Message("assistant", (TextPart(text),), id=begun.id, finish=ending, error="why, and what now")
    written.finish(message)
    whole = MessageView(message).rows_at(width + MARGIN)
    assert written.rows_at(width + MARGIN) == whole


@settings(max_examples=200, deadline=None)
@given(markdown, st.lists(st.integers(0, 2000), max_size=40), st.integers(8, 90))
def test_what_is_shown_does_not_depend_on_the_chunks(text: str, places: list[int], width: int) -> None:
    stream, at_once = MarkdownStream(), MarkdownStream()
    growing = StreamingRows(stream, width)
    for chunk in cut(text, places):
        stream.feed(chunk)
        growing.update()
    at_once.feed(text)
    assert stream.text == text
    assert "".join(block.text for block in stream.closed) == "".join(block.text for block in at_once.closed)
    assert plain(growing.rows) == plain(StreamingRows(at_once, width).rows)


def test_a_usual_reply_does_not_change_when_it_ends() -> None:
    stream = MarkdownStream()
    rows = StreamingRows(stream, 70)
    for char in DOCUMENT:
        stream.feed(char)
        rows.update()
    stream.feed("\n")
    rows.update()
    assert plain(rows.rows) == plain(markdown_rows(DOCUMENT, 70))


@pytest.mark.parametrize(
    "opening",
    ["```python\n", "- ", "", "| a | b |\n|---|---|\n"],
    ids=["fence", "item", "paragraph", "table"],
)
def test_a_long_open_block_is_laid_out_at_its_end_only(opening: str) -> None:
    stream = MarkdownStream()
    stream.feed(opening + "    result = compute(value)  # c\n" * 300)
    rows = StreamingRows(stream, 80)
    assert stream.open_size > SMALL
    for _ in range(50):
        stream.feed("    x\n    y")
        first = rows.update()
        assert len(rows.rows) - first <= 3


def test_closed_blocks_are_not_laid_out_again() -> None:
    stream = MarkdownStream()
    rows = StreamingRows(stream, 80)
    for number in range(200):
        stream.feed(f"- item {number} with some **bold** text\n")
        first = rows.update()
        assert len(rows.rows) - first <= 3


def test_a_list_marker_alone_is_not_shown_as_a_heading() -> None:
    stream = MarkdownStream()
    stream.feed("a paragraph\n-")
    assert plain(StreamingRows(stream, 40).rows) == ["a paragraph"]
    stream.feed(" one")
    assert plain(StreamingRows(stream, 40).rows) == ["a paragraph", "", "• one"]


def test_a_fence_inside_a_list_item_stays_in_it() -> None:
    stream = MarkdownStream()
    stream.feed("- item\n\n  ```\n  - not an item\n\n  # nor a title\n  ```\n- next\n")
    assert [block.text for block in stream.closed] == ["- item\n\n  ```\n  - not an item\n\n  # nor a title\n  ```\n"]


@pytest.mark.parametrize("width", [20, 43])
def test_a_line_without_an_end_grows_into_what_it_is_in_the_end(width: int) -> None:
    stream = MarkdownStream()
    stream.feed("above\n\n")
    rows = StreamingRows(stream, width)
    line = "begins " * 600
    stream.feed(line)
    for number in range(60):
        piece = f"word {number} wide 界界 and "
        stream.feed(piece)
        line += piece
        rows.update()
    assert plain(rows.rows) == ["above", "", *plain(wrapped(Content(line.rstrip()), width))]
    stream.feed("\nbelow")
    rows.update()
    assert plain(rows.rows)[-1] == "below"


def test_only_the_end_of_a_line_without_an_end_is_laid_out_again() -> None:
    stream = MarkdownStream()
    rows = StreamingRows(stream, 40)
    for _ in range(100):
        stream.feed("some words of it " * 60)
        first = rows.update()
    assert len(rows.rows) > 2000
    assert len(rows.rows) - first < 2 * OPEN_ROWS
