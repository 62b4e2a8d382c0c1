"""Files below the sandbox root: read in pieces, found, written at once, and never more than allowed."""

import os
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_tui.tools.builtin import files as limits
from mistral_tui.tools.builtin.files import Files
from mistral_tui.tools.builtin.root import SandboxRoot
from mistral_tui.types.errors import ToolError

pytestmark = pytest.mark.core


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(SandboxRoot(tmp_path), 1000)


def test_a_folder_is_listed_folders_first_and_no_name_looks_like_two(files: Files, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a.txt").write_text("hello")
    expected = ["b/", "a.txt  5 bytes"]
    if sys.platform != "win32":
        (tmp_path / "x\ny").touch()
        (tmp_path / "link").symlink_to("/etc")
        expected += ["link  (link)", '"x\\ny"  0 bytes']
    assert files.listing(".").splitlines() == expected
    assert files.listing("b") == "(an empty folder)"
    with pytest.raises(ToolError, match=r"a.txt: Not a directory|a.txt"):
        files.listing("a.txt")


def test_a_long_folder_is_cut(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_ENTRIES", 2)
    for name in "abcde":
        (tmp_path / name).touch()
    assert files.listing(".").splitlines()[2:] == ["… and 3 more"]


def test_a_file_is_read_by_lines(files: Files, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one\ntwo\nthree\n")
    assert files.read("a", 1, 100) == "one\ntwo\nthree\n"
    assert files.read("a", 2, 1) == "two\n… lines 2 to 2 of 3; first_line says where to begin"
    with pytest.raises(ToolError, match="a has 3 lines; there is no line 9"):
        files.read("a", 9, 1)


def test_a_file_that_is_too_long_to_be_shown_is_read_in_pieces(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_SHOWN", 12)
    (tmp_path / "a").write_text("12345\n" * 5)
    assert files.read("a", 1, 9) == "12345\n12345\n… lines 1 to 2 of 5; first_line says where to begin"
    assert files.read("a", 5, 9) == "12345\n… lines 5 to 5 of 5; first_line says where to begin"
    (tmp_path / "line").write_text("x" * 100)
    assert files.read("line", 1, 9) == "xxxxxxxxxxxx… (the line goes on)"


def test_what_is_no_text_too_large_or_no_file_is_not_read(files: Files, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_bytes(b"x" * 1001)
    for name, says in (("binary", "no text"), ("large", "has 1,001 bytes, and 1,000 are"), (".", "is a folder|Is a")):
        with pytest.raises(ToolError, match=says):
            files.read(name, 1, 10)
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ToolError, match="is no ordinary file"):  # and nobody waits for a writer
            files.read("pipe", 1, 10)
        with pytest.raises(ToolError, match="is no ordinary file"):
            files.write("pipe", "x")


def test_files_are_found_by_name_and_by_text_not_behind_links(files: Files, tmp_path: Path) -> None:
    (tmp_path / "src" / "deep").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    for path in ("src/a.py", "src/deep/b.PY", "src/c.txt", ".git/d.py"):
        (tmp_path / path).write_text("first\nA Needle here\n")
    (tmp_path / "src" / "large.py").write_text("needle" * 400)
    if sys.platform != "win32":
        (tmp_path / "src" / "link.py").symlink_to("a.py")
        (tmp_path / "src" / "out").symlink_to("/")
    assert files.search(".", "*.py", "").splitlines() == ["src/a.py", "src/large.py", "src/deep/b.PY"]
    found = files.search("src", "*.py", "needle").splitlines()
    assert found == ["src/a.py:2: A Needle here", "src/deep/b.PY:2: A Needle here", "(1 large files were not searched)"]
    assert files.search(".", "*", "nowhere to be") == "nothing was found"
    with pytest.raises(ToolError, match="absent"):
        files.search("absent", "*", "")


def test_a_file_is_written_with_its_folders_and_keeps_its_mode(files: Files, tmp_path: Path) -> None:
    assert files.write("new/deep/a.sh", "one\n") == "new/deep/a.sh was written: 4 bytes"
    script = tmp_path / "new" / "deep" / "a.sh"
    script.chmod(0o755)
    files.write("new/deep/a.sh", "twö\n")
    assert script.read_bytes() == "twö\n".encode()
    if sys.platform != "win32":
        assert stat.S_IMODE(script.stat().st_mode) == 0o755
    assert [path.name for path in script.parent.iterdir()] == ["a.sh"]


def test_a_write_that_fails_leaves_the_old_file(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("old")

    def full(*args: object, **named: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ToolError, match="a: No space left on device"):
        files.write("a", "new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "old")]


def test_a_write_is_refused_where_it_may_not_go(files: Files, tmp_path: Path) -> None:
    (tmp_path / "locked").write_text("old")
    (tmp_path / "locked").chmod(0o444)
    for path, says in ((".", "folder"), ("locked", "read-only"), ("../out", "outside the sandbox root")):
        with pytest.raises(ToolError, match=says):
            files.write(path, "new")
    with pytest.raises(ToolError, match="has 1,001 bytes"):
        files.write("a", "x" * 1001)
    assert [path.name for path in tmp_path.iterdir()] == ["locked"]
    assert not (tmp_path.parent / "out").exists()


def test_an_edit_replaces_what_occurs_exactly_once(files: Files, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\r\ntwo\r\ntwo\r\n")
    files.edit("a", "one\ntwo", "1\n2")
    assert (tmp_path / "a").read_bytes() == b"1\r\n2\r\ntwo\r\n"
    for old, says in (("gone", "does not occur in a"), ("\n", "occurs 3 times in a")):
        with pytest.raises(ToolError, match=says):
            files.edit("a", old, "x")


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=200))
def test_what_is_written_is_read(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    files = Files(SandboxRoot(tmp_path_factory.getbasetemp()), 1000)
    files.write("any", text)
    assert files.read("any", 1, 1000) == (text or "(an empty file)")
