"""A comparison from the choice of who answers to the answer that is kept."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from mistral_tui.chat.workspace import Workspace
from mistral_tui.config.paths import Paths
from mistral_tui.config.presets import Preset, save_preset
from mistral_tui.models.catalog import Catalog
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.compare.choice import CompareChoice
from mistral_tui.tui.compare.screen import CompareScreen
from mistral_tui.tui.models.template_choice import Choices
from mistral_tui.types.catalog import CatalogEntry, Listing
from mistral_tui.types.errors import NotEnoughMemory
from mistral_tui.types.models import LoadOptions, ModelEntry
from tests.stubs.engines import ENTRY, LOADED, FakeEngine, FakePool, Reply
from tests.tui.harness import paste_and_send, screen_rows, started, until

pytestmark = pytest.mark.core

OTHER = ModelEntry("other-2B", Path("/models/other-2B.gguf"), "gguf", 2_000_000, downloaded=True)
AWAY = ModelEntry("away-9B", Path("/models/away-9B.gguf"), "gguf", 9_000_000, downloaded=False)


class ManyModels(FakePool):
    """A pool with an engine for each model."""

    def __init__(self, **replies: Reply) -> None:
        super().__init__()
        self.engines = {
            name: FakeEngine([reply], model=msgspec.structs.replace(LOADED, name=name))
            for name, reply in (("fake-1M", replies["first"]), ("other-2B", replies["second"]))
        }

    async def acquire(self, entry: ModelEntry, options: LoadOptions, on_progress: object = None) -> FakeEngine:
        if self.error is not None:
            raise self.error
        return self.engines[entry.name]


class Shelf(Catalog):
    """A catalogue of two models that are here and one that is not."""

    def __init__(self) -> None:
        pass

    def scan(self, **_: object) -> Listing:
        return Listing(tuple(CatalogEntry(entry, "inventory") for entry in (ENTRY, OTHER, AWAY)))


def comparing(first: Reply, second: Reply, theme: str = "mistral-dark") -> tuple[MistralApp, ManyModels]:
    pool = ManyModels(first=first, second=second)
    return MistralApp(Workspace(pool, None, ENTRY, LoadOptions(cpu=True), catalog=Shelf), theme=theme), pool


async def choose(pilot: Pilot[None], prompt: str) -> CompareChoice:
    """Give the command and wait for the choice of who answers."""
    await paste_and_send(pilot, f"/compare {prompt}")
    await until(pilot, lambda: isinstance(pilot.app.screen, CompareChoice))
    screen = pilot.app.screen
    assert isinstance(screen, CompareChoice)
    return screen


async def begin(pilot: Pilot[None], prompt: str) -> CompareScreen:
    """Let the two models answer that are proposed."""
    await choose(pilot, prompt)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
    screen = pilot.app.screen
    assert isinstance(screen, CompareScreen)
    return screen


def shows(pilot: Pilot[None], *texts: str) -> bool:
    shown = "\n".join(screen_rows(pilot.app.screen))
    return all(text in shown for text in texts)


async def test_two_models_answer_side_by_side_and_the_chosen_answer_is_kept() -> None:
    app, _ = comparing(Reply(["It is ", "the Moon."]), Reply(["The Moon, ", "mostly."]))
    async with app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        screen = await begin(pilot, "What makes the tides?")
        await until(pilot, lambda: not app.pane.chat.busy and shows(pilot, "It is the Moon.", "The Moon, mostly."))
        assert shows(pilot, "What makes the tides?", "TTFT 0.05 s", "50.0 tok/s", "alone", "other-2B")
        await pilot.press("right", "enter")
        await until(pilot, lambda: app.screen is not screen)
        await until(pilot, lambda: app.pane.last_reply == "The Moon, mostly.")
        reply = app.pane.chat.conversation.path()[-1]
        assert [each.text for each in app.pane.chat.conversation.siblings(reply.id)] == [
            "It is the Moon.",
            "The Moon, mostly.",
        ]
        await until(pilot, lambda: app.pane.transcript.messages[-1].text == "The Moon, mostly.")
        assert not app.pane.prompt.text


async def test_the_keys_begin_a_comparison_of_what_is_in_the_box() -> None:
    app, _ = comparing(Reply(["one"]), Reply(["two"]))
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot)
        await pilot.press("w", "h", "y", "ctrl+s", "c")
        await until(pilot, lambda: isinstance(app.screen, CompareChoice))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen) and not app.pane.chat.busy)
        await until(pilot, lambda: shows(pilot, "why", "one", "two"))
        await pilot.press("right", "enter")
        await until(pilot, lambda: app.pane.last_reply == "two" and not app.pane.prompt.text)


async def test_the_second_waits_for_the_first_when_they_share_cores() -> None:
    hold = asyncio.Event()
    app, _ = comparing(Reply(["one ", "more"], hold=hold), Reply(["two"]))
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot)
        await begin(pilot, "Which?")
        await until(pilot, lambda: shows(pilot, "answers", "waits for its turn: models here", "alone: shared cores"))
        hold.set()
        await until(pilot, lambda: shows(pilot, "one more", "two"))


async def test_one_model_answers_with_several_settings_at_the_same_time() -> None:
    app, pool = comparing(Reply(["warm"]), Reply(["two"]))
    async with app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        screen = await choose(pilot, "Which?")
        rows = screen.query_one(Choices)
        for name in ("other-2B", "temperature 0", "temperature 1"):
            listed = [str(rows.get_option_at_index(index).prompt) for index in range(rows.option_count)]
            rows.highlighted = next(index for index, row in enumerate(listed) if row[4:].startswith(name))
            await pilot.press("enter")
        rows.highlighted = 0
        await pilot.press("enter")
        await until(pilot, lambda: shows(pilot, "temperature 0", "temperature 1", "at the same time", "warm"))
        asked = [request.sampling.temperature for request in pool.engines["fake-1M"].requests]
        assert asked == [None, 0.0, 1.0]
        assert not pool.engines["other-2B"].requests


async def test_a_preset_answers_with_its_model_and_its_system_prompt_and_one_without_its_model_says_so() -> None:
    presets = Paths.resolve().presets
    save_preset(presets, Preset("poet", {"temperature": 1.5}, "Rhyme.", "other-2B"))
    save_preset(presets, Preset("sage", {}, "Be wise.", "away-9B"))
    save_preset(presets, Preset("terse", {"temperature": 0.1}, "One word."))
    app, pool = comparing(Reply(["plain"]), Reply(["in rhyme"]))
    async with app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        app.pane.chat.settings.use_system_prompt("Be kind.")
        screen = await choose(pilot, "Which?")
        assert shows(pilot, "preset poet", "other-2B · “Rhyme.”", "preset sage  away-9B is not here")
        rows = screen.query_one(Choices)
        for name in ("other-2B", "preset poet", "preset terse"):
            listed = [str(rows.get_option_at_index(index).prompt) for index in range(rows.option_count)]
            rows.highlighted = next(index for index, row in enumerate(listed) if row[4:].startswith(name))
            await pilot.press("enter")
        rows.highlighted = 0
        await pilot.press("enter")
        await until(pilot, lambda: shows(pilot, "preset terse", "in rhyme") and not app.pane.chat.busy)
        (poet,) = pool.engines["other-2B"].requests
        assert (poet.messages[0].text, poet.sampling.temperature) == ("Rhyme.", 1.5)
        told = [request.messages[0].text for request in pool.engines["fake-1M"].requests]
        assert told == ["Be kind.", "One word."]
        assert app.pane.chat.conversation.session.system_prompt == "Be kind."


async def test_esc_stops_and_then_closes_with_the_first_answer() -> None:
    app, _ = comparing(Reply(["one ", "more"], hold=asyncio.Event()), Reply(["two"]))
    async with app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        screen = await begin(pilot, "Which?")
        await until(pilot, lambda: shows(pilot, "one"))
        await pilot.press("escape")
        await until(pilot, lambda: not app.pane.chat.busy and shows(pilot, "stopped"))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not screen and app.pane.last_reply == "one ")
        assert not app.pane.prompt.text


async def test_an_answer_may_be_kept_while_others_are_written() -> None:
    app, _ = comparing(Reply(["one"]), Reply(["two ", "more"], hold=asyncio.Event()))
    async with app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        screen = await begin(pilot, "Which?")
        await until(pilot, lambda: shows(pilot, "two"))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is not screen and not app.pane.chat.busy)
        assert app.pane.last_reply == "one"


async def test_what_is_in_the_box_is_compared_and_fewer_than_two_cannot_begin() -> None:
    app, _ = comparing(Reply(["one"]), Reply(["two"]))
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot)
        await pilot.press("ctrl+s", "c")
        await until(pilot, lambda: "no prompt yet" in app.pane.status._hint)
        await pilot.press(*"Why")
        await pilot.press("ctrl+s", "c")
        await until(pilot, lambda: isinstance(app.screen, CompareChoice))
        choice = app.screen
        await pilot.press("down", "enter", "up", "enter")
        assert app.screen is choice
        assert shows(pilot, "2 to 4 can answer")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not choice)
        assert app.pane.prompt.text == "Why"


async def test_when_nobody_can_answer_the_prompt_stays_and_the_pane_says_why() -> None:
    app, pool = comparing(Reply(["one"]), Reply(["two"]))
    async with app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        pool.error = NotEnoughMemory("too large for this machine")
        await choose(pilot, "Which?")
        app.workspace._loads.clear()
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, (CompareScreen, CompareChoice)) and app.pane.failed)
        assert shows(pilot, "too large for this machine")
        await until(pilot, lambda: app.pane.prompt.text == "Which?")
