"""The list of models: everything that can be run, and what can be done with it.

The list is there at once; what the files say is read beside it and filled in.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Static

from mistral_tui.chat.model_library import ModelLibrary, Shelf
from mistral_tui.config.presets import Preset
from mistral_tui.models.details import ModelDetails
from mistral_tui.models.downloads import Download
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.chat.message import GLYPH
from mistral_tui.tui.field import Field
from mistral_tui.tui.key_bar import KeyBar
from mistral_tui.tui.models.details import DetailsPane
from mistral_tui.tui.models.loading import size_words
from mistral_tui.tui.models.questions import AddModel, Question
from mistral_tui.tui.models.rows import ModelRow, download_words, models_of, rows
from mistral_tui.tui.models.table import ModelTable, TableHead
from mistral_tui.tui.settings.preset_choice import preset_words
from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.models import LoadProgress, ModelEntry
from mistral_tui.types.text import printable_line

_READ: Final = 0.3
"""Seconds for which headers are read before what they say is shown."""
_WATCH: Final = 2.0
"""Seconds between looks at what has changed; nothing is drawn when nothing has."""
_SETTLE: Final = 0.08
"""Seconds that the cursor rests on a model before its file is read."""


@dataclass(frozen=True)
class Picked:
    """The model that is to answer the chat."""

    entry: ModelEntry
    preset: Preset | None = None
    """With which it is to answer; `None`: that is left open."""


class ModelPicker(Screen[Picked | None], inherit_bindings=False):
    """Shows all models; closes with the one that is to answer the chat, or with `None`.

    Args:
        library: The models.
        current: The file of the model that answers the chat, if there is one.
        wanted: The name of the model on which to begin, if it is another one.
        chat: What the chat is answered with now, to be kept as the preset of a model.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("models")
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-high")]
    AUTO_FOCUS = "#models-filter"

    @dataclass
    class Looked(Message):
        """It is known what there is."""

        shelf: Shelf

    @dataclass
    class Described(Message):
        """It is known what the file of a model says."""

        key: str
        details: ModelDetails

    @dataclass
    class Fetching(Message):
        """A download is doing otherwise."""

        download: Download

    @dataclass
    class Loading(Message):
        """A model is being loaded, or no longer."""

        name: str
        share: float | None

    def __init__(
        self,
        library: ModelLibrary,
        current: Path | None = None,
        wanted: str | None = None,
        chat: Preset | None = None,
    ) -> None:
        super().__init__()
        self._chat = chat or Preset("")
        self._library = library
        self._current = current
        self._wanted = wanted
        self._shelf = Shelf()
        self._looked = False
        self._query = ""
        """What the rows that are shown were looked for by."""
        self._loading: dict[str, float] = {}
        """How much of the models is loaded that are being loaded from here."""
        self._details: dict[str, ModelDetails] = {}
        self._unsubscribe = library.downloads.subscribe(self._fetches)

    def compose(self) -> ComposeResult:
        """Lay out the list over the details."""
        yield Static(id="models-title", markup=False)
        with Horizontal(id="models-filter-box"):
            yield Static(GLYPH, id="models-filter-glyph", markup=False)
            yield Field("type to find a model", id="models-filter")
        yield TableHead(id="models-head")
        yield Static(id="models-nothing", markup=False)
        yield ModelTable(id="models-table")
        yield DetailsPane(id="models-details")
        yield Static(id="models-say", markup=False)
        yield KeyBar(id="keys", situation="models")

    def on_mount(self) -> None:
        """Look what there is."""
        self._look()
        self.set_interval(_WATCH, self._watch)

    def on_unmount(self) -> None:
        """Listen no longer."""
        self._unsubscribe()

    # Actions

    def action_move(self, models: int) -> None:
        """Move the cursor by so many models."""
        self._table.move(models)

    def action_move_page(self, pages: int) -> None:
        """Move the cursor by so many screens of models."""
        self._table.move_page(pages)

    def action_move_to_end(self, last: bool) -> None:
        """Move the cursor to the first model, or the last."""
        self._table.move_to_end(last)

    def action_close(self) -> None:
        """Show all models again, or close."""
        if self._field.value:
            self._field.value = ""
        elif not self._field.has_focus:
            self._field.focus()
        else:
            self.dismiss(None)

    def action_details(self) -> None:
        """Give the details most of the screen, or less again."""
        self._pane.toggle_class("-large")

    def action_use(self) -> None:
        """Let the model answer the chat; one that is not here is fetched first."""
        row = self._row
        if row is None:
            return
        if row.entry.problem:
            self._say(f"{row.name} cannot be used: {row.entry.problem}")
        elif row.entry.entry.downloaded:
            self.dismiss(Picked(row.entry.entry))
        elif self._library.downloads.of(row.key) is None:
            self.action_download()
        else:
            self._say(f"{row.name} is being fetched; enter chooses it once it is here")

    def action_download(self) -> None:
        """Fetch the model, pause that, or go on with it."""
        row = self._row
        if row is None:
            return
        download = self._library.downloads.of(row.key)
        if download is not None and download.state in ("running", "waiting"):
            self._library.downloads.pause(row.key)
            self._say(f"{row.name} is paused; f5 goes on")
        elif row.entry.entry.downloaded:
            self._say(f"{row.name} is here already; enter uses it")
        else:
            self._library.downloads.begin(row.entry.entry)
            self._say(f"{row.name} is being fetched, also when this list is closed; f5 pauses")

    async def action_make_default(self) -> None:
        """Let the model answer new chats, now and in later runs."""
        row = self._row
        if row is None:
            return
        if not row.entry.entry.downloaded or row.entry.problem:
            self._say(f"{row.name} is not here, or damaged; new chats need one that can answer")
            return
        try:
            await self._library.make_default(row.entry.entry)
        except MistralTuiError as error:
            self._say(str(error))
        else:
            self._say(f"{row.name} answers new chats from now on")
        self._look()

    def action_load(self) -> None:
        """Load the model now."""
        row = self._row
        if row is None:
            return
        if not row.entry.entry.downloaded:
            self._say(f"{row.name} is not here yet; f5 fetches it")
        elif row.key not in self._loading:
            # Of the app: it goes on when the list is closed.
            self.app.run_worker(self._load(row.entry.entry), group="load from the list")

    async def action_unload(self) -> None:
        """Unload the model."""
        row = self._row
        if row is None:
            return
        try:
            await self._library.unload(row.entry.entry)
        except MistralTuiError as error:
            self._say(str(error))
        else:
            self._say(f"{row.name} is unloaded")
        self._look()

    async def action_presets(self) -> None:
        """Ask which preset of the model to use, or make one of this chat."""
        row = self._row
        if row is None:
            return
        presets = await self._library.presets_of(row.entry)
        answers: dict[str, str | Content] = {"keep": "leave it as it is"}
        answers |= {f"use {number}": preset_words(preset) for number, preset in enumerate(presets)}
        answers["save"] = "let chats with it begin as this chat is: parameters and system prompt"
        text = "What is called like the model counts whenever it is chosen for a chat that has not begun."
        question = Question(f"presets of {row.name}", text, answers)
        self.app.push_screen(question, lambda answer: self._preset(row, presets, answer))

    def action_add_file(self) -> None:
        """Ask for a file to add."""
        self.app.push_screen(AddModel(), self._add)

    async def action_remove(self) -> None:
        """Ask what to do away with: the download, the entry, the file."""
        row = self._row
        if row is None:
            return
        try:
            answers = await self._library.ways_to_remove(row.entry)
        except MistralTuiError as error:
            self._say(str(error))
            return
        if len(answers) < 2:
            self._say(f"there is nothing of {row.name} on this machine to remove")
            return
        question = Question(f"remove {row.name}", str(row.entry.entry.path), answers)
        self.app.push_screen(question, lambda answer: self._remove(row, answer))

    def action_look_again(self) -> None:
        """Look for models again, and ask the servers of the settings what they run."""
        self._look()
        self._say("")
        self.run_worker(self._ask_endpoints(), group="ask", exclusive=True)

    # Messages

    @on(Input.Changed, "#models-filter")
    def _searched(self, event: Input.Changed) -> None:
        event.stop()
        self._show(first=bool(event.value.strip()))

    @on(Looked)
    def _seen(self, event: Looked) -> None:
        event.stop()
        first, self._looked = not self._looked, True
        if event.shelf.listing.watched != self._shelf.listing.watched:
            self._details.clear()
        self._shelf = event.shelf
        self._show(wanted=self._begin_with() if first else None)

    @on(Fetching)
    def _fetching(self, event: Fetching) -> None:
        event.stop()
        if event.download.state == "failed":
            self._say(event.download.error)
        if event.download.state == "done":
            self._look()
        self._show()

    @on(Loading)
    def _loads(self, event: Loading) -> None:
        event.stop()
        if event.share is None:
            self._loading.pop(event.name, None)
            self._look()
        else:
            self._loading[event.name] = event.share
        self._show()

    @on(ModelTable.Highlighted)
    def _highlighted(self, event: ModelTable.Highlighted) -> None:
        event.stop()
        self._describe(event.row)

    @on(ModelTable.Chosen)
    def _chosen(self, event: ModelTable.Chosen) -> None:
        event.stop()
        self.action_use()

    @on(Described)
    def _described(self, event: Described) -> None:
        event.stop()
        self._details[event.key] = event.details
        row = self._table.row
        if row is not None and row.key == event.key:
            self._pane.show(row, event.details)

    # Within

    @property
    def _table(self) -> ModelTable:
        return self.query_one(ModelTable)

    @property
    def _row(self) -> ModelRow | None:
        """The model that is meant: what was typed counts at once, also before the list shows it."""
        if self._field.value != self._query:
            self._show(first=True)
        return self._table.row

    @property
    def _field(self) -> Field:
        return self.query_one(Field)

    @property
    def _pane(self) -> DetailsPane:
        return self.query_one(DetailsPane)

    def _fetches(self, download: Download) -> None:
        self.post_message(self.Fetching(download))

    def _look(self) -> None:
        self.run_worker(self._look_and_read(), group="look", exclusive=True)

    async def _look_and_read(self) -> None:
        """Tell what there is, then what the files say, as it comes to be known."""
        shelf = await self._library.look()
        self.post_message(self.Looked(shelf))
        left = shelf.unread
        while left:
            shelf = await self._library.look(_READ)
            self.post_message(self.Looked(shelf))
            # A file that says something else each time would be read for ever.
            left = shelf.unread if shelf.unread < left else 0

    async def _ask_endpoints(self) -> None:
        await self._library.ask_endpoints()
        self._look()

    def _watch(self) -> None:
        if not any(worker.group in ("look", "watch") and not worker.is_finished for worker in self.workers):
            self.run_worker(self._look_if_changed(), group="watch", exclusive=True)

    async def _look_if_changed(self) -> None:
        held = await self._library.held()
        states = {path: model.state for path, model in held.items()}
        if states != {path: model.state for path, model in self._shelf.held.items()} or (
            self._looked and await self._library.changed(self._shelf.listing)
        ):
            self._look()

    def _begin_with(self) -> str | None:
        """Return the model to begin on: that of the chat, else the first that can be fetched where none is here."""
        entries = self._shelf.listing.entries
        path = None if self._wanted else self._current
        wanted = next((each for each in entries if each.name == self._wanted or each.entry.path == path), None)
        if wanted is None and not any(entry.entry.downloaded for entry in entries):
            wanted = next((entry for entry in entries if (entry.entry.source or "").startswith("pypi:")), None)
        return wanted.name if wanted else None

    def _doing(self, name: str) -> str:
        if (share := self._loading.get(name)) is not None:
            return f"loading {int(share * 100):>2} %"
        return download_words(self._library.downloads.of(name))

    def _show(self, wanted: str | None = None, first: bool = False) -> None:
        if not self._looked:
            return
        query = self._query = self._field.value
        listed = rows(self._shelf, self._doing, query, self._current)
        found = models_of(listed)
        if first and found:
            wanted = found[0].key
        self._table.show(listed, wanted)
        self._show_title(len(found))
        self._show_nothing(query, bool(found))
        self._describe(self._table.row)

    def _show_title(self, count: int) -> None:
        width = self.size.width - 2
        left = Content.assemble(("models", "bold $accent"), (f"  {count}", "$text-disabled"))
        fetching = [download for download in self._library.downloads.all if download.state in ("running", "waiting")]
        words = [f"{len(fetching)} being fetched"] if fetching else []
        if self._shelf.unread:
            words.append(f"reading {self._shelf.unread} files")
        words.append(f"{size_words(self._shelf.free_bytes)} of memory free")
        right = Content.styled(" · ".join(words), "$text-muted")
        space = " " * max(2, width - left.cell_length - right.cell_length)
        self.query_one("#models-title", Static).update(left + space + right)

    def _show_nothing(self, query: str, found: bool) -> None:
        entries = self._shelf.listing.entries
        text = ""
        if query.strip() and not found:
            text = f"Nothing is like “{printable_line(query)}”. esc shows all."
        elif not entries:
            text = "No model is here. `mistral-tui models pull OWNER/NAME` fetches one, ctrl+o adds a file."
        elif not any(entry.entry.downloaded for entry in entries):
            text = "None of these is on this machine yet. f5 fetches the one that is marked."
        nothing = self.query_one("#models-nothing", Static)
        nothing.display = bool(text)
        nothing.update(text)

    def _describe(self, row: ModelRow | None) -> None:
        self._pane.show(row, self._details.get(row.key) if row else None)
        if row is not None and row.key not in self._details:
            self._read(row)

    @work(group="describe", exclusive=True)
    async def _read(self, row: ModelRow) -> None:
        await asyncio.sleep(_SETTLE)
        self.post_message(self.Described(row.key, await self._library.details(row.entry)))

    async def _load(self, entry: ModelEntry) -> None:
        def report(progress: LoadProgress) -> None:
            self.post_message(self.Loading(entry.name, progress.fraction))

        self.post_message(self.Loading(entry.name, 0.0))
        try:
            await self._library.load(entry, report)
        except MistralTuiError as error:
            self.app.notify(str(error), severity="error")
        finally:
            self.post_message(self.Loading(entry.name, None))

    async def _add(self, path: Path | None) -> None:
        if path is None:
            return
        try:
            name = await self._library.add(path)
        except MistralTuiError as error:
            self._say(str(error))
            return
        self._wanted = name
        self._looked = False
        self._look()
        self._say(f"{name} is in the list now")

    async def _preset(self, row: ModelRow, presets: list[Preset], answer: str | None) -> None:
        if answer == "save":
            try:
                await self._library.keep_preset(row.entry.entry, self._chat)
            except MistralTuiError as error:
                self._say(str(error))
            else:
                self._say(f"chats with {row.name} begin as this one is from now on")
        elif answer is not None and answer.startswith("use "):
            if row.entry.entry.downloaded and not row.entry.problem:
                self.dismiss(Picked(row.entry.entry, presets[int(answer.removeprefix("use "))]))
            else:
                self._say(f"{row.name} is not here, or damaged")

    async def _remove(self, row: ModelRow, answer: str | None) -> None:
        if answer is None:
            return
        try:
            said = await self._library.remove(row.entry, answer)
        except MistralTuiError as error:
            self._say(str(error))
            return
        self._say(said)
        self._look()

    def _say(self, text: str) -> None:
        self.query_one("#models-say", Static).update(printable_line(text))
