"""The list of models to choose from: it is narrowed as one types, and says below it what is known of the one in view.

It is given what there is, and tells what the cursor rests on; it does nothing with models.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from mistral_tui.chat.model_library import Shelf
from mistral_tui.models.details import ModelDetails
from mistral_tui.models.hub.reference import HubReference
from mistral_tui.tui.chat.message import GLYPH
from mistral_tui.tui.field import Field
from mistral_tui.tui.models.details import DetailsPane
from mistral_tui.tui.models.headline import headline, nothing_words, reference_in
from mistral_tui.tui.models.rows import Doing, ModelRow, models_of, rows
from mistral_tui.tui.models.table import ModelTable, TableHead

_SETTLE: Final = 0.08
"""Seconds that the cursor rests on a model before its file is read."""


class ModelChooser(Vertical):
    """Shows models, and which of them is meant.

    Args:
        doing: Says what a model is doing.
        current: The file of the model that answers the chat, if there is one.
        query: What is looked for at first.
    """

    @dataclass
    class Rested(Message):
        """The cursor rests on a model of whose file nothing is known yet."""

        row: ModelRow

    def __init__(self, doing: Doing, current: Path | None, query: str) -> None:
        super().__init__()
        self._doing = doing
        self._current = current
        self._shelf: Shelf | None = None
        self._fetching = 0
        self._first_query = query
        self._query = ""
        """What the rows that are shown were looked for by."""
        self._details: dict[str, ModelDetails] = {}
        self._settling: Timer | None = None

    def compose(self) -> ComposeResult:
        """Lay out the list over the details."""
        yield Static(id="models-title", markup=False)
        with Horizontal(id="models-filter-box"):
            yield Static(GLYPH, id="models-filter-glyph", markup=False)
            field = Field("type to find a model", id="models-filter")
            field.value = self._first_query
            yield field
        yield TableHead(id="models-head")
        yield Static(id="models-nothing", markup=False)
        yield ModelTable(id="models-table")
        yield DetailsPane(id="models-details")

    @property
    def table(self) -> ModelTable:
        """The models that are looked for."""
        return self.query_one(ModelTable)

    @property
    def field(self) -> Field:
        """What is looked for."""
        return self.query_one(Field)

    @property
    def pane(self) -> DetailsPane:
        """What is known of the one that is meant."""
        return self.query_one(DetailsPane)

    @property
    def row(self) -> ModelRow | None:
        """The model that is meant: what was typed counts at once, also before the list shows it."""
        if self.field.value != self._query:
            self._show(first=True)
        return self.table.row

    @property
    def reference(self) -> HubReference | None:
        """What is meant on the hub, if what is typed is the name of something there and no model is like it."""
        return reference_in(self.field.value) if self.row is None else None

    def show(self, shelf: Shelf, fetching: int, wanted: str | None = None) -> None:
        """Show what there is now.

        Args:
            shelf: It.
            fetching: How many models are being fetched.
            wanted: The model to go to; without one the cursor stays on its model.
        """
        if self._shelf is not None and shelf.listing.watched != self._shelf.listing.watched:
            self._details.clear()
        self._shelf, self._fetching = shelf, fetching
        self._show(wanted)

    def describe(self, key: str, details: ModelDetails) -> None:
        """Take in what the file of a model says."""
        self._details[key] = details
        row = self.table.row
        if row is not None and row.key == key:
            self.pane.show(row, details)

    @on(Input.Changed, "#models-filter")
    def _searched(self, event: Input.Changed) -> None:
        event.stop()
        self._show(first=bool(event.value.strip()))

    @on(ModelTable.Highlighted)
    def _highlighted(self, event: ModelTable.Highlighted) -> None:
        event.stop()
        self._describe(event.row)

    def _show(self, wanted: str | None = None, first: bool = False) -> None:
        if self._shelf is None:
            return
        query = self._query = self.field.value
        listed = rows(self._shelf, self._doing, query, self._current)
        found = models_of(listed)
        if first and found:
            wanted = found[0].key
        self.table.show(listed, wanted)
        title = headline(self._shelf, self._fetching, len(found), self.size.width - 2)
        self.query_one("#models-title", Static).update(title)
        self._show_nothing(nothing_words(self._shelf, query, bool(found)))
        self._describe(self.table.row)

    def _show_nothing(self, text: str) -> None:
        nothing = self.query_one("#models-nothing", Static)
        nothing.display = bool(text)
        nothing.update(text)

    def _describe(self, row: ModelRow | None) -> None:
        self.pane.show(row, self._details.get(row.key) if row else None)
        if self._settling is not None:
            self._settling.stop()
            self._settling = None
        if row is not None and row.key not in self._details:
            self._settling = self.set_timer(_SETTLE, lambda: self.post_message(self.Rested(row)))
