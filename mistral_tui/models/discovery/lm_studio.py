"""LM Studio's models: `PUBLISHER/REPOSITORY/FILE.gguf`."""

from pathlib import Path
from typing import Final

from mistral_tui.models.discovery.harvest import Harvest
from mistral_tui.models.discovery.model_files import gguf_models, safetensors_model
from mistral_tui.models.discovery.walking import walk

_DEPTH: Final = 4


def model_folders(home: Path) -> tuple[Path, ...]:
    """Return where LM Studio keeps models: now, in earlier versions, and where its pointer file says."""
    places = [home / ".lmstudio" / "models", home / ".cache" / "lm-studio" / "models"]
    pointer = home / ".lmstudio-home-pointer"
    try:
        if pointer.is_file() and pointer.stat().st_size < 4096:
            pointed = Path(pointer.read_text("utf-8").strip()) / "models"
            if pointed.is_absolute() and pointed not in places:
                places.insert(0, pointed)
    except (OSError, ValueError):
        pass  # another program's file: without it the usual folders remain
    return tuple(places)


def look_into_lm_studio(places: tuple[Path, ...]) -> Harvest:
    """Return the models in these folders."""
    harvest = Harvest("lm studio", places)
    for place in places:
        for folder in walk(place, harvest, _DEPTH):
            origin = folder.path.relative_to(place).as_posix()
            harvest.found += gguf_models(folder, harvest, origin)
            if model := safetensors_model(folder, harvest, folder.path.name, origin):
                harvest.found.append(model)
    return harvest
