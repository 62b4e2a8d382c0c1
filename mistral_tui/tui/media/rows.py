"""What goes along with a message, as rows of it."""

from collections.abc import Iterable

from textual.content import Content

from mistral_tui.tui.chat.rows import BLANK, Row, wrapped
from mistral_tui.tui.media.boxes import BARS, COLUMNS, Box, MediaLine, box_of
from mistral_tui.tui.media.graphics import Graphics
from mistral_tui.tui.media.words import extent_of, glyph_of, name_of, size_words
from mistral_tui.types.messages import Attachment, AudioPart, FilePart, ImagePart, Part

MOST_DRAWN = 4
"""Pictures of a message that are drawn; the others are named."""
_FEWEST_BARS = 5


def attachment_rows(parts: Iterable[Part], width: int, graphics: Graphics) -> list[Row]:
    """Lay out what goes along with a message, a line and perhaps a picture for each file; a blank row ends pictures.

    Args:
        parts: Those of the message.
        width: Cells of a row.
        graphics: How pictures are drawn.
    """
    rows: list[Row] = []
    drawn = 0
    for part in parts:
        if not isinstance(part, Attachment):
            continue
        rows += wrapped(_words(part), width)
        if isinstance(part, AudioPart) and graphics != "words":
            rows[-1] = _with_bars(rows[-1], part, width)
        elif isinstance(part, ImagePart) and graphics != "words" and drawn < MOST_DRAWN:
            drawn += 1
            box = box_of(part, min(COLUMNS, width))
            rows += [Row(Content(""), joins="", media=MediaLine(part, box, line)) for line in range(box.rows)]
            rows.append(BLANK)
    return rows


def _words(part: Attachment) -> Content:
    details = extent_of(part)
    if isinstance(part, FilePart):
        lines = part.text.count("\n") + 1
        details.append("1 line" if lines == 1 else f"{lines:,} lines")
    elif part.size:
        details.append(size_words(part.size))
    return Content.styled(" · ".join([f"{glyph_of(part)} {name_of(part)}", *details]), "$text-muted")


def _with_bars(row: Row, part: AudioPart, width: int) -> Row:
    room = min(BARS, width - row.content.cell_length - 2)
    if room < _FEWEST_BARS:
        return row
    return row._replace(media=MediaLine(part, Box(room, 1), 0), content=row.content + Content("  "))
