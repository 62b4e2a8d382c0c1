"""Which of the files of a folder are models, by their names."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mistral_tui.models.discovery.harvest import Found, Harvest
from mistral_tui.models.discovery.walking import Folder
from mistral_tui.models.files import size_on_disk
from mistral_tui.models.projector_file import is_projector_name, projector_among

_PART: Final = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf$", re.IGNORECASE)
_NOT_MODELS: Final = {"adapter_config.json": "a LoRA for a safetensors model", "index.faiss": "an index"}


def gguf_models(folder: Folder, harvest: Harvest, origin: str) -> Iterator[Found]:
    """Yield the GGUF models of a folder; of a split one the first part, if all parts are there."""
    for name in folder.files:
        if not name.lower().endswith(".gguf"):
            continue
        path = folder.path / name
        if reason := _unfit(path):
            harvest.skip(path, reason)
            continue
        part = _PART.match(name)
        if part is not None and int(part["number"]) != 1:
            first = f"{part['stem']}-00001-of-{part['count']}.gguf"
            if first not in folder.files:
                harvest.skip(path, f"the first part of this model, {first}, is not there")
            continue
        if is_projector_name(name):
            harvest.skip(path, "a projector: it is used with the model beside it")
            continue
        size = size_on_disk(path)
        if size is None:
            harvest.skip(path, "parts of this model are not there")
            continue
        projector = projector_among(name, folder.files)
        yield Found(
            part["stem"] if part else path.stem,
            path,
            origin,
            size_bytes=size,
            mmproj=folder.path / projector if projector else None,
        )


def safetensors_model(folder: Folder, harvest: Harvest, name: str, origin: str) -> Found | None:
    """Return the model that a folder is, if it is one in the form of Hugging Face."""
    if not any(file.endswith(".safetensors") for file in folder.files) and "model_index.json" not in folder.files:
        return None
    for file, reason in _NOT_MODELS.items():
        if file in folder.files:
            harvest.skip(folder.path, reason)
            return None
    if "model_index.json" in folder.files:
        sizes = [size_on_disk(folder.path / below) or 0 for below in folder.folders]
        size = sum(sizes) + (size_on_disk(folder.path) or 0)
        return Found(name, folder.path, origin, "safetensors", size, kind="diffusion")
    if "config.json" not in folder.files:
        harvest.skip(folder.path, "weights without a config.json")
        return None
    return Found(name, folder.path, origin, "safetensors", size_on_disk(folder.path) or 0)


def _unfit(path: Path) -> str | None:
    """Return why a path cannot be a model file."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "a link that leads nowhere"
    except (OSError, ValueError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"
    return None if stat.S_ISREG(mode) else "it is not a file but a device or a pipe"
