"""The registry of actions: each can be done, is listed, and has a key that every terminal can send."""

import ast
import re
from pathlib import Path

import pytest

import mistral_tui.tui
from mistral_tui.tui.actions import (
    ACTIONS,
    FOOTERS,
    Action,
    Where,
    action,
    bindings,
    key_label,
    slash_action,
)
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.chat.message_actions import MessageActions
from mistral_tui.tui.chat.pane import ChatPane
from mistral_tui.tui.chat.prompt import PromptInput
from mistral_tui.tui.chat.token_panel import TokenPanel
from mistral_tui.tui.chat.transcript import Transcript
from mistral_tui.tui.compare.screen import CompareScreen
from mistral_tui.tui.field import Field
from mistral_tui.tui.help.screen import HelpScreen, help_content
from mistral_tui.tui.logs.screen import LogScreen
from mistral_tui.tui.main_screen import MainScreen
from mistral_tui.tui.models.chat_model import ChatModel
from mistral_tui.tui.models.details import DetailsPane
from mistral_tui.tui.models.picker import ModelPicker
from mistral_tui.tui.models.questions import AddModel
from mistral_tui.tui.models.template_choice import Choices
from mistral_tui.tui.panes.area import PaneArea
from mistral_tui.tui.prompt.box import PromptBox
from mistral_tui.tui.prompt.completion import CompletionList
from mistral_tui.tui.prompt.sources import PromptSources
from mistral_tui.tui.prompt.template_form import PlaceValue
from mistral_tui.tui.sessions.list import ChatOptions, SessionList
from mistral_tui.tui.sessions.session_actions import SessionActions
from mistral_tui.tui.settings.chat_parameters import ChatParameters
from mistral_tui.tui.settings.fields import FieldsScreen
from mistral_tui.tui.settings.system_prompt import SystemPrompt
from mistral_tui.tui.tools.approval import ApprovalDialog
from mistral_tui.tui.tools.inspector import CallList
from mistral_tui.tui.tools.server_question import ServerQuestionDialog
from mistral_tui.tui.tools.servers import ServersScreen
from mistral_tui.tui.tools.try_tool import TryTool

pytestmark = pytest.mark.core

OWNERS: dict[Where, type] = {
    "app": MistralApp,
    "screen": MainScreen,
    "pane": ChatPane,
    "panes": PaneArea,
    "compare": CompareScreen,
    "model": ChatModel,
    "message": MessageActions,
    "prompt": PromptInput,
    "box": PromptBox,
    "completion": CompletionList,
    "sources": PromptSources,
    "transcript": Transcript,
    "tokens": TokenPanel,
    "chats": ChatOptions,
    "sessions": SessionActions,
    "dialog": HelpScreen,
    "reader": HelpScreen,
    "choice": Choices,
    "parameters": ChatParameters,
    "fields": FieldsScreen,
    "system_prompt": SystemPrompt,
    "logs": LogScreen,
    "models": ModelPicker,
    "details": DetailsPane,
    "field": Field,
    "asking": AddModel,
    "place": PlaceValue,
    "approval": ApprovalDialog,
    "calls": CallList,
    "servers": ServersScreen,
    "try_tool": TryTool,
    "server_question": ServerQuestionDialog,
    "form": MistralApp,
}

LEGACY = {
    "enter", "escape", "tab", "shift+tab", "backspace", "delete", "up", "down", "left", "right", "home", "end",
    "pageup", "pagedown", "space", "shift+left", "shift+right", "shift+up", "shift+down", "ctrl+left", "ctrl+right",
    "ctrl+shift+left", "ctrl+shift+right",
    *(f"f{number}" for number in range(1, 13)),
    *(f"ctrl+{letter}" for letter in "abcdefghjklnopqrstuvwxyz"),
    *(f"alt+{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"),
    *"abcdefghijklmnopqrstuvwxyz", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ", *"0123456789",
    "less_than_sign", "greater_than_sign", "minus", "plus",
}  # fmt: skip
"""Keys whose byte sequences are the same in every terminal; ctrl+i and ctrl+m are tab and enter."""


@pytest.mark.parametrize("each", ACTIONS, ids=lambda each: f"{each.where}-{each.id}")
def test_an_action_can_be_done(each: Action) -> None:
    owner = OWNERS[each.where]
    name = (each.call or each.id).split("(")[0]
    assert hasattr(owner, f"action_{name}"), f"{owner.__name__} has no action_{name}"


@pytest.mark.parametrize("each", ACTIONS, ids=lambda each: f"{each.where}-{each.id}")
def test_an_action_has_a_key_of_every_terminal_or_a_command(each: Action) -> None:
    assert each.slash or any(LEGACY.issuperset(key.split(" ")) for key in each.keys)


@pytest.mark.parametrize("where", OWNERS)
def test_no_key_of_an_owner_means_two_things(where: Where) -> None:
    on_screen = ("screen", "pane", "model", "parameters", "panes", "box", "sources")
    in_transcript = ("transcript", "message")
    owners: tuple[str, ...] = (where,)
    owners = on_screen if where in on_screen else in_transcript if where in in_transcript else owners
    keys = [key for each in ACTIONS if each.where in owners for key in each.keys]
    assert len(keys) == len(set(keys))
    # What the app does is done wherever the person is, but for a list that is open for a moment and forms.
    everywhere = {key for each in ACTIONS if each.where == "app" for key in each.keys}
    if where not in ("app", "completion", "place", "form"):
        assert not everywhere & set(keys)


def test_every_action_is_in_the_help() -> None:
    text = help_content().plain
    for each in ACTIONS:
        assert each.title in text
        for key in each.keys:
            assert key_label(key) in text
        for name in each.slash:
            assert f"/{name}" in text


DOCUMENTS = [Path(mistral_tui.__file__).parents[1] / name for name in ("README.md", "docs/interface.md")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_documentation_names_keys_and_commands_that_there_are(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    keys = {part for each in ACTIONS for key in each.keys for part in key.split(" ")}
    named = {key.lower() for key in re.findall(r"\b(?:ctrl|alt|shift)\+\w+|\b[fF](?:1[0-2]|[1-9])\b", text)}
    assert named - keys == set()
    commands = {name for each in ACTIONS for name in each.slash}
    assert set(re.findall(r"`/(\w+)[` ]", text)) - commands == set()


def test_nothing_is_bound_outside_the_registry() -> None:
    for path in Path(mistral_tui.tui.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Binding":
                assert path.parent.name == "actions", f"{path} binds a key itself"
            target = node.target if isinstance(node, ast.AnnAssign) else None
            if isinstance(target, ast.Name) and target.id == "BINDINGS" and isinstance(node, ast.AnnAssign):
                assert node.value is not None
                assert "bindings(" in ast.unparse(node.value), f"{path} has bindings of its own"


def test_the_footer_shows_at_most_five_actions_and_each_has_a_short_name() -> None:
    for keys in FOOTERS.values():
        assert len(keys) <= 5
        assert all(action(where, name).short for where, name in keys)


def test_no_command_means_two_things() -> None:
    names = [name for each in ACTIONS for name in each.slash]
    assert [name for name in names if names.count(name) > 1] == []


MISTRALRS = ["help", "exit", "system", "clear", "temperature", "topk", "topp", "model", "adapter"]


@pytest.mark.parametrize("name", MISTRALRS)
def test_mistral_rs_commands_are_there(name: str) -> None:
    assert slash_action(name) is not None


def test_owners_bind_exactly_what_the_registry_says() -> None:
    # The main screen takes the keys for its panes, the transcript those for its messages.
    takers = {
        **OWNERS,
        "pane": MainScreen,
        "model": MainScreen,
        "parameters": MainScreen,
        "panes": MainScreen,
        "box": MainScreen,
        "message": Transcript,
        "sessions": SessionList,
        "sources": MainScreen,
    }
    for where, owner in takers.items():
        declared = {binding.key for binding in bindings(where)}  # type: ignore[union-attr]  # they are Bindings
        assert declared <= {binding.key for binding in owner.BINDINGS}  # type: ignore[attr-defined]
