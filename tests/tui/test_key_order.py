"""Keys that come in one piece, as from a paste or from quick hands: each goes where the one before it has led."""

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from mistral_tui.tui import key_order
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.models.picker import ModelPicker
from tests.stubs.engines import Reply
from tests.tui.harness import app_with, ask, main_screen, started, until

pytestmark = pytest.mark.core

WORDS = "and now for something quite different"


@pytest.fixture(autouse=True)
def _with_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy with other tests may take longer than people are let wait."""
    monkeypatch.setattr(key_order, "PATIENCE", 10.0)


def type_at_once(app: MistralApp, *keys: str) -> None:
    """Let keys, and texts in single letters, come faster than any of them can be dealt with."""
    for key in keys:
        if len(key) > 1 and " " not in key and not key.startswith("/"):
            app.post_message(events.Key(key, None))
        else:
            for character in key:
                app.post_message(events.Key(_character_to_key(character), character))


async def prompts(pilot: Pilot[None], app: MistralApp) -> list[str]:
    """Wait until the words have come somewhere, and return what stands in all prompts."""
    panes = main_screen(app).panes._panes.values()
    await until(pilot, lambda: sum(len(pane.prompt.text) for pane in panes) >= len(WORDS), "the words")
    return [pane.prompt.text for pane in panes]


@pytest.mark.parametrize("keys", [("ctrl+s", "v"), ("ctrl+s", "t"), ("/vsplit", "enter"), ("/tab", "enter")])
async def test_what_is_typed_right_after_another_pane_is_asked_for_goes_to_that_pane(keys: tuple[str, ...]) -> None:
    async with app_with().run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        type_at_once(app, *keys, WORDS)
        assert await prompts(pilot, app) == ["", WORDS]


@pytest.mark.parametrize("keys", [("ctrl+n",), ("/new", "enter")])
async def test_what_is_typed_right_after_a_new_chat_is_no_draft_of_the_old_one(keys: tuple[str, ...]) -> None:
    async with app_with(Reply(["yes"])).run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        type_at_once(app, *keys, WORDS)
        assert await prompts(pilot, app) == [WORDS]
        assert len(app.pane.chat.conversation) == 0


async def test_what_is_typed_right_after_a_pane_is_left_or_closed_goes_to_the_next_one() -> None:
    async with app_with().run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        await pilot.press("ctrl+s", "v", "ctrl+s", "t")
        type_at_once(app, "ctrl+pageup", WORDS)
        assert await prompts(pilot, app) == ["", WORDS, ""]
        await pilot.press("ctrl+u")
        type_at_once(app, "alt+left", WORDS)
        assert await prompts(pilot, app) == [WORDS, "", ""]
        await pilot.press("ctrl+u", "ctrl+s", "right")
        type_at_once(app, "ctrl+s", "x", WORDS)
        assert await prompts(pilot, app) == [WORDS, ""]


async def test_what_is_typed_right_after_a_chat_is_opened_goes_to_it() -> None:
    async with app_with(Reply(["yes"])).run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        await pilot.press("ctrl+n", "f2", "home")
        type_at_once(app, "enter", WORDS)
        assert await prompts(pilot, app) == [WORDS]
        assert app.pane.chat.conversation.messages[0].text == "hello"


async def test_what_is_typed_away_from_the_prompt_comes_into_it_whole() -> None:
    async with app_with(Reply(["yes"])).run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        app.pane.transcript.focus()
        await until(pilot, lambda: app.pane.transcript.has_focus)
        type_at_once(app, WORDS)
        assert await prompts(pilot, app) == [WORDS]


async def test_the_cursor_moves_before_what_is_typed_next() -> None:
    async with app_with().run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        type_at_once(app, "for something quite different", "home", "and now ")
        assert await prompts(pilot, app) == [WORDS]


async def test_what_is_typed_right_after_the_list_of_models_is_asked_for_filters_it() -> None:
    async with app_with().run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        type_at_once(app, "/models", "enter", "small one")
        await until(pilot, lambda: isinstance(app.screen, ModelPicker))
        picker = app.screen
        assert isinstance(picker, ModelPicker)
        await until(pilot, lambda: picker.focused is not None and getattr(picker.focused, "value", "") == "small one")
        assert app.pane.prompt.text == ""


async def test_what_is_typed_right_after_the_search_is_asked_for_is_searched() -> None:
    async with app_with().run_test(size=(80, 24)) as pilot:
        app = await started(pilot)
        type_at_once(app, "alt+h", WORDS)
        box = main_screen(app).chats.box
        await until(pilot, lambda: len(box.value) >= len(WORDS) or app.pane.prompt.text)
        assert (box.value, app.pane.prompt.text) == (WORDS, "")
