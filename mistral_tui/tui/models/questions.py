"""What the list of models asks: what to do away with, and which file to add."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mistral_tui.tui.actions import bindings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.field import Field
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.models.template_choice import Choices


class Question(Dialog[str | None], inherit_bindings=False):
    """Asks which of a few things to do; closes with its key, or with `None`.

    Args:
        title: What it is about.
        text: What there is to know.
        answers: Keys and words of what can be done; where none is marked, the first does nothing.
        marked: The key of the answer to begin on; without it the first.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(self, title: str, text: str, answers: Mapping[str, str | Content], marked: str | None = None) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._answers = answers
        self._marked = marked

    def compose(self) -> ComposeResult:
        """Lay out the question and the answers."""
        with Vertical(classes="dialog", id="question"):
            yield Static(self._title, classes="dialog-title", markup=False)
            yield Static(self._text, markup=False)
            yield Choices(*(Option(_content(words), id=key) for key, words in self._answers.items()), markup=False)
            yield KeyHint("enter chooses · esc leaves it as it is")

    def on_mount(self) -> None:
        """Begin on the answer that is marked."""
        if self._marked is not None:
            choices = self.query_one(Choices)
            choices.highlighted = choices.get_option_index(self._marked)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option_id)


class AddModel(Dialog[Path | None], inherit_bindings=False):
    """Asks for the path of a model file; closes with it, or with `None`."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("asking")]
    AUTO_FOCUS = "Field"

    def compose(self) -> ComposeResult:
        """Lay out the question and the line to type into."""
        with Vertical(classes="dialog", id="add-model"):
            yield Static("add a model", classes="dialog-title", markup=False)
            yield Static(
                "The path of a .gguf file; of a split model the first part. It stays where it is.", markup=False
            )
            yield Field("~/models/….gguf", id="add-model-path")
            yield KeyHint("enter adds it · esc leaves")

    def action_answer(self) -> None:
        """Close with what was typed."""
        text = self.query_one(Field).value.strip().strip("'\"")
        self.dismiss(Path(text).expanduser() if text else None)


def _content(words: str | Content) -> Content:
    return words if isinstance(words, Content) else Content(words)
