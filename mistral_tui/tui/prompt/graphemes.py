"""A text box whose cursor stands between characters as people see them, never within one."""

from bisect import bisect_left, bisect_right
from dataclasses import replace

from rich.text import Text
from textual import events
from textual.document._document import Location, Selection
from textual.widgets import TextArea
from textual.widgets.text_area import Edit, EditResult

from mistral_tui.tui.characters import GraphemeText, borders, written_by
from mistral_tui.types.text import printable


class GraphemeTextArea(TextArea):
    """Moves and deletes by what people see as one character; what steers a terminal does not get into it.

    Stored prompts, which others may have written, come into the box to be edited, and Textual draws whatever is in it.
    """

    def on_unmount(self) -> None:
        """Have app and screen forget that the box listens to them: they would keep it, with its pane and their chat."""
        self.screen.text_selection_started_signal.unsubscribe(self)
        watchers = getattr(self.app, "__watchers", {}).get("theme", [])
        watchers[:] = [watcher for watcher in watchers if watcher[0] is not self]

    def load_text(self, text: str) -> None:
        """Put a text in the place of what is there."""
        super().load_text(printable(text))

    def edit(self, edit: Edit) -> EditResult:
        """Change what is there."""
        return super().edit(replace(edit, text=printable(edit.text)))

    async def _on_key(self, event: events.Key) -> None:
        if character := written_by(event):
            event.stop()
            event.prevent_default()
            self.replace(character, *self.selection, maintain_selection_offset=False)

    def get_cursor_left_location(self) -> Location:
        """Return the place before the character at the left."""
        row, column = self.cursor_location
        if column == 0:
            return super().get_cursor_left_location()
        places = borders(self.document[row])
        return row, places[bisect_left(places, column) - 1]

    def get_cursor_right_location(self) -> Location:
        """Return the place after the character at the right."""
        row, column = self.cursor_location
        line = self.document[row]
        if column >= len(line):
            return super().get_cursor_right_location()
        places = borders(line)
        return row, places[bisect_right(places, column)]

    def validate_selection(self, selection: Selection) -> Selection:
        """Keep both ends of the selection between characters, wherever a click or a line above has put them."""
        return Selection(self._snapped(selection.start), self._snapped(selection.end))

    def get_line(self, line_index: int) -> Text:
        """Return a line to be drawn."""
        line = super().get_line(line_index)
        return GraphemeText(line.plain, end=line.end, no_wrap=line.no_wrap)

    def _snapped(self, location: Location) -> Location:
        row, column = location
        if not 0 <= row < self.document.line_count:
            return location
        line = self.document[row]
        if line.isascii() or not 0 < column < len(line):
            return location
        places = borders(line)
        return row, places[bisect_right(places, column) - 1]
