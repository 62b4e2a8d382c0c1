"""The screens where things are set, as pictures."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from mistral_tui.chat.workspace import Workspace
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.help.screen import HelpScreen
from mistral_tui.tui.settings.fields import FieldsScreen
from mistral_tui.tui.settings.preset_choice import PresetChoice
from mistral_tui.tui.settings.system_prompt import SystemPrompt
from mistral_tui.tui.settings.theme_choice import ThemeChoice
from mistral_tui.types.pool import HeldModel
from tests.stubs.engines import ENTRY, LOADED, FakeEngine, FakePool, Reply
from tests.tui.harness import DOCUMENT, app_with, ask, key_of, paste_and_send, pieces, put, screen_rows, started, until

pytestmark = pytest.mark.core

Scene = tuple[MistralApp, Callable[[Pilot[None]], Awaitable[None]]]
SIZES = {"80x24": (80, 24), "120x36": (120, 36)}
PRESETS = '[poet]\ntemperature = 1.2\nsystem_prompt = "You are a poet."\n[exact]\ntemperature = 0.0\nseed = 7\n'


async def typed(pilot: Pilot[None], text: str) -> None:
    await pilot.press(*(key_of(char) for char in text))


def settings(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        put(Path(os.environ["MISTRAL_TUI_CONFIG"]), 'default_model = "Qwen2.5-Coder-1.5B"\nmax_loaded = 2\n')
        await started(pilot)
        await pilot.press("alt+c")
        await until(pilot, lambda: isinstance(pilot.app.screen, FieldsScreen))
        await pilot.press("down", "down")

    return app_with(theme=theme), before


def wrong_value(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        await started(pilot)
        await pilot.press("alt+p")
        await until(pilot, lambda: isinstance(pilot.app.screen, FieldsScreen))
        await typed(pilot, "temp")
        await pilot.press("enter", "9")

    return app_with(theme=theme), before


def presets(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        put(Path(os.environ["MISTRAL_TUI_CONFIG_DIR"]) / "presets.toml", PRESETS)
        await started(pilot)
        await pilot.press("alt+o")
        await until(pilot, lambda: isinstance(pilot.app.screen, PresetChoice))

    return app_with(theme=theme), before


def system_prompt(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        app = await started(pilot)
        app.pane.chat.settings.use_system_prompt("You are a careful editor.\nAnswer in one sentence.")
        await pilot.press("alt+s")
        await until(pilot, lambda: isinstance(app.screen, SystemPrompt))

    return app_with(theme=theme), before


def themes(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        await started(pilot)
        await ask(pilot, "What makes the tides?", paste_and_send)
        await pilot.press("f9")
        await until(pilot, lambda: isinstance(pilot.app.screen, ThemeChoice))

    return app_with(Reply(pieces(DOCUMENT)), theme=theme), before


def help_search(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        await started(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        await typed(pilot, "chat")

    return app_with(theme=theme), before


def a_chat(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        await started(pilot)
        await ask(pilot, "What makes the tides?", paste_and_send)

    return app_with(Reply(pieces(DOCUMENT)), theme=theme), before


def figures(theme: str) -> Scene:
    held = (
        HeldModel("fake-1M", "/models/fake-1M.gguf", "idle", 563_000_000, worker=1),
        HeldModel("other", "", "answering", 2, worker=2),
    )
    told = msgspec.structs.replace(LOADED, kv_tokens=8192, kv_token_bytes=23_040)
    pool = FakePool(FakeEngine([Reply(["The Moon."])], model=told))

    async def before(pilot: Pilot[None]) -> None:
        await started(pilot)
        pool.loaded = list(held)
        for prompt in ("What makes the tides?", "And the wind?"):
            await ask(pilot, prompt, paste_and_send)
        await pilot.press("alt+i")
        await until(pilot, lambda: "answering" in "".join(screen_rows(pilot.app.screen)))

    return app_with(pool=pool, theme=theme), before


def logs(theme: str) -> Scene:
    text = "loader: 33 key-value pairs\nload: warning: vocab mismatch\nggml: error: no memory\n"

    async def before(pilot: Pilot[None]) -> None:
        put(Path(os.environ["MISTRAL_TUI_STATE_DIR"]) / "logs" / "worker-fake-1M-7-1.log", text)
        await started(pilot)
        await pilot.press("alt+j")
        await until(pilot, lambda: "ggml" in "".join(screen_rows(pilot.app.screen)))

    return app_with(theme=theme), before


def listened_to(theme: str) -> Scene:
    pool = FakePool(FakeEngine([Reply(pieces(DOCUMENT))]))
    return MistralApp(Workspace(pool, None, ENTRY), theme=theme, screen_reader=True), a_chat(theme)[1]


CASES = [
    (settings, "120x36", "mistral-dark"),
    (settings, "80x24", "mistral-light"),
    (wrong_value, "80x24", "mistral-dark"),
    (presets, "80x24", "mistral-dark"),
    (system_prompt, "80x24", "mistral-light"),
    (themes, "120x36", "dusk"),
    (help_search, "80x24", "harbour"),
    (a_chat, "120x36", "terminal"),
    (a_chat, "120x36", "moss"),
    (a_chat, "120x36", "high-contrast-light"),
    (listened_to, "80x24", "terminal"),
    (figures, "120x36", "mistral-light"),
    (figures, "80x24", "fjord"),
    (logs, "80x24", "mistral-dark"),
]


@pytest.fixture(autouse=True)
def _same_memory_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mistral_tui.tui.metrics.figures._resident", lambda pids: 90_000_000 * len(pids))


@pytest.mark.parametrize(("scene", "size", "theme"), CASES, ids=lambda value: getattr(value, "__name__", value))
def test_looks_as_accepted(
    scene: Callable[[str], Scene], size: str, theme: str, snap_compare: Callable[..., bool], tmp_path: Path
) -> None:
    app, before = scene(theme)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)
