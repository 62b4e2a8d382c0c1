"""Taking a model away: from the program's own inventory, and its files from the disk; never from others' stores."""

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from mistral_tui.models.files import split_parts
from mistral_tui.models.hub.fetching import discard_parts
from mistral_tui.models.overlay import unregister
from mistral_tui.models.sources import other_stores
from mistral_tui.types.catalog import CatalogEntry, ModelSource
from mistral_tui.types.errors import InvalidRequest, ModelError
from mistral_tui.types.models import ModelEntry

_OTHERS: dict[ModelSource, str] = {
    "hugging face": "Hugging Face's cache; `hf cache rm` removes it there",
    "ollama": "Ollama's store; `ollama rm` removes it there",
    "lm studio": "LM Studio's folder; remove it in LM Studio",
}


@dataclass(frozen=True)
class Removal:
    """What removing a model will do."""

    entry: ModelEntry
    files: tuple[Path, ...]
    """What will be deleted: files, or one folder."""


def plan_removal(found: CatalogEntry, models: Path, *, files: bool) -> Removal:
    """Say what removing a model would do; nothing is done yet.

    Args:
        found: The model.
        models: The folder that downloads go to; what lies in it is deleted, too.
        files: Whether to delete its files wherever they lie.

    Raises:
        InvalidRequest: Its files belong to another program's store, or it is in no inventory that may be written.
    """
    entry = found.entry
    if entry.remote is not None:
        raise InvalidRequest(f"{entry.name} runs at an endpoint; take that out of the settings (endpoints)")
    if not entry.downloaded:
        return Removal(entry, ())
    real = entry.path.resolve()
    for place, source in other_stores().items():
        if real.is_relative_to(place.resolve()) or entry.path.is_relative_to(place):
            if found.source == "inventory" and not files:
                return Removal(entry, ())
            raise InvalidRequest(f"{entry.name} lies in {_OTHERS[source]}")
    if not (files or real.is_relative_to(models.resolve())):
        if found.source != "inventory":
            raise InvalidRequest(f"{entry.name} is in no inventory but lies at {entry.path}; --file deletes it there")
        return Removal(entry, ())
    return Removal(entry, (_whole_folder(entry, models),) if entry.path.is_dir() else _files_of(entry))


def remove(removal: Removal, overlay: Path, models: Path) -> bool:
    """Do it; return whether there was an entry in the program's own inventory.

    Raises:
        ModelError: A file cannot be deleted; the entry stays.
        ConfigError: The inventory cannot be written.
    """
    for path in removal.files:
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise ModelError(f"{path} cannot be deleted: {error.strerror or error}") from None
    if removal.files:
        discard_parts(removal.entry.path)
        _remove_empty(removal.entry.path.parent, models)
    return unregister(overlay, removal.entry.name)


def _whole_folder(entry: ModelEntry, models: Path) -> Path:
    """Return the folder of a model, if it was fetched and nothing else can be in it."""
    path = entry.path
    if path.is_symlink() or not path.is_relative_to(models) or path == models or any(path.rglob("*.gguf")):
        raise InvalidRequest(f"{path} may hold more than {entry.name}; look into it, and delete it yourself")
    return path


def _files_of(entry: ModelEntry) -> tuple[Path, ...]:
    """Return the files of a GGUF model; its projector too, where no other model can want it."""
    parts = split_parts(entry.path)
    projector = entry.mmproj
    if projector is None or projector.parent != entry.path.parent:
        return parts
    others = [path for path in entry.path.parent.glob("*.gguf") if path != projector and path not in parts]
    return parts if others else (*parts, projector)


def _remove_empty(folder: Path, models: Path) -> None:
    """Remove folders of downloads that have become empty; lock files do not count."""
    while folder != models and folder.is_relative_to(models):
        with contextlib.suppress(OSError):
            if any(not path.name.endswith(".lock") for path in folder.iterdir()):
                return
            shutil.rmtree(folder)
        folder = folder.parent
