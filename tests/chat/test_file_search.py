"""Files found by some letters, and paths as terminals paste them."""

import subprocess
from pathlib import Path

import pytest

from mistral_tui.chat import file_search
from mistral_tui.chat.file_search import FileSearch
from mistral_tui.chat.paths_in_text import pasted_paths, path_from

pytestmark = pytest.mark.core


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    for name in (
        "src/engine/loading.py",
        "src/load.py",
        "docs/reloading.md",
        ".hidden/load.py",
        "node_modules/load.js",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x", encoding="utf-8")
    return root


def test_the_letters_may_stand_apart_and_names_come_before_folders(folder: Path) -> None:
    search = FileSearch(folder)
    assert search.matches("load") == ("src/load.py", "docs/reloading.md", "src/engine/loading.py")
    assert search.matches("zzz") == ()
    assert search.matches("(.*") == ()


def test_paths_lead_through_folders(folder: Path) -> None:
    search = FileSearch(folder / "src")
    assert search.matches("") == ("engine/", "load.py")
    assert search.matches("../do") == ("../docs/",)
    assert search.matches("../.h") == ("../.hidden/",)
    assert search.matches(f"{folder}/docs/") == (f"{folder}/docs/reloading.md",)
    assert search.matches("/nowhere/") == ()


def test_what_git_ignores_is_left_out(folder: Path) -> None:
    subprocess.run(["git", "init", "-q", folder], check=True)
    (folder / ".gitignore").write_text("docs/\n", encoding="utf-8")
    assert "docs/reloading.md" not in FileSearch(folder).matches("load")
    assert "node_modules/load.js" in FileSearch(folder).matches("load")


def test_a_huge_folder_is_not_looked_through_to_its_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_search, "MOST_FILES", 10)
    for number in range(50):
        (folder / f"{number}.txt").touch()
    assert len(FileSearch(folder).matches("t")) <= 10


def test_only_a_text_of_nothing_but_files_is_paths(folder: Path) -> None:
    first, second = folder / "src" / "load.py", folder / "two words.txt"
    second.touch()
    escaped = str(second).replace(" ", "\\ ")
    assert pasted_paths(str(second)) == (second,)
    assert pasted_paths(f"'{second}' {first}\n") == (second, first)
    assert pasted_paths(f"{escaped}\n{first.as_uri()}") == (second, first)
    assert pasted_paths(second.as_uri()) == (second,)
    for text in (
        "",
        "load.py",
        f"{first} please",
        f"{first} /nowhere",
        str(folder),
        "/" * 20_000,
        "'/unclosed",
        "/a\0b",
    ):
        assert pasted_paths(text) == ()


def test_a_path_is_read_as_it_was_typed(folder: Path) -> None:
    second = folder / "two words.txt"
    second.touch()
    for text in (str(second), f'"{second}"', str(second).replace(" ", "\\ "), second.as_uri(), f" {second} "):
        assert path_from(text) == second
    assert path_from("~nobody-is-called-so/x") == Path("~nobody-is-called-so/x")


def test_in_a_large_folder_names_with_the_letters_together_are_enough(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"tide {number:02}.txt").touch()
        (tmp_path / f"t-i-d-e {number:02}.txt").touch()
    found = FileSearch(tmp_path).matches("TIDE")
    assert found == tuple(f"tide {number:02}.txt" for number in range(50))
    assert set(FileSearch(tmp_path).matches("tide 07")) == {"tide 07.txt", "t-i-d-e 07.txt"}
