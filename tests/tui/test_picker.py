"""The list of models: it shows what there is, finds it, and does with it what the person wants."""

from functools import partial
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from mistral_tui.config.paths import Paths
from mistral_tui.models.details import read_details
from mistral_tui.models.facts import read_facts
from mistral_tui.tui.field import Field
from mistral_tui.tui.models.details import DetailsPane
from mistral_tui.tui.models.picker import ModelPicker
from mistral_tui.tui.models.questions import Question
from mistral_tui.tui.models.rows import models_of
from mistral_tui.tui.models.table import ModelTable
from mistral_tui.types.catalog import ModelFacts
from mistral_tui.types.errors import EngineError
from mistral_tui.types.models import LoadOptions
from mistral_tui.types.pool import HeldModel
from tests.stubs.catalog import GB, model
from tests.stubs.engines import ENTRY
from tests.stubs.gguf import STRING, GgufFile
from tests.tui.harness import ask, screen_rows, shown_text, started, type_and_send, until
from tests.tui.picker_app import FAKE, Models, marked, opened, picker, screen_text, search

pytestmark = pytest.mark.core


async def test_the_list_opens_by_key_and_by_command_and_esc_leaves_all_as_it_is() -> None:
    models = Models()
    async with models.app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        await opened(pilot)
        assert marked(pilot) == "fake-1M"
        await pilot.press("escape")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        await type_and_send(pilot, "/models")
        await until(pilot, lambda: isinstance(pilot.app.screen, ModelPicker))
        await pilot.press("ctrl+c")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        assert models.workspace.entry_of(models.app.pane.chat) == ENTRY


async def test_models_stand_under_where_they_are_from_those_that_are_here_first() -> None:
    models = Models()
    async with models.app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        await opened(pilot)
        text = screen_text(pilot)
        order = ("inventory", "fake-1M", "Mistral-7B", "Phi-4", "Hugging Face", "Qwen2.5-Coder", "Ollama", "LLaVA")
        places = [text.index(words) for words in order]
        assert places == sorted(places)
        said = (
            "loaded",
            "on disk",
            "not here yet",
            "4.8 GB",
            "fits",
            "~11.2 GB",
            "too big",
            "text sees",
            "8k",
            "apache",
        )
        for words in said:
            assert words in text


async def test_a_model_is_found_by_a_few_letters_and_answers_the_chat_from_then_on() -> None:
    models = Models()
    async with models.app.run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        await opened(pilot)
        await search(pilot, "hug cod")
        await until(pilot, lambda: marked(pilot) == "Qwen2.5-Coder" and "Mistral-7B" not in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "Qwen2.5-Coder" in shown_text(app.pane.status))
        assert [entry.name for entry in models.pool.loads] == ["fake-1M", "Qwen2.5-Coder"]
        await ask(pilot, "and now?")
        said = [message.text for message in models.engine.requests[-1].messages]
        assert said == ["hello", "Hello there.", "and now?"]
        assert models.workspace.entry == ENTRY, "other chats keep their model"


async def test_a_model_is_chosen_by_its_name_alone() -> None:
    models = Models()
    async with models.app.run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        await type_and_send(pilot, "/model mistral")
        await until(pilot, lambda: "Mistral-7B" in shown_text(app.pane.status))
        await type_and_send(pilot, "/model nonsense")
        await until(pilot, lambda: "no model is named" in shown_text(app.pane.status))
        await type_and_send(pilot, "/model phi")
        await until(pilot, lambda: marked(pilot) == "Phi-4")
        assert len(models_of(picker(pilot).query_one(ModelTable)._rows)) == 5


async def test_what_the_files_say_is_filled_in_and_nothing_moves() -> None:
    models = Models(*(model(f"model-{number}") for number in range(9)))
    models.catalog.at_once = 0
    async with models.app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        await pilot.press("alt+l")
        await until(pilot, lambda: "model-8" in screen_text(pilot))
        await pilot.press("down", "down")
        before = [row.split()[:1] for row in screen_rows(pilot.app.screen)]
        assert "8k" not in screen_text(pilot)
        models.catalog.at_once = 3
        await pilot.press("ctrl+r")
        await until(pilot, lambda: screen_text(pilot).count("8k") == 9)
        assert [row.split()[:1] for row in screen_rows(pilot.app.screen)][:14] == before[:14]
        assert marked(pilot) == "model-2"


async def test_a_model_becomes_the_default_and_chats_that_have_begun_keep_theirs(tmp_path: Path) -> None:
    paths = Paths.resolve(config=tmp_path / "config.toml")
    settings = paths.settings_file
    models = Models(paths=paths)
    async with models.app.run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        await opened(pilot)
        await search(pilot, "mistral")
        await pilot.press("ctrl+d")
        await until(pilot, lambda: "answers new chats" in screen_text(pilot) and settings.exists())
        await pilot.press("escape", "escape")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        assert 'default_model = "Mistral-7B"' in settings.read_text("utf-8")
        assert models.workspace.entry_of(app.pane.chat) == ENTRY
        await pilot.press("ctrl+n")
        await until(pilot, lambda: "Mistral-7B" in shown_text(app.pane.status))


async def test_a_model_is_loaded_and_unloaded_from_the_list() -> None:
    models = Models()
    async with models.app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        await opened(pilot)
        await search(pilot, "mistral")
        await pilot.press("ctrl+l")
        await until(pilot, lambda: picker(pilot).query_one(ModelTable).row.loaded)  # type: ignore[union-attr]
        await pilot.press("f10")
        await until(pilot, lambda: "Mistral-7B is unloaded" in screen_text(pilot))
        assert models.pool.unloaded == ["Mistral-7B"]
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "Mistral-7B is unloaded" not in screen_text(pilot))
        await until(pilot, lambda: picker(pilot).query_one(ModelTable).row.loaded)  # type: ignore[union-attr]
        await pilot.press("f10")
        await until(pilot, lambda: "Mistral-7B is unloaded" in screen_text(pilot))
        models.pool.error = EngineError("Mistral-7B is answering and stays loaded")
        await pilot.press("f10")
        await until(pilot, lambda: "is answering and stays loaded" in screen_text(pilot))
        await pilot.press("ctrl+l")
        await until(pilot, lambda: any("stays loaded" in notice.message for notice in pilot.app._notifications))


async def test_what_other_programs_load_shows_while_the_list_is_open() -> None:
    models = Models()
    async with models.app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        await opened(pilot)
        models.pool.loaded.append(HeldModel("Mistral-7B", "/models/Mistral-7B.gguf", "answering", GB))
        await until(pilot, lambda: "answering" in screen_text(pilot))


async def test_a_new_file_appears_while_the_list_is_open() -> None:
    models = Models()
    async with models.app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        await opened(pilot)
        models.catalog.put(model("Brand-New", source="here"))
        await until(pilot, lambda: "Brand-New" in screen_text(pilot))
        assert marked(pilot) == "fake-1M"


def is_marked(pilot: Pilot[None], name: str) -> bool:
    return marked(pilot) == name


async def test_keys_and_clicks_move_through_the_list_and_the_details() -> None:
    models = Models(*(model(f"model-{number:02}") for number in range(60)), entry=None)
    async with models.app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "model-00")
        for key, name in (
            ("end", "model-59"),
            ("up", "model-58"),
            ("pageup", "model-49"),
            ("home", "model-00"),
            ("pagedown", "model-09"),
            ("down", "model-10"),
        ):
            await pilot.press(key)
            await until(pilot, partial(is_marked, pilot, name), name)
            assert name in screen_text(pilot), "the cursor is in sight"
        await pilot.press("ctrl+t", "tab", "down", "pagedown", "up", "pageup")
        await until(pilot, lambda: picker(pilot).query_one(DetailsPane).has_focus)
        await pilot.press("ctrl+t", "escape")
        await until(pilot, lambda: picker(pilot).query_one(Field).has_focus)
        await pilot.press("home")
        await pilot.click(ModelTable, offset=(10, 3), times=2)
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        assert models.workspace.entry_of(models.app.pane.chat) == models.catalog.find("model-02")


async def test_a_damaged_model_is_not_chosen_and_says_why() -> None:
    models = Models(FAKE, model("Cut", facts=ModelFacts(problem="Cut.gguf: it ends in the middle of its tensors")))
    async with models.app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        await opened(pilot)
        await search(pilot, "cut")
        await pilot.press("enter")
        await until(pilot, lambda: "cannot be used: Cut.gguf: it ends" in screen_text(pilot))
        await pilot.press("ctrl+d")
        await until(pilot, lambda: "new chats need one" in screen_text(pilot))


async def test_without_any_model_at_all_the_list_says_how_to_get_one() -> None:
    models = Models(entry=None)
    models.catalog.entries = []
    async with models.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("alt+l")
        await until(pilot, lambda: "Type OWNER/NAME to fetch one" in screen_text(pilot))
        for key in ("enter", "f5", "ctrl+d", "ctrl+l", "f10", "ctrl+x", "ctrl+g", "down", "end"):
            await pilot.press(key)
        await search(pilot, "nothing")
        await until(pilot, lambda: "Nothing is like “nothing”" in screen_text(pilot))


async def test_hostile_words_of_model_files_are_harmless(tmp_path: Path) -> None:
    hostile = "\x1b]0;owned\x07\x1b[31m[red]evil[/red][@click=app.quit]x[/]\u202e\n" + "n" * 1_000_000
    file = GgufFile()
    file.metadata |= dict.fromkeys(("general.name", "general.license", "tokenizer.chat_template"), (STRING, hostile))
    file.metadata |= {hostile[:4000]: (STRING, hostile), "general.note": (STRING, hostile)}
    path = file.write(tmp_path / "evil.gguf")
    facts = read_facts(path, "gguf", 1)
    evil = model(hostile, facts=facts, origin=hostile, quantization=hostile, licence=hostile)
    models = Models(FAKE, evil)
    here = msgspec.structs.replace(evil.entry, path=path)
    models.library.said = read_details(msgspec.structs.replace(evil, entry=here), LoadOptions())
    async with models.app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        await opened(pilot)
        await search(pilot, "evil")
        await until(pilot, lambda: "evil" in marked(pilot) and "architecture" in screen_text(pilot))
        text = screen_text(pilot)
        assert "\x1b" not in text
        assert "[red]evil[/red]" in text, "markup is shown and not obeyed"
        assert all(len(row) <= 120 for row in screen_rows(pilot.app.screen))
        await pilot.press("ctrl+d", "f10", "ctrl+g")
        await until(pilot, lambda: isinstance(pilot.app.screen, Question))
        assert "\x1b" not in screen_text(pilot)


async def test_hundreds_of_models_are_there_at_once_and_found_while_typing() -> None:
    models = Models(FAKE, *(model(f"model-{number:03}-Instruct", source="folder") for number in range(500)))
    async with models.app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        await opened(pilot)
        await search(pilot, "m499")
        await until(pilot, lambda: marked(pilot) == "model-499-Instruct")
