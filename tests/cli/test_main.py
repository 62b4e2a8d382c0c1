"""The front door: which arguments lead where, and what a wrong call gets."""

import io
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

import mistral_tui
from mistral_tui.cli import main as front
from mistral_tui.cli.flags import ModelFlags
from mistral_tui.cli.main import Command, main
from mistral_tui.types.errors import BadModelFile

pytestmark = pytest.mark.core


class FakeCommand(ModuleType):
    """A command that remembers how it was called, and fails if it is told to."""

    def __init__(self) -> None:
        super().__init__("fake_command")
        self.arguments: list[str] | None = None
        self.flags = ModelFlags()
        self.error: BaseException | None = None

    def run(self, arguments: Sequence[str], flags: ModelFlags) -> int:
        self.arguments = list(arguments)
        self.flags = flags
        if self.error is not None:
            raise self.error
        return 0


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> FakeCommand:
    fake = FakeCommand()
    monkeypatch.setitem(sys.modules, "fake_command", fake)
    monkeypatch.setitem(front.COMMANDS, "fake", Command("a fake", "fake_command", "run"))
    return fake


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"mistral-tui {mistral_tui.__version__}\n"


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    for name, command in front.COMMANDS.items():
        assert name in out
        assert command.summary in out


def test_global_flags_come_before_the_command_and_reach_it(command: FakeCommand) -> None:
    assert main(["-m", "smol", "--n-ctx", "512", "fake", "-m", "other", "--help"]) == 0
    assert command.arguments == ["-m", "other", "--help"]
    assert command.flags.model == "smol"
    assert command.flags.n_ctx == 512
    assert not command.flags.force


def test_a_prompt_that_looks_like_a_flag_belongs_to_the_command(command: FakeCommand) -> None:
    assert main(["fake", "--", "--version"]) == 0
    assert command.arguments == ["--", "--version"]


def test_files_named_by_flags_reach_every_part_of_the_program(
    command: FakeCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    # Registered first, so that what the program sets is undone after the test.
    for name in ("CONFIG", "DATABASE", "INVENTORY"):
        monkeypatch.setenv(f"MISTRAL_TUI_{name}", "before")
    assert main(["--config", "c.toml", "--database", "d.db", "--inventory", "i.json", "fake"]) == 0
    assert os.environ["MISTRAL_TUI_CONFIG"] == str(tmp_path / "c.toml")
    assert os.environ["MISTRAL_TUI_DATABASE"] == str(tmp_path / "d.db")
    assert os.environ["MISTRAL_TUI_INVENTORY"] == str(tmp_path / "i.json")


@pytest.mark.parametrize("group", ["models", "sessions"])
def test_a_group_without_a_command_lists_its_commands(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([group]) == 0
    assert "list" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--nonsense"], "unrecognized arguments: --nonsense"),
        (["dance"], "there is no command 'dance'"),
        (["--n-ctx", "0"], "'0' is not a whole number of at least 1"),
        (["--n-ctx", "many"], "'many' is not a whole number"),
        (["-m"], "expected one argument"),
        (["sessions", "dance"], "dance"),
        (["sessions", "list", "--limit", "none"], "limit"),
        (["sessions", "show", "--nonsense"], "--nonsense"),
    ],
)
def test_a_wrong_call_is_one_line_and_status_2(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert says in captured.err


def test_a_failure_is_one_line_without_escape_sequences(
    command: FakeCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    command.error = BadModelFile("\x1b[2Jevil.gguf\nis no model")
    assert main(["fake"]) == 1
    assert capsys.readouterr().err == "error: evil.gguf is no model\n"


def test_an_unexpected_failure_shows_no_traceback(command: FakeCommand, capsys: pytest.CaptureFixture[str]) -> None:
    command.error = ZeroDivisionError("oops")
    assert main(["fake"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: ZeroDivisionError: oops; ")
    assert "--debug" in err
    assert "Traceback" not in err


def test_debug_shows_the_traceback(
    command: FakeCommand, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISTRAL_TUI_DEBUG", "0")
    command.error = ZeroDivisionError("oops")
    assert main(["--debug", "fake"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_is_status_130_without_a_word(command: FakeCommand, capsys: pytest.CaptureFixture[str]) -> None:
    command.error = KeyboardInterrupt()
    assert main(["fake"]) == 130
    assert capsys.readouterr().err == ""


def test_a_log_is_written_where_it_is_asked_for_and_closed_to_others(command: FakeCommand, tmp_path: Path) -> None:
    assert main(["--log", str(tmp_path / "run.log"), "fake"]) == 0
    assert (tmp_path / "run.log").stat().st_mode & 0o777 == (0o600 if os.name != "nt" else 0o666)


def test_a_log_that_cannot_be_written_is_an_error(command: FakeCommand, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--log", "/nowhere/run.log", "fake"]) == 1
    assert "/nowhere/run.log" in capsys.readouterr().err


NOISY = """
import logging, sys, types
from mistral_tui.cli import main as front
noisy = types.ModuleType("noisy")
noisy.run = lambda arguments, flags: logging.getLogger("mistral_tui.chat").error("a traceback") or print("Grüße ☃") or 0
sys.modules["noisy"] = noisy
front.COMMANDS["noisy"] = front.Command("", "noisy", "run")
sys.exit(front.main(sys.argv[1:]))
"""


def run_noisy(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-c", NOISY, *arguments, "noisy"],
        env={**os.environ, **environment},
        capture_output=True,
        check=True,
    )


def test_what_is_logged_stays_off_the_terminal_unless_it_is_asked_for(tmp_path: Path) -> None:
    assert run_noisy().stderr == b""
    assert b"a traceback" in run_noisy("--debug").stderr
    assert run_noisy("--log", str(tmp_path / "log")).stderr == b""
    assert "a traceback" in (tmp_path / "log").read_text(encoding="utf-8")


def test_a_pipe_gets_utf_8_whatever_the_locale_says() -> None:
    assert run_noisy(PYTHONUTF8="0", PYTHONIOENCODING="latin-1").stdout.decode() == "Grüße ☃\n"


def test_a_terminal_that_cannot_draw_gets_no_interface(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert main([]) == 2
    assert "TERM says it cannot; `mistral-tui ask" in capsys.readouterr().err


def test_a_closed_standard_input_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert main([]) == 2
    assert "the interface needs a terminal" in capsys.readouterr().err
