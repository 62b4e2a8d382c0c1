"""Ollama's models: manifests that name blobs; the blob with the weights is a GGUF file.

`manifests/REGISTRY/NAMESPACE/MODEL/TAG` is JSON in the form of an OCI image; `blobs/sha256-…` holds the layers.
The store is read, never written.
"""

import json
import os
import re
from pathlib import Path
from typing import Any, Final

from mistral_tui.models.discovery.harvest import Found, Harvest
from mistral_tui.models.discovery.walking import walk
from mistral_tui.types.text import printable, printable_line

_REGISTRY: Final = "registry.ollama.ai"
_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")
_KINDS: Final = "application/vnd.ollama.image."
_DEPTH: Final = 6
_LARGEST_MANIFEST: Final = 2**20
_LARGEST_TEXT: Final = 2**16


class _Unusable(Exception):
    """Why a manifest is passed over."""


def model_folders(home: Path) -> tuple[Path, ...]:
    """Return where Ollama keeps models: of the person, and of the service that its installer sets up."""
    if named := os.environ.get("OLLAMA_MODELS"):
        return (Path(named).expanduser().absolute(),)
    return home / ".ollama" / "models", Path("/usr/share/ollama/.ollama/models")


def look_into_ollama(places: tuple[Path, ...]) -> Harvest:
    """Return the models in these stores."""
    harvest = Harvest("ollama", places)
    for place in places:
        manifests = place / "manifests"
        for folder in walk(manifests, harvest, _DEPTH):
            for file in folder.files:
                path = folder.path / file
                try:
                    harvest.found.append(_model(place, path, path.relative_to(manifests).parts))
                except _Unusable as reason:
                    harvest.skip(path, str(reason))
    return harvest


def _model(place: Path, manifest: Path, parts: tuple[str, ...]) -> Found:
    layers = _layers(_json(manifest, "it is not a manifest of Ollama"))
    config = layers.get("config", [])
    about = _json(_blob(place, config[0]), "its configuration is damaged") if config else {}
    if (form := about.get("model_format", "gguf")) != "gguf":
        raise _Unusable(f"its weights are in the form {form}, which Ollama alone reads")
    weights = layers.get("model", [])
    if len(weights) != 1:
        raise _Unusable(f"it has {len(weights)} files of weights instead of one")
    path = _blob(place, weights[0])
    projectors = layers.get("projector", [])
    says = {name: text for name in ("template", "params") if (text := _text(place, layers, name))}
    return Found(
        _name(parts),
        path,
        str(place),
        size_bytes=_size(path),
        mmproj=_blob(place, projectors[0]) if projectors else None,
        adapters=tuple(_blob(place, digest) for digest in layers.get("adapter", [])),
        licence=printable_line(_text(place, layers, "license"))[:60],
        system_prompt=_text(place, layers, "system"),
        publisher_says=says,
        aliases=("/".join(parts[:-1]) + f":{parts[-1]}",),
    )


def _name(parts: tuple[str, ...]) -> str:
    """Return what Ollama's own `list` says: its registry and library go without saying."""
    *path, tag = parts
    if path[:1] == [_REGISTRY]:
        path = path[1:]
    if path[:1] == ["library"]:
        path = path[1:]
    return printable_line("/".join(path) + f":{tag}")


def _layers(manifest: dict[str, Any]) -> dict[str, list[str]]:
    """Return the digests of the layers by their kind; `config` is one of them."""
    found: dict[str, list[str]] = {}
    layers, config = manifest.get("layers"), manifest.get("config")
    if not isinstance(layers, list):
        raise _Unusable("it is not a manifest of Ollama")
    for layer in layers:
        kind, digest = (layer.get("mediaType"), layer.get("digest")) if isinstance(layer, dict) else (None, None)
        if isinstance(kind, str) and isinstance(digest, str):
            found.setdefault(kind.removeprefix(_KINDS).partition(";")[0], []).append(digest)
    if isinstance(config, dict) and isinstance(digest := config.get("digest"), str) and digest:
        found["config"] = [digest]
    return found


def _blob(place: Path, digest: str) -> Path:
    match = _DIGEST.fullmatch(digest)
    if match is None:
        raise _Unusable("a digest in it is none")
    return place / "blobs" / f"sha256-{match[1]}"


def _size(path: Path) -> int:
    try:
        if path.is_file():
            return path.stat().st_size
    except OSError as error:
        raise _Unusable(f"its weights cannot be read: {error.strerror}") from None
    raise _Unusable("its weights are not there; `ollama pull` fetches them again")


def _text(place: Path, layers: dict[str, list[str]], kind: str) -> str:
    """Return the text of the first layer of a kind; empty if there is none, or none that can be read."""
    for digest in layers.get(kind, [])[:1]:
        try:
            return printable(_read(_blob(place, digest), _LARGEST_TEXT)).strip()
        except (OSError, _Unusable):
            return ""
    return ""


def _json(path: Path, otherwise: str) -> dict[str, Any]:
    try:
        value = json.loads(_read(path, _LARGEST_MANIFEST))
    except OSError as error:
        raise _Unusable(f"cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise _Unusable(otherwise) from None
    if not isinstance(value, dict):
        raise _Unusable(otherwise)
    return value


def _read(path: Path, largest: int) -> str:
    if not path.is_file():  # a pipe would wait for a writer
        raise _Unusable("it is not a file" if path.exists() else f"{path.name} is not there")
    with path.open("rb") as file:
        data = file.read(largest + 1)
    if len(data) > largest:
        raise _Unusable(f"{path.name} is too large")
    return data.decode("utf-8", "replace")
