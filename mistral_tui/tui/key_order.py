"""Keys in their order: what is typed quickly goes where the key before it has led, not where that one came from.

Every widget takes messages at its own pace, and a key that nobody near the focus wants wanders up to the screen
before it does something. Without this, `ctrl+s v` and a sentence from one paste, or from quick hands on a busy
machine, would leave half of the sentence in the old pane.
"""

import asyncio
import contextlib

from textual import events
from textual.app import App
from textual.message_pump import MessagePump

PATIENCE = 0.5
"""Seconds that a key waits at most: whatever hangs, it can be stopped by keys."""
_ROUNDS = 3
"""A key may lead up the tree, what it does begin below again, and end above."""


class KeyOrder:
    """Knows where the last key went, and waits until all that it led to is done."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._way: list[MessagePump] = []
        """The widgets that the last key wandered through, from the focused one up to the screen."""

    async def settle(self) -> None:
        """Wait until what the last key led to is done; a screen that it opened is there then, with its focus."""
        if not self._way:
            return
        before, self._way = self._way, []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                for _ in range(_ROUNDS):
                    for pump in dict.fromkeys([*before, *self._way_up()]):
                        await _caught_up(pump)

    def follow(self, event: events.Key | events.Paste) -> None:
        """A key goes to the focus; one that is dealt with there leads nowhere."""
        focused = self._app.focused
        stays = isinstance(event, events.Paste) or (
            focused is not None and focused.check_consume_key(event.key, event.character)
        )
        if not stays:
            self._way = self._way_up()

    def _way_up(self) -> list[MessagePump]:
        node = self._app.focused or self._app.screen
        return [pump for pump in node.ancestors_with_self if pump is not self._app]


async def _caught_up(pump: MessagePump) -> None:
    """Wait until all messages that a widget has now are dealt with."""
    done = asyncio.Event()
    if pump.call_later(done.set):
        await done.wait()
