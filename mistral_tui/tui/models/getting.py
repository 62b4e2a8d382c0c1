"""Getting a model: loading it for a chat or from the list, or fetching the starter; messages tell how far it is."""

from collections.abc import Callable
from dataclasses import dataclass

from textual.app import App
from textual.message import Message

from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.model_library import ModelLibrary
from mistral_tui.chat.workspace import Workspace
from mistral_tui.tui.chat.welcome import ModelState
from mistral_tui.tui.models.loading import TimeLeft, describe, size_words, stage_words
from mistral_tui.tui.models.starter import Starter
from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.models import LoadedModel, LoadProgress, ModelEntry

Post = Callable[[Message], object]


@dataclass
class Progress(Message):
    """The model is being loaded or fetched."""

    state: ModelState


@dataclass
class Ready(Message):
    """The model is loaded."""

    model: LoadedModel


@dataclass
class Fetched(Message):
    """The starter is on disk."""

    entry: ModelEntry


@dataclass
class Unusable(Message):
    """The model cannot be loaded or fetched."""

    error: MistralTuiError


@dataclass
class Loading(Message):
    """A model is being loaded from the list of models, or no longer."""

    name: str
    share: float | None


async def load_now(app: App[object], library: ModelLibrary, entry: ModelEntry, post: Post) -> None:
    """Load a model from the list, also when that is closed meanwhile; posts `Loading`."""

    def report(progress: LoadProgress) -> None:
        post(Loading(entry.name, progress.fraction))

    post(Loading(entry.name, 0.0))
    try:
        await library.load(entry, report)
    except MistralTuiError as error:
        app.notify(str(error), severity="error")
    finally:
        post(Loading(entry.name, None))


async def load_model(workspace: Workspace, chat: LiveChat, entry: ModelEntry, post: Post) -> None:
    """Load the model of a chat, which is `entry`; posts `Progress`, in the end `Ready` or `Unusable`."""
    detail = describe(entry)
    left = TimeLeft()

    def report(progress: LoadProgress) -> None:
        words = stage_words(progress.stage) + left.words(progress.fraction)
        post(Progress(ModelState(entry.name, detail, progress.fraction, words)))

    post(Progress(ModelState(entry.name, detail, 0.0, stage_words("starting"))))
    try:
        engine = await workspace.preload(report, chat)
    except MistralTuiError as error:
        post(Unusable(error))
    else:
        post(Ready(engine.model))


async def fetch_starter(starter: Starter, post: Post) -> None:
    """Fetch the starter model; posts `Progress`, in the end `Fetched` or `Unusable`."""
    left = TimeLeft()

    def report(done: int, total: int) -> None:
        share = done / total if total else 0.0
        words = f"fetching {size_words(done)} of {size_words(total)}{left.words(share)} · esc stops"
        post(Progress(ModelState(starter.entry.name, "", share, words)))

    report(0, starter.entry.size_bytes)
    try:
        entry = await starter.fetch(report)
    except MistralTuiError as error:
        post(Unusable(error))
    else:
        post(Fetched(entry))
