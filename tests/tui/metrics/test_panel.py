"""The panel of figures: what it shows, and that it costs nothing while it is folded."""

import os

import pytest
from textual.widget import Widget

from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.metrics.panel import MetricsPanel
from mistral_tui.tui.metrics.sparkline import sparkline
from mistral_tui.types.pool import HeldModel
from tests.stubs.engines import FakeEngine, FakePool, Reply
from tests.tui.harness import app_with, ask, main_screen, paste_and_send, shown_text, started, until

pytestmark = pytest.mark.core


def panel(app: MistralApp) -> MetricsPanel:
    return main_screen(app).query_one(MetricsPanel)


def test_a_sparkline_is_as_high_as_its_greatest_value() -> None:
    assert sparkline([0, 5, 10], 10) == "▁▅█"
    assert sparkline([1, 2, 3, 4], 2) == "▇█"
    assert sparkline([], 10) == sparkline([0, 0], 10) == ""


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_the_figures_of_the_chat_are_shown_by_a_key(size: tuple[int, int]) -> None:
    pool = FakePool(FakeEngine([Reply()]))
    held = HeldModel("fake-1M", "/models/fake-1M.gguf", "idle", 320_000_000, worker=os.getpid())
    async with app_with(pool=pool).run_test(size=size) as pilot:
        app = await started(pilot)
        pool.loaded = [held]
        await ask(pilot, "hello")
        await pilot.press("alt+i")
        await until(pilot, lambda: "50 tok/s" in shown_text(panel(app)))
        text = shown_text(panel(app))
        assert "0.05 s" in text
        assert "/2,048" in text
        assert "320 MB" in text
        assert "fake-1M" in text
        assert "█" in text
        process = next(line for line in text.splitlines() if "process" in line)
        assert "MB" in process or "GB" in process


async def test_an_empty_chat_without_models_says_so() -> None:
    async with app_with().run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        await paste_and_send(pilot, "/metrics")
        await until(pilot, lambda: "nothing is in it yet" in shown_text(panel(app)))


async def test_a_folded_panel_looks_at_nothing() -> None:
    async with app_with().run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        shown: list[bool] = []
        for _ in range(2):
            await pilot.press("alt+i")
            await pilot.pause()
            shown.append(panel(app)._timer is not None)
        assert shown == [True, False]
        widget: Widget = panel(app)
        assert not widget.display
