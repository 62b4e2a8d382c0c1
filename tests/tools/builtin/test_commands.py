"""Commands that models run: confined, with few variables, and gone with all that they started."""

import asyncio
import os
import sys
from pathlib import Path

import psutil
import pytest

from mistral_tui.tools.builtin import commands as limits
from mistral_tui.tools.builtin.commands import Commands
from mistral_tui.tools.builtin.confinement import what_is_missing
from mistral_tui.tools.builtin.tools import BuiltinTools
from mistral_tui.types.agent import AgentOptions
from mistral_tui.types.choices import SandboxMode
from mistral_tui.types.errors import ToolError
from mistral_tui.types.messages import TextPart
from mistral_tui.types.tools import ToolOutput
from tests.stubs.waiting import until

pytestmark = [pytest.mark.core, pytest.mark.skipif(sys.platform == "win32", reason="written for shells of POSIX")]

confined = pytest.mark.skipif(bool(what_is_missing()), reason=f"commands: {what_is_missing()}")
"""Tests that need a system that confines commands."""


def commands(root: Path, mode: SandboxMode = "permissive") -> Commands:
    root.mkdir(exist_ok=True)
    return Commands(root, AgentOptions(str(root), mode, 1_000_000))


def text_of(output: ToolOutput) -> str:
    (part,) = output.parts
    assert isinstance(part, TextPart)
    return part.text


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "work"


async def test_a_command_runs_in_the_root_and_says_how_it_ended(root: Path) -> None:
    output = await commands(root).run('echo "$PWD"; echo wrong >&2; exit 3', "", 60)
    assert (text_of(output), output.failed) == (f"{root}\nwrong\n(exit status 3)", True)
    quiet = await commands(root).run("touch 'a b'", "sh", 60)
    assert (text_of(quiet), quiet.failed) == ("(exit status 0)", False)
    assert (root / "a b").exists()
    assert text_of(await commands(root).run("kill -9 $$", "", 60)) == "(exit status 137)"


async def test_a_python_program_runs_and_finds_modules_of_the_root(root: Path) -> None:
    runner = commands(root)
    (root / "own.py").write_text("VALUE = 'ü'\n")
    output = await runner.run_python("import own\nprint(own.VALUE)\nprint(repr(input))", 60)
    assert text_of(output).startswith("ü\n<built-in")


async def test_secrets_of_the_environment_stay_with_the_program(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hunter2")
    monkeypatch.setenv("LC_SECRET_API_KEY", "locale")
    runner = commands(root)
    for probe in ("env", f"cat /proc/$PPID/environ /proc/{os.getpid()}/environ"):
        if probe == "env" or not what_is_missing():
            said = text_of(await runner.run(probe, "", 60))
            assert not {"hunter2", "locale"} & set(said.replace("=", "\n").splitlines())
    assert str(Path.home()) not in text_of(await runner.run("echo $HOME", "", 60))
    assert str(Path.home()) in text_of(await commands(root, "none").run("echo $HOME", "", 60))


async def test_what_runs_on_ends_with_the_command(root: Path) -> None:
    background = "(setsid sleep 300 & echo $! > pid); sleep 0.1; echo done"
    assert text_of(await commands(root).run(background, "", 60)).startswith("done")
    assert not psutil.pid_exists(int((root / "pid").read_text()))


@pytest.mark.parametrize("how", ["time", "cancel"])
async def test_a_command_ends_when_its_time_is_over_or_it_is_stopped(root: Path, how: str) -> None:
    runner = commands(root)
    stubborn = "trap '' TERM; (setsid sleep 300 & echo $! > pid.new; mv pid.new pid); echo begun; sleep 300"
    call = asyncio.create_task(runner.run(stubborn, "", 1 if how == "time" else 60))
    if how == "time":
        assert text_of(await call) == "begun\n(it was ended after 1 s)"
    else:
        await until((root / "pid").exists)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    pid = int((root / "pid").read_text())
    await until(lambda: not psutil.pid_exists(pid))


async def test_much_output_is_cut_and_endless_output_ends_the_command(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SHOWN", 1000)
    text = text_of(await commands(root).run("echo first; seq 10000; echo last", "", 60))
    assert text.startswith("first\n1\n")
    assert text.endswith("10000\nlast\n(exit status 0)")
    assert "bytes left out" in text
    assert len(text) < 2100
    monkeypatch.setattr(limits, "MOST_OUTPUT", 100_000)
    assert text_of(await commands(root).run("yes", "", 60)).endswith("(it was ended: it said more than 100,000 bytes)")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds to it")
async def test_memory_and_files_have_limits(root: Path) -> None:
    assert "MemoryError" in text_of(await commands(root).run_python("bytearray(6 << 30)", 60))
    assert (await commands(root).run("head -c 2000000 /dev/zero > large", "", 60)).failed
    assert (root / "large").stat().st_size == 1_000_000


@confined
@pytest.mark.parametrize(
    "escape",
    [
        "cat ../secret",
        "ls ..",
        "echo changed > ../secret",
        "truncate -s 0 ../secret",
        "rm ../secret",
        "mv ../secret .",
        "ln ../secret here && cat here",
        "ln -s ../secret link && cat link",
        "touch ../new",
        "mkdir ../new",
        "cd .. && cat secret",
        "cat /proc/$PPID/environ",
        "cat /proc/$PPID/root$(pwd)/../secret",
        "kill -0 1",
        "bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}'",
        "{python} -c 'import socket; socket.socket(socket.AF_UNIX)'",
        "{python} -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)'",
        "setsid -w cat ../secret",
    ],
)
async def test_a_confined_command_gets_nowhere_else(root: Path, escape: str) -> None:
    (root.parent / "secret").write_text("hunter2")
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    output = await commands(root, "strict").run(escape.format(port=port, python=sys.executable), "bash", 60)
    server.close()
    assert output.failed, text_of(output)
    assert "hunter2" not in text_of(output)
    assert (root.parent / "secret").read_text() == "hunter2"
    assert sorted(path.name for path in root.parent.iterdir() if path.name in ("new", "secret")) == ["secret"]


async def test_without_a_sandbox_a_command_gets_everywhere(root: Path) -> None:
    (root.parent / "secret").write_text("hunter2")
    assert text_of(await commands(root, "none").run("cat ../secret", "", 60)).startswith("hunter2")


async def test_where_nothing_confines_them_strict_has_no_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path
    monkeypatch.setattr(limits, "what_is_missing", lambda: "only Linux can confine them")
    strict = BuiltinTools(AgentOptions(str(root)))
    assert "run_command" not in [tool.tool for tool in strict.state.tools]
    assert "without commands: only Linux can confine them" in strict.state.said
    with pytest.raises(ToolError, match="none of the program's own tools"):
        await strict.call("run_command", {"command": "id"})
    permissive = BuiltinTools(AgentOptions(str(root), "permissive"))
    assert text_of(await permissive.call("run_command", {"command": "echo hi"})) == "hi\n(exit status 0)"


async def test_a_shell_that_is_not_here_and_a_command_that_is_too_long_are_told(root: Path) -> None:
    with pytest.raises(ToolError, match="there is no cmd on this machine"):
        await commands(root).run("dir", "cmd", 60)
    with pytest.raises(ToolError, match=r"the command cannot be started: .*too long"):
        await commands(root).run("x" * 3_000_000, "", 60)
    with pytest.raises(ToolError, match="the command cannot be started"):
        await commands(root).run("a" * 200_000, "", 60)


async def test_a_root_that_is_gone_by_then_is_told(root: Path) -> None:
    gone = Commands(root, AgentOptions(str(root), "permissive"))
    assert "the command cannot be started" in text_of(await gone.run("id", "", 60))
