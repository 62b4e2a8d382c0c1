"""Stores of models as other programs lay them out."""

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.stubs.gguf import STRING, GgufFile


def model(path: Path, **texts: str) -> Path:
    """Write a tiny model; `texts` are further metadata, with `__` for a dot."""
    file = GgufFile()
    for key, value in texts.items():
        file.metadata[key.replace("__", ".")] = (STRING, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    return file.write(path)


def ollama_model(store: Path, name: str, layers: dict[str, bytes], config: dict[str, Any] | None = None) -> Path:
    """Put a model into a store of Ollama's and return its manifest.

    Args:
        store: The folder with `manifests` and `blobs`.
        name: Such as `registry.ollama.ai/library/llama3.2/1b`.
        layers: The content of each, by the last part of its media type.
        config: Of the image.
    """
    content = {kind: _blob(store, data) for kind, data in layers.items()}
    manifest = store / "manifests" / name
    manifest.parent.mkdir(parents=True, exist_ok=True)
    image = _blob(store, json.dumps(config or {"model_format": "gguf"}).encode())
    manifest.write_text(
        json.dumps(
            {
                "schemaVersion": 2,
                "config": {
                    "mediaType": "application/vnd.docker.container.image.v1+json",
                    "digest": image,
                },
                "layers": [
                    {"mediaType": f"application/vnd.ollama.image.{kind}", "digest": digest, "size": 1}
                    for kind, digest in content.items()
                ],
            }
        )
    )
    return manifest


def _blob(store: Path, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    blobs = store / "blobs"
    blobs.mkdir(parents=True, exist_ok=True)
    (blobs / f"sha256-{digest}").write_bytes(data)
    return f"sha256:{digest}"


def cached_file(cache: Path, repository: str, commit: str, name: str, data: bytes, *, current: bool = True) -> Path:
    """Put a file into a cache of Hugging Face's and return the link in its snapshot."""
    place = cache / f"models--{repository.replace('/', '--')}"
    blob = place / "blobs" / hashlib.sha256(data).hexdigest()
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(data)
    link = place / "snapshots" / commit / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(blob)
    if current:
        (place / "refs").mkdir(exist_ok=True)
        (place / "refs" / "main").write_text(commit)
    return link
