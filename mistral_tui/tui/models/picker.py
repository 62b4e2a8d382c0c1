"""The list of models: everything that can be run, and what can be done with it.

The list is there at once; what the files say is read beside it and filled in.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Static

from mistral_tui.chat.model_library import ModelLibrary, Shelf
from mistral_tui.config.presets import Preset
from mistral_tui.models.details import ModelDetails
from mistral_tui.models.downloads import Download
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.dialog import AnsweredScreen
from mistral_tui.tui.key_bar import KeyBar
from mistral_tui.tui.models.choosing import ModelChooser
from mistral_tui.tui.models.fetching import Brought, add_file, choose_and_fetch, fetch_or_pause
from mistral_tui.tui.models.getting import Loading, load_now
from mistral_tui.tui.models.looking import first_marked, has_changed, looks
from mistral_tui.tui.models.model_presets import choose_preset
from mistral_tui.tui.models.removal import ask_and_remove
from mistral_tui.tui.models.rows import ModelRow, download_words
from mistral_tui.tui.models.table import ModelTable
from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.models import ModelEntry
from mistral_tui.types.text import printable_line

_WATCH: Final = 2.0
"""Seconds between looks at what has changed; nothing is drawn when nothing has."""


@dataclass(frozen=True)
class Picked:
    """The model that is to answer the chat."""

    entry: ModelEntry
    preset: Preset | None = None
    """With which it is to answer; `None`: that is left open."""


class ModelPicker(AnsweredScreen[Picked | None], inherit_bindings=False):
    """Shows all models; closes with the one that is to answer the chat, or with `None`.

    Args:
        library: The models.
        current: The file of the model that answers the chat, if there is one.
        wanted: The name of the model on which to begin, if it is another one.
        chat: What the chat is answered with now, to be kept as the preset of a model.
        query: What is looked for at first.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("models")
    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-short"), (30, "-high")]
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

    def __init__(
        self,
        library: ModelLibrary,
        current: Path | None = None,
        wanted: str | None = None,
        chat: Preset | None = None,
        query: str = "",
    ) -> None:
        super().__init__()
        self._chat = chat or Preset("")
        self._first_query = query
        self._library = library
        self._current = current
        self._wanted = wanted
        self._shelf = Shelf()
        self._looked = False
        self._loading: dict[str, float] = {}
        """How much of the models is loaded that are being loaded from here."""
        self._unsubscribe = library.downloads.subscribe(self._fetches)

    def compose(self) -> ComposeResult:
        """Lay out the list over the details."""
        yield ModelChooser(self._doing, self._current, self._first_query)
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
        self._chooser.table.move(models)

    def action_move_page(self, pages: int) -> None:
        """Move the cursor by so many screens of models."""
        self._chooser.table.move_page(pages)

    def action_move_to_end(self, last: bool) -> None:
        """Move the cursor to the first model, or the last."""
        self._chooser.table.move_to_end(last)

    def action_close(self) -> None:
        """Show all models again, or close."""
        field = self._chooser.field
        if field.value:
            field.value = ""
        elif not field.has_focus:
            field.focus()
        else:
            self.dismiss(None)

    def action_details(self) -> None:
        """Give the details most of the screen, or less again."""
        self._chooser.pane.toggle_class("-large")

    def action_use(self) -> None:
        """Let the model answer the chat; one that is not here is fetched first."""
        row = self._row
        if row is None:
            self._look_on_hub()
        elif row.entry.problem:
            self._say(f"{row.name} cannot be used: {row.entry.problem}")
        elif row.entry.entry.downloaded:
            self.dismiss(Picked(row.entry.entry))
        elif self._library.downloads.of(row.key) is None:
            self.action_download()
        else:
            self._say(f"{row.name} is being fetched; enter chooses it once it is here")

    def action_download(self) -> None:
        """Fetch the model, pause that, or go on with it."""
        if (row := self._row) is not None:
            self._say(fetch_or_pause(self._library.downloads, row))
        else:
            self._look_on_hub()

    async def action_make_default(self) -> None:
        """Let the model answer new chats, now and in later runs."""
        row = self._row
        if row is None:
            return
        if not row.entry.entry.downloaded or row.entry.problem:
            self._say(f"{row.name} is not here, or damaged; new chats need one that can answer")
            return
        await self._tell(self._library.make_default(row.entry.entry), f"{row.name} answers new chats from now on")

    def action_load(self) -> None:
        """Load the model now."""
        row = self._row
        if row is None:
            return
        if not row.entry.entry.downloaded:
            self._say(f"{row.name} is not here yet; f5 fetches it")
        elif row.key not in self._loading:
            self._say("")  # what was said of it before
            # Of the app: it goes on when the list is closed.
            loading = load_now(self.app, self._library, row.entry.entry, self.post_message)
            self.app.run_worker(loading, group="load from the list")

    async def action_unload(self) -> None:
        """Unload the model."""
        if (row := self._row) is not None:
            await self._tell(self._library.unload(row.entry.entry), f"{row.name} is unloaded")

    def action_presets(self) -> None:
        """Ask which preset of the model to use, or make one of this chat."""
        if (row := self._row) is not None:
            self.run_worker(self._preset(row), group="ask")

    def action_add_file(self) -> None:
        """Ask for a file to add."""
        self.run_worker(self._bring(add_file(self.app, self._library)), group="ask")

    def action_remove(self) -> None:
        """Ask what to do away with: the download, the entry, the file."""
        if (row := self._row) is not None:
            self.run_worker(self._tell(ask_and_remove(self.app, self._library, row)), group="ask")

    def action_look_again(self) -> None:
        """Look for models again, and ask the servers of the settings what they run."""
        self._look()
        self._say("")
        self.run_worker(self._ask_endpoints(), group="endpoints", exclusive=True)

    # Messages

    @on(Looked)
    def _seen(self, event: Looked) -> None:
        event.stop()
        first, self._looked = not self._looked, True
        self._shelf = event.shelf
        self._show(wanted=first_marked(event.shelf, self._wanted, self._current) if first else None)

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

    @on(ModelChooser.Rested)
    def _rested(self, event: ModelChooser.Rested) -> None:
        event.stop()
        self.run_worker(self._describe(event.row), group="describe", exclusive=True)

    @on(ModelTable.Chosen)
    def _chosen(self, event: ModelTable.Chosen) -> None:
        event.stop()
        self.action_use()

    @on(Described)
    def _described(self, event: Described) -> None:
        event.stop()
        self._chooser.describe(event.key, event.details)

    # Within

    @property
    def _chooser(self) -> ModelChooser:
        return self.query_one(ModelChooser)

    @property
    def _row(self) -> ModelRow | None:
        return self._chooser.row

    def _fetches(self, download: Download) -> None:
        self.post_message(self.Fetching(download))

    def _look(self) -> None:
        self.run_worker(self._look_and_read(), group="look", exclusive=True)

    async def _look_and_read(self) -> None:
        async for shelf in looks(self._library):
            self.post_message(self.Looked(shelf))

    async def _ask_endpoints(self) -> None:
        await self._library.ask_endpoints()
        self._look()

    def _watch(self) -> None:
        if not any(worker.group in ("look", "watch") and not worker.is_finished for worker in self.workers):
            self.run_worker(self._look_if_changed(), group="watch", exclusive=True)

    async def _look_if_changed(self) -> None:
        if await has_changed(self._library, self._shelf, self._looked):
            self._look()

    def _doing(self, name: str) -> str:
        if (share := self._loading.get(name)) is not None:
            return f"loading {int(share * 100):>2} %"
        return download_words(self._library.downloads.of(name))

    def _show(self, wanted: str | None = None) -> None:
        if self._looked:
            fetching = [each for each in self._library.downloads.all if each.state in ("running", "waiting")]
            self._chooser.show(self._shelf, len(fetching), wanted)

    async def _describe(self, row: ModelRow) -> None:
        self.post_message(self.Described(row.key, await self._library.details(row.entry)))

    def _look_on_hub(self) -> None:
        if (reference := self._chooser.reference) is not None:
            self._say(f"asking for {reference.repository} …")
            fetching = choose_and_fetch(self.app, self._library, reference, self._shelf.free_bytes)
            self.run_worker(self._bring(fetching), group="hub", exclusive=True)

    async def _bring(self, bringing: Awaitable[Brought | None]) -> None:
        """Go to the model that is put on the list, or say why it is not."""
        try:
            brought = await bringing
        except MistralTuiError as error:
            self._say(str(error))
            return
        if brought is not None:
            self._chooser.field.value = ""
            self._wanted, self._looked = brought.name, False
            self._look()
        self._say(brought.said if brought is not None else "")

    async def _preset(self, row: ModelRow) -> None:
        try:
            chosen = await choose_preset(self.app, self._library, row, self._chat)
        except MistralTuiError as error:
            chosen = str(error)
        if isinstance(chosen, Preset):
            self.dismiss(Picked(row.entry.entry, chosen))
        else:
            self._say(chosen)

    async def _tell(self, doing: Awaitable[str | None], done: str = "") -> None:
        """Say what was done, or why it could not be.

        Args:
            doing: Does it, and may say in words what that was.
            done: What to say where it does not.
        """
        try:
            said = await doing or done
        except MistralTuiError as error:
            said = str(error)
        self._say(said)
        self._look()

    def _say(self, text: str) -> None:
        self.query_one("#models-say", Static).update(printable_line(text))
