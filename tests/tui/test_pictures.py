"""Pictures and recordings in the interface: named in the prompt by their path, shown by name and size."""

from pathlib import Path

import msgspec
import pytest

from mistral_tui.types.messages import AudioPart, ImagePart, TextPart
from tests.stubs.engines import LOADED, FakeEngine, FakePool, Reply
from tests.stubs.media import png, stripes, wav
from tests.tui.harness import app_with, paste_and_send, shown_text, started, told, until

pytestmark = pytest.mark.core


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine([Reply(["A cat."])], model=msgspec.structs.replace(LOADED, sees=True, hears=True))


async def test_a_picture_and_a_recording_go_along_and_are_shown(tmp_path: Path, engine: FakeEngine) -> None:
    (tmp_path / "cat.png").write_bytes(png(stripes, 64, 48))
    (tmp_path / "meow.wav").write_bytes(wav(440, seconds=2))
    async with app_with(pool=FakePool(engine)).run_test(size=(100, 30)) as pilot:
        app = await started(pilot)
        await paste_and_send(pilot, f"{tmp_path}/cat.png {tmp_path}/meow.wav who is it?")
        await until(pilot, lambda: app.pane.last_reply)
        picture, sound, words = engine.requests[0].messages[-1].parts
        assert isinstance(picture, ImagePart)
        assert isinstance(sound, AudioPart)
        assert words == TextPart("who is it?")
        assert picture.path != str(tmp_path / "cat.png")
        text = shown_text(app.pane.transcript)
        assert "▣ cat.png · 64\N{MULTIPLICATION SIGN}48" in text
        assert "♪ meow.wav · 2.0 s" in text
        assert "who is it?" in text


async def test_a_picture_that_cannot_be_used_stays_in_the_prompt_with_the_reason(
    tmp_path: Path, engine: FakeEngine
) -> None:
    (tmp_path / "cat.png").write_text("not a cat", encoding="utf-8")
    async with app_with(pool=FakePool(engine)).run_test(size=(100, 30)) as pilot:
        app = await started(pilot)
        await paste_and_send(pilot, f"{tmp_path}/cat.png")
        await until(pilot, lambda: told(app, "cat.png is no picture"))
        assert app.pane.prompt.text == f"{tmp_path}/cat.png"
        assert engine.requests == []


async def test_for_a_model_of_text_a_path_is_text(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(png(stripes))
    engine = FakeEngine()
    async with app_with(pool=FakePool(engine)).run_test(size=(100, 30)) as pilot:
        app = await started(pilot)
        await paste_and_send(pilot, f"why is {tmp_path}/cat.png so large?")
        await until(pilot, lambda: app.pane.last_reply)
        assert engine.requests[0].messages[-1].parts == (TextPart(f"why is {tmp_path}/cat.png so large?"),)
