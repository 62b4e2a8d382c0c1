"""A look at files that go along, in cells that every terminal can draw."""

from functools import partial
from pathlib import Path

import msgspec
import pytest
from textual import events

from mistral_tui.chat.previews import picture_cells, waveform
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.prompt.preview import Preview
from mistral_tui.types.errors import InvalidRequest
from tests.stubs.engines import LOADED, FakeEngine, FakePool
from tests.stubs.media import plain, png, png_of, wav, wav_of
from tests.tui.harness import app_with, screen_rows, shown_text, started, type_and_send, until

pytestmark = pytest.mark.core


def on_screen(app: MistralApp, text: str) -> bool:
    return text in "\n".join(screen_rows(app.screen))


def test_a_picture_keeps_its_proportions_and_colours(tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(png(plain((200, 10, 10)), 200, 100))
    lines = picture_cells(tmp_path / "red.png", 40, 30)
    assert (len(lines[0]), len(lines)) == (40, 20)
    assert lines[5][5] == (200, 10, 10)


@pytest.mark.parametrize(("content", "reason"), [(b"no", "cannot be shown"), (png_of(b"", 9000, 9000), "too large")])
def test_a_picture_that_cannot_be_shown_says_so(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "bad.png").write_bytes(content)
    with pytest.raises(InvalidRequest, match=reason):
        picture_cells(tmp_path / "bad.png", 40, 30)


def test_a_recording_is_bars(tmp_path: Path) -> None:
    (tmp_path / "tone.wav").write_bytes(wav(440, seconds=1))
    (tmp_path / "half.wav").write_bytes(wav_of(bytes(16_000) + b"\xff\x7f" * 8_000, 16_000))
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    assert waveform(tmp_path / "tone.wav", 10) == "█" * 10
    assert waveform(tmp_path / "half.wav", 4) == "▁▁██"
    assert waveform(tmp_path / "bad.wav", 4) is None


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
