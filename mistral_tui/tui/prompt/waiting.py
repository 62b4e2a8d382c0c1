"""The prompts that wait for a reply to end."""

from collections.abc import Sequence

from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from mistral_tui.types.text import printable_line

_ROWS = 3


class WaitingPrompts(Widget):
    """A dim line for each, above the prompt."""

    DEFAULT_CSS = "WaitingPrompts { height: auto; width: 1fr; padding: 0 1; display: none; color: $text-muted; }"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.texts: tuple[str, ...] = ()

    def show(self, texts: Sequence[str]) -> None:
        """Show these prompts, the next one first."""
        if tuple(texts) != self.texts:
            self.texts = tuple(texts)
            self.display = bool(texts)
            self.refresh(layout=True)

    def render(self) -> RenderResult:
        """Return the first of them, and how many there are."""
        if not self.texts:  # drawn once more before the layout without it
            return ""
        width = max(10, self.size.width)
        rows = [
            Content.assemble(("◷ ", "$text-muted"), printable_line(text) or "(files)").truncate(width, ellipsis=True)
            for text in self.texts[:_ROWS]
        ]
        more = len(self.texts) - _ROWS
        rows[-1] += Content.styled(f"  and {more} more" if more > 0 else "  · ↑ takes it back", "$text-disabled")
        return Content("\n").join(row.truncate(width, ellipsis=True) for row in rows)
