"""Commands that take words: parameters, the system prompt, LoRAs, presets."""

import os
from pathlib import Path

import pytest
from textual.widgets import TextArea

from mistral_tui.chat.workspace import Workspace
from mistral_tui.config.presets import read_presets
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.settings.preset_choice import PresetChoice
from mistral_tui.tui.settings.system_prompt import SystemPrompt
from mistral_tui.types.models import Adapter
from mistral_tui.types.requests import NamedTool
from tests.stubs.engines import ENTRY, FakePool
from tests.stubs.tools import FakeBox, servers_with
from tests.tui.harness import app_with, ask, content, paste_and_send, put, screen_rows, started, told, until

pytestmark = pytest.mark.core


@pytest.fixture
def presets() -> Path:
    path = Path(os.environ["MISTRAL_TUI_CONFIG_DIR"]) / "presets.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.mark.parametrize("marker", ["/", "\\"])
@pytest.mark.parametrize(
    ("command", "name", "value"),
    [("temperature 0.7", "temperature", 0.7), ("topk 12", "top_k", 12), ("topp 0.5", "top_p", 0.5)],
)
async def test_a_parameter_is_set_by_a_command(marker: str, command: str, name: str, value: float) -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await paste_and_send(pilot, marker + command)
        await until(pilot, lambda: getattr(app.pane.chat.request.sampling, name) == value)
        await until(pilot, lambda: f"{name}: {value}" in screen_rows(app.screen)[-2])
        assert len(app.pane.chat.conversation) == 0


async def test_whether_a_tool_must_be_called_is_set_by_a_command() -> None:
    workspace = Workspace(FakePool(), None, ENTRY, servers=servers_with(FakeBox()))
    async with MistralApp(workspace).run_test(size=(110, 24)) as pilot:
        app = await started(pilot)
        await until(pilot, lambda: app.pane.chat.tools.all)
        for words, choice, said in (
            ("", "auto", "the model calls tools as it likes"),
            ("required", "required", "the model must call a tool first, from the next reply on"),
            ("clock/time", NamedTool("clock_time"), "the model must call clock_time first"),
            ("moon", NamedTool("clock_time"), "'moon' is none of the tools of this chat; there are: clock_time"),
            ("none", "none", "the model is told of no tools"),
        ):
            await paste_and_send(pilot, f"/toolchoice {words}".strip())
            await until(pilot, lambda said=said: told(app, said) or said in screen_rows(app.screen)[-2])  # type: ignore[misc] # mypy knows no default here
            assert app.pane.chat.tools.choice == choice


async def test_without_a_value_it_is_said() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await paste_and_send(pilot, "/temperature")
        await until(pilot, lambda: "temperature: as the model's file says" in screen_rows(app.screen)[-2])


@pytest.mark.parametrize("marker", ["/", "\\"])
async def test_a_value_that_makes_no_sense_comes_back_with_the_reason(marker: str) -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await pilot.press(marker, *"temperature", "space", "9")
        await until(pilot, lambda: "from 0 to 2" in screen_rows(app.screen)[-2])
        await pilot.press("enter")
        await pilot.pause()
        assert "from 0 to 2" in screen_rows(app.screen)[-2]
        assert app.pane.prompt.text == f"{marker}temperature 9"
        assert app.pane.chat.request.sampling.temperature is None


async def test_words_after_a_command_that_takes_none_are_not_lost() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await paste_and_send(pilot, "/clear the table")
        await until(pilot, lambda: "takes no words" in screen_rows(app.screen)[-2])
        assert app.pane.prompt.text == "/clear the table"


async def test_an_unknown_command_is_said_and_a_space_before_sends_it() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await paste_and_send(pilot, "/temprature 1")
        await until(pilot, lambda: "there is no command /temprature" in screen_rows(app.screen)[-2])
        app.pane.prompt.text = ""
        await ask(pilot, " /temprature 1", paste_and_send)
        assert app.pane.chat.conversation.path()[0].text.strip() == "/temprature 1"


async def test_the_hint_says_what_a_command_takes_and_what_is_wrong() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        app.pane.prompt.insert("/temp")
        await until(pilot, lambda: "/temperature 0…2  Temperature" in "\n".join(screen_rows(app.screen)))
        app.pane.prompt.text = "/temperature "
        await until(pilot, lambda: "0…2: Temperature" in screen_rows(app.screen)[-2])
        app.pane.prompt.text = "/temperature 7"
        await until(pilot, lambda: "from 0 to 2" in screen_rows(app.screen)[-2])


async def test_the_system_prompt_is_set_by_a_command_and_sent() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await paste_and_send(pilot, "/system You are terse.\nVery.")
        await until(pilot, lambda: app.pane.chat.conversation.session.system_prompt == "You are terse.\nVery.")
        await until(pilot, lambda: "counts from the next reply on" in screen_rows(app.screen)[-2])


async def test_the_system_prompt_is_edited_in_a_dialog() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        chat = app.pane.chat
        chat.settings.use_system_prompt("Be brief.")
        await pilot.press("alt+s")
        await until(pilot, lambda: isinstance(app.screen, SystemPrompt) and app.screen.query_one(TextArea).has_focus)
        await pilot.press("enter", "B", "e", "ctrl+s")
        await until(pilot, lambda: chat.conversation.session.system_prompt == "Be brief.\nBe")
        await paste_and_send(pilot, "/system")
        await until(pilot, lambda: isinstance(app.screen, SystemPrompt) and app.screen.query_one(TextArea).has_focus)
        await pilot.press("x", "escape")
        await until(pilot, lambda: not isinstance(app.screen, SystemPrompt))
        assert chat.conversation.session.system_prompt == "Be brief.\nBe"


async def test_a_lora_is_switched_on_by_its_file(tmp_path: Path) -> None:
    lora = tmp_path / "poet.gguf"
    lora.touch()
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await paste_and_send(pilot, f"/adapter {lora}=0.5")
        await until(pilot, lambda: app.pane.chat.request.adapters == (Adapter(str(lora), 0.5),))
        await paste_and_send(pilot, f"/adapter {lora}")
        await until(pilot, lambda: app.pane.chat.request.adapters == (Adapter(str(lora), 1.0),))
        await paste_and_send(pilot, "/adapter none")
        await until(pilot, lambda: app.pane.chat.request.adapters == ())
        await paste_and_send(pilot, "/adapter nowhere.gguf")
        await until(pilot, lambda: "there is no file" in screen_rows(app.screen)[-2])
        await paste_and_send(pilot, "/adapter")
        await until(pilot, lambda: "/adapter needs FILE" in screen_rows(app.screen)[-2])


async def test_parameters_are_kept_as_a_preset_and_used_in_another_chat(presets: Path) -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        await paste_and_send(pilot, "/temperature 1.5")
        await paste_and_send(pilot, "/system You are a poet.")
        await paste_and_send(pilot, "/savepreset poet")
        await until(pilot, lambda: read_presets(presets)[0])
        assert read_presets(presets)[1] == ()
        await pilot.press("ctrl+n")
        await until(pilot, lambda: not len(app.pane.chat.conversation))
        assert app.pane.chat.request.sampling.temperature is None
        await paste_and_send(pilot, "/preset poet")
        await until(pilot, lambda: app.pane.chat.request.sampling.temperature == 1.5)
        assert app.pane.chat.conversation.session.system_prompt == "You are a poet."


async def test_a_preset_is_chosen_from_the_list(presets: Path) -> None:
    put(presets, "[cold]\ntemperature = 0\n[hot]\ntemperature = 2\ntop_q = 3\n[odd]\nmodel = 3\n")
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await pilot.press("alt+o")
        await until(pilot, lambda: isinstance(app.screen, PresetChoice))
        await until(pilot, lambda: any("there is no such parameter" in each.message for each in app._notifications))
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.pane.chat.request.sampling.temperature == 2)


async def test_without_presets_the_list_says_how_to_make_one() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await pilot.press("alt+o")
        await until(pilot, lambda: "/savepreset NAME" in "\n".join(screen_rows(app.screen)))
        await pilot.press("escape")
        await paste_and_send(pilot, "/preset nobody")
        await until(pilot, lambda: "there is no preset 'nobody'" in screen_rows(app.screen)[-2])


async def test_a_damaged_file_of_presets_is_said_and_stays(presets: Path) -> None:
    put(presets, "[cold\n")
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await paste_and_send(pilot, "/savepreset mine")
        await until(pilot, lambda: any("line 1: not valid TOML" in each.message for each in app._notifications))
    assert content(presets) == "[cold\n"


async def test_names_are_completed_after_the_commands_that_take_one(presets: Path) -> None:
    put(presets, "[poet]\ntemperature = 1.2\n\n[pedant]\ntop_k = 1\n")
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        completion = app.pane.box.completion
        await pilot.press(*"/preset", "space")
        await until(pilot, lambda: [each.text for each in completion.choices] == ["poet", "pedant"])
        await pilot.press("p", "d")
        await until(pilot, lambda: [each.text for each in completion.choices] == ["pedant"])
        await pilot.press("enter")
        await until(pilot, lambda: app.pane.chat.request.sampling.top_k == 1)
        await pilot.press("\\", *"model", "space")
        await until(pilot, lambda: [each.text for each in completion.choices] == [ENTRY.name])
        await pilot.press("tab")
        assert app.pane.prompt.text == f"\\model {ENTRY.name}"
        await pilot.press("ctrl+u", *"/preset", "space")
        await until(pilot, lambda: completion.choices)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PresetChoice))
