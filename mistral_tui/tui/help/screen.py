"""The help screen: every action with its keys, made from the registry."""

from itertools import zip_longest
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from mistral_tui.tui.actions import ACTIONS, Action, bindings, key_label, key_labels
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.field import Field
from mistral_tui.tui.key_hint import KeyHint

_NOTE = (
    "Select text with the mouse and press ctrl+c to copy it. To use the terminal's own selection instead, hold shift "
    "while you drag (option in iTerm2, fn in macOS Terminal)."
)


_KEYS = 20
"""Cells of the column of keys, in which many of them take several lines."""


def help_content(searched: str = "", cells: int = 200) -> Content:
    """Return all actions, under the name of their group; or those that have all words that are searched for.

    Args:
        searched: The words.
        cells: How wide a line may be; what an action does is wrapped beside its keys.
    """
    words = searched.lower().split()
    blocks: list[Content] = []
    for group in dict.fromkeys(action.group for action in ACTIONS):
        found = [each for each in ACTIONS if each.group == group and all(word in _searchable(each) for word in words)]
        if found:
            heading = Content.styled(group.lower(), "$text-muted")
            blocks.append(Content("\n").join([heading, *(_line(each, cells) for each in found)]))
    return Content("\n\n").join(blocks) if blocks else Content("nothing is called like that")


def _line(action: Action, cells: int) -> Content:
    hint = f" {action.argument.hint}" if action.argument else ""
    slash = "".join(f"  /{name}" for name in action.slash) + hint
    text = Content.assemble(action.title, (slash, "$text-muted"))
    keys = [Content.styled(line, "$accent") for line in _key_lines(action)]
    lines = zip_longest(keys, text.wrap(max(12, cells - _KEYS - 2)), fillvalue=Content(""))
    return Content("\n").join(left.pad_right(_KEYS + 2 - left.cell_length) + right for left, right in lines)


def _key_lines(action: Action) -> list[str]:
    lines: list[str] = []
    for label in map(key_label, action.keys):
        if lines and len(f"{lines[-1]}, {label}") <= _KEYS:
            lines[-1] += f", {label}"
        else:
            lines.append(label)
    return lines


def _searchable(action: Action) -> str:
    slash = " ".join(f"/{name}" for name in action.slash)
    return f"{key_labels(action)} {action.title} {slash} {action.group}".lower()


class HelpScreen(Dialog[None], inherit_bindings=False):
    """Lists what can be done."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("reader")]
    AUTO_FOCUS = "#help-search"

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical(classes="dialog", id="help"):
            yield Static("help", classes="dialog-title", markup=False)
            yield Field("type to search", id="help-search")
            with VerticalScroll(id="help-text", can_focus=False):
                yield Static(help_content(), id="help-keys")
                yield Static(_NOTE, id="help-note", markup=False)
            yield KeyHint("esc closes · ↑↓ scroll")

    def on_resize(self) -> None:
        """Wrap the lines anew."""
        self.call_after_refresh(self._show, self.query_one("#help-search", Field).value)

    @on(Input.Changed)
    def _searched(self, event: Input.Changed) -> None:
        event.stop()
        self._show(event.value)
        self.query_one("#help-note").display = not event.value
        self.query_one("#help-text").scroll_home(animate=False)

    def _show(self, searched: str) -> None:
        cells = self.query_one("#help-text").scrollable_content_region.width
        self.query_one("#help-keys", Static).update(help_content(searched, cells))

    def action_scroll(self, rows: int) -> None:
        """Scroll the text."""
        self.query_one("#help-text").scroll_relative(y=rows, animate=False)
