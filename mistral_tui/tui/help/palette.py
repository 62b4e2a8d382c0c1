"""The command palette, fed by the registry of actions."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from mistral_tui.tui.actions import ACTIONS, Action, key_label
from mistral_tui.tui.main_screen import MainScreen

_TITLE_WIDTH: Final = 45
"""Cells of the titles; the keys stand in a column of their own."""


class Commands(Provider):
    """Finds actions by their titles and commands."""

    async def discover(self) -> Hits:
        """Yield all actions, for an empty search."""
        for action in ACTIONS:
            if action.palette:
                yield DiscoveryHit(_named(action), self._call(action), text=action.title)

    async def search(self, query: str) -> Hits:
        """Yield the actions that match."""
        matcher = self.matcher(query)
        for action in ACTIONS:
            named = _named(action)
            score, offsets = matcher.fuzzy_search.match(query, named.plain)
            if action.palette and score > 0:
                for offset in offsets:
                    named = named.stylize(matcher.match_style, offset, offset + 1)
                yield Hit(score + _is_command(action, query), named, self._call(action), text=action.title)

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


def _is_command(action: Action, query: str) -> bool:
    """Return whether this is how the command is typed, which goes before all that is only alike."""
    return query.strip().lower().lstrip("/\\") in action.slash


def _named(action: Action) -> Content:
    return Content.assemble(f"{action.title:{_TITLE_WIDTH}}  ", (_how(action), "$text-disabled"))


def _how(action: Action) -> str:
    """Return how it is done without the palette, from the prompt; many keys are those of a list or of a message."""
    if action.keys and action.where not in ("sessions", "message"):
        return key_label(action.keys[0])
    if action.slash:
        return f"/{action.slash[0]}{f' {action.argument.hint}' if action.argument else ''}"
    messages = next(each for each in ACTIONS if each.id == "messages")
    return f"{key_label(messages.keys[0])} {key_label(action.keys[0])}"
