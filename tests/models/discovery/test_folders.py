"""Looking through folders that may hold anything."""

import os
import socket
import sys
from pathlib import Path

import pytest

from mistral_tui.models.discovery import walking
from mistral_tui.models.discovery.folders import look_here, look_into_folders
from mistral_tui.models.discovery.harvest import Harvest
from tests.models.discovery.places import model

pytestmark = pytest.mark.core


def found(harvest: Harvest) -> list[str]:
    return [found.name for found in harvest.found]


def reasons(harvest: Harvest) -> dict[str, str]:
    return {skipped.path.name: skipped.reason for skipped in harvest.skipped}


def test_a_loop_of_links_is_gone_through_once(tmp_path: Path) -> None:
    model(tmp_path / "a" / "one.gguf")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert found(look_into_folders([tmp_path, tmp_path / "a"])) == ["one", "one"]  # the second is another place


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_what_is_no_file_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    (tmp_path / "device.gguf").symlink_to("/dev/zero")
    (tmp_path / "nowhere.gguf").symlink_to(tmp_path / "gone")
    (tmp_path / "round.gguf").symlink_to(tmp_path / "round.gguf")
    (tmp_path / "folder.gguf").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)  # the name of a socket must be short
        server.bind("socket.gguf")
        harvest = look_into_folders([tmp_path])
    assert found(harvest) == []
    assert reasons(harvest) == {
        "pipe.gguf": "it is not a file but a device or a pipe",
        "device.gguf": "it is not a file but a device or a pipe",
        "socket.gguf": "it is not a file but a device or a pipe",
        "nowhere.gguf": "a link that leads nowhere",
        "round.gguf": "cannot be read: Too many levels of symbolic links",
    }


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="everything may be read")
def test_a_closed_folder_is_named(tmp_path: Path) -> None:
    model(tmp_path / "closed" / "one.gguf")
    (tmp_path / "closed").chmod(0)
    try:
        assert reasons(look_into_folders([tmp_path]))["closed"] == "cannot be read: Permission denied"
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_a_folder_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "_MOST_ENTRIES", 20)
    for number in range(30):
        model(tmp_path / f"{number:03}.gguf")
    harvest = look_into_folders([tmp_path])
    assert len(harvest.found) == 20
    assert "there is too much in it (over 20 files); name a folder below it" in harvest.skipped[0].reason


def test_what_lies_too_deep_is_not_looked_for(tmp_path: Path) -> None:
    model(tmp_path / "/".join("12345678") / "deep.gguf")
    model(tmp_path / "/".join("123456789") / "deeper.gguf")
    harvest = look_into_folders([tmp_path])
    assert found(harvest) == ["deep"]
    assert reasons(harvest) == {"8": "its folders are not looked into: they lie more than 8 deep"}


def test_hidden_folders_are_left_out_unless_they_are_named(tmp_path: Path) -> None:
    model(tmp_path / ".models" / "one.gguf")
    assert found(look_into_folders([tmp_path])) == []
    assert found(look_into_folders([tmp_path / ".models"])) == ["one"]


@pytest.mark.parametrize("place", ["gone", "file", "a\0b"])
def test_a_place_that_is_no_folder_does_no_harm(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    assert found(look_into_folders([tmp_path / place])) == []


def test_names_in_any_encoding_are_taken(tmp_path: Path) -> None:
    model(tmp_path / "\u202eevil\x1b[2J.GGUF")
    if sys.platform == "linux":
        model(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.gguf")))
    assert len(look_into_folders([tmp_path]).found) == (2 if sys.platform == "linux" else 1)


def test_only_the_working_folder_itself_is_looked_into(tmp_path: Path) -> None:
    model(tmp_path / "one.gguf")
    model(tmp_path / "below" / "two.gguf")
    harvest = look_here(tmp_path)
    assert (found(harvest), harvest.skipped) == (["one"], [])


def test_a_folder_in_the_form_of_hugging_face_is_one_model(tmp_path: Path) -> None:
    place = tmp_path / "gemma"
    (place / "sub").mkdir(parents=True)
    (place / "config.json").write_text("{}")
    (place / "model.safetensors").write_bytes(b"123")
    (place / "sub" / "config.json").write_text("{}")
    (place / "sub" / "model.safetensors").write_bytes(b"123")
    lora = tmp_path / "lora"
    lora.mkdir()
    (lora / "adapter_config.json").write_text("{}")
    (lora / "adapter_model.safetensors").write_bytes(b"1")
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "x.safetensors").write_bytes(b"1")
    harvest = look_into_folders([tmp_path])
    (gemma,) = harvest.found
    assert (gemma.name, gemma.format, gemma.size_bytes) == ("gemma", "safetensors", 3)
    assert reasons(harvest) == {"lora": "a LoRA for a safetensors model", "bare": "weights without a config.json"}
