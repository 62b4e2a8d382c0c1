"""Markdown as rows: what it looks like, at any width, and that nothing in it reaches the terminal as a command."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.geometry import Offset
from textual.selection import Selection

from mistral_tui.tui.chat.markdown import MAX_MARKDOWN, markdown_rows
from mistral_tui.tui.chat.rows import Row, selected_text
from tests.tui.harness import DOCUMENT

pytestmark = pytest.mark.core


def lines(source: str, width: int = 60) -> list[str]:
    return [row.content.plain.rstrip() for row in markdown_rows(source, width)]


def styles_of(rows: list[Row], text: str) -> set[str]:
    """Return the styles of the span that covers exactly `text`."""
    return {
        str(span.style)
        for row in rows
        for span in row.content.spans
        if row.content.plain[span.start : span.end] == text
    }


def test_blocks_are_one_blank_row_apart() -> None:
    assert lines("# Title\ntext\n\n\n\nmore\n***") == ["Title", "", "text", "", "more", "", "─" * 60]


def test_inline_markup_becomes_style() -> None:
    rows = markdown_rows("a **b** *c* `d` ~~e~~", 60)
    assert [row.content.plain for row in rows] == ["a b c d e"]
    assert styles_of(rows, "b") == {"bold"}
    assert styles_of(rows, "c") == {"italic"}
    assert styles_of(rows, "e") == {"strike"}


def test_lists_hang_under_their_markers() -> None:
    assert lines("- one two three\n- four\n  1. five\n  2. six", 10) == [
        "• one two",
        "  three",
        "• four",
        "  1. five",
        "  2. six",
    ]


def test_a_list_with_blank_lines_keeps_them() -> None:
    assert lines("1. one\n\n2. two") == ["1. one", "", "2. two"]


def test_a_line_break_of_the_model_stays() -> None:
    assert lines("roses are red\nviolets are blue") == ["roses are red", "violets are blue"]


def test_a_link_says_where_it_leads_unless_it_does_already() -> None:
    assert lines("[docs](https://a.b/c) <https://d.e>") == ["docs (https://a.b/c) https://d.e"]
    styles = [str(span.style) for row in markdown_rows("[x](javascript:alert)", 60) for span in row.content.spans]
    assert all("link" not in style and "@" not in style for style in styles)


def test_html_is_text() -> None:
    assert lines("<script>x</script> <b>y</b>") == ["<script>x</script> <b>y</b>"]


def test_markup_of_the_interface_is_text() -> None:
    assert lines("[bold red]x[/] [@click=app.quit]y[/]") == ["[bold red]x[/] [@click=app.quit]y[/]"]


def test_code_keeps_its_spaces_and_names_its_language() -> None:
    assert lines("```python\ndef f():\n\treturn 1\n```", 30) == [" " * 23 + "python", " def f():", "     return 1"]


def test_code_without_an_end_is_code() -> None:
    assert lines("```\nx = 1\n\ny = 2") == [" x = 1", "", " y = 2"]


def test_tables_are_aligned_and_wrap_their_cells() -> None:
    table = "| name | what |\n|---|---|\n| a | one two three four |\n| b | x |"
    assert lines(table, 40) == ["name  what", "────  ──────────────────", "a     one two three four", "b     x"]
    assert lines(table, 16) == ["name  what", "────  ──────────", "a     one two", "      three four", "b     x"]


def test_a_table_that_does_not_fit_becomes_a_list() -> None:
    assert lines("| name | what |\n|---|---|\n| a | b |", 6) == ["name:", "a", "what:", "b"]


def test_wide_characters_take_their_width() -> None:
    rows = markdown_rows("漢字" * 30, 21)
    assert all(row.content.cell_length <= 21 for row in rows)
    assert "".join(row.content.plain for row in rows) == "漢字" * 30


def test_a_text_too_long_to_parse_is_shown_as_it_is() -> None:
    assert markdown_rows("**x** " * (MAX_MARKDOWN // 5), 80)[0].content.plain.startswith("**x**")


def test_a_text_of_brackets_is_shown_as_it_is() -> None:
    assert lines("*a* " + "[" * 5000, 5100) == ["*a* " + "[" * 5000]


def test_deep_nesting_is_survived() -> None:
    assert markdown_rows(">" * 500 + " x", 40)
    assert markdown_rows("*_" * 2000 + "x" + "_*" * 2000, 40)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab *_`~#>-+1.|[]()<!\\\n\t漢"), max_size=300), st.integers(1, 40))
def test_no_row_of_text_is_wider_than_the_column(source: str, width: int) -> None:
    for row in markdown_rows(source, width):
        if width >= 12:
            assert row.content.cell_length <= width


def test_copied_text_is_as_it_was_written() -> None:
    rows = markdown_rows(DOCUMENT, 40)
    text = selected_text(rows, Selection(None, None))
    assert (
        "• the Sun helps at new and full moon, when both pull in one line and the tides are at their greatest" in text
    )
    assert "def tide(t: float, period: float = 12.42) -> float:\n    " in text
    assert "▎" not in text


def test_a_part_of_a_row_is_copied() -> None:
    rows = markdown_rows("one two\n\nthree", 40)
    assert selected_text(rows, Selection(Offset(4, 0), Offset(2, 2))) == "two\n\nth"
