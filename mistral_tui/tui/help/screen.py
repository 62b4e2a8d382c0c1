"""The help screen: every action with its keys, made from the registry."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from mistral_tui.tui.actions import ACTIONS, bindings, key_labels

_NOTE = (
    "Select text with the mouse and press ctrl+c to copy it. To use the terminal's own selection instead, hold shift "
    "while you drag (option in iTerm2, fn in macOS Terminal)."
)


def help_content() -> Content:
    """Return all actions, under the name of their group."""
    lines: list[Content] = []
    width = max(len(key_labels(action)) for action in ACTIONS)
    for group in dict.fromkeys(action.group for action in ACTIONS):
        lines += (
            [Content(""), Content.styled(group.lower(), "$text-muted")]
            if lines
            else [Content.styled(group.lower(), "$text-muted")]
        )
        for action in ACTIONS:
            if action.group == group:
                slash = "".join(f"  /{name}" for name in action.slash)
                lines.append(
                    Content.assemble(
                        (f"{key_labels(action):<{width}}  ", "$accent"), action.title, (slash, "$text-muted")
                    )
                )
    return Content("\n").join(lines)


class HelpScreen(ModalScreen[None], inherit_bindings=False):
    """Lists what can be done."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("reader")]

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical(classes="dialog", id="help"):
            yield Static("help", classes="dialog-title", markup=False)
            with VerticalScroll(id="help-text"):
                yield Static(help_content(), id="help-keys")
                yield Static(_NOTE, id="help-note", markup=False)
            yield Static("esc closes · ↑↓ scroll", classes="dialog-hint", markup=False)

    def action_scroll(self, rows: int) -> None:
        """Scroll the text."""
        self.query_one("#help-text").scroll_relative(y=rows, animate=False)
