"""The parameters of the chat in a pane: shows and sets them, by commands, by a form and by presets."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from textual.message import Message
from textual.widget import Widget

from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.presets import use_preset
from mistral_tui.chat.settings import next_context_policy, next_thinking
from mistral_tui.config.presets import Preset, parameters_of, read_presets, save_preset
from mistral_tui.config.schema import in_words, typed
from mistral_tui.tui.environment import Environment
from mistral_tui.types.choices import ContextPolicy
from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.models import Adapter
from mistral_tui.types.requests import NamedTool

_POLICIES: Final[dict[ContextPolicy, str]] = {
    "drop": "the oldest turns are left out",
    "shift": "the oldest tokens are given up",
    "stop": "the chat stops",
}
_TOOL_CHOICES: Final = {
    "auto": "the model calls tools as it likes",
    "none": "the model is told of no tools",
    "required": "the model must call a tool first",
}


class ChatParameters(Widget):
    """Draws nothing. It belongs to a pane, and sets how the chat there is answered.

    Args:
        environment: What the parts of the screen are given.
        chat: Returns the chat that the pane shows.
        hint: Says something for a moment.
    """

    DEFAULT_CSS = "ChatParameters { display: none; }"

    @dataclass
    class ModelWanted(Message):
        """A preset wants this model for the chat."""

        parameters: "ChatParameters"
        name: str

        @property
        def control(self) -> "ChatParameters":
            """The widget that sent this message."""
            return self.parameters

    def __init__(self, environment: Environment, chat: Callable[[], LiveChat], hint: Callable[[str], None]) -> None:
        super().__init__()
        self._environment = environment
        self._get_chat = chat
        self._hint = hint

    def action_parameters(self) -> None:
        """Show all parameters of the chat, to be set."""
        from mistral_tui.tui.settings.fields import FieldsScreen
        from mistral_tui.tui.settings.parameter_fields import ParameterFields

        self.app.push_screen(FieldsScreen(ParameterFields(self._get_chat())))

    def action_temperature(self, words: str) -> None:
        """Set the temperature, or say it."""
        self._set("temperature", words)

    def action_topk(self, words: str) -> None:
        """Set how many candidates stay, or say it."""
        self._set("top_k", words)

    def action_topp(self, words: str) -> None:
        """Set the probability that the candidates have together, or say it."""
        self._set("top_p", words)

    def action_system(self, words: str) -> None:
        """Set the system prompt; without one, edit the present one."""
        from mistral_tui.tui.settings.system_prompt import SystemPrompt

        chat = self._get_chat()
        if words:
            self._use_system_prompt(chat, words)
            return

        def take(text: str | None) -> None:
            if text is not None:
                self._use_system_prompt(chat, text)

        self.app.push_screen(SystemPrompt(chat.conversation.session.system_prompt or ""), take)

    def action_thinking(self) -> None:
        """Switch whether the model thinks first, for models that can be told, and say how it is now."""
        chat = self._get_chat()
        chat.settings.use(next_thinking(chat.request))
        told = {None: "as the model likes", True: "on", False: "off"}[chat.request.enable_thinking]
        self._hint(f"thinking: {told} (for models that can be told)")

    def action_context_policy(self) -> None:
        """Let this chat do something else from its next turn on when the context is full, and say what."""
        chat = self._get_chat()
        chat.settings.use(next_context_policy(chat.request))
        policy = chat.request.context_policy
        self._hint(f"when the context is full ({policy}): {_POLICIES[policy]}")

    def action_adapter(self, words: str) -> None:
        """Use one LoRA more, or none any more."""
        chat = self._get_chat()
        if words == "none":
            chat.settings.use_adapters(())
            self._hint("no LoRA counts from the next reply on")
            return
        file, equals, number = words.rpartition("=")
        try:
            adapter = Adapter(_absolute(file), float(number)) if equals else Adapter(_absolute(words))
        except ValueError:  # an equals sign in the name of a file
            adapter = Adapter(_absolute(words))
        except MistralTuiError as error:
            self._hint(str(error))
            return
        if not Path(adapter.path).is_file():
            self._hint(f"there is no file {adapter.path}")
            return
        usual = self._environment.workspace.adapters_of(chat)
        before = usual if chat.request.adapters is None else chat.request.adapters
        chat.settings.use_adapters((*(each for each in before if each.path != adapter.path), adapter))
        self._hint(f"{Path(adapter.path).name} counts from the next reply on, with scale {adapter.scale:g}")

    def action_tool_choice(self, words: str) -> None:
        """Let the model decide about tools, call none, any or one of them; without words, say how it is."""
        tools = self._get_chat().tools
        try:
            if words:
                tools.choose(tools.choice_named(words))
        except MistralTuiError as error:
            self._hint(str(error))
            return
        choice = tools.choice
        named = f"the model must call {choice.name} first" if isinstance(choice, NamedTool) else _TOOL_CHOICES[choice]
        self._hint(f"{named}{', from the next reply on' if words else ''}")

    async def action_preset(self, words: str) -> None:
        """Use a preset; without a name, ask which."""
        from mistral_tui.tui.settings.preset_choice import PresetChoice

        presets, notices = await asyncio.to_thread(read_presets, self._file)
        for notice in notices:
            self.app.notify(notice, severity="warning")
        chat = self._get_chat()
        found = next((each for each in presets if each.name == words), None)
        if found is not None:
            self._use(chat, found)
        elif words:
            names = ", ".join(each.name for each in presets) or "there are none; /savepreset NAME makes one"
            self._hint(f"there is no preset {words!r:.60}; {names}")
        else:
            self.app.push_screen(PresetChoice(presets), lambda chosen: self._use(chat, chosen) if chosen else None)

    async def action_save_preset(self, words: str) -> None:
        """Keep the parameters of the chat under a name."""
        chat = self._get_chat()
        system = chat.conversation.session.system_prompt
        preset = Preset(words, parameters_of(chat.request.sampling), system)
        try:
            await asyncio.to_thread(save_preset, self._file, preset)
        except MistralTuiError as error:
            self.app.notify(str(error), severity="error")
        else:
            self._hint(f"the preset {words} is saved; /preset {words} uses it in any chat")

    # Within

    @property
    def _file(self) -> Path:
        return self._environment.paths.presets

    def _set(self, name: str, words: str) -> None:
        chat = self._get_chat()
        if words:
            try:
                sampling = msgspec.structs.replace(chat.request.sampling, **{name: typed(name, words)})
            except MistralTuiError as error:
                self._hint(str(error))
                return
            chat.settings.use_sampling(sampling)
        value = getattr(chat.request.sampling, name)
        shown = "as the model's file says" if value is None else in_words(value)
        self._hint(f"{name}: {shown}{', from the next reply on' if words else ''}")

    def _use_system_prompt(self, chat: LiveChat, text: str) -> None:
        chat.settings.use_system_prompt(text)
        self._hint("the system prompt counts from the next reply on" if text.strip() else "there is no system prompt")

    def _use(self, chat: LiveChat, preset: Preset) -> None:
        use_preset(chat, preset, self._environment.workspace.request.sampling)
        if preset.model is not None:
            self.post_message(self.ModelWanted(self, preset.model))
        self._hint(f"{preset.name} counts from the next reply on")


def _absolute(file: str) -> str:
    return str(Path(file).expanduser().absolute())
