"""A look at a file that goes along: the picture, the sound as bars, or the text."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from mistral_tui.chat.prompt_file import PromptFile
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.media.boxes import Box
from mistral_tui.tui.media.graphics import graphics_of
from mistral_tui.tui.media.view import MediaView
from mistral_tui.tui.prompt.tray import describe
from mistral_tui.types.messages import FilePart, ImagePart
from mistral_tui.types.text import printable

_COLUMNS = 70
_TEXT = 20_000
"""Characters of a document that are shown."""
_NO_PICTURE = (
    "Pictures are not drawn here: that takes colours, signs beyond ASCII, and Pillow "
    "(pip install 'mistral-tui[pictures]'). The model gets it all the same."
)


class Preview(Dialog[None], inherit_bindings=False):
    """Shows one file; closes with escape."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("reader")]

    def __init__(self, file: PromptFile) -> None:
        super().__init__()
        self._file = file

    def compose(self) -> ComposeResult:
        """Lay out the title and room for what is shown."""
        _, name, details = describe(self._file)
        with Vertical(classes="dialog preview"):
            yield Static(name, classes="dialog-title", markup=False)
            yield VerticalScroll(classes="preview-content", can_focus=False)
            yield KeyHint(" · ".join([*details, "esc closes"]))

    async def on_mount(self) -> None:
        """Show the file."""
        await self.query_one(VerticalScroll).mount(self._content())

    def action_scroll(self, rows: int) -> None:
        """Scroll what is shown."""
        self.query_one(VerticalScroll).scroll_relative(y=rows, animate=False)

    def _content(self) -> Widget:
        part = self._file.part
        if isinstance(part, FilePart):
            return Static(printable(part.text[:_TEXT]), markup=False)
        room = Box(max(1, min(_COLUMNS, self.app.size.width - 10)), max(4, self.app.size.height - 10))
        if graphics_of(self.app) == "words" and isinstance(part, ImagePart):
            return Static(_NO_PICTURE, markup=False)
        return MediaView(part, room)
