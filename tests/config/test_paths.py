"""Folders: what overrides what, and who may look into them."""

import os
from pathlib import Path

import pytest

from mistral_tui.config import resources
from mistral_tui.config.paths import Paths, make_private_folder
from mistral_tui.config.resources import data_file
from mistral_tui.types.errors import ConfigError

pytestmark = pytest.mark.core
NAMES = ("CONFIG", "DATABASE", "MODELS", "CONFIG_DIR", "DATA_DIR", "STATE_DIR", "CACHE_DIR")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in NAMES:
        monkeypatch.delenv(f"MISTRAL_TUI_{name}", raising=False)
    return monkeypatch


def test_everything_is_in_the_platforms_folders(bare: pytest.MonkeyPatch) -> None:
    paths = Paths.resolve()
    for path in (paths.settings_file, paths.database, paths.logs, paths.state, paths.cache, paths.themes):
        assert path.is_absolute()
        assert "mistral-tui" in str(path)


def test_folders_are_overridden_one_by_one(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES[3:]:
        bare.setenv(f"MISTRAL_TUI_{name}", str(tmp_path / name))
    paths = Paths.resolve()
    assert paths.settings_file == tmp_path / "CONFIG_DIR" / "config.toml"
    assert paths.themes.parent == paths.chat_templates.parent == tmp_path / "CONFIG_DIR"
    assert paths.database == tmp_path / "DATA_DIR" / "chats.db"
    assert paths.inventory_overlay == tmp_path / "DATA_DIR" / "inventory.json"
    assert paths.logs == tmp_path / "STATE_DIR" / "logs"
    assert paths.cache == tmp_path / "CACHE_DIR"


def test_files_win_over_folders_and_arguments_over_the_environment(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.setenv("MISTRAL_TUI_CONFIG_DIR", str(tmp_path / "c"))
    bare.setenv("MISTRAL_TUI_CONFIG", str(tmp_path / "mine.toml"))
    bare.setenv("MISTRAL_TUI_DATABASE", "relative.db")
    assert Paths.resolve().settings_file == tmp_path / "mine.toml"
    assert Paths.resolve().database == Path("relative.db").absolute()
    paths = Paths.resolve(config=tmp_path / "other.toml", database=tmp_path / "other.db")
    assert (paths.settings_file, paths.database) == (tmp_path / "other.toml", tmp_path / "other.db")


def test_models_are_in_the_checkout_else_with_the_data(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    root = resources.checkout()
    assert root is not None
    assert Paths.resolve().models == root / ".models"
    bare.setattr(resources, "_PACKAGE", tmp_path / "site-packages" / "mistral_tui")
    bare.setenv("MISTRAL_TUI_DATA_DIR", str(tmp_path / "data"))
    assert Paths.resolve().models == tmp_path / "data" / "models"
    bare.setenv("MISTRAL_TUI_MODELS", str(tmp_path / "elsewhere"))
    assert Paths.resolve().models == tmp_path / "elsewhere"


def test_missing_folders_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_TUI_DATABASE", str(tmp_path / "a" / "b" / "chats.db"))
    assert Paths.resolve().ensure() == ()
    assert (tmp_path / "a" / "b").is_dir()
    assert Paths.resolve().ensure() == ()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_new_folders_are_closed_to_others_and_old_ones_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_private_folder(tmp_path / "a" / "b")
    assert [path.stat().st_mode & 0o777 for path in (tmp_path, tmp_path / "a", tmp_path / "a" / "b")] == [
        0o755,
        0o700,
        0o700,
    ]


def test_a_folder_that_cannot_be_made_is_said_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way", "utf-8")
    monkeypatch.setenv("MISTRAL_TUI_STATE_DIR", str(tmp_path / "file" / "state"))
    problems = Paths.resolve().ensure()
    assert len(problems) == 2
    assert problems[0].startswith(f"cannot create the folder {tmp_path / 'file' / 'state'}: ")


def test_data_files_are_found_beside_the_package_or_inside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_file("MODEL_INVENTORY.json").is_file()
    package = tmp_path / "mistral_tui"
    (package / "data").mkdir(parents=True)
    (package / "data" / "MODEL_INVENTORY.json").write_text("[]", "utf-8")
    monkeypatch.setattr(resources, "_PACKAGE", package)
    assert data_file("MODEL_INVENTORY.json") == package / "data" / "MODEL_INVENTORY.json"
    with pytest.raises(ConfigError, match="themes is missing from this installation"):
        data_file("themes")
