"""Writing the program's own inventory."""

import json
from pathlib import Path

import pytest

from mistral_tui.models.overlay import register
from mistral_tui.types.errors import ConfigError

pytestmark = pytest.mark.core


def test_an_entry_is_added_and_changed_and_all_else_stays(tmp_path: Path) -> None:
    overlay = tmp_path / "data" / "inventory.json"
    register(overlay, "one", {"path": "/one.gguf"})
    entries = json.loads(overlay.read_text())
    entries[0]["colour"] = "grün"
    overlay.write_text(json.dumps(entries))
    register(overlay, "two", {"path": "/two.gguf"})
    register(overlay, "one", {"path": "/first.gguf"})
    assert json.loads(overlay.read_text()) == [
        {"name": "one", "path": "/first.gguf", "colour": "grün"},
        {"name": "two", "path": "/two.gguf"},
    ]


@pytest.mark.parametrize("content", ["{", "{}", "[1"])
def test_a_damaged_file_stays_as_it_is(tmp_path: Path, content: str) -> None:
    overlay = tmp_path / "inventory.json"
    overlay.write_text(content)
    with pytest.raises(ConfigError, match="mend it or move it away"):
        register(overlay, "one", {"path": "/one.gguf"})
    assert overlay.read_text() == content


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"):
        register(tmp_path / "file" / "inventory.json", "one", {})
