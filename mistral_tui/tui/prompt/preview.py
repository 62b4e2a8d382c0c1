"""A look at a file that goes along: the picture, the sound as bars, or the text."""

import asyncio
import sys
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from mistral_tui.chat.previews import Colour, picture_cells, waveform
from mistral_tui.chat.prompt_files import PromptFile
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.prompt.tray import describe
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import AudioPart, FilePart, ImagePart
from mistral_tui.types.text import printable

_COLUMNS = 70
_TEXT = 20_000
"""Characters of a document that are shown."""


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
            yield Static(" · ".join([*details, "esc closes"]), classes="dialog-hint", markup=False)

    async def on_mount(self) -> None:
        """Show the file."""
        await self.query_one(VerticalScroll).mount(await self._content())

    def action_scroll(self, rows: int) -> None:
        """Scroll what is shown."""
        self.query_one(VerticalScroll).scroll_relative(y=rows, animate=False)

    async def _content(self) -> Widget:
        part = self._file.part
        match part:
            case FilePart():
                return Static(printable(part.text[:_TEXT]), markup=False)
            case AudioPart():
                bars = await asyncio.to_thread(waveform, Path(part.path), _COLUMNS)
                return Static(Content.styled(bars, "$accent") if bars else "no picture of this sound", markup=False)
            case ImagePart():
                return await self._picture(Path(part.path))

    async def _picture(self, path: Path) -> Widget:
        # Loaded before the app began, if the person wants pictures as the terminal itself draws them.
        if images := sys.modules.get("textual_image.widget"):
            image: Widget = images.Image(str(path))
            image.styles.height = max(4, self.app.size.height - 12)
            image.styles.width = "auto"
            return image
        room = max(4, self.app.size.height - 10)
        try:
            lines = await asyncio.to_thread(picture_cells, path, min(_COLUMNS, self.app.size.width - 10), room)
        except InvalidRequest as error:
            return Static(str(error), markup=False)
        rows = (_half_cells(lines[at], lines[at + 1]) for at in range(0, len(lines), 2))
        return Static(Content("\n").join(rows), markup=False)


def _half_cells(upper: list[Colour], lower: list[Colour]) -> Content:
    pairs = zip(upper, lower, strict=True)
    return Content.assemble(*(("▀", f"{_style(above)} on {_style(below)}") for above, below in pairs))


def _style(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
