"""The command palette, fed by the registry of actions."""

from collections.abc import Awaitable, Callable
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from mistral_tui.tui.actions import ACTIONS, Action, key_label
from mistral_tui.tui.main_screen import MainScreen


class Commands(Provider):
    """Finds actions by their titles."""

    async def discover(self) -> Hits:
        """Yield all actions, for an empty search."""
        for action in ACTIONS:
            if action.palette:
                yield DiscoveryHit(_named(action), self._call(action), text=action.title)

    async def search(self, query: str) -> Hits:
        """Yield the actions that match."""
        matcher = self.matcher(query)
        for action in ACTIONS:
            if action.palette and (score := matcher.match(_named(action))) > 0:
                yield Hit(score, matcher.highlight(_named(action)), self._call(action), text=action.title)

    def _call(self, action: Action) -> Callable[[], Awaitable[object]]:
        if action.argument is not None and action.slash:
            return partial(self._begin_command, f"/{action.slash[0]} ")
        return partial(self.app.run_action, action.binding_call, self.screen)

    async def _begin_command(self, text: str) -> None:
        """Put a command into the prompt, which says what may follow."""
        screen = self.screen
        if isinstance(screen, MainScreen):
            screen.pane.prompt.text = text
            screen.pane.prompt.move_cursor(screen.pane.prompt.document.end)
            screen.pane.prompt.focus()


def _named(action: Action) -> str:
    how = key_label(action.keys[0]) if action.keys else f"/{action.slash[0]}"
    return f"{action.title}  {how}{f' {action.argument.hint}' if action.argument else ''}"
