"""What stands around the prompt, as pictures."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from textual import events
from textual.pilot import Pilot

from mistral_tui.config.paths import Paths
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.prompt.fit_choice import FitChoice
from mistral_tui.tui.prompt.preview import Preview
from mistral_tui.tui.prompt.template_form import TemplateForm
from tests.stubs.engines import LOADED, FakeEngine, FakePool, Reply
from tests.stubs.media import png, wav
from tests.stubs.queries import understanding
from tests.tui.harness import app_with, ask, paste_and_send, screen_rows, started, type_and_send, until

pytestmark = pytest.mark.core

SIZES = {"80x24": (80, 24), "120x36": (120, 36)}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with some files."""
    work = tmp_path / "work"
    (work / "tides").mkdir(parents=True)
    (work / "notes.txt").write_text("The moon pulls the sea.\n" * 40, encoding="utf-8")
    (work / "tides" / "neap and spring.md").write_text("tide " * 3000, encoding="utf-8")
    (work / "tides" / "notebook.md").write_text("tide", encoding="utf-8")
    (work / "sky.png").write_bytes(png(lambda x, y: (4 * x, 90, 255 - 5 * y), 64, 48))
    (work / "surf.wav").write_bytes(wav(440, seconds=3))
    monkeypatch.chdir(work)
    return work


async def attach(pilot: Pilot[None], app: MistralApp, *names: str) -> None:
    pilot.app.post_message(events.Paste(" ".join(f"'{Path.cwd() / name}'" for name in names)))
    await until(pilot, lambda: len(app.pane.box.files.files) == len(names))


async def files(pilot: Pilot[None], app: MistralApp) -> None:
    await ask(pilot, "What makes the tides?", paste_and_send)
    await attach(pilot, app, "notes.txt", "sky.png", "surf.wav", "tides/neap and spring.md")
    await pilot.press(*"compare")
    await until(pilot, lambda: app.pane.box.query_one(".prompt-box").border_title)


async def completing_files(pilot: Pilot[None], app: MistralApp) -> None:
    await ask(pilot, "What makes the tides?", paste_and_send)
    await pilot.press(*"see", "space", "@", *"note")
    await until(pilot, lambda: len(app.pane.box.completion.choices) == 2)
    await until(pilot, lambda: app.pane.box.query_one(".prompt-box").border_title)


async def completing_commands(pilot: Pilot[None], app: MistralApp) -> None:
    await pilot.press("slash", "t", "down")
    await until(pilot, lambda: app.pane.box.completion.choices)


async def waiting(pilot: Pilot[None], app: MistralApp) -> None:
    await paste_and_send(pilot, "What makes the tides?")
    await until(pilot, lambda: app.pane.last_reply)
    for text in ("And why are there two of them?", "What of neap tides?", "Thank you.", "Bye."):
        await paste_and_send(pilot, text)
    await until(pilot, lambda: len(app.pane.chat.queued) == 4)


async def long_document(pilot: Pilot[None], app: MistralApp) -> None:
    await attach(pilot, app, "tides/neap and spring.md")
    await type_and_send(pilot, "why?")
    await until(pilot, lambda: isinstance(app.screen, FitChoice))


async def template(pilot: Pilot[None], app: MistralApp) -> None:
    prompts = Paths.resolve().prompts
    prompts.mkdir(parents=True)
    (prompts / "review.md").write_text(
        "---\ntitle: Review a text\n---\nReview {{text}} in {{tongue:English}}, as {{role:an editor}}.",
        encoding="utf-8",
    )
    await type_and_send(pilot, "/prompt review")
    await until(pilot, lambda: isinstance(app.screen, TemplateForm))


async def picture(pilot: Pilot[None], app: MistralApp) -> None:
    await attach(pilot, app, "sky.png")
    await type_and_send(pilot, "/preview")
    await until(pilot, lambda: isinstance(app.screen, Preview) and "▀" in "".join(screen_rows(app.screen)))


async def sent_media(pilot: Pilot[None], app: MistralApp) -> None:
    await attach(pilot, app, "sky.png", "surf.wav", "notes.txt")
    await ask(pilot, "What do you see and hear?", paste_and_send)
    await until(pilot, lambda: {"▀", "█"} <= set("".join(screen_rows(app.screen))))


SCENES: tuple[Callable[[Pilot[None], MistralApp], Awaitable[None]], ...] = (
    files, completing_files, completing_commands, waiting, long_document, template, picture, sent_media,
)  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_looks_as_accepted(
    scene: Callable[[Pilot[None], MistralApp], Awaitable[None]],
    size: str,
    folder: Path,
    snap_compare: Callable[..., bool],
) -> None:
    model = msgspec.structs.replace(LOADED, sees=True, hears=True)
    replies = [Reply(["The **Moon** pulls on the ocean.", " "], hold=asyncio.Event() if scene is waiting else None)]

    async def before(pilot: Pilot[None]) -> None:
        await scene(pilot, await started(pilot))
        await pilot.pause()

    app = app_with(pool=FakePool(FakeEngine(replies, model=model, answers=understanding)))
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)
