"""What the list of models changes: presets of a model, files that are added, models that are taken away."""

from pathlib import Path

import pytest

from mistral_tui.config.paths import Paths
from mistral_tui.config.presets import Preset, save_preset
from mistral_tui.tui.field import Field
from mistral_tui.tui.models.picker import ModelPicker
from mistral_tui.tui.models.questions import AddModel
from mistral_tui.types.catalog import CatalogEntry, ModelFacts
from mistral_tui.types.models import ModelEntry
from tests.stubs.gguf import GgufFile
from tests.tui.harness import ask, shown_text, started, type_and_send, until
from tests.tui.picker_app import MODELS, Models, opened, screen_text, search

pytestmark = pytest.mark.core


async def test_a_model_begins_with_its_preset_and_a_chat_that_has_begun_is_left_as_it_is() -> None:
    models = Models(paths=Paths.resolve())
    async with models.app.run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        await type_and_send(pilot, "/system Answer like a poet")
        await opened(pilot)
        await search(pilot, "mistral")
        await pilot.press("ctrl+g")
        await until(pilot, lambda: "presets of Mistral-7B" in screen_text(pilot))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "begin as this one is" in screen_text(pilot))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        await ask(pilot, "hello")
        await pilot.press("ctrl+n")
        await type_and_send(pilot, "/model mistral")
        await until(pilot, lambda: app.pane.chat.conversation.session.system_prompt == "Answer like a poet")
        await ask(pilot, "hello")
        await type_and_send(pilot, "/system Be brief")
        await until(pilot, lambda: app.pane.chat.conversation.session.system_prompt == "Be brief")
        await type_and_send(pilot, "/model qwen")
        await until(pilot, lambda: "Qwen2.5-Coder" in shown_text(app.pane.status))
        await type_and_send(pilot, "/model mistral")
        await until(pilot, lambda: models.workspace.entry_of(app.pane.chat) == models.catalog.find("Mistral-7B"))
        assert app.pane.chat.conversation.session.system_prompt == "Be brief"


async def test_a_preset_of_a_model_is_chosen_with_the_model() -> None:
    paths = Paths.resolve()
    save_preset(paths.presets, Preset("poet", {"temperature": 1.5}, "Rhyme.", "Mistral-7B"))
    models = Models(paths=paths)
    async with models.app.run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        await opened(pilot)
        await search(pilot, "mistral")
        await pilot.press("ctrl+g")
        await until(pilot, lambda: "poet" in screen_text(pilot))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "Mistral-7B" in shown_text(app.pane.status))
        await until(pilot, lambda: app.pane.chat.request.sampling.temperature == 1.5)
        assert app.pane.chat.conversation.session.system_prompt == "Rhyme."
        await pilot.press("ctrl+n")
        await type_and_send(pilot, "/model fake")
        await type_and_send(pilot, "/preset poet")
        await until(pilot, lambda: models.workspace.entry_of(app.pane.chat) == models.catalog.find("Mistral-7B"))


async def test_a_file_is_added_by_its_path_and_a_wrong_one_says_why(tmp_path: Path) -> None:
    models = Models(paths=Paths.resolve())
    path = GgufFile().write(tmp_path / "own.gguf")
    async with models.app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        await opened(pilot)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(pilot.app.screen, AddModel))
        pilot.app.screen.query_one(Field).value = str(tmp_path / "none.gguf")
        await pilot.press("enter")
        await until(pilot, lambda: "there is no model at" in screen_text(pilot))
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(pilot.app.screen, AddModel))
        pilot.app.screen.query_one(Field).value = str(path)
        await pilot.press("enter")
        await until(pilot, lambda: "own is in the list now" in screen_text(pilot))


async def test_a_model_is_taken_away_only_after_a_question(tmp_path: Path) -> None:
    path = GgufFile().write(tmp_path / "old.gguf")
    entry = ModelEntry("Old", path, "gguf", path.stat().st_size, downloaded=True)
    models = Models(*MODELS, CatalogEntry(entry, "here", facts=ModelFacts()), paths=Paths.resolve())
    async with models.app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        await opened(pilot)
        await search(pilot, "old")
        await pilot.press("ctrl+x")
        await until(pilot, lambda: "remove Old" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ModelPicker))
        assert path.exists()
        await pilot.press("ctrl+x")
        await until(pilot, lambda: "delete it for good" in screen_text(pilot))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "Old is deleted" in screen_text(pilot))
        assert not path.exists()
