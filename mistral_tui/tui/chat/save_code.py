"""Where to save a code block."""

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from mistral_tui.chat.code_blocks import CodeBlock, FileThere, file_name, save_text
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.field import Field
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.models.template_choice import Choices
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.text import printable_line

_HINT = "↑↓ chooses a block · enter saves it · esc leaves it"
_ONE_HINT = "enter saves · esc leaves it"


class SaveCode(Dialog[Path | None], inherit_bindings=False):
    """Asks for the name of a file; closes with where the block was saved, or with `None`."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("choice")]
    AUTO_FOCUS = "Field"

    def __init__(self, blocks: list[CodeBlock]) -> None:
        super().__init__()
        self._blocks = blocks
        self._number = 0
        self._there = ""
        """A name that is taken: the same once more overwrites it."""

    def compose(self) -> ComposeResult:
        """Lay out the question, and the blocks if there are several."""
        with Vertical(classes="dialog", id="save-code"):
            yield Static("save code", classes="dialog-title", markup=False)
            yield Field()
            if len(self._blocks) > 1:
                yield Choices(
                    *(Option(_words(number, each)) for number, each in enumerate(self._blocks, 1)), markup=False
                )
            yield KeyHint(self._hint)

    def on_mount(self) -> None:
        """Suggest a name."""
        self.query_one(Field).value = file_name(self._blocks[0], 1)

    @property
    def _hint(self) -> str:
        return _HINT if len(self._blocks) > 1 else _ONE_HINT

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        name = self.query_one(Field)
        suggested = file_name(self._blocks[self._number], self._number + 1)
        self._number = event.option_index
        if name.value == suggested:
            name.value = file_name(self._blocks[self._number], self._number + 1)

    def action_select(self) -> None:
        """Save the block; a name that is taken wants to be said twice."""
        name = self.query_one(Field).value
        try:
            path = save_text(name, self._blocks[self._number].code, overwrite=name == self._there)
        except FileThere as error:
            self._there = name
            self._say(f"{error}: enter overwrites it, or choose another name")
        except InvalidRequest as error:
            self._say(str(error))
        else:
            self.dismiss(path)

    def action_cursor_up(self) -> None:
        """Choose the block above."""
        for choices in self.query(Choices):
            choices.action_cursor_up()

    def action_cursor_down(self) -> None:
        """Choose the block below."""
        for choices in self.query(Choices):
            choices.action_cursor_down()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != self._there:
            self._there = ""
            self._say(self._hint)

    def _say(self, text: str) -> None:
        style = "" if text == self._hint else "$text-warning"
        self.query_one(KeyHint).say(Content.styled(printable_line(text), style))


def _words(number: int, block: CodeBlock) -> Content:
    first = printable_line(next((line for line in block.code.splitlines() if line.strip()), "")[:60])
    language = printable_line(block.language[:20])
    return Content.assemble(f"{number}  ", (f"{language}  " if language else "", "$text-muted"), first)
