"""The app: composes the screen, and routes messages to it and to the workspace."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import ClassVar

from textual import events, on
from textual.app import App
from textual.binding import BindingType
from textual.command import Provider
from textual.css.query import NoMatches
from textual.driver import Driver
from textual.filter import LineFilter
from textual.notifications import SeverityLevel
from textual.screen import ModalScreen
from textual.worker import WorkerFailed

from mistral_tui.chat.model_library import ModelLibrary
from mistral_tui.chat.workspace import Workspace
from mistral_tui.models.downloads import Download
from mistral_tui.tui.actions import Action, bindings
from mistral_tui.tui.actions.keymap import textual_keymap
from mistral_tui.tui.chat.flush_gate import TURNS
from mistral_tui.tui.chat.pane import ChatPane
from mistral_tui.tui.context_menu import MenuWanted
from mistral_tui.tui.environment import Environment
from mistral_tui.tui.glyphs import ASCII, SILENT, Glyphs
from mistral_tui.tui.key_order import KeyOrder
from mistral_tui.tui.logs.lines import RecentLog
from mistral_tui.tui.main_screen import NOTICE_TIME, MainScreen
from mistral_tui.tui.media.graphics import NO_PICTURES
from mistral_tui.tui.models.starter import Starter
from mistral_tui.tui.pastes import keep_pastes_text
from mistral_tui.tui.settings import themes
from mistral_tui.tui.settings.colours import Colours
from mistral_tui.tui.terminal_keys import know_terminal_keys
from mistral_tui.tui.uncoloured import Uncoloured
from mistral_tui.tui.widths import settling
from mistral_tui.types.errors import ConfigError
from mistral_tui.types.text import printable_line

_log = logging.getLogger(__name__)
_MOST_NOTICES = 3
"""Toasts of the start: more would cover the screen."""


def _cause(error: BaseException | None) -> BaseException | None:
    """Return what a worker failed with; any other error is its own cause."""
    return error.error if isinstance(error, WorkerFailed) else error


def _terminal_driver() -> type[Driver] | None:
    if sys.platform == "win32":
        return None  # Textual's own
    from mistral_tui.tui.terminal_driver import TerminalDriver

    return TerminalDriver


def _commands() -> type[Provider]:
    from mistral_tui.tui.help.palette import Commands

    return Commands


class MistralApp(App[None], inherit_bindings=False):
    """The terminal interface."""

    TITLE = "mistral-tui"
    CSS_PATH: ClassVar[list[str | PurePath]] = [
        "app.tcss",
        "dialogs.tcss",
        "settings/settings.tcss",
        "settings/terminal.tcss",
        "chat/chat.tcss",
        "prompt/prompt.tcss",
        "panes/panes.tcss",
        "compare/compare.tcss",
        "sessions/sessions.tcss",
        "help/help.tcss",
        "models/models.tcss",
        "metrics/metrics.tcss",
        "logs/logs.tcss",
        "tools/tools.tcss",
    ]
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands}
    NOTIFICATION_TIMEOUT = 8
    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-tall")]

    def __init__(
        self,
        workspace: Workspace,
        *,
        theme: str | None = None,
        notices: tuple[str, ...] = (),
        starter: Starter | None = None,
        own_themes: Path | None = None,
        own_templates: Path | None = None,
        vim_keys: bool = False,
        library: ModelLibrary | None = None,
        ascii_only: bool = False,
        screen_reader: bool = False,
        notifications: bool = True,
        painted: Callable[[], None] = lambda: None,
        on_terminal: bool = False,
    ) -> None:
        """Make the app.

        Args:
            workspace: What it drives; the app closes it when it ends.
            theme: Name of the theme; `None`: what suits the terminal.
            notices: What the person should know once, one line each.
            starter: The model to offer where there is none.
            own_themes: The person's folder of themes.
            own_templates: The person's folder of chat templates.
            vim_keys: Whether prompts are written with the keys of vi.
            library: The models to choose from; `None`: those of the workspace, and nothing can be fetched.
            ascii_only: Whether the terminal lacks our signs.
            screen_reader: Whether the screen is listened to rather than looked at.
            notifications: Whether the terminal is told when a long reply ends out of sight.
            painted: Called once the screen is there.
            on_terminal: Whether signals end it and let it rest.
        """
        super().__init__(driver_class=_terminal_driver() if on_terminal else None)
        self.driver_class = settling(self.driver_class)
        know_terminal_keys()
        keep_pastes_text()
        self.animation_level = "none"
        self.workspace = workspace
        self._library = library or ModelLibrary(workspace)
        self._environment = Environment(workspace, self._library, starter, own_themes, own_templates, vim_keys=vim_keys)
        self._notices = notices
        self.set_keymap(textual_keymap())
        tables = [table for table, wanted in ((SILENT, screen_reader), (ASCII, ascii_only)) if wanted]
        self._signs: tuple[LineFilter, ...] = tuple(map(Glyphs, tables))
        self.set_class(screen_reader, "-screen-reader")
        self._notifications_wanted = notifications
        self._painted = painted
        self._recent_log = RecentLog()
        self._key_order = KeyOrder(self)
        self._colours = Colours(self, own_themes)
        self._use_theme(self._usual_theme if theme is None or self.no_color else theme)
        self.set_class(screen_reader or ascii_only or self.theme == themes.FEW_COLOURS, NO_PICTURES)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return variables of the style sheets that Textual's own themes do not name."""
        return themes.missing_variables(self.current_theme)

    def refresh_css(self, animate: bool = True) -> None:
        """Apply the style sheets with the variables of the theme; until there is a screen, nothing has been drawn."""
        if self.screen_stack:
            super().refresh_css(animate)
        else:
            self.stylesheet.set_variables(self.get_css_variables())

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what everything that is drawn goes through: without colours, or with other signs, if need be."""
        return (Uncoloured(), *self._signs) if self.no_color else (*super().get_line_filters(), *self._signs)

    def get_default_screen(self) -> MainScreen:
        """Return the screen that is always there."""
        return MainScreen(self._environment)

    async def on_event(self, event: events.Event) -> None:
        """Take what comes from the terminal."""
        if isinstance(event, events.Key) and event.key.startswith("alt+"):
            # Of letters beyond ASCII Textual keeps the letter as text: it would be typed.
            event.character = None
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            TURNS.key_came()
            await self._key_order.settle()
            self._key_order.follow(event)
        await super().on_event(event)

    def on_click(self, event: events.Click) -> None:
        """A click beside a dialog closes it."""
        if isinstance(self.screen, ModalScreen) and event.widget is self.screen:
            self.simulate_key("escape")

    @on(MenuWanted)
    async def _menu_wanted(self, event: MenuWanted) -> None:
        from mistral_tui.tui.context_menu import ContextMenu

        await self.push_screen(ContextMenu(event.name, event.at), self._do_chosen)

    async def _do_chosen(self, action: Action | None) -> None:
        if action is not None:
            await self.run_action(action.binding_call, self.focused or self.screen)

    def on_mount(self) -> None:
        """Begin with what can wait until the screen is painted."""
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._painted()
        self.workspace.listen(self.notify)
        self._library.downloads.subscribe(self._tell_of_download)
        self._colours.follow()
        self._recent_log.attach()
        self.workspace.servers.start()
        for notice in self._notices:
            _log.warning("%s", notice)
        shown = self._notices if len(self._notices) <= _MOST_NOTICES else self._notices[: _MOST_NOTICES - 1]
        for notice in shown:
            self.notify(notice, severity="warning", timeout=NOTICE_TIME)
        if more := len(self._notices) - len(shown):
            self.notify(
                f"{more} more things to know stand in the log of this program (/logs)",
                severity="warning",
                timeout=NOTICE_TIME,
            )

    def _tell_of_download(self, download: Download) -> None:
        name = download.entry.name
        if download.state == "done":
            self.notify(f"{name} is here; /model {name} lets it answer")
        elif download.state == "failed":
            self.notify(f"{name} was not fetched: {download.error}", severity="error")

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
        """Stop replies and downloads, save, unload."""
        await self._library.close()
        await self.workspace.close()

    @property
    def fault(self) -> BaseException | None:
        """What ended the program against its will."""
        return _cause(self._exception)

    def _handle_exception(self, error: Exception) -> None:
        if self._exit and isinstance(_cause(error), NoMatches):
            # Textual takes the widgets away before all that works for them has ended.
            _log.info("looked for at the end, and gone: %s", error)
            return
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """End in order, without Textual's page of source code: who runs the app tells the person in one line."""
        _log.error("the interface failed", exc_info=self.fault)
        self._close_messages_no_wait()

    @property
    def pane(self) -> ChatPane:
        """The chat in view."""
        screen = self.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen.pane

    # The program

    def action_help(self) -> None:
        """Show all keys."""
        from mistral_tui.tui.help.screen import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen())

    def action_settings(self) -> None:
        """Show all settings, to be changed."""
        from mistral_tui.tui.settings.fields import FieldsScreen
        from mistral_tui.tui.settings.settings_fields import SettingsFields

        if not isinstance(self.screen, FieldsScreen):
            file, test = self._environment.paths.settings_file, self._library.test_endpoint
            self.push_screen(FieldsScreen(SettingsFields(file, self._setting_saved, test)))

    def action_suspend(self) -> None:
        """Give the terminal to the shell for a while; models go on with what they write."""
        if sys.platform != "win32" and self._driver is not None and self._driver.can_suspend:
            from mistral_tui.tui.terminal_driver import is_job

            if is_job():
                os.killpg(0, signal.SIGTSTP)  # all of it: the shell waits for whoever started us, `make` perhaps
                return
        self.notify("no shell started this program, so there is none to go to")

    def action_logs(self) -> None:
        """Show the logs of the models' workers and of this program."""
        from mistral_tui.tui.logs.screen import LogScreen

        if not isinstance(self.screen, LogScreen):
            self.push_screen(LogScreen(self._environment.paths.logs, self._recent_log))

    @on(MainScreen.LongReplyEnded)
    def _long_reply_ended(self, event: MainScreen.LongReplyEnded) -> None:
        if self._notifications_wanted and self._driver is not None:
            # OSC 9: a notice of the desktop, in terminals that know it; the bell is for all others.
            self._driver.write(f"\x1b]9;{printable_line(event.text)}\x07")
            self.bell()

    def action_theme(self) -> None:
        """Choose other colours."""
        from mistral_tui.tui.settings.theme_choice import ThemeChoice

        if self.no_color:
            self.notify("NO_COLOR is set: there are no colours to choose")
        elif not isinstance(self.screen, ThemeChoice):
            self.push_screen(ThemeChoice(self._colours, self.theme), self._theme_chosen)

    async def _theme_chosen(self, name: str | None) -> None:
        from mistral_tui.config.settings_edits import save_setting

        if name is None:
            return
        try:
            await asyncio.to_thread(save_setting, self._environment.paths.settings_file, "theme", name)
        except ConfigError as error:
            self.notify(f"these colours are used now, but not kept: {error}", severity="warning")

    def _setting_saved(self, name: str, value: object) -> str:
        """A setting is in the file now; return when it counts."""
        if name == "endpoints":
            self._library.forget_endpoints()
            return "it counts at once"
        if name != "theme":
            return "it counts from the next start"
        if not self.no_color:
            self._use_theme(str(value or self._usual_theme))
        return "it counts at once"

    @property
    def _usual_theme(self) -> str:
        few = self.no_color or self.console.color_system in (None, "standard", "windows")
        return themes.FEW_COLOURS if few else themes.DEFAULT

    def _use_theme(self, name: str) -> None:
        if problem := self._colours.use(name):
            if self.is_running:
                self.notify(problem, severity="warning")
            else:
                self._notices += (problem,)
