"""Getting a model: loading it, or fetching the starter; each tells how far it is by messages."""

from collections.abc import Callable
from dataclasses import dataclass

from textual.message import Message

from mistral_tui.chat.live import LiveChat
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
