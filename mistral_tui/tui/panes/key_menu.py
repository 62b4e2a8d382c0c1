"""The keys that may follow the first key of a chord: listed at the foot of the screen until one is pressed."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from mistral_tui.tui.actions import ACTIONS, Action, bindings, key_label
from mistral_tui.tui.dialog import Dialog

_COLUMN = 19


class KeyMenu(Dialog[None], inherit_bindings=False):
    """Takes one key; those that move something may be pressed again and again.

    Args:
        run: Does what an action calls.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(self, run: Callable[[Action], Awaitable[object]]) -> None:
        super().__init__()
        self._run = run

    def compose(self) -> ComposeResult:
        """List the keys."""
        yield Static(id="key-menu", markup=False)

    def on_resize(self) -> None:
        """Lay the keys out in as many columns as there is room for."""
        self.query_one("#key-menu", Static).update(key_columns(self.size.width - 2))

    async def on_key(self, event: events.Key) -> None:
        """Do what the key stands for; one that stands for nothing closes the list."""
        if event.key in ("escape", "ctrl+c"):
            return
        event.stop()
        if not self.is_active:
            # What is typed before the list is gone is not meant for it.
            self.app.post_message(events.Key(event.key, event.character))
            return
        action = _by_key().get(event.key)
        stays = action is not None and action.id.startswith("resize_")
        if not stays:
            self.dismiss(None)
        if action is not None:
            await self._run(action)


def _by_key() -> dict[str, Action]:
    """Return what keys stand for; the person may have keys of their own."""
    return {
        chord.split(" ")[1]: action
        for action in ACTIONS
        if action.where == "panes"
        for chord in action.keys
        if " " in chord
    }


def key_columns(width: int) -> Content:
    """Return the keys with what they do, in columns; keys that do alike stand together."""
    alike: dict[str, list[str]] = {}
    for key, action in _by_key().items():
        if not key.isdigit() and not (action.id.startswith("focus_") and len(key) > 1):
            alike.setdefault(action.short, []).append(key_label(key))
    alike["tab"] = ["1", "…", "9"]
    cells = [
        Content.assemble((" ".join(keys).replace("1 … 9", "1…9"), "$accent"), (f" {what}", "$text-muted"))
        for what, keys in alike.items()
    ]
    columns = max(1, min(len(cells), width // _COLUMN))
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    return Content("\n").join(
        [Content("").join([cell.pad_right(_COLUMN - cell.cell_length) for cell in row]) for row in rows]
    )
