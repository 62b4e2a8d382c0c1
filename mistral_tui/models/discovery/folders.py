"""Folders that a person named, and the folder that the program was started in."""

from collections.abc import Iterable
from pathlib import Path

from mistral_tui.models.discovery.harvest import Harvest
from mistral_tui.models.discovery.model_files import gguf_models, safetensors_model
from mistral_tui.models.discovery.walking import walk


def look_into_folders(places: Iterable[Path]) -> Harvest:
    """Return the models in these folders and below them."""
    harvest = Harvest("folder", tuple(places))
    for place in harvest.places:
        if place.exists() and not place.is_dir():
            harvest.skip(place, "it is not a folder")
            continue
        look_below(place, harvest)
    return harvest


def look_here(place: Path) -> Harvest:
    """Return the GGUF files of one folder, not of those below it."""
    harvest = Harvest("here", (place,))
    for folder in walk(place, harvest, deepest=0):
        harvest.found += gguf_models(folder, harvest, str(place))
    harvest.skipped = [skipped for skipped in harvest.skipped if skipped.path != place]  # what is deeper is meant to be
    return harvest


def look_below(place: Path, harvest: Harvest) -> None:
    """Add the models of a folder and of those below it."""
    within: list[Path] = []
    for folder in walk(place, harvest):
        if any(folder.path.is_relative_to(model) for model in within):
            continue
        origin = str(folder.path)
        harvest.found += gguf_models(folder, harvest, origin)
        if model := safetensors_model(folder, harvest, folder.path.name, origin):
            harvest.found.append(model)
            within.append(folder.path)
