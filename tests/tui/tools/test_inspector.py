"""The pane of calls."""

import pytest
from textual.pilot import Pilot

from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.tools.inspector import CallInspector, CallList
from mistral_tui.tui.tools.try_tool import TryTool
from tests.stubs.engines import Reply
from tests.stubs.tools import FakeBox, calls
from tests.tui.harness import app_with, main_screen, paste_into, shown_text, started, until
from tests.tui.tools.runs import RUNS, calling
from tests.tui.tools.test_approval import NOON, answered, app_that_calls, asked

pytestmark = pytest.mark.core


def pane(app: MistralApp) -> CallInspector:
    return main_screen(app).query_one(CallInspector)


async def opened(pilot: Pilot[None]) -> MistralApp:
    """Have a chat with calls in every state, and the pane open."""
    app = await started(pilot)
    for run in RUNS:
        app.pane.chat.conversation.note_run(run)
    app.pane.chat.conversation.append(calling(*RUNS))
    await app.pane.show_chat(app.pane.chat)
    await pilot.press("alt+k")
    await until(pilot, lambda: "calls  7" in shown_text(pane(app)))
    return app


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_every_call_is_listed_and_the_marked_one_shown_with_arguments_and_result(size: tuple[int, int]) -> None:
    async with app_with().run_test(size=size) as pilot:
        app = await opened(pilot)
        text = shown_text(pane(app))
        assert "✓ weather/look" in text
        assert "stopped" in text
        await pilot.press("home")
        await until(pilot, lambda: "done · 0.3 s · 90 B" in shown_text(pane(app)))
        assert "by you, this once" in shown_text(pane(app))
        await pilot.press("pagedown")
        await until(pilot, lambda: '"temperature": -3.5' in shown_text(pane(app)))


async def test_the_filter_finds_calls_by_name_arguments_and_state() -> None:
    async with app_with().run_test(size=(120, 36)) as pilot:
        app = await opened(pilot)
        await pilot.press("f", *"oslo")
        await until(pilot, lambda: "calls  1 of 7" in shown_text(pane(app)))
        await pilot.press("ctrl+u", *"failed")
        await until(pilot, lambda: "files/read_file" in shown_text(pane(app)))
        await pilot.press(*"x")
        await until(pilot, lambda: "none is called like that" in shown_text(pane(app)))


async def test_a_result_is_shown_pretty_raw_and_folded() -> None:
    async with app_with().run_test(size=(120, 36)) as pilot:
        app = await opened(pilot)
        await pilot.press("home", "v")
        await until(pilot, lambda: '{"city": "Oslo"}' in shown_text(pane(app)))
        await pilot.press("v")
        await until(pilot, lambda: "more lines" in shown_text(pane(app)))


async def test_the_whole_call_has_a_screen_of_its_own() -> None:
    async with app_with().run_test(size=(80, 24)) as pilot:
        app = await opened(pilot)
        await pilot.press("home", "enter")
        await until(pilot, lambda: app.screen.query("#call-text"))
        assert '"temperature": -3.5' in shown_text(app.screen.query_one("#call"))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is main_screen(app))


async def test_a_call_is_made_again_with_other_arguments() -> None:
    box = FakeBox()
    async with app_that_calls(calls(NOON), box=box).run_test(size=(120, 36)) as pilot:
        await asked(pilot)
        app = pilot.app
        assert isinstance(app, MistralApp)
        await pilot.press("o")
        await answered(pilot, app)
        await pilot.press("alt+k")
        await until(pilot, lambda: "clock/time" in shown_text(pane(app)))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, TryTool) and app.screen.query("Field"))
        await pilot.press("ctrl+u")
        await paste_into(pilot, "Asia/Tokyo")
        await pilot.press("f5")
        await until(pilot, lambda: "12:00" in shown_text(app.screen.query_one("#try")))
        assert box.made[-1] == ("clock/time", {"zone": "Asia/Tokyo"})
        assert len(app.pane.chat.calls.all()) == 1, "the model was not told of it"


async def test_a_chat_without_calls_says_so_and_a_folded_pane_looks_at_nothing() -> None:
    async with app_with(Reply()).run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        assert not pane(app).children
        await pilot.press("alt+k")
        await until(pilot, lambda: "no tool was called in this chat yet" in shown_text(pane(app)))
        assert main_screen(app).query_one(CallList).has_focus
        await pilot.press("alt+k")
        await until(pilot, lambda: not pane(app).display and app.pane.prompt.has_focus)
        assert pane(app)._timer is None
