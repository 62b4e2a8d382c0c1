"""Copying: the truth about what became of it."""

import shutil
import stat
import sys
from pathlib import Path

import pytest

from mistral_tui.tui import clipboard
from mistral_tui.tui.clipboard import clipboard_programs, copy_text

pytestmark = pytest.mark.core


def program(folder: Path, name: str, body: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")
async def test_copied_is_said_when_a_program_took_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = tmp_path / "taken"
    copy = program(tmp_path, "copy", f'cat > "{taken}"')
    monkeypatch.setattr(clipboard, "clipboard_programs", lambda *_: [[str(copy)]])
    sent: list[str] = []
    assert await copy_text("grüße", sent.append) == "copied 5 characters"
    assert taken.read_text(encoding="utf-8") == "grüße"
    assert not sent


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")
@pytest.mark.parametrize("body", ["exit 1", "exec sleep 60"])
async def test_a_program_that_fails_or_hangs_is_no_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    monkeypatch.setattr(clipboard, "TIME_LIMIT", 0.2)
    monkeypatch.setattr(clipboard, "clipboard_programs", lambda *_: [[str(program(tmp_path, "copy", body))]])
    sent: list[str] = []
    said = await copy_text("text", sent.append)
    assert said == "sent 4 characters to the terminal's clipboard (OSC 52)"
    assert sent == ["text"]


async def test_without_a_program_the_terminal_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clipboard, "clipboard_programs", lambda *_: [])
    sent: list[str] = []
    assert "OSC 52" in await copy_text("text", sent.append)
    assert sent == ["text"]


def test_each_system_has_its_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: name)
    assert clipboard_programs({}, "darwin") == [["pbcopy"]]
    assert clipboard_programs({}, "win32") == [["clip"]]
    assert clipboard_programs({}, "linux") == []
    assert clipboard_programs({"WAYLAND_DISPLAY": "wayland-0"}, "linux") == [["wl-copy"]]
    assert clipboard_programs({"DISPLAY": ":0"}, "linux")[0][0] == "xclip"
    assert clipboard_programs({"DISPLAY": ":0", "SSH_CONNECTION": "x"}, "linux") == []
