"""`config`: what is set and where from, the editor, the keys, the paths."""

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from mistral_tui.cli.main import main
from mistral_tui.config.schema import SCHEMA

pytestmark = pytest.mark.core


@pytest.fixture
def file() -> Path:
    path = Path(os.environ["MISTRAL_TUI_CONFIG"])
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def shown(capsys: pytest.CaptureFixture[str], *flags: str) -> dict[str, Any]:
    assert main([*flags, "config", "show", "--json"]) == 0
    return {each["name"]: each for each in json.loads(capsys.readouterr().out)["settings"]}


def test_show_says_where_each_value_comes_from(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("top_k = 3\ntop_p = 0.5\ntemperature = 0.5\n", "utf-8")
    monkeypatch.setenv("MISTRAL_TUI_TOP_P", "0.6")
    settings = shown(capsys, "--temperature", "0.7", "-m", "tiny")
    found = {name: (each["value"], each["source"]) for name, each in settings.items() if each["source"] != "default"}
    assert found == {
        "top_k": (3, "file"),
        "top_p": (0.6, "environment"),
        "temperature": (0.7, "flag"),
        "default_model": ("tiny", "flag"),
    }
    assert settings["seed"]["value"] is None
    assert settings["seed"]["default"] == "random"
    assert settings["seed"]["meaning"]
    assert settings.keys() == {each.name for each in SCHEMA}


def test_show_is_a_list_for_people(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text('theme = "fjord"\nstop = ["END", "\\u001b[2J"]\n', "utf-8")
    assert main(["config", "show"]) == 0
    said = capsys.readouterr().out
    assert "sampling\n" in said
    assert "\x1b" not in said
    lines = {line.split()[0]: line.split() for line in said.splitlines() if line.startswith("  ")}
    assert lines["theme"][1:3] == ["fjord", "file"]
    assert lines["temperature"][1:3] == ["0.8", "default"]


def test_show_of_one_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "top_k"]) == 0
    assert "how many candidates stay" in capsys.readouterr().out
    assert main(["config", "show", "topk"]) == 2
    assert "there is no setting 'topk'; did you mean top_k?" in capsys.readouterr().err


def test_show_goes_on_without_what_makes_no_sense(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("top_k = -3\n", "utf-8")
    assert main(["config", "show", "top_k"]) == 0
    said = capsys.readouterr()
    assert "default" in said.out
    assert "note: " in said.err
    assert "line 1, top_k" in said.err


def editor(tmp_path: Path, text: str) -> str:
    """Return the command of an editor that appends `text` to the file."""
    script = tmp_path / "editor.py"
    script.write_text(f"import sys; open(sys.argv[1], 'a', encoding='utf-8').write({text!r})", "utf-8")
    return shlex.join([sys.executable, str(script)])


def test_edit_makes_a_commented_file_and_checks_it_afterwards(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "false")
    monkeypatch.setenv("VISUAL", editor(tmp_path, "top_k = 3\n"))
    assert main(["config", "edit"]) == 0
    assert shown(capsys)["top_k"]["value"] == 3
    assert "# temperature =" in file.read_text("utf-8")
    monkeypatch.setenv("VISUAL", editor(tmp_path, "temperature = 9\n"))
    assert main(["config", "edit"]) == 1
    assert "temperature is 9.0; it must be from 0 to 2" in capsys.readouterr().err


def test_edit_without_an_editor_says_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.setenv("PATH", "")
    assert main(["config", "edit"]) == 1
    assert "set $EDITOR" in capsys.readouterr().err
    for wrong in ("/nowhere/editor", "vi 'unclosed"):
        monkeypatch.setenv("EDITOR", wrong)
        assert main(["config", "edit"]) == 1
        assert f"{wrong!r} cannot be run" in capsys.readouterr().err


def test_keys_lists_all_actions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "keys", "--json"]) == 0
    actions = json.loads(capsys.readouterr().out)["actions"]
    quit_action = next(each for each in actions if each["id"] == "quit")
    assert quit_action["keys"] == ["ctrl+q"]
    assert "/exit" in quit_action["commands"]
    assert main(["config", "keys"]) == 0
    said = capsys.readouterr().out
    assert all(each["title"] in said for each in actions)


def test_path_prints_where_things_are(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "path"]) == 0
    assert f"{file}  (not there yet)\n" in capsys.readouterr().out
    file.touch()
    assert main(["config", "path", "--json"]) == 0
    paths = json.loads(capsys.readouterr().out)
    assert paths["settings"] == str(file)
    assert paths["keymap"] == str(file.with_name("keymap.toml"))
    assert paths["prompts"] == str(file.with_name("prompts"))


def test_a_wrong_call_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "shwo"]) == 2
    assert capsys.readouterr().err.startswith("error: COMMAND: invalid choice: 'shwo'")
    assert main(["config", "edit", "theme"]) == 2
    assert "takes no name" in capsys.readouterr().err
