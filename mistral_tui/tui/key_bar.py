"""The footer: the five keys that matter here."""

from textual.app import RenderResult
from textual.content import Content

from mistral_tui.tui.actions import FOOTERS, action, key_label
from mistral_tui.tui.clickable import Clickable


class KeyBar(Clickable):
    """One dim line of keys; a click does what the key does."""

    DEFAULT_CSS = "KeyBar { height: 1; width: 1fr; padding: 0 1; color: $text-disabled; }"

    def __init__(self, id: str | None = None, situation: str = "idle") -> None:
        # A click here leaves what is selected: it is to be copied.
        super().__init__(id=id, classes="-textual-system")
        self._situation = situation

    def show(self, context: str) -> None:
        """Show the keys for what is going on: a key of `FOOTERS`."""
        if context != self._situation:
            self._situation = context
            self.refresh()

    def render(self) -> RenderResult:
        """Return as many of the keys as fit."""
        room = self.size.width
        pieces: list[Content] = []
        for where, name in FOOTERS[self._situation]:
            what = action(where, name)
            if not what.keys:
                continue
            piece = Content.assemble((key_label(what.keys[0]), "$text-muted"), f" {what.short}")
            room -= piece.cell_length + 3
            if room + 3 < 0:
                break
            pieces.append(self.link_to(what, piece))
        return Content("   ").join(pieces)
