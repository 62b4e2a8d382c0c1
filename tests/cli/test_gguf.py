"""Which file `gguf -m DIR -f FILE` means."""

from pathlib import Path

import pytest

from mistral_tui.cli.gguf import find_file
from mistral_tui.cli.main import main
from mistral_tui.types.errors import ModelNotFound

pytestmark = pytest.mark.core


def test_folder_and_file(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").touch()
    (tmp_path / "b.gguf").touch()
    assert find_file(tmp_path, ["b.gguf"]) == tmp_path / "b.gguf"


def test_the_only_model_of_a_folder_needs_no_name(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").touch()
    (tmp_path / "readme.md").touch()
    assert find_file(tmp_path, []) == tmp_path / "a.gguf"


def test_the_file_itself(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").touch()
    assert find_file(tmp_path / "a.gguf", []) == tmp_path / "a.gguf"


def test_a_model_in_pieces_is_its_first_one(tmp_path: Path) -> None:
    pieces = [f"m-0000{n}-of-00003.gguf" for n in (1, 2, 3)]
    for piece in pieces:
        (tmp_path / piece).touch()
    assert find_file(tmp_path, []).name == pieces[0]
    assert find_file(tmp_path, list(reversed(pieces))).name == pieces[0]


def test_several_models_need_a_name(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").touch()
    (tmp_path / "b.gguf").touch()
    with pytest.raises(ModelNotFound, match=r"a\.gguf, b\.gguf"):
        find_file(tmp_path, [])


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="nowhere"):
        find_file(tmp_path / "nowhere", [])
    with pytest.raises(ModelNotFound, match=r"c\.gguf"):
        find_file(tmp_path, ["c.gguf"])


def test_without_a_folder_it_is_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gguf", "-f", "a.gguf"]) == 2
    assert "-m" in capsys.readouterr().err
