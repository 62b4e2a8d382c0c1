"""The app: composes the screen, and routes messages to it and to the workspace."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import App
from textual.binding import BindingType
from textual.command import Provider
from textual.notifications import SeverityLevel

from mistral_tui.chat.workspace import Workspace
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.chat.pane import ChatPane
from mistral_tui.tui.chat.welcome import ModelState
from mistral_tui.tui.main_screen import NOTICE_TIME, MainScreen
from mistral_tui.tui.models.getting import Fetched, Progress, Ready, Unusable, fetch_starter, load_model
from mistral_tui.tui.models.loading import describe
from mistral_tui.tui.models.starter import Starter
from mistral_tui.tui.settings import themes
from mistral_tui.types.errors import ConfigError, MistralTuiError, NoChatTemplate
from mistral_tui.types.text import printable_line

_FETCH = "fetch"


def _commands() -> type[Provider]:
    from mistral_tui.tui.help.palette import Commands

    return Commands


class MistralApp(App[None], inherit_bindings=False):
    """The terminal interface."""

    TITLE = "mistral-tui"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands}
    NOTIFICATION_TIMEOUT = 8

    def __init__(
        self,
        workspace: Workspace,
        *,
        theme: str = themes.DEFAULT,
        notices: tuple[str, ...] = (),
        starter: Starter | None = None,
        own_themes: Path | None = None,
        own_templates: Path | None = None,
    ) -> None:
        """Make the app.

        Args:
            workspace: What it drives; the app closes it when it ends.
            theme: Name of the theme.
            notices: What the person should know once, one line each.
            starter: The model to offer where there is none.
            own_themes: The person's folder of themes.
            own_templates: The person's folder of chat templates.
        """
        super().__init__()
        self.animation_level = "none"
        self.workspace = workspace
        self._notices = notices
        self._starter = starter
        self._own_themes = own_themes
        self._own_templates = own_templates
        self._last_try = self.action_load_model
        self._use_theme(theme)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return variables of the style sheets that Textual's own themes do not name."""
        return themes.missing_variables(self.current_theme)

    def get_default_screen(self) -> MainScreen:
        """Return the screen that is always there."""
        return MainScreen(self.workspace)

    def on_mount(self) -> None:
        """Begin with what can wait until the screen is painted."""
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.workspace.listen(self.notify)
        for notice in self._notices:
            self.notify(notice, severity="warning", timeout=NOTICE_TIME)
        self.action_load_model()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a toast. Its text may come from anywhere: it is one harmless line, and never markup."""
        super().notify(printable_line(message), title=title, severity=severity, timeout=timeout, markup=False)

    async def on_unmount(self) -> None:
        """Stop replies, save, unload."""
        await self.workspace.close()

    @property
    def pane(self) -> ChatPane:
        """The chat in view."""
        return self.screen_stack[0].query_one(ChatPane)

    # The model

    @on(MainScreen.ModelWanted)
    def _try_again(self) -> None:
        self._last_try()

    def action_load_model(self) -> None:
        """Load the chosen model, or offer one where there is none."""
        self._last_try = self.action_load_model
        entry = self.workspace.entry
        if entry is None:
            self.pane.show_model(self._offer())
        else:
            self.run_worker(load_model(self.workspace, entry, self.post_message), group="load", exclusive=True)

    def action_choose_loras(self) -> None:
        """Ask which LoRAs the chat in view is to use."""
        from mistral_tui.tui.models.lora_choice import LoraChoice

        chat = self.pane.chat
        usual = self.workspace.adapters
        chosen = usual if chat.request.adapters is None else chat.request.adapters
        known = tuple(dict.fromkeys((*usual, *chosen)))
        if known:
            self.push_screen(LoraChoice(known, chosen, chat.use_adapters))
        else:
            self.pane.status.hint("no LoRA is known; name some with --lora, or as adapters in the inventory")

    async def action_unload_model(self) -> None:
        """Free the memory that the model takes, until the next prompt."""
        try:
            await self.workspace.unload()
        except MistralTuiError as error:
            self.notify(str(error), severity="warning")
        else:
            self.notify("the model is unloaded; the next prompt loads it again")

    def _offer(self) -> ModelState:
        starter = self._starter
        return ModelState(offer=f"{starter.entry.name} ({describe(starter.entry)})" if starter else "")

    def action_fetch_starter(self) -> None:
        """Fetch the starter model and load it."""
        if self.workspace.entry is not None:
            self.pane.status.hint("the starter is for where there is no other model")
        elif self._starter is None:
            self.pane.status.hint("the inventory names no starter model")
        elif not self._fetching:
            self._last_try = self.action_fetch_starter
            self.run_worker(fetch_starter(self._starter, self.post_message), group=_FETCH, exclusive=True)

    @property
    def _fetching(self) -> bool:
        return any(worker.group == _FETCH and not worker.is_finished for worker in self.workers)

    @on(MainScreen.FetchStopped)
    def _stop_fetching(self) -> None:
        if self.workers.cancel_group(self, _FETCH):
            self.pane.show_model(self._offer())

    @on(Fetched)
    def _starter_fetched(self, event: Fetched) -> None:
        self.workspace.entry = event.entry
        self.action_load_model()

    @on(Progress)
    def _model_progress(self, event: Progress) -> None:
        self.pane.show_model(event.state)

    @on(Ready)
    def _model_ready(self, event: Ready) -> None:
        entry = self.workspace.entry
        detail = " · ".join(filter(None, [describe(entry) if entry else "", event.model.device]))
        self.pane.show_model(
            ModelState(event.model.name, detail, senses=event.model.sees or event.model.hears), event.model.n_ctx
        )
        for notice in event.model.notices:
            self.notify(notice, severity="warning")

    @on(Unusable)
    def _model_unusable(self, event: Unusable) -> None:
        entry = self.workspace.entry
        name = entry.name if entry else self._starter.entry.name if self._starter else ""
        self.pane.show_model(ModelState(name, error=str(event.error)))
        self._after_failure(event.error)

    @on(ChatPane.ModelFailed)
    def _model_failed(self, event: ChatPane.ModelFailed) -> None:
        if isinstance(event.error, NoChatTemplate):
            self.action_choose_template()
        elif self.workspace.entry is None and (offer := self._offer().offer) and not self._fetching:
            # The prompt is being put back into its box; a hint ends when that changes.
            self.call_after_refresh(self.pane.status.hint, f"f5 fetches {offer}")

    def _after_failure(self, error: MistralTuiError) -> None:
        if isinstance(error, NoChatTemplate):
            self.action_choose_template()
        elif len(self.pane.chat.conversation):
            # An empty chat says it in its middle.
            self.notify(str(error), severity="error")

    def action_choose_template(self) -> None:
        """Ask which chat template the model is to use."""
        from mistral_tui.models.template_files import templates
        from mistral_tui.tui.models.template_choice import TemplateChoice

        entry = self.workspace.entry
        if entry is None:
            self.pane.status.hint("there is no model to choose a chat template for")
        # A load and a prompt that waits for it may ask at once.
        elif not isinstance(self.screen, TemplateChoice):
            self.push_screen(TemplateChoice(entry.name, templates(self._own_templates)), self._template_chosen)

    async def _template_chosen(self, file: Path | None) -> None:
        from mistral_tui.models.template_files import read_template

        if file is None:
            return
        try:
            template = await asyncio.to_thread(read_template, file)
            await self.workspace.choose_chat_template(template)
        except MistralTuiError as error:
            self.notify(str(error), severity="error")
        self.action_load_model()

    # The program

    def action_help(self) -> None:
        """Show all keys."""
        from mistral_tui.tui.help.screen import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen())

    def action_theme(self) -> None:
        """Choose other colours."""
        for path in themes.theme_files(self._own_themes):
            try:
                self.register_theme(themes.read_theme(path))
            except ConfigError as error:
                self.notify(str(error), severity="warning")
        self.search_themes()

    def _use_theme(self, name: str) -> None:
        if name in self.available_themes:
            self.theme = name
            return
        try:
            theme = themes.read_theme(themes.find_theme(name, self._own_themes))
        except ConfigError as error:
            self._notices += (str(error),)
            theme = themes.read_theme(themes.find_theme(themes.DEFAULT))
        self.register_theme(theme)
        self.theme = theme.name
