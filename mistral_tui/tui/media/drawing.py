"""One picture or waveform on a widget: decoded when it is first drawn, in a thread, and put where there is room for it.

A widget that draws lines of text asks for those of the picture; nothing of the layout changes when they come.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from textual.content import Content
from textual.widget import Widget

from mistral_tui.chat.previews.preview import Pixels, Waveform, picture_pixels, waveform
from mistral_tui.tui.media import half_cells, kitty
from mistral_tui.tui.media.boxes import Box
from mistral_tui.tui.media.graphics import Graphics, cell_size
from mistral_tui.tui.media.sixels import sixels_of
from mistral_tui.tui.media.words import name_of
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import AudioPart, ImagePart
from mistral_tui.types.text import printable_line

_LEVELS: Final = "▁▂▃▄▅▆▇█"
_MOST_PIXELS: Final = 480
"""Of the longer side of a picture that the terminal itself draws."""
_DECODERS: Final = ThreadPoolExecutor(2, thread_name_prefix="preview")
"""Whoever scrolls past a hundred pictures starts no hundred processes."""


class Drawing:
    """Draws a picture or a recording.

    Args:
        widget: What it is drawn on; decoding ends with it.
        part: The picture or recording.
        box: Its room.
        graphics: How pictures are drawn.
        changed: Called when there is something else to draw.
        explains: Whether it is said why a recording cannot be drawn; beside words about it nobody misses bars.
    """

    def __init__(
        self,
        widget: Widget,
        part: ImagePart | AudioPart,
        box: Box,
        graphics: Graphics,
        changed: Callable[[], object],
        *,
        explains: bool = False,
    ) -> None:
        self._widget = widget
        self._part = part
        self._box = box
        self._graphics = graphics
        self._changed = changed
        self._explains = explains
        self._lines: tuple[Content, ...] | None = None
        """`None`: it is not decoded, and nobody has asked for it."""
        self._number = 0
        """By which the terminal knows the picture; 0: it does not."""
        self._sixels: Widget | None = None
        self._offset = (0, 0)

    def line(self, number: int) -> Content:
        """Return a line of it, as far as it is decoded."""
        if self._lines is None:
            self._lines = ()
            self._widget.run_worker(self._decode(), group="media", exit_on_error=False)
        return self._lines[number] if number < len(self._lines) else Content("")

    def place(self, x: int, y: int) -> None:
        """Say where on the widget it is: Sixels lie over the lines."""
        self._offset = (x, y)
        if self._sixels is not None:
            self._sixels.styles.offset = self._offset

    def close(self) -> None:
        """It is not drawn here any more: the terminal forgets it."""
        if self._number:
            self._write(kitty.forgotten(self._number))
            self._number = 0
        if self._sixels is not None and self._sixels.is_attached:
            self._sixels.remove()
        self._sixels = None

    async def _decode(self) -> None:
        loop = asyncio.get_running_loop()
        part, name = self._part, name_of(self._part)
        try:
            if isinstance(part, AudioPart):
                sound = await loop.run_in_executor(_DECODERS, waveform, Path(part.path), name, self._box.columns)
                self._lines = (_bars(sound),)
            else:
                size = self._pixel_size(part)
                pixels = await loop.run_in_executor(_DECODERS, picture_pixels, Path(part.path), name, *size)
                await self._show(pixels)
        except InvalidRequest as error:
            if self._explains or isinstance(part, ImagePart):
                self._lines = (Content.styled(printable_line(str(error)), "$text-muted italic"),)
        self._changed()

    async def _show(self, pixels: Pixels) -> None:
        if self._graphics == "kitty":
            self._number = kitty.new_number()
            self._write(kitty.sent(self._number, pixels, self._box))
            self._lines = kitty.lines(self._number, self._box)
        elif self._graphics == "sixel":
            self._sixels = sixels_of(pixels, self._box, self._offset)
            await self._widget.mount(self._sixels)
        else:
            self._lines = half_cells.lines(pixels)

    def _pixel_size(self, part: ImagePart) -> tuple[int, int]:
        if self._graphics not in ("kitty", "sixel"):
            return self._box.columns, self._box.rows * 2
        cell_width, cell_height = cell_size()
        width, height = self._box.columns * cell_width, self._box.rows * cell_height
        scale = min(1.0, _MOST_PIXELS / max(width, height))
        return max(1, round(width * scale)), max(1, round(height * scale))

    def _write(self, text: str) -> None:
        # By the way of all that is drawn: two that write to a terminal would cut each other's sequences in two.
        if (driver := self._widget.app._driver) is not None:
            driver.write(text)


def _bars(sound: Waveform) -> Content:
    return Content.styled("".join(_LEVELS[round(level * (len(_LEVELS) - 1))] for level in sound.levels), "$accent")
