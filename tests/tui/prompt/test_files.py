"""What goes along with a prompt: by path, by paste, by @; as chips; cut or searched where it is too long."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from textual import events
from textual.pilot import Pilot

from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.prompt.fit_choice import FitChoice
from mistral_tui.tui.prompt.tray import AttachmentTray
from mistral_tui.types.messages import FilePart, ImagePart, TextPart
from tests.stubs.engines import LOADED, FakeEngine, FakePool, Reply
from tests.stubs.media import png, stripes
from tests.stubs.queries import understanding
from tests.tui.harness import app_with, screen_rows, shown_text, started, told, type_and_send, until

pytestmark = pytest.mark.core

WIDE = (100, 30)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with some files."""
    (tmp_path / "notes.txt").write_text("the moon and the sea", encoding="utf-8")
    (tmp_path / "old tides").mkdir()
    (tmp_path / "old tides" / "low tide.md").write_text("ebb", encoding="utf-8")
    (tmp_path / "cat.png").write_bytes(png(stripes))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(model=msgspec.structs.replace(LOADED, sees=True), answers=understanding)


def chips(app: MistralApp) -> str:
    return shown_text(app.pane.box.query_one(AttachmentTray))


async def paste(pilot: Pilot[None], text: str) -> None:
    pilot.app.post_message(events.Paste(text))
    await pilot.pause()


async def test_a_file_is_attached_by_a_command_and_sent(folder: Path, engine: FakeEngine) -> None:
    async with app_with(pool=FakePool(engine)).run_test(size=WIDE) as pilot:
        app = await started(pilot)
        await paste(pilot, "/attach ./notes.txt")
        await pilot.press("enter")
        await until(pilot, lambda: "▤ notes.txt 20 B · 5 tokens ✕" in chips(app), "the chip")
        await type_and_send(pilot, "why?")
        await until(pilot, lambda: engine.requests and not app.pane.chat.busy)
        assert engine.requests[0].messages[-1].parts == (
            FilePart("notes.txt", "the moon and the sea"),
            TextPart("why?"),
        )
        assert not app.pane.box.files.files


@pytest.mark.parametrize("form", ["{0}/old tides/low tide.md", "'{0}/old tides/low tide.md'", "URI", "ESCAPED"])
async def test_a_path_that_is_pasted_or_dropped_is_attached(folder: Path, engine: FakeEngine, form: str) -> None:
    file = folder / "old tides" / "low tide.md"
    text = {"URI": file.as_uri(), "ESCAPED": str(file).replace(" ", "\\ ")}.get(form, form.format(folder))
    async with app_with(pool=FakePool(engine)).run_test(size=WIDE) as pilot:
        app = await started(pilot)
        await paste(pilot, f"{text} {folder}/cat.png" if form != "{0}/old tides/low tide.md" else text)
        await until(pilot, lambda: "low tide.md" in chips(app))
        assert app.pane.prompt.text == ""
        assert form.startswith("{0}") or "▣ cat.png 64\N{MULTIPLICATION SIGN}48" in chips(app)


async def test_a_text_with_a_path_in_it_is_text(folder: Path, engine: FakeEngine) -> None:
    async with app_with(pool=FakePool(engine)).run_test(size=WIDE) as pilot:
        app = await started(pilot)
        await paste(pilot, f"{folder}/notes.txt is nice")
        await paste(pilot, "/nowhere/at/all")
        assert app.pane.prompt.text == f"{folder}/notes.txt is nice/nowhere/at/all"


async def test_an_at_sign_completes_files(folder: Path, engine: FakeEngine) -> None:
    async with app_with(pool=FakePool(engine)).run_test(size=WIDE) as pilot:
        app = await started(pilot)
        await pilot.press(*"see", "space", "@", *"lwtd")
        await until(pilot, lambda: "old tides/low tide.md" in "\n".join(screen_rows(app.screen)))
        await pilot.press("tab")
        await until(pilot, lambda: "low tide.md" in chips(app))
        assert app.pane.prompt.text == "see low tide.md "


async def test_completion_goes_on_in_a_folder_with_a_space_in_its_name(folder: Path, engine: FakeEngine) -> None:
    (folder / "old tides" / "the 'high' \N{GREEK SMALL LETTER PI}.md").write_text("flood", encoding="utf-8")
    async with app_with(pool=FakePool(engine)).run_test(size=WIDE) as pilot:
        app = await started(pilot)
        await pilot.press("@")
        await until(pilot, lambda: "old tides/" in "\n".join(screen_rows(app.screen)))
        await pilot.press("tab")
        await until(pilot, lambda: "high" in "\n".join(screen_rows(app.screen)))
        assert app.pane.prompt.text == '@"old tides/'
        await pilot.press(*"hig")
        await until(pilot, lambda: len(app.pane.box.completion.choices) == 1)
        await pilot.press("tab")
        await until(pilot, lambda: "the 'high' \N{GREEK SMALL LETTER PI}.md" in chips(app))


async def test_completion_goes_through_folders(folder: Path, engine: FakeEngine) -> None:
    async with app_with(pool=FakePool(engine)).run_test(size=WIDE) as pilot:
        app = await started(pilot)
        completion = app.pane.box.completion
        await pilot.press("alt+a")
        await until(pilot, lambda: "old tides/" in [choice.text for choice in completion.choices])
        await pilot.press("down", "down", "up", "escape")
        await until(pilot, lambda: not completion.choices)
        await pilot.press(*"old")
        await until(pilot, lambda: "old tides/low tide.md" in [choice.text for choice in completion.choices])
        await pilot.press("backspace", "backspace", "backspace", *"note")
        await until(pilot, lambda: [choice.text for choice in completion.choices] == ["notes.txt"])
        await pilot.press("enter")
        await until(pilot, lambda: "notes.txt" in chips(app))
        assert app.pane.prompt.text == "notes.txt "
        assert not app.pane.chat.conversation


async def test_a_file_is_taken_away_by_key_and_by_click(folder: Path, engine: FakeEngine) -> None:
    async with app_with(pool=FakePool(engine)).run_test(size=WIDE) as pilot:
        app = await started(pilot)
        await paste(pilot, f"{folder}/notes.txt {folder}/cat.png")
        await until(pilot, lambda: "cat.png" in chips(app))
        await pilot.press("alt+x")
        await until(pilot, lambda: "cat.png" not in chips(app))
        tray = app.pane.box.query_one(AttachmentTray)
        await pilot.click(tray, offset=(shown_text(tray).index("✕"), 0))
        await until(pilot, lambda: not app.pane.box.files.files)
        await pilot.press("alt+x")
        await until(pilot, lambda: "no file goes along" in shown_text(app.pane.status))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.txt", "No such file"),
        ("'old tides'", "is a folder"),
        ("/dev/zero", "device"),
        ("bad.png", "no picture"),
    ],
)
async def test_what_cannot_go_along_says_why(folder: Path, engine: FakeEngine, name: str, reason: str) -> None:
    (folder / "bad.png").write_text("no", encoding="utf-8")
    async with app_with(pool=FakePool(engine)).run_test(size=WIDE) as pilot:
        app = await started(pilot)
        await paste(pilot, f"/attach {name}")
        await pilot.press("enter")
        await until(pilot, lambda: told(app, reason))
        assert app.pane.prompt.text == f"/attach {name}"


async def test_a_model_of_text_is_given_no_picture(folder: Path) -> None:
    async with app_with().run_test(size=WIDE) as pilot:
        app = await started(pilot)
        await paste(pilot, f"{folder}/cat.png")
        await until(pilot, lambda: told(app, "takes neither pictures nor recordings"))
        assert app.pane.prompt.text == f"{folder}/cat.png"


async def test_of_a_long_document_the_person_says_what_is_given(folder: Path) -> None:
    (folder / "book.txt").write_text("bread\n\n" * 400 + "the moon\n\n" + "bread\n\n" * 400, encoding="utf-8")
    engine = FakeEngine(model=msgspec.structs.replace(LOADED, n_ctx=200), answers=understanding)
    async with app_with(pool=FakePool(engine)).run_test(size=WIDE) as pilot:
        app = await started(pilot)
        await paste(pilot, f"{folder}/book.txt")
        await until(pilot, lambda: "802 tokens · too long" in chips(app))
        await type_and_send(pilot, "what of the moon?")
        await until(pilot, lambda: isinstance(app.screen, FitChoice))
        await pilot.press("escape")
        await until(pilot, lambda: app.pane.prompt.text == "what of the moon?")
        assert "book.txt" in chips(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FitChoice))
        await pilot.press("enter")
        await until(pilot, lambda: engine.requests and not app.pane.chat.busy)
        part = engine.requests[0].messages[-1].parts[0]
        assert isinstance(part, FilePart)
        assert "the moon" in part.text
        assert len(part.text.split()) < 150
        # The document stays for another question, whose passages are others, until it is taken away.
        assert "passages for each question" in chips(app)
        await type_and_send(pilot, "and the sun?")
        await until(pilot, lambda: len(engine.requests) == 2 and not app.pane.chat.busy)
        again = engine.requests[1].messages[-1].parts[0]
        assert isinstance(again, FilePart)
        assert again.text.startswith("Passages of book.txt")
        await pilot.press("alt+x")
        await type_and_send(pilot, "thanks")
        await until(pilot, lambda: len(engine.requests) == 3 and not app.pane.chat.busy)
        assert engine.requests[2].messages[-1].parts == (TextPart("thanks"),)


async def test_files_come_back_with_a_prompt_that_was_stopped(folder: Path, engine: FakeEngine) -> None:
    pool = FakePool(engine, hold=asyncio.Event())
    async with app_with(pool=pool).run_test(size=WIDE) as pilot:
        app = pilot.app
        assert isinstance(app, MistralApp)
        await until(pilot, lambda: pool.loads)
        await paste(pilot, f"{folder}/notes.txt {folder}/cat.png")
        await until(pilot, lambda: "cat.png" in chips(app))
        await type_and_send(pilot, "why?")
        await until(pilot, lambda: app.pane.chat.busy)
        await pilot.press("escape")
        await until(pilot, lambda: app.pane.prompt.text == "why?" and not app.pane.chat.busy)
        parts = [file.part for file in app.pane.box.files.files]
        assert [type(part) for part in parts] == [FilePart, ImagePart]
        assert "notes.txt" in chips(app)


async def test_the_tokens_of_a_prompt_are_counted_while_it_is_written(engine: FakeEngine) -> None:
    async with app_with(pool=FakePool(engine)).run_test(size=WIDE) as pilot:
        app = await started(pilot)
        await pilot.press(*"to", "space", *"be")
        title = app.pane.box.query_one(".prompt-box")
        await until(pilot, lambda: title.border_title == "2 tokens")
        await pilot.press("ctrl+u")
        await until(pilot, lambda: title.border_title == "")
        engine.replies = [Reply([], reason="failed", error="the message is too long")]
        await type_and_send(pilot, "to be")
        await until(
            pilot, lambda: app.pane.prompt.text == "to be" and title.border_title == "2 tokens", "still counted"
        )


async def test_without_an_engine_that_counts_it_is_an_estimate() -> None:
    async with app_with(Reply()).run_test(size=WIDE) as pilot:
        app = await started(pilot)
        await pilot.press(*"tobeornot")
        await until(pilot, lambda: app.pane.box.query_one(".prompt-box").border_title == "~3 tokens")


async def test_hostile_names_are_harmless(folder: Path, engine: FakeEngine) -> None:
    hostile = folder / "[red]\x1b[31mx\u202e.txt"
    hostile.write_text("hi", encoding="utf-8")
    async with app_with(pool=FakePool(engine)).run_test(size=WIDE) as pilot:
        app = await started(pilot)
        await pilot.press("@", *"red")
        await until(pilot, lambda: "[red]x.txt" in "\n".join(screen_rows(app.screen)))
        await pilot.press("tab")
        await until(pilot, lambda: "[red]x.txt" in chips(app))
        assert "\x1b" not in chips(app)
