"""What a call would do to a file."""

import json
from pathlib import Path

import pytest

from mistral_tui.chat.file_changes import LARGEST, FileChange, file_change
from mistral_tui.types.tools import ToolRun

pytestmark = pytest.mark.core


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "notes.md").write_text("one\ntwo\nthree\n")
    return tmp_path


def run(tool: str, **arguments: object) -> ToolRun:
    return ToolRun("r", "1", "m", tool, "files", tool, json.dumps(arguments))


def test_another_content_is_a_diff(folder: Path) -> None:
    change = file_change(run("write_file", path="notes.md", content="one\n2\nthree\n"), folder)
    assert change == FileChange("notes.md", ("@@ -1,3 +1,3 @@", " one", "-two", "+2", " three"))


@pytest.mark.parametrize(
    "arguments",
    [
        {"path": "notes.md", "edits": [{"oldText": "two", "newText": "2"}]},
        {"file_path": "notes.md", "old_string": "two", "new_string": "2"},
    ],
)
def test_edits_are_a_diff(folder: Path, arguments: dict[str, object]) -> None:
    change = file_change(run("edit_file", **arguments), folder)
    assert change is not None
    assert change.lines[2:4] == ("-two", "+2")


def test_an_edit_of_what_is_not_there_says_so(folder: Path) -> None:
    change = file_change(run("edit_file", path="notes.md", edits=[{"oldText": "four", "newText": "4"}]), folder)
    assert change == FileChange("notes.md", note="1 of 1 texts to be replaced is not in the file")


def test_a_new_file_is_all_new(folder: Path) -> None:
    change = file_change(run("write_file", path=str(folder / "new.md"), content="hello"), folder)
    assert change is not None
    assert (change.lines, change.note) == (("@@ -0,0 +1 @@", "+hello"), "a new file")


def test_what_cannot_be_compared_says_why(folder: Path) -> None:
    (folder / "bytes").write_bytes(b"\xff\xfe")
    (folder / "large").write_text("x" * (LARGEST + 1))
    for name, words in (("bytes", "cannot be read"), ("large", "too large"), ("a\0b", "cannot be read")):
        change = file_change(run("write_file", path=name, content="x"), folder)
        assert change is not None
        assert words in change.note


def test_other_calls_change_no_file(folder: Path) -> None:
    assert file_change(run("read_file", path="notes.md", content="x"), folder) is None
    assert file_change(run("write_file", text="x"), folder) is None
    assert file_change(ToolRun("r", "1", "m", "write_file", arguments="{"), folder) is None
    assert file_change(ToolRun("r", "1", "m", "write_file", arguments="[1]"), folder) is None
