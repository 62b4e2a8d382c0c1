"""Ollama's store."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mistral_tui.models.discovery.ollama import look_into_ollama, model_folders
from tests.models.discovery.places import ollama_model
from tests.stubs.gguf import GgufFile

pytestmark = pytest.mark.core
LIBRARY = "registry.ollama.ai/library"
WEIGHTS = {"model": GgufFile().bytes()}


def test_names_are_those_that_ollama_shows(tmp_path: Path) -> None:
    for name in (f"{LIBRARY}/llama3.2/1b", "registry.ollama.ai/me/own/latest", "hf.co/owner/repo-GGUF/Q4_K_M"):
        ollama_model(tmp_path, name, {"model": name.encode()})
    names = sorted(found.name for found in look_into_ollama((tmp_path,)).found)
    assert names == ["hf.co/owner/repo-GGUF:Q4_K_M", "llama3.2:1b", "me/own:latest"]


def test_all_layers_are_known(tmp_path: Path) -> None:
    ollama_model(
        tmp_path,
        f"{LIBRARY}/seeing/latest",
        {
            **WEIGHTS,
            "projector": b"projector",
            "adapter": b"lora",
            "template": b"{{ .Prompt }}",
            "system": b"You are \x1b[2Ja cat.",
            "params": b'{"temperature": 0.3}',
            "license": b"MIT License\n\nlong text",
        },
    )
    (found,) = look_into_ollama((tmp_path,)).found
    assert found.path.read_bytes() == WEIGHTS["model"]
    assert found.mmproj is not None
    assert found.mmproj.read_bytes() == b"projector"
    assert [path.read_bytes() for path in found.adapters] == [b"lora"]
    assert found.system_prompt == "You are a cat."
    assert found.publisher_says == {"template": "{{ .Prompt }}", "params": '{"temperature": 0.3}'}
    assert found.licence.startswith("MIT License")


def change(manifest: Path, **values: Any) -> None:
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **values}))


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ("no list", "it is not a manifest of Ollama"),
        ([], "it has 0 files of weights instead of one"),
        ([7, {"mediaType": 3}], "it has 0 files of weights"),
        ([{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../../etc/passwd"}], "is none"),
        (
            [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:" + "0" * 64}],
            "are not there; `ollama",
        ),
    ],
)
def test_manifests_that_lie_are_passed_over(tmp_path: Path, layers: object, reason: str) -> None:
    change(ollama_model(tmp_path, f"{LIBRARY}/m/latest", WEIGHTS), layers=layers)
    harvest = look_into_ollama((tmp_path,))
    assert harvest.found == []
    assert reason in harvest.skipped[0].reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is not a manifest"),
        (b"[1]", "it is not a manifest"),
        (b"[" * 100_000, "it is not a manifest"),
        (b"\xff\xfe", "it is not a manifest"),
        (b" " * (2**20 + 1), "latest is too large"),
    ],
)
def test_damaged_manifests_are_passed_over(tmp_path: Path, content: bytes, reason: str) -> None:
    ollama_model(tmp_path, f"{LIBRARY}/m/latest", WEIGHTS).write_bytes(content)
    assert reason in look_into_ollama((tmp_path,)).skipped[0].reason


def test_what_only_ollama_can_read_is_said(tmp_path: Path) -> None:
    ollama_model(tmp_path, f"{LIBRARY}/m/latest", WEIGHTS, {"model_format": "safetensors"})
    assert "which Ollama alone reads" in look_into_ollama((tmp_path,)).skipped[0].reason


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_in_the_place_of_a_manifest_or_a_blob_holds_nobody_up(tmp_path: Path) -> None:
    manifest = ollama_model(tmp_path, f"{LIBRARY}/m/latest", WEIGHTS)
    digest = json.loads(manifest.read_text())["layers"][0]["digest"].replace(":", "-")
    (tmp_path / "blobs" / digest).unlink()
    os.mkfifo(tmp_path / "blobs" / digest)
    os.mkfifo(manifest.with_name("pipe"))
    reasons = {skipped.path.name: skipped.reason for skipped in look_into_ollama((tmp_path,)).skipped}
    assert reasons["pipe"] == "it is not a file"
    assert "are not there" in reasons["latest"]


def test_the_store_is_where_the_person_or_the_installer_put_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", "/big/disk")
    assert model_folders(Path("/home/me")) == (Path("/big/disk"),)
    monkeypatch.delenv("OLLAMA_MODELS")
    assert model_folders(Path("/home/me"))[0] == Path("/home/me/.ollama/models")
