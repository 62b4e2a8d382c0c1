"""The cache of Hugging Face's programs."""

from pathlib import Path

import pytest

from mistral_tui.models.discovery.hugging_face import cache_folder, look_into_cache
from tests.models.discovery.places import cached_file
from tests.stubs.gguf import GgufFile

pytestmark = pytest.mark.core
OLD, NEW = "a" * 40, "b" * 40


def test_of_two_snapshots_the_current_one_counts(tmp_path: Path) -> None:
    new = cached_file(tmp_path, "o/r", NEW, "m.gguf", b"new")
    cached_file(tmp_path, "o/r", OLD, "m.gguf", b"old", current=False)
    gone = cached_file(tmp_path, "o/r", OLD, "sub/other.gguf", GgufFile().bytes(), current=False)
    assert [found.path for found in look_into_cache(tmp_path).found] == [new, gone]


def test_a_folder_of_safetensors_is_named_after_its_repository(tmp_path: Path) -> None:
    for name in ("config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"):
        cached_file(tmp_path, "google/gemma-3-4b-it", NEW, name, name.encode())
    (found,) = look_into_cache(tmp_path).found
    assert (found.name, found.origin, found.format) == ("gemma-3-4b-it", "google/gemma-3-4b-it", "safetensors")
    assert found.size_bytes == 2 * len("model-00001-of-00002.safetensors")


def test_what_was_removed_from_the_cache_and_what_is_not_of_it_is_passed_over(tmp_path: Path) -> None:
    link = cached_file(tmp_path, "o/r", NEW, "m.gguf", b"x")
    link.resolve().unlink()
    (tmp_path / "datasets--o--d").mkdir()
    (tmp_path / "models--").mkdir()
    (tmp_path / "models--o--empty" / "snapshots").mkdir(parents=True)
    (tmp_path / "models--o--file").mkdir()
    (tmp_path / "models--o--file" / "snapshots").touch()
    harvest = look_into_cache(tmp_path)
    assert harvest.found == []
    assert {skipped.path.name: skipped.reason for skipped in harvest.skipped} == {"m.gguf": "a link that leads nowhere"}


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({}, "/home/me/.cache/huggingface/hub"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/huggingface/hub"),
        ({"HF_HOME": "/h", "XDG_CACHE_HOME": "/c"}, "/h/hub"),
        ({"HF_HUB_CACHE": "/x", "HF_HOME": "/h"}, "/x"),
        ({"HUGGINGFACE_HUB_CACHE": "/old"}, "/old"),
    ],
)
def test_the_cache_is_where_the_hubs_own_client_has_it(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], place: str
) -> None:
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder(Path("/home/me")) == Path(place)
