"""Pictures and recordings of messages: drawn where there is room for them already, or told in words."""

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot
from textual.selection import SELECT_ALL

from mistral_tui.chat.previews.preview import Pixels
from mistral_tui.chat.workspace import Workspace
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.chat.message import MessageView
from mistral_tui.tui.chat.welcome import Welcome
from mistral_tui.types.messages import AudioPart, FilePart, ImagePart, Message, Part, TextPart
from tests.stubs.engines import ENTRY, FakeEngine, FakePool
from tests.stubs.media import png, stripes, wav
from tests.tui.harness import screen_rows, shown_text, started, until

pytestmark = pytest.mark.core

CELL = "▀"


@pytest.fixture
def cat(tmp_path: Path) -> ImagePart:
    content = png(stripes, 64, 48)
    (tmp_path / "kept.png").write_bytes(content)
    return ImagePart(str(tmp_path / "kept.png"), "image/png", "cat.png", 64, 48, len(content))


@pytest.fixture
def meow(tmp_path: Path) -> AudioPart:
    (tmp_path / "kept.wav").write_bytes(wav(440, 2))
    return AudioPart(str(tmp_path / "kept.wav"), "audio/wav", "meow.wav", 2.0, 64_044)


async def show(pilot: Pilot[None], *messages: Message) -> MistralApp:
    """Show a chat with these messages."""
    app = await started(pilot)
    app.pane.query_one(Welcome).display = False
    app.pane.transcript.display = True
    await app.pane.transcript.show(messages)
    await pilot.pause()
    return app


def asked(*parts: Part) -> Message:
    return Message("user", (*parts, TextPart("What is this?")))


def app_of(*, theme: str | None = "mistral-dark", ascii_only: bool = False, screen_reader: bool = False) -> MistralApp:
    workspace = Workspace(FakePool(FakeEngine()), None, ENTRY)
    return MistralApp(workspace, theme=theme, ascii_only=ascii_only, screen_reader=screen_reader)


async def test_a_picture_is_drawn_in_the_room_that_is_kept_for_it(cat: ImagePart) -> None:
    async with app_of().run_test(size=(80, 30)) as pilot:
        app = await show(pilot, asked(cat))
        (view,) = app.pane.transcript.query(MessageView)
        height = view.size.height
        await until(pilot, lambda: CELL * 27 in shown_text(view))
        rows = shown_text(view).splitlines()
        assert rows[0].rstrip().endswith(f"▣ cat.png · 64\N{MULTIPLICATION SIGN}48 · {cat.size} B")
        assert [row.count(CELL) for row in rows] == [0, *[27] * 10, *[0] * (len(rows) - 11)]
        assert "What is this?" in rows[12]
        assert view.size.height == height
        assert len(app.pane.transcript.query("*")) == 1


async def test_a_reply_has_pictures_and_sound_too(cat: ImagePart, meow: AudioPart) -> None:
    async with app_of().run_test(size=(80, 30)) as pilot:
        app = await show(pilot, Message("assistant", (TextPart("Here:"), cat, meow), finish="stop"))
        await until(pilot, lambda: CELL * 27 in shown_text(app.pane.transcript))
        await until(pilot, lambda: "♪ meow.wav · 2.0 s · 64 KB  " + "█" * 30 in shown_text(app.pane.transcript))


@pytest.mark.parametrize("way", ["screen_reader", "ascii_only", "NO_COLOR", "16 colours"])
async def test_where_pictures_cannot_be_seen_there_are_words(
    cat: ImagePart, meow: AudioPart, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR" if way == "NO_COLOR" else "UNUSED", "1")
    monkeypatch.setenv("TERM", "linux")
    monkeypatch.delenv("COLORTERM", raising=False)
    theme = None if way == "16 colours" else "mistral-dark"
    app = app_of(theme=theme, ascii_only=way == "ascii_only", screen_reader=way == "screen_reader")
    async with app.run_test(size=(80, 30)) as pilot:
        app = await show(pilot, asked(cat, meow))
        text = shown_text(app.pane.transcript)
        assert "cat.png" in text
        assert re.search("64.48", text)
        assert "2.0 s" in text
        assert CELL not in text
        assert "█" not in text


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"no")])
async def test_a_picture_that_cannot_be_drawn_says_so_in_its_room(
    cat: ImagePart, spoil: Callable[[Path], object]
) -> None:
    spoil(Path(cat.path))
    async with app_of().run_test(size=(80, 30)) as pilot:
        app = await show(pilot, asked(cat))
        await until(pilot, lambda: "cat.png is gone" in (text := shown_text(app.pane.transcript)) or "cannot" in text)
        assert "What is this?" in shown_text(app.pane.transcript).splitlines()[13]


async def test_only_what_is_seen_is_decoded(cat: ImagePart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[str] = []

    def grey(path: Path, name: str, width: int, height: int) -> Pixels:
        decoded.append(name)
        return Pixels(width, height, bytes([90, 100, 110]) * (width * height))

    monkeypatch.setattr("mistral_tui.tui.media.drawing.picture_pixels", grey)
    cats = [asked(msgspec.structs.replace(cat, name=f"{number}.png")) for number in range(30)]
    async with app_of().run_test(size=(80, 30)) as pilot:
        app = await show(pilot, *cats)
        await until(pilot, lambda: "29.png" in decoded and CELL in shown_text(app.pane.transcript))
        assert len(decoded) <= 4
        assert len(app.screen.query("*")) < 150
        await pilot.press("f2")
        app.pane.transcript.scroll_home(animate=False)
        await until(pilot, lambda: any(name in decoded for name in ("0.png", "10.png")))


async def test_the_text_of_a_picture_is_not_copied(cat: ImagePart) -> None:
    async with app_of().run_test(size=(80, 30)) as pilot:
        app = await show(pilot, asked(cat))
        await until(pilot, lambda: CELL in "".join(screen_rows(app.screen)))
        (view,) = app.pane.transcript.query(MessageView)
        app.screen.selections = {view: SELECT_ALL}
        assert CELL not in (app.screen.get_selected_text() or "")


async def test_a_document_is_named_with_its_lines() -> None:
    async with app_of().run_test(size=(80, 30)) as pilot:
        app = await show(pilot, asked(FilePart("notes.txt", "a\nb"), FilePart("word.txt", "a")))
        assert "▤ notes.txt · 2 lines" in shown_text(app.pane.transcript)
        assert "▤ word.txt · 1 line " in shown_text(app.pane.transcript)
