"""`mcp`: servers that are configured, how they are, and calls of their tools."""

import asyncio
import json
import os
import sys
from pathlib import Path

import httpx2
import pytest

from mistral_tui.cli.main import main
from tests.tools.mcp import misbehaving
from tests.tools.mcp.authority import Authority
from tests.tools.mcp.elsewhere import serving

pytestmark = pytest.mark.mcp


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the program is started in."""
    monkeypatch.setenv("MISTRAL_TUI_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("MISTRAL_TUI_STATE_DIR", str(tmp_path / "state"))
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def configure(folder: Path, **hows: str) -> Path:
    servers = {
        name: {"command": sys.executable, "args": [str(Path(misbehaving.__file__)), how], "env": {"KEY": "hush"}}
        for name, how in hows.items()
    }
    path = folder / ".mcp.json"
    path.write_text(json.dumps({"mcpServers": servers}))
    return path


def test_without_servers_it_says_where_they_go(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["mcp", "list"]) == 0
    assert str(tmp_path / "config" / "mcp.json") in capsys.readouterr().err


def test_a_projects_server_runs_only_once_it_is_trusted(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(project, echo="not")
    assert main(["mcp", "call", "echo/echo", "text=hi"]) == 2
    assert "is not trusted; `mistral-tui mcp trust echo` shows it" in capsys.readouterr().err
    assert main(["mcp", "trust", "echo", "--yes"]) == 0
    shown = capsys.readouterr().out
    assert "misbehaving.py not" in shown
    assert "and set: KEY" in shown
    assert main(["mcp", "call", "echo/echo", "text=hi"]) == 0
    assert capsys.readouterr().out == "hi\n"
    assert main(["mcp", "trust", "echo", "--revoke"]) == 0
    assert main(["mcp", "call", "echo/echo", "text=hi"]) == 2


def test_check_tells_each_server_apart(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = configure(project, good="not", bad="exits at once")
    assert main(["--mcp-config", str(named), "mcp", "check"]) == 1
    good, bad = capsys.readouterr().out.splitlines()
    assert good.split("\t")[:5] == ["good", "ready", "misbehaving 1", "MCP 2025-06-18", "1 tool"]
    assert bad.split("\t") == [
        "bad", "failed", "the MCP server bad ended with exit status 1; it said: no license found"
    ]  # fmt: skip


def test_json_has_what_a_program_needs_and_no_secrets(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = configure(project, echo="not")
    assert main(["--mcp-config", str(named), "mcp", "list", "--json"]) == 0
    text = capsys.readouterr().out
    assert "hush" not in text
    (server,) = json.loads(text)
    assert (server["name"], server["env"], server["trusted"]) == ("echo", ["KEY"], True)
    assert main(["--mcp-config", str(named), "mcp", "call", "echo/echo", '{"text": "hi"}', "--json"]) == 0
    output = json.loads(capsys.readouterr().out)
    assert output["parts"] == [{"type": "text", "text": "hi"}]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["call", "echo", "a=1"], "names no tool; write SERVER/TOOL"),
        (["call", "nobody/echo"], "there is no MCP server 'nobody'; there are: echo"),
        (["call", "echo/echo", "hi"], "'hi' is no argument; write NAME=VALUE"),
        (["call", "echo/echo", "{"], "the arguments are no JSON object"),
        (["check", "nobody"], "there is no MCP server 'nobody'"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    named = configure(project, echo="not")
    assert main(["--mcp-config", str(named), "mcp", *arguments]) == 2
    assert says in capsys.readouterr().err


async def test_a_login_shows_the_address_and_tells_no_token(project: Path, tmp_path: Path) -> None:
    authority = Authority()
    async with serving(authority.app) as url:
        named = project / "elsewhere.json"
        named.write_text(json.dumps({"mcpServers": {"far": {"url": f"{url}/mcp"}}}))
        command = [sys.executable, "-m", "mistral_tui", "--mcp-config", str(named), "mcp"]
        environment = {**os.environ, "MISTRAL_TUI_DATA_DIR": str(tmp_path / "data")}
        environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

        async def run(*arguments: str) -> asyncio.subprocess.Process:
            return await asyncio.create_subprocess_exec(
                *(*command, *arguments), env=environment, stdout=asyncio.subprocess.PIPE
            )

        login = await run("login", "far", "--json")
        assert login.stdout is not None
        shown = json.loads(await login.stdout.readline())
        async with httpx2.AsyncClient(follow_redirects=True) as browser:
            await browser.get(shown["open"])
        rest = (await login.communicate())[0].decode()
        assert (login.returncode, json.loads(rest)) == (0, {"server": "far", "logged_in": True})
        assert "access-" not in rest + json.dumps(shown)
        checked = await run("check", "--json")
        text = (await checked.communicate())[0].decode()
        assert checked.returncode == 0
        assert "access-" not in text
        forgotten = await run("login", "far", "--forget")
        assert (await forgotten.communicate())[0].decode() == "the login at far is forgotten\n"


def test_only_servers_over_http_have_logins(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = configure(project, echo="not")
    assert main(["--mcp-config", str(named), "mcp", "login", "echo"]) == 2
    assert "only servers over HTTP have logins" in capsys.readouterr().err
    named.write_text('{"mcpServers": {"far": {"url": "http://127.0.0.1:1/mcp", "bearer_token": "moon"}}}')
    assert main(["--mcp-config", str(named), "mcp", "login", "far"]) == 2
    assert "far has a token in its configuration" in capsys.readouterr().err
