"""A look at files that go along, in cells that every terminal can draw."""

from functools import partial
from pathlib import Path

import msgspec
import pytest
from textual import events

from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.prompt.preview import Preview
from tests.stubs.engines import LOADED, FakeEngine, FakePool
from tests.stubs.media import plain, png, wav
from tests.tui.harness import app_with, screen_rows, shown_text, started, type_and_send, until

pytestmark = pytest.mark.core


def on_screen(app: MistralApp, text: str) -> bool:
    return text in "\n".join(screen_rows(app.screen))


async def test_what_goes_along_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(png(plain((1, 2, 3)), 20, 20))
    (tmp_path / "tone.wav").write_bytes(wav(440, seconds=1))
    (tmp_path / "notes.txt").write_text("[b]the moon\x1b[31m", encoding="utf-8")
    engine = FakeEngine(model=msgspec.structs.replace(LOADED, sees=True, hears=True))
    async with app_with(pool=FakePool(engine)).run_test(size=(100, 30)) as pilot:
        app = await started(pilot)
        await type_and_send(pilot, "/preview")
        await until(pilot, lambda: "no file goes along" in shown_text(app.pane.status))
        for name, shown in (("cat.png", "▀▀▀▀"), ("tone.wav", "████"), ("notes.txt", "[b]the moon")):
            app.post_message(events.Paste(str(tmp_path / name)))
            await until(pilot, partial(on_screen, app, name))
            await type_and_send(pilot, "/preview")
            await until(pilot, partial(on_screen, app, shown))
            await pilot.press("down", "escape")
            await until(pilot, lambda: not isinstance(app.screen, Preview))
