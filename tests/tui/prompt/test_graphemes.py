"""The cursor stands between characters as people see them."""

import unicodedata

import pytest
from textual import events
from textual.app import App, ComposeResult

from mistral_tui.tui.characters import borders
from mistral_tui.tui.field import Field
from mistral_tui.tui.prompt.graphemes import GraphemeTextArea

pytestmark = pytest.mark.core

FAMILY, FLAG, ACCENT, WIDE, HEBREW = "👩‍👩‍👧", "🇩🇪", "e\u0301", "日", "שָ"


class Box(App[None]):
    def compose(self) -> ComposeResult:
        yield GraphemeTextArea()


class Line(App[None]):
    def compose(self) -> ComposeResult:
        yield Field()


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


@pytest.mark.parametrize("character", [FAMILY, FLAG, ACCENT, WIDE, HEBREW, "👍🏽", "x"])
async def test_so_it_is_in_a_field_of_one_line(character: str) -> None:
    async with Line().run_test() as pilot:
        field = pilot.app.query_one(Field)
        field.value = f"a{character}b"
        for key, place in (("ctrl+a", 0), ("right", 1), ("right", 1 + len(character)), ("left", 1)):
            await pilot.press(key)
            assert field.cursor_position == place
        assert any(segment.text == character for segment in field.render_line(0)), "the cursor is as wide as it"
        await pilot.press("delete")
        assert field.value == "ab"
        field.value = f"a{character}b"
        field.cursor_position = 1 + len(character)
        await pilot.press("backspace")
        assert field.value == "ab"


@pytest.mark.parametrize("text", [FAMILY, "می\u200cرود", "日本\u3000語", "vingt\xa0%", "שלום\u200f!"])
@pytest.mark.parametrize("app", [Box, Line])
async def test_what_keyboards_of_other_languages_send_is_typed(app: type[App[None]], text: str) -> None:
    async with app().run_test() as pilot:
        box = pilot.app.query_one(GraphemeTextArea if app is Box else Field)
        box.focus()
        await pilot.press("(", ")", "left")
        for character in text:  # as terminals send it; the pilot leaves out what Python calls unprintable
            box.post_message(events.Key(unicodedata.name(character).lower(), character))
        await pilot.pause()
        written = box.value if isinstance(box, Field) else box.text if isinstance(box, GraphemeTextArea) else ""
        assert written == f"({text})"


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
