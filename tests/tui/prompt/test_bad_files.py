"""Files that cannot go along: each says what is wrong with it and what to do, and nothing that was typed is lost."""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import pytest
from textual import events
from textual.pilot import Pilot

from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.prompt.tray import AttachmentTray
from mistral_tui.types.messages import FilePart, ImagePart
from tests.stubs.documents import docx_of, encrypted_pdf
from tests.stubs.engines import LOADED, FakeEngine, FakePool
from tests.stubs.media import png, png_of, stripes, wav
from tests.stubs.queries import understanding
from tests.tui.harness import app_with, shown_text, started, told, type_and_send, until

pytestmark = [
    pytest.mark.core,
    pytest.mark.skipif(sys.platform == "win32", reason="makes files that Windows does not have"),
]

Make = Callable[[Path], object]
BOMB = b"<w:document>" + b"x" * 70_000_000
BAD: dict[str, tuple[Make | bytes, str]] = {
    "big.txt": (lambda path: _sparse(path, 100 << 20), "is larger than 64 MB; give a part of it"),
    "long.txt": (lambda path: path.write_text("word " * 1_000_000, "ascii"), "is larger than 4096 KB"),
    "big.png": (lambda path: _sparse(path, 100 << 20), "is larger than 64 MB"),
    "bomb.png": (png_of(b"", 50_000, 50_000), "50,000 by 50,000 pixels, and at most 64 million are read"),
    "liar.png": (png_of(bytes(9_000_000), 8, 8), "it holds more than its pixels"),
    "cut.png": (png(stripes)[:-40], "is damaged"),
    "cut.wav": (wav(440)[:-900], "it claims more sound than it has"),
    "gone.txt": (Path.exists, "No such file"),
    "folder": (Path.mkdir, "is a folder; give a file"),
    "pipe": (os.mkfifo, "is a pipe; give a file"),
    "zero": (lambda path: path.symlink_to("/dev/zero"), "is a device or socket; give a file"),
    "tty": (lambda path: path.symlink_to("/dev/tty"), "is a device or socket"),
    "loop": (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    "empty.txt": (b"", "is empty; give another file"),
    "empty.png": (b"", "is empty"),
    "secret.pdf": (encrypted_pdf(), "is protected by a password; save a copy without one"),
    "bad.docx": (b"PK\x03\x04 word/ and nothing else", "is damaged"),
    "bomb.docx": (docx_of(BOMB), "inflates to more than 64 MB"),
    "program.txt": (bytes(range(256)) * 40, "is not a text file"),
    "odd\x1b[31m\nname.txt": (b"\0\1\2" * 40, "odd"),
}


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(model=msgspec.structs.replace(LOADED, sees=True, hears=True), answers=understanding)


def _sparse(path: Path, size: int) -> None:
    path.touch()
    os.truncate(path, size)


def content(path: str) -> bytes:
    return Path(path).read_bytes()


def says(app: MistralApp, reason: str) -> bool:
    return reason in shown_text(app.pane.status)


def chips(app: MistralApp) -> str:
    return shown_text(app.pane.box.query_one(AttachmentTray))


async def attach(pilot: Pilot[None], path: Path) -> None:
    pilot.app.post_message(events.Paste(f"/attach {path}"))
    await pilot.press("enter")


async def test_what_cannot_go_along_says_why(tmp_path: Path, engine: FakeEngine) -> None:
    async with app_with(pool=FakePool(engine)).run_test(size=(400, 30)) as pilot:
        app = await started(pilot)
        for name, (make, reason) in BAD.items():
            path = tmp_path / name
            if callable(make):
                make(path)
            else:
                path.write_bytes(make)
            if "\n" in name:  # it cannot be typed; it is what @ offers
                app.pane.box.run_worker(app.pane.box.attach([path], "@odd"))
            else:
                await attach(pilot, path)
            await until(pilot, partial(says, app, reason), f"{name}: {reason}")
            assert app.pane.prompt.text == ("@odd" if "\n" in name else f"/attach {path}")
            assert "\x1b" not in shown_text(app.pane.status)
            assert not app.pane.box.files.files
            await pilot.press("ctrl+u")
        await type_and_send(pilot, "still here")
        await until(pilot, lambda: engine.requests)


async def test_texts_of_other_programs_go_along(tmp_path: Path, engine: FakeEngine) -> None:
    for name, encoding in (("latin.txt", "latin-1"), ("wide.txt", "utf-16"), ("marked.txt", "utf-8-sig")):
        (tmp_path / name).write_text("Größe und Höhe\n", encoding)
    async with app_with(pool=FakePool(engine)).run_test(size=(120, 30)) as pilot:
        app = await started(pilot)
        for name in ("latin.txt", "wide.txt", "marked.txt"):
            await attach(pilot, tmp_path / name)
            await until(pilot, lambda: app.pane.prompt.text == "" and name in chips(app))  # noqa: B023  # it waits here
        parts = [file.part for file in app.pane.box.files.files]
        assert [part.text for part in parts if isinstance(part, FilePart)] == ["Größe und Höhe\n"] * 3


async def test_a_file_that_changes_or_goes_was_read_when_it_was_attached(tmp_path: Path, engine: FakeEngine) -> None:
    text, cat = tmp_path / "notes.txt", tmp_path / "cat.png"
    text.write_text("the moon", "utf-8")
    cat.write_bytes(png(stripes))
    async with app_with(pool=FakePool(engine)).run_test(size=(120, 30)) as pilot:
        app = await started(pilot)
        app.post_message(events.Paste(f"{text} {cat}"))
        await until(pilot, lambda: "cat.png" in chips(app))
        text.write_text("the sun", "utf-8")
        cat.unlink()
        await type_and_send(pilot, "why?")
        await until(pilot, lambda: engine.requests and not app.pane.chat.busy)
        document, picture, _ = engine.requests[0].messages[-1].parts
        assert document == FilePart("notes.txt", "the moon")
        assert isinstance(picture, ImagePart)
        assert content(picture.path) == png(stripes)


async def test_a_picture_that_is_named_and_not_there_any_more_is_text(tmp_path: Path, engine: FakeEngine) -> None:
    async with app_with(pool=FakePool(engine)).run_test(size=(120, 30)) as pilot:
        app = await started(pilot)
        (tmp_path / "bad.png").write_bytes(b"no picture")
        app.post_message(events.Paste(f"what is {tmp_path}/bad.png"))
        await pilot.press("enter")
        await until(pilot, lambda: told(app, "is no picture"))
        assert app.pane.prompt.text == f"what is {tmp_path}/bad.png"
        assert not engine.requests
