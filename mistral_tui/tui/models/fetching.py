"""Fetching from the list of models: one key begins, pauses and goes on; what is on no list is chosen from the hub."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual.app import App
from textual.content import Content

from mistral_tui.chat.model_library import ModelLibrary
from mistral_tui.models.downloads import Downloads
from mistral_tui.models.hub.reference import HubReference
from mistral_tui.tui.models.loading import size_words
from mistral_tui.tui.models.questions import AddModel, Question
from mistral_tui.tui.models.rows import FIT_STYLES, ModelRow, fit_of, guessed_memory
from mistral_tui.types.errors import DownloadFailed
from mistral_tui.types.text import printable_line

if TYPE_CHECKING:
    from mistral_tui.models.hub.choosing import Choice

_IS_HERE: Final = "is here already; enter uses it"
_BEING_FETCHED: Final = "is being fetched, also when this list is closed; f5 pauses"
_LINE: Final = 66


def fetch_or_pause(downloads: Downloads, row: ModelRow) -> str:
    """Fetch a model, pause that, or go on with it; returns what was done, in words."""
    download = downloads.of(row.key)
    if download is not None and download.state in ("running", "waiting"):
        downloads.pause(row.key)
        return f"{row.name} is paused; f5 goes on"
    if row.entry.entry.downloaded:
        return f"{row.name} {_IS_HERE}"
    downloads.begin(row.entry.entry)
    return f"{row.name} {_BEING_FETCHED}"


@dataclass(frozen=True)
class Brought:
    """A model that is on the list now."""

    name: str
    said: str
    """What to say of it."""


async def add_file(app: App[object], library: ModelLibrary) -> Brought | None:
    """Ask for a model file, and put it on the list; `None`: the person names none. Only a worker can wait for it.

    Raises:
        MistralTuiError: It cannot be added; says why.
    """
    path = await app.push_screen_wait(AddModel())
    if path is None:
        return None
    name = await library.add(path)
    return Brought(name, f"{name} is in the list now")


async def choose_and_fetch(
    app: App[object], library: ModelLibrary, reference: HubReference, free_bytes: int
) -> Brought | None:
    """Ask the hub what it has under a name, the person which of it, and fetch that.

    Args:
        app: Where to ask; only a worker can wait for the answer.
        library: The models.
        reference: What is wanted; one that names a file or a quantization leaves nothing to ask.
        free_bytes: Memory that the model could have.

    Returns:
        What is being fetched, or is here already; `None`: the person wants nothing of it.

    Raises:
        MistralTuiError: It cannot be fetched; says why.
    """
    models = await library.look_on_hub(reference)
    if models[0].form != "gguf":
        raise DownloadFailed(
            f"{reference.repository} has no GGUF files, and only those run here; look for a repository with GGUF in "
            "its name"
        )
    if reference.file is None and reference.quantization is None:
        chosen = await app.push_screen_wait(_question(reference, models, free_bytes))
        models = tuple(each for each in models if each.source == chosen)
    if not models:
        return None
    entry = await library.fetch_from_hub(models[0])
    return Brought(entry.name, f"{entry.name} {_IS_HERE if entry.downloaded else _BEING_FETCHED}")


def _question(reference: HubReference, models: "tuple[Choice, ...]", free_bytes: int) -> Question:
    from mistral_tui.models.hub.choosing import preferred

    fitting = [each for each in models if fit_of(guessed_memory(each.size_bytes), free_bytes) != "too big"]
    projector = models[0].projector
    about = [f"{len(models)} files, {size_words(free_bytes)} of memory free; smaller ones answer faster, and worse."]
    if projector is not None:
        about.append(f"What they see or hear with comes along: {size_words(projector.size)}, counted in.")
    return Question(
        f"fetch {reference.repository}",
        "\n".join(about),
        {each.source: _row(each, free_bytes) for each in models},
        preferred(fitting or models[:1]).source,
    )


def _row(model: "Choice", free_bytes: int) -> Content:
    fit = fit_of(guessed_memory(model.size_bytes), free_bytes)
    head = f"{model.quantization or 'GGUF':<9} {size_words(model.size_bytes):>8}  "
    name = Content.styled(f"  {printable_line(model.name)}", "$text-muted")
    return (Content(head) + Content.styled(f"{fit:<7}", FIT_STYLES.get(fit, "")) + name).truncate(_LINE, ellipsis=True)
