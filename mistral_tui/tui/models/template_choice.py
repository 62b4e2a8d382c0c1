"""Which chat template a model without one of its own is to use."""

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
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.types.text import printable_line


class Choices(OptionList, inherit_bindings=False):
    """The rows of the choice."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("choice")


class TemplateChoice(Dialog[Path | None], inherit_bindings=False):
    """Asks for a chat template; closes with its file, or with `None`."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(self, model: str, files: dict[str, Path]) -> None:
        super().__init__()
        self._model = model
        self._files = files

    def compose(self) -> ComposeResult:
        """Lay out the question and the choices."""
        longest = max(map(len, self._files), default=0)
        with Vertical(classes="dialog", id="template-choice"):
            yield Static("chat template", classes="dialog-title", markup=False)
            yield Static(
                f"How should prompts for {printable_line(self._model)} be written? Models differ; its page says which "
                "template it was trained with. The choice is kept.",
                markup=False,
            )
            yield Choices(
                *(
                    Option(Content(f"{name:<{longest}}  ") + Content.styled(_first_line(path), "$text-muted"), id=name)
                    for name, path in self._files.items()
                ),
                markup=False,
            )
            yield KeyHint("enter chooses · esc leaves it as it is")

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self.dismiss(self._files[event.option_id])


def _first_line(path: Path) -> str:
    """What the comment at the top of a template says it is for."""
    try:
        line = path.read_text(encoding="utf-8").split("\n", 1)[0]
    except (OSError, UnicodeDecodeError):
        return ""
    return printable_line(line.strip("{}#- ")) if line.startswith("{#") else ""
