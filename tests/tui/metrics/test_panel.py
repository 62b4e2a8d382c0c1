"""The panel of figures: what it shows, and that it costs nothing while it is folded."""

import os

import msgspec
import pytest
from textual.widget import Widget

from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.metrics.panel import MetricsPanel
from mistral_tui.tui.metrics.sparkline import sparkline
from mistral_tui.types.pool import HeldModel
from tests.stubs.engines import LOADED, FakeEngine, FakePool, Reply
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
        assert "VRAM" not in text, "what the engine does not say is not shown"
        assert "fake-1M" in text
        assert "█" in text
        assert "prompts that wait" in text
        for name in ("this screen", "worker"):
            row = next(line for line in text.splitlines() if name in line)
            assert "MB" in row or "GB" in row


async def test_the_memory_of_the_kv_cache_and_of_the_gpu_are_shown_where_the_engine_tells_them() -> None:
    told = msgspec.structs.replace(LOADED, kv_tokens=8192, kv_token_bytes=100_000, device_bytes=4_100_000_000)
    pool = FakePool(FakeEngine([Reply()], model=told))
    async with app_with(pool=pool).run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        pool.loaded = [HeldModel("fake-1M", "/models/fake-1M.gguf", "idle", 320_000_000)]
        await ask(pilot, "hello")
        await pilot.press("alt+i")
        await until(pilot, lambda: "KV cache, reserved" in shown_text(panel(app)))
        rows = {line[2:24].strip(): line.split()[-2:] for line in shown_text(panel(app)).splitlines()}
        tokens = app.pane.chat.conversation.path()[-1].usage.context_tokens  # type: ignore[union-attr]
        assert rows["KV cache, this chat"] == [f"{tokens / 10:.0f}", "MB"]
        assert rows["KV cache, reserved"] == ["819", "MB"]
        assert rows["VRAM"] == ["4.1", "GB"]
        pool.loaded = []
        await until(pilot, lambda: "KV cache" not in shown_text(panel(app)), "unloaded: nothing is known any more")


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
