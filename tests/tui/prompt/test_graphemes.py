"""The cursor stands between characters as people see them."""

import pytest
from textual.app import App, ComposeResult

from mistral_tui.tui.prompt.graphemes import GraphemeTextArea, borders

pytestmark = pytest.mark.core

FAMILY, FLAG, ACCENT, WIDE, HEBREW = "👩‍👩‍👧", "🇩🇪", "e\u0301", "日", "שָ"


class Box(App[None]):
    def compose(self) -> ComposeResult:
        yield GraphemeTextArea()


@pytest.mark.parametrize("character", [FAMILY, FLAG, ACCENT, WIDE, HEBREW, "👍🏽", "x"])
async def test_a_character_is_passed_and_deleted_by_one_key(character: str) -> None:
    async with Box().run_test() as pilot:
        box = pilot.app.query_one(GraphemeTextArea)
        box.text = f"a{character}b"
        end = 1 + len(character)
        await pilot.press("right", "right")
        assert box.cursor_location == (0, end)
        await pilot.press("left")
        assert box.cursor_location == (0, 1)
        await pilot.press("delete")
        assert box.text == "ab"
        box.text = f"a{character}b"
        box.move_cursor((0, end))
        await pilot.press("backspace")
        assert box.text == "ab"


def test_flags_are_pairs() -> None:
    assert borders(FLAG + "🇫🇷" + "🇮") == [0, 2, 4, 5]
    assert borders("") == [0]


async def test_a_line_above_or_a_click_does_not_lead_into_a_character() -> None:
    async with Box().run_test() as pilot:
        box = pilot.app.query_one(GraphemeTextArea)
        box.text = f"{FAMILY}{FAMILY}\nabc"
        for column in range(11):
            box.move_cursor((0, column))
            assert box.cursor_location[1] in (0, 5, 10)
        box.move_cursor((1, 3))
        await pilot.press("up")
        assert box.cursor_location[1] in (0, 5, 10)


async def test_the_cursor_is_as_wide_as_its_character() -> None:
    async with Box().run_test() as pilot:
        box = pilot.app.query_one(GraphemeTextArea)
        box.text = f"{FAMILY}x"
        box.focus()
        await pilot.pause()
        strip = box.render_line(0)
        assert any(segment.text == FAMILY for segment in strip)


async def test_right_to_left_text_stays_in_logical_order() -> None:
    async with Box().run_test() as pilot:
        box = pilot.app.query_one(GraphemeTextArea)
        await pilot.press(*"שלום")
        assert box.text == "שלום"
        await pilot.press("left", "backspace")
        assert box.text == "שלם"
