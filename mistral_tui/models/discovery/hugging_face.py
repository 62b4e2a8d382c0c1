"""The cache of Hugging Face's own programs.

`models--OWNER--NAME/` holds `blobs/`, and `snapshots/COMMIT/` with links into them; `refs/main` names the newest
commit. It is read, never written. Layout: <https://huggingface.co/docs/huggingface_hub/guides/manage-cache>
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mistral_tui.models.discovery.harvest import Harvest
from mistral_tui.models.discovery.model_files import gguf_models, safetensors_model
from mistral_tui.models.discovery.walking import walk

_REPOSITORY: Final = re.compile(r"models--(?P<owner>[\w.-]+?)--(?P<name>[\w.-]+)|models--(?P<plain>[\w.-]+)")
_DEPTH: Final = 4
_MOST_SNAPSHOTS: Final = 20


def cache_folder(home: Path) -> Path:
    """Return where the cache is, by the variables that Hugging Face's programs know."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if value := os.environ.get(name):
            return _expanded(value)
    if value := os.environ.get("HF_HOME"):
        return _expanded(value) / "hub"
    caches = os.environ.get("XDG_CACHE_HOME")
    return (_expanded(caches) if caches else home / ".cache") / "huggingface" / "hub"


def look_into_cache(place: Path) -> Harvest:
    """Return the models of the cache: GGUF files, and folders of safetensors files."""
    harvest = Harvest("hugging face", (place,))
    for top in walk(place, harvest, deepest=0):
        for folder in top.folders:
            if match := _REPOSITORY.fullmatch(folder):
                repository = match["plain"] or f"{match['owner']}/{match['name']}"
                _look_into_repository(place / folder, repository, harvest)
    # That the cache has folders below the repositories is its nature.
    harvest.skipped = [skipped for skipped in harvest.skipped if skipped.path != place]
    return harvest


def _look_into_repository(place: Path, repository: str, harvest: Harvest) -> None:
    snapshots = place / "snapshots"
    harvest.folders.add(snapshots)
    taken: set[str] = set()
    for snapshot in _newest_first(place, snapshots):
        model: Path | None = None
        for folder in walk(snapshot, harvest, _DEPTH):
            within = folder.path.relative_to(snapshot).as_posix()
            for found in gguf_models(folder, harvest, repository):
                if (file := f"{within}/{found.path.name}") not in taken:
                    taken.add(file)
                    harvest.found.append(found)
            if (model and folder.path.is_relative_to(model)) or "model" in taken:
                continue
            if found_model := safetensors_model(folder, harvest, repository.rpartition("/")[2], repository):
                model = folder.path
                taken.add("model")
                harvest.found.append(found_model)


def _newest_first(place: Path, snapshots: Path) -> Iterable[Path]:
    try:
        commits = sorted(snapshots.iterdir(), key=lambda path: path.lstat().st_mtime, reverse=True)[:_MOST_SNAPSHOTS]
    except OSError:
        return ()
    current = _first_line(place / "refs" / "main")
    return sorted(commits, key=lambda path: path.name != current)


def _first_line(path: Path) -> str:
    try:
        if path.stat().st_size > 200 or not path.is_file():
            return ""
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return ""


def _expanded(text: str) -> Path:
    return Path(os.path.expandvars(text)).expanduser().absolute()
