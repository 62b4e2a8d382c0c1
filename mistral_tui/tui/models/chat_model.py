"""The model of the chat in a pane: loads it, says how it is doing, and asks what it needs to know."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.message import Message
from textual.widget import Widget

from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.presets import use_preset
from mistral_tui.config.presets import Preset, parameters_of
from mistral_tui.tui.chat.welcome import ModelState
from mistral_tui.tui.environment import Environment
from mistral_tui.tui.models.getting import Fetched, Progress, Ready, Unusable, fetch_starter, load_model
from mistral_tui.tui.models.loading import describe
from mistral_tui.types.errors import MistralTuiError, NoChatTemplate
from mistral_tui.types.models import ModelEntry

if TYPE_CHECKING:
    from mistral_tui.tui.models.picker import ModelPicker, Picked

_LOAD = "load"
_FETCH = "fetch"


class ChatModel(Widget):
    """Draws nothing. It belongs to a pane, and does what is asked of the model of the chat there."""

    DEFAULT_CSS = "ChatModel { display: none; }"

    @dataclass
    class StateChanged(Message):
        """The model is doing otherwise."""

        model: "ChatModel"
        state: ModelState
        context_size: int | None = None
        """Tokens that its context holds, once it is loaded."""

        @property
        def control(self) -> "ChatModel":
            """The widget that sent this message."""
            return self.model

    @dataclass
    class Fetching(Message):
        """Models are being fetched, whichever they are; empty words: none is."""

        words: str

    @dataclass
    class Hint(Message):
        """Something to say for a moment."""

        model: "ChatModel"
        text: str

        @property
        def control(self) -> "ChatModel":
            """The widget that sent this message."""
            return self.model

    def __init__(self, environment: Environment, chat: LiveChat) -> None:
        super().__init__()
        self._environment = environment
        self._workspace = environment.workspace
        self._chat = chat
        self._last_try = self.action_load_model
        self._unsubscribe: Callable[[], None] = lambda: None
        self._answer_again: Callable[[], Awaitable[object]] | None = None
        """Answers the prompt that waits for a chat template."""
        self._shown: ModelEntry | None = None
        """The model whose state was told last."""

    @property
    def entry(self) -> ModelEntry | None:
        """The model that answers the chat, if one is chosen."""
        return self._workspace.entry_of(self._chat)

    def on_mount(self) -> None:
        """Begin to load once the screen is painted."""
        self.call_after_refresh(self.action_load_model)
        downloads = self._environment.library.downloads
        self._unsubscribe = downloads.subscribe(lambda download: self._tell_fetching())
        self._tell_fetching()

    def on_unmount(self) -> None:
        """Listen no longer to downloads."""
        self._unsubscribe()

    def show(self, chat: LiveChat) -> None:
        """The pane shows this chat now; its model may be another one."""
        self._chat = chat
        if self.is_mounted and self.entry != self._shown:
            self.action_load_model()

    def try_again(self) -> None:
        """Do again what failed last: load, or fetch."""
        self._last_try()

    def stop_fetching(self) -> None:
        """Stop a download, if there is one."""
        if self.workers.cancel_group(self, _FETCH):
            self._tell(self._offer())

    def prompt_failed(self, error: MistralTuiError, again: Callable[[], Awaitable[object]]) -> None:
        """The model could not be loaded for a prompt; `again` answers it."""
        if isinstance(error, NoChatTemplate):
            self._answer_again = again
            self.action_choose_template()
        elif self.entry is None and (offer := self._offer().offer) and not self._fetching:
            # The prompt is being put back into its box; a hint ends when that changes.
            self.call_after_refresh(self._hint, f"f5 fetches {offer}")

    # Actions

    def action_load_model(self) -> None:
        """Load the chosen model, or offer one where there is none."""
        self._last_try = self.action_load_model
        self._shown = self.entry
        if self.entry is None:
            self._tell(self._offer())
            self.run_worker(self._look_elsewhere(), group=_LOAD, exclusive=True)
        else:
            work = load_model(self._workspace, self._chat, self.entry, self.post_message)
            self.run_worker(work, group=_LOAD, exclusive=True)

    async def action_models(self, wanted: str = "") -> None:
        """Show all models, or let the one of this name answer the chat."""
        from mistral_tui.tui.models.headline import reference_in
        from mistral_tui.tui.models.picker import ModelPicker

        library = self._environment.library
        if wanted:
            try:
                found = await library.find(wanted)
            except MistralTuiError as error:
                if reference_in(wanted) is None:
                    self._hint(str(error))
                else:
                    self.app.push_screen(self._picker(query=wanted), self._picked)
                return
            if found.downloaded:
                await self._use(found)
                return
            wanted = found.name
        if not isinstance(self.app.screen, ModelPicker):
            self.app.push_screen(self._picker(wanted), self._picked)

    def choose_then(self, then: Callable[[], Awaitable[object]]) -> None:
        """Ask which model is to answer the chat from now on, and go on when one is chosen."""

        async def picked(choice: "Picked | None") -> None:
            if choice is not None:
                await self._picked(choice)
                await then()

        self.app.push_screen(self._picker(), picked)

    def action_choose_loras(self) -> None:
        """Ask which LoRAs the chat is to use."""
        from mistral_tui.tui.models.lora_choice import LoraChoice

        chat = self._chat
        usual = self._workspace.adapters_of(chat)
        chosen = usual if chat.request.adapters is None else chat.request.adapters
        known = tuple(dict.fromkeys((*usual, *chosen)))
        if known:
            self.app.push_screen(LoraChoice(known, chosen, chat.settings.use_adapters))
        else:
            self._hint("no LoRA is known; name some with --lora, or as adapters in the inventory")

    async def action_unload_model(self) -> None:
        """Free the memory that the model takes, until the next prompt."""
        try:
            await self._workspace.unload(self._chat)
        except MistralTuiError as error:
            self.app.notify(str(error), severity="warning")
        else:
            self.app.notify("the model is unloaded; the next prompt loads it again")

    def action_fetch_starter(self) -> None:
        """Fetch the starter model and load it."""
        starter = self._environment.starter
        if self.entry is not None:
            self._hint("the starter is for where there is no other model")
        elif starter is None:
            self._hint("the inventory names no starter model")
        elif not self._fetching:
            self._last_try = self.action_fetch_starter
            self.run_worker(fetch_starter(starter, self.post_message), group=_FETCH, exclusive=True)

    def action_choose_template(self) -> None:
        """Ask which chat template the model is to use."""
        from mistral_tui.models.template_files import templates
        from mistral_tui.tui.models.template_choice import TemplateChoice

        entry = self.entry
        if entry is None:
            self._hint("there is no model to choose a chat template for")
        # A load and a prompt that waits for it may ask at once.
        elif not isinstance(self.app.screen, TemplateChoice):
            known = templates(self._environment.own_templates)
            self.app.push_screen(TemplateChoice(entry.name, known), self._template_chosen)

    # Messages

    @on(Fetched)
    def _starter_fetched(self, event: Fetched) -> None:
        event.stop()
        self._workspace.entry = event.entry
        self.action_load_model()

    @on(Progress)
    def _progress(self, event: Progress) -> None:
        event.stop()
        self._tell(event.state)

    @on(Ready)
    def _ready(self, event: Ready) -> None:
        event.stop()
        model, entry = event.model, self.entry
        detail = " · ".join(filter(None, [describe(entry) if entry else "", model.device]))
        self._tell(ModelState(model.name, detail, senses=model.sees or model.hears), model.n_ctx)
        for notice in model.notices:
            self.app.notify(notice, severity="warning")

    @on(Unusable)
    def _unusable(self, event: Unusable) -> None:
        event.stop()
        entry, starter = self.entry, self._environment.starter
        name = entry.name if entry else starter.entry.name if starter else ""
        self._tell(ModelState(name, error=str(event.error)))
        if isinstance(event.error, NoChatTemplate):
            self.action_choose_template()
        elif len(self._chat.conversation):
            # An empty chat says it in its middle.
            self.app.notify(str(event.error), severity="error")

    # Within

    @property
    def _fetching(self) -> bool:
        return any(worker.group == _FETCH and not worker.is_finished for worker in self.workers)

    async def _look_elsewhere(self) -> None:
        """Take a model that the inventory does not name, where it has none on disk."""
        found = await self._environment.library.smallest()
        if found is not None and self.entry is None and not self._fetching:
            self._workspace.use_by_default(found)
            self.action_load_model()

    def _offer(self) -> ModelState:
        starter = self._environment.starter
        return ModelState(offer=f"{starter.entry.name} ({describe(starter.entry)})" if starter else "")

    def _picker(self, wanted: str = "", query: str = "") -> "ModelPicker":
        from mistral_tui.tui.models.picker import ModelPicker

        current, session = self.entry, self._chat.conversation.session
        own = Preset("", parameters_of(self._chat.request.sampling), session.system_prompt)
        return ModelPicker(self._environment.library, current.path if current else None, wanted or None, own, query)

    async def _picked(self, picked: "Picked | None") -> None:
        if picked is not None:
            await self._use(picked.entry, picked.preset)

    async def _use(self, entry: ModelEntry, preset: Preset | None = None) -> None:
        """Let a model answer the chat from its next turn on; one that has not begun begins as the model's preset says.

        A chat that has begun is changed only by a preset that was asked for.
        """
        workspace, chat = self._workspace, self._chat
        if preset is None and not len(chat.conversation):
            preset = await self._environment.library.preset_of(entry)
        if workspace.entry is None:
            workspace.use_by_default(entry)
        workspace.use_model(chat, entry)
        if preset is not None:
            use_preset(chat, preset, workspace.request.sampling)
            self._hint(f"{entry.name} answers, with the preset {preset.name}")
        if chat is self._chat:
            self.show(chat)

    async def _template_chosen(self, file: Path | None) -> None:
        from mistral_tui.models.template_files import read_template

        again, self._answer_again = self._answer_again, None
        if file is None:
            return
        try:
            template = await asyncio.to_thread(read_template, file)
            await self._workspace.choose_chat_template(template, self._chat)
        except MistralTuiError as error:
            self.app.notify(str(error), severity="error")
        self.action_load_model()
        if again is not None:
            await again()

    def _tell_fetching(self) -> None:
        downloads = [each for each in self._environment.library.downloads.all if each.state in ("running", "waiting")]
        more = f" +{len(downloads) - 1}" if len(downloads) > 1 else ""
        self.post_message(self.Fetching(f"↓ {int(downloads[0].share * 100)} %{more}" if downloads else ""))

    def _tell(self, state: ModelState, context_size: int | None = None) -> None:
        self.post_message(self.StateChanged(self, state, context_size))

    def _hint(self, text: str) -> None:
        self.post_message(self.Hint(self, text))
