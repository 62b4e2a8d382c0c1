"""The command palette, fed by the registry of actions."""

from collections.abc import Awaitable, Callable
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from mistral_tui.tui.actions import ACTIONS, Action, key_label


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

    def _call(self, action: Action) -> Callable[[], Awaitable[bool]]:
        return partial(self.app.run_action, action.binding_call, self.screen)


def _named(action: Action) -> str:
    return f"{action.title}  {key_label(action.keys[0])}" if action.keys else f"{action.title}  /{action.slash[0]}"
