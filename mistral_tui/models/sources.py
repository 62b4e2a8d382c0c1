"""Which places are looked into for models, by settings and environment."""

import contextlib
import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, get_args

from mistral_tui.models.discovery import hugging_face, lm_studio, ollama
from mistral_tui.models.discovery.folders import look_here, look_into_folders
from mistral_tui.models.discovery.harvest import Discover
from mistral_tui.types.catalog import ModelSource
from mistral_tui.types.choices import Discoverable

MODEL_PATH: Final = "MISTRAL_TUI_MODEL_PATH"
"""Environment variable with folders of models, separated as in PATH."""


def model_sources(
    models: Path, folders: Sequence[str] = (), wanted: Iterable[Discoverable] | None = None
) -> list[Discover]:
    """Return what looks for models.

    Args:
        models: The folder that downloads go to.
        folders: Further ones that the settings name; those of the environment come before them.
        wanted: What the settings want; `None`: all.
    """
    named = [place for place in os.environ.get(MODEL_PATH, "").split(os.pathsep) if place]
    places = dict.fromkeys(Path(place).expanduser().absolute() for place in (*named, *folders))
    chosen = set(get_args(Discoverable) if wanted is None else wanted)
    home = _home()
    sources: list[Discover] = [partial(look_into_folders, (*places, *([] if models in places else [models])))]
    if "huggingface" in chosen:
        sources.append(lambda: hugging_face.look_into_cache(hugging_face.cache_folder(home)))
    if "lmstudio" in chosen:
        sources.append(lambda: lm_studio.look_into_lm_studio(lm_studio.model_folders(home)))
    if "ollama" in chosen:
        sources.append(lambda: ollama.look_into_ollama(ollama.model_folders(home)))
    if "here" in chosen:
        with contextlib.suppress(FileNotFoundError):  # the folder was removed
            sources.append(partial(look_here, Path.cwd()))
    return sources


def other_stores() -> dict[Path, ModelSource]:
    """Return where other programs keep their models, whether they are looked into or not."""
    home = _home()
    return {
        hugging_face.cache_folder(home): "hugging face",
        **dict.fromkeys(lm_studio.model_folders(home), "lm studio"),
        **dict.fromkeys(ollama.model_folders(home), "ollama"),
    }


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a user without a home
        return Path("/nonexistent")
