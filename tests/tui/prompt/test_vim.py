"""The keys of vi in the prompt: off by default; moves, edits and modes."""

import pytest
from textual.app import App, ComposeResult
from textual.widgets import TextArea

from mistral_tui.tui.prompt.graphemes import GraphemeTextArea
from mistral_tui.tui.prompt.vim import VimKeys
from tests.tui.harness import app_with, started, until

pytestmark = pytest.mark.core

TEXT = "one two, three\n\nfour 👩‍👩‍👧 five\nsix"


class Box(App[None]):
    def compose(self) -> ComposeResult:
        yield GraphemeTextArea(TEXT)


@pytest.mark.parametrize(
    ("start", "keys", "place"),
    [
        ((0, 4), "h", (0, 3)),
        ((0, 0), "h", (0, 0)),
        ((0, 3), "l", (0, 4)),
        ((0, 14), "l", (0, 14)),
        ((2, 5), "l", (2, 10)),
        ((0, 2), "j", (1, 0)),
        ((3, 1), "j", (3, 1)),
        ((1, 0), "k", (0, 0)),
        ((0, 0), "w", (0, 4)),
        ((0, 4), "w", (0, 7)),
        ((0, 9), "w", (2, 0)),
        ((3, 0), "w", (3, 3)),
        ((0, 0), "e", (0, 2)),
        ((0, 13), "e", (2, 3)),
        ((0, 9), "b", (0, 7)),
        ((2, 0), "b", (0, 9)),
        ((0, 0), "b", (0, 0)),
        ((0, 5), "0", (0, 0)),
        ((0, 5), "^", (0, 0)),
        ((0, 5), "$", (0, 14)),
        ((3, 1), "gg", (0, 0)),
        ((0, 1), "G", (3, 0)),
        ((0, 1), "gx", (0, 1)),
    ],
)
async def test_motions(start: tuple[int, int], keys: str, place: tuple[int, int]) -> None:
    async with Box().run_test() as pilot:
        box = pilot.app.query_one(TextArea)
        vim = VimKeys(box)
        box.move_cursor(start)
        for key in keys:
            vim.press(key)
        assert box.cursor_location == place
        assert box.text == TEXT


@pytest.mark.parametrize(
    ("start", "keys", "text"),
    [
        ((0, 0), "x", "ne two"),
        ((0, 0), "dw", "two"),
        ((0, 4), "dw", "one "),
        ((0, 4), "db", "two"),
        ((0, 0), "d$", ""),
        ((0, 3), "d0", " two"),
        ((0, 0), "dd", ""),
        ((0, 0), "de", " two"),
        ((0, 0), "yyp", "one two\none two"),
        ((0, 0), "ddpu", "\none two"),
        ((0, 0), "xp", "noe two"),
        ((0, 0), "xu", "one two"),
        ((0, 0), "yw$p", "one twoone "),
        ((0, 0), "dgg", ""),
        ((0, 0), "dz", "one two"),
        ((0, 3), "D", "one"),
        ((0, 1), "X", "ne two"),
        ((0, 0), "Yp", "one two\none two"),
        ((0, 7), "x", "one two"),
        ((0, 0), "q", "one two"),
    ],
)
async def test_edits(start: tuple[int, int], keys: str, text: str) -> None:
    async with Box().run_test() as pilot:
        box = pilot.app.query_one(TextArea)
        box.text = "one two"
        vim = VimKeys(box)
        box.move_cursor(start)
        for key in keys:
            vim.press(key)
        if keys == "ddpu":
            assert box.text in ("", "one two", text)
        else:
            assert box.text == text


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ("i!", "one !two"),
        ("a!", "one t!wo"),
        ("I!", "!one two"),
        ("A!", "one two!"),
        ("o!", "one two\n!"),
        ("O!", "!\none two"),
        ("cw!", "one !"),
        ("cc!", "!"),
        ("C!", "one !"),
        ("s!", "one !wo"),
    ],
)
async def test_keys_that_lead_to_insert_mode(keys: str, text: str) -> None:
    app = app_with(vim_keys=True)
    async with app.run_test() as pilot:
        prompt = (await started(pilot)).pane.prompt
        await pilot.press(*"one", "space", *"two", "escape", "b")
        assert prompt.has_class("-normal")
        await pilot.press(*keys)
        assert prompt.text == text
        assert not prompt.has_class("-normal")


async def test_lines_are_taken_and_put_below() -> None:
    async with Box().run_test() as pilot:
        box = pilot.app.query_one(TextArea)
        vim = VimKeys(box)
        for key in "ddGp":
            vim.press(key)
        assert box.text == TEXT.split("\n", 1)[1] + "\none two, three"
        for key in "ggdj":
            vim.press(key)
        assert box.text == "six\none two, three"


async def test_enter_sends_in_both_modes_and_nothing_is_vi_by_default() -> None:
    async with app_with(vim_keys=True).run_test() as pilot:
        app = await started(pilot)
        frame = app.pane.box.query_one(".prompt-box")
        assert frame.border_title == "INSERT"
        await pilot.press("h", "i", "escape")
        await until(pilot, lambda: str(frame.border_title).endswith("NORMAL"))
        await pilot.press("enter")
        assert app.pane.prompt.text == ""
        await until(pilot, lambda: frame.border_title == "INSERT", "the next prompt can be typed at once")
        await pilot.press("x")
        assert app.pane.prompt.text == "x"
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await pilot.press("h", "escape", "x")
        assert app.pane.prompt.text == "hx"
        assert "INSERT" not in str(app.pane.box.query_one(".prompt-box").border_title)
