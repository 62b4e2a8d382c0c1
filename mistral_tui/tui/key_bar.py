"""The footer: the five keys that matter here."""

from textual.app import RenderResult
from textual.content import Content
from textual.style import Style
from textual.widget import Widget

from mistral_tui.tui.actions import FOOTERS, action, key_label


class KeyBar(Widget):
    """One dim line of keys; a click does what the key does."""

    DEFAULT_CSS = """
    KeyBar {
        height: 1; width: 1fr; padding: 0 1; color: $text-disabled;
        link-style: none; link-color: $text-muted;
        link-style-hover: none; link-color-hover: $accent; link-background-hover: $background;
    }
    """

    def __init__(self, id: str | None = None, situation: str = "idle") -> None:
        super().__init__(id=id)
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
            style = Style.parse("$text-muted")
            if what.binding_call.startswith(("app.", "screen.")):
                style += Style.from_meta({"@click": what.binding_call})
            piece = Content.assemble((key_label(what.keys[0]), style), f" {what.short}")
            room -= piece.cell_length + 3
            if room + 3 < 0:
                break
            pieces.append(piece)
        return Content("   ").join(pieces)
