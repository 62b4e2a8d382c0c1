"""Settings that are written: what else is in the file stays, and a damaged file is left alone."""

import os
import stat
import sys
from pathlib import Path

import pytest

from mistral_tui.config.schema import SCHEMA
from mistral_tui.config.settings import Settings
from mistral_tui.config.settings_edits import commented_settings, save_setting
from mistral_tui.config.settings_file import read_settings
from mistral_tui.types.errors import ConfigError, InvalidRequest

pytestmark = pytest.mark.core

MINE = """# My settings, since 2024.

temperature = 0.5   # not too wild
theme = "fjord"

[elsewhere]
# A table that is none of ours.
port = 8000
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings" / "config.toml"


def written(file: Path) -> Settings:
    return read_settings(file).settings


def test_a_setting_makes_the_file_and_its_folder(file: Path) -> None:
    save_setting(file, "temperature", 0.3)
    assert written(file) == Settings(temperature=0.3)


@pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
def test_the_file_is_closed_to_others_and_keeps_its_mode(file: Path) -> None:
    save_setting(file, "seed", 1)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o640)
    save_setting(file, "seed", 2)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_comments_order_and_the_tables_of_others_stay(file: Path) -> None:
    file.parent.mkdir()
    file.write_text(MINE, "utf-8")
    save_setting(file, "temperature", 0.9)
    save_setting(file, "stop", ("a", "\n"))
    text = file.read_text("utf-8")
    assert "# My settings, since 2024.\n\ntemperature = 0.9   # not too wild\n" in text
    assert "[elsewhere]\n# A table that is none of ours.\nport = 8000\n" in text
    assert written(file) == Settings(temperature=0.9, theme="fjord", stop=("a", "\n"))


def test_a_setting_that_is_undone_leaves_the_file_as_it_was(file: Path) -> None:
    file.parent.mkdir()
    file.write_text(MINE, "utf-8")
    save_setting(file, "top_k", 7)
    save_setting(file, "top_k", None)
    save_setting(file, "top_p", None)
    assert file.read_text("utf-8") == MINE


def test_line_ends_of_another_system_stay(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(MINE.replace("\n", "\r\n").encode())
    save_setting(file, "theme", "moss")
    assert file.read_bytes() == MINE.replace("fjord", "moss").replace("\n", "\r\n").encode()


def test_a_damaged_file_is_never_written(file: Path) -> None:
    file.parent.mkdir()
    file.write_text("temperature = \n", "utf-8")
    with pytest.raises(ConfigError, match="line 1: not valid TOML"):
        save_setting(file, "temperature", 0.3)
    assert file.read_text("utf-8") == "temperature = \n"


def test_a_value_out_of_range_is_never_written(file: Path) -> None:
    with pytest.raises(InvalidRequest, match="from 0 to 2"):
        save_setting(file, "temperature", 9.0)
    assert not file.exists()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="nothing is closed to this user")
def test_a_folder_that_is_closed_is_named(file: Path) -> None:
    file.parent.mkdir(mode=0o500)
    with pytest.raises(ConfigError, match="cannot be written"):
        save_setting(file, "seed", 1)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_to_a_file_elsewhere_stays_a_link(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir()
    (tmp_path / "dotfiles.toml").write_text("seed = 1\n", "utf-8")
    file.symlink_to(tmp_path / "dotfiles.toml")
    save_setting(file, "seed", 2)
    assert file.is_symlink()
    assert (tmp_path / "dotfiles.toml").read_text("utf-8") == "seed = 2\n"


def test_the_commented_file_sets_nothing_and_names_everything(file: Path) -> None:
    file.parent.mkdir()
    text = commented_settings()
    file.write_text(text, "utf-8")
    assert read_settings(file, strict=True)[:2] == (Settings(), ())
    assert all(f"# {each.name} =" in text for each in SCHEMA)


def test_a_setting_of_a_commented_file_is_found_again(file: Path) -> None:
    file.parent.mkdir()
    file.write_text(commented_settings(), "utf-8")
    save_setting(file, "theme", "fjord")
    assert written(file) == Settings(theme="fjord")
