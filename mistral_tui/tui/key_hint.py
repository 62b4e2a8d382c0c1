"""A line that says which keys do what; a click on one does what the key does."""

import re
from typing import Final

from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from mistral_tui.tui.actions import key_named

_KEY: Final = re.compile(r"((?:ctrl|alt|shift)\+\w+|esc|enter|space|tab|delete|f\d+)\b")


class KeyHint(Static):
    """What stands at the foot of a dialog."""

    DEFAULT_CSS = """
    KeyHint {
        link-style: none; link-color: $text-disabled; link-background-hover: $surface;
        link-style-hover: none; link-color-hover: $accent;
    }
    """
    ALLOW_SELECT = False

    def __init__(self, text: str = "", id: str | None = None) -> None:
        super().__init__(_clickable(text), id=id, classes="dialog-hint", markup=False)

    def say(self, text: str | Content) -> None:
        """Say something else; what is not a plain text has no keys in it."""
        self.update(_clickable(text) if isinstance(text, str) else text)

    def action_press(self, key: str) -> None:
        """Do what a key does, where the person is."""
        self.app.simulate_key(key)


def _clickable(text: str) -> Content:
    pieces = []
    for piece in text.split(" · "):
        key = _KEY.match(piece)
        click = Style.from_meta({"@click": f"press({key_named(key[1])!r})"}) if key else ""
        pieces.append(Content(piece).stylize(click))
    return Content(" · ").join(pieces)
