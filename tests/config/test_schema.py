"""What is known of each setting, and values as people type them."""

import re
from pathlib import Path
from typing import Any

import pytest

from mistral_tui.config.schema import SCHEMA, in_words, setting, typed
from mistral_tui.config.settings import Settings
from mistral_tui.config.settings_file import read_settings, variable
from mistral_tui.types.errors import ConfigError, InvalidRequest

pytestmark = pytest.mark.core


@pytest.mark.parametrize("each", SCHEMA, ids=lambda each: each.name)
def test_a_setting_says_what_it_means_and_what_counts_otherwise(each: Any) -> None:
    assert each.group
    assert each.meaning
    assert each.default
    assert len(each.meaning) <= 70
    assert not each.meaning.endswith(".")


def test_groups_are_together() -> None:
    groups = [each.group for each in SCHEMA]
    assert [group for group, before in zip(groups, ["", *groups], strict=False) if group != before] == list(
        dict.fromkeys(groups)
    )


def test_what_may_be_set_comes_from_the_ranges() -> None:
    assert setting("temperature").allowed == "number from 0 to 2"
    assert setting("temperature").default == "0.8"
    assert setting("spill_mb").allowed == "whole number from 0 up"
    assert setting("kv_type").allowed.startswith("f32 | f16")
    assert setting("cpu").allowed == "true | false"
    assert setting("mirostat").choices == ("0", "1", "2")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("temperature", "0.7", 0.7),
        ("temperature", " 1 ", 1.0),
        ("top_k", "40", 40),
        ("cpu", "yes", True),
        ("cpu", "OFF", False),
        ("theme", "fjord", "fjord"),
        ("default_model", "1B model", "1B model"),
        ("kv_type", "q8_0", "q8_0"),
        ("mirostat", "2", 2),
        ("memory_budget", "8GB", "8GB"),
        ("keep_alive", "forever", "forever"),
        ("stop", '["END", "\\n"]', ("END", "\n")),
        ("stop", "END, STOP", ("END", "STOP")),
        ("tensor_split", "3,1", (3.0, 1.0)),
        ("device_layers", "[[0, 20], [1, 12]]", ((0, 20), (1, 12))),
        ("rpc", "10.0.0.2:50052", ("10.0.0.2:50052",)),
    ],
)
def test_a_value_is_read_as_it_is_typed(name: str, text: str, value: object) -> None:
    assert typed(name, text) == value
    assert typed(name, in_words(value)) == value


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("temperature", "9", "from 0 to 2"),
        ("temperature", "warm", "expected a number, got text"),
        ("temperature", "", "expected a number"),
        ("top_k", "1.5", "expected a whole number"),
        ("cpu", "perhaps", "expected true or false"),
        ("kv_type", "q9", "invalid enum value"),
        ("keep_alive", "soon", "write 10m"),
        ("temprature", "1", "did you mean temperature"),
        ("device_layers", "3", "expected a list"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(name: str, text: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=re.escape(said)):
        typed(name, text)


def test_the_environment_goes_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text("temperature = 0.5\ntop_k = 3\n", "utf-8")
    monkeypatch.setenv(variable("temperature"), "0.7")
    monkeypatch.setenv(variable("stop"), "END, STOP")
    monkeypatch.setenv(variable("top_p"), "")
    read = read_settings(file, strict=True)
    assert read.settings == Settings(temperature=0.7, top_k=3, stop=("END", "STOP"))
    assert read.sources == {"temperature": "environment", "top_k": "file", "stop": "environment"}


def test_a_variable_that_makes_no_sense_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text("temperature = 0.5\n", "utf-8")
    monkeypatch.setenv("MISTRAL_TUI_TEMPERATURE", "hot")
    read = read_settings(file)
    assert read.settings == Settings(temperature=0.5)
    assert "MISTRAL_TUI_TEMPERATURE" in read.notices[0]
    assert read.sources == {"temperature": "file"}
    with pytest.raises(ConfigError, match="MISTRAL_TUI_TEMPERATURE"):
        read_settings(file, strict=True)
