"""Which configuration counts, and which servers may be started."""

import json
from pathlib import Path

import msgspec
import pytest

from mistral_tui.tools.mcp.sources import ConfiguredServers, configured_servers
from mistral_tui.tools.mcp.trust import Trust
from mistral_tui.types.errors import ConfigError
from mistral_tui.types.servers import McpServer

pytestmark = pytest.mark.core


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return Trust(tmp_path / "state" / "trust.json")


def write(path: Path, **servers: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"mcpServers": {name: {"command": command} for name, command in servers.items()}}))
    return path


def found(tmp_path: Path, trust: Trust) -> ConfiguredServers:
    return configured_servers(tmp_path / "own" / "mcp.json", tmp_path / "project", trust)


def commands(found: ConfiguredServers) -> dict[str, tuple[str, bool]]:
    return {each.server.name: (each.server.command, each.trusted) for each in found.servers}


def test_the_persons_own_server_counts_before_one_of_the_project(tmp_path: Path, trust: Trust) -> None:
    write(tmp_path / "own" / "mcp.json", time="mine")
    write(tmp_path / "project" / ".mcp.json", time="theirs", files="theirs")
    write(tmp_path / "project" / ".vscode" / "mcp.json", files="editor", git="editor")
    configured = found(tmp_path, trust)
    assert commands(configured) == {"time": ("mine", True), "files": ("theirs", False), "git": ("editor", False)}
    assert [notice.partition(": ")[2] for notice in configured.notices] == [
        f"time is also in {tmp_path / 'own' / 'mcp.json'}, which counts",
        f"files is also in {tmp_path / 'project' / '.mcp.json'}, which counts",
    ]


def test_a_file_that_is_named_is_the_only_one_and_trusted(
    tmp_path: Path, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "own" / "mcp.json", time="mine")
    monkeypatch.setenv("MCP_CONFIG_PATH", str(write(tmp_path / "named.json", git="named")))
    assert commands(found(tmp_path, trust)) == {"git": ("named", True)}


def test_a_file_that_is_named_must_be_there(tmp_path: Path, trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCP_CONFIG_PATH", str(tmp_path / "gone.json"))
    with pytest.raises(ConfigError, match=r"gone\.json: there is no such file"):
        found(tmp_path, trust)


def test_a_damaged_file_leaves_out_its_servers_only(tmp_path: Path, trust: Trust) -> None:
    write(tmp_path / "own" / "mcp.json", time="mine")
    (write(tmp_path / "project" / ".mcp.json")).write_text("{")
    configured = found(tmp_path, trust)
    assert commands(configured) == {"time": ("mine", True)}
    assert "not valid JSON" in configured.notices[0]


def test_nothing_is_configured_at_first(tmp_path: Path, trust: Trust) -> None:
    assert found(tmp_path, trust) == ConfiguredServers()


def test_trust_is_bound_to_what_would_run(tmp_path: Path, trust: Trust) -> None:
    source = tmp_path / ".mcp.json"
    server = McpServer("x", command="run", args=("a",), env={"KEY": "1"}, cwd="/srv")
    assert not trust.holds(server, source)
    trust.agree(server, source)
    assert trust.holds(server, source)
    assert trust.holds(msgspec.structs.replace(server, env={"KEY": "2"}, call_seconds=5.0), source)
    for change in ({"command": "rm"}, {"args": ("b",)}, {"env": {"PATH": "/tmp"}}, {"cwd": "/"}, {"name": "y"}):
        assert not trust.holds(msgspec.structs.replace(server, **change), source)
    for more in ({"env": {"KEY": "${SECRET}"}}, {"bearer_token": "${SECRET}"}, {"roots": True}):
        assert not trust.holds(msgspec.structs.replace(server, **more), source), "it would learn more"
    assert not trust.holds(server, tmp_path / "other" / ".mcp.json")
    trust.revoke(server, source)
    assert not trust.holds(server, source)


def test_a_damaged_file_of_trust_allows_nothing(tmp_path: Path, trust: Trust) -> None:
    server = McpServer("x", command="run")
    trust.agree(server, tmp_path)
    (tmp_path / "state" / "trust.json").write_text("{")
    assert not trust.holds(server, tmp_path)


def test_secrets_are_not_written(tmp_path: Path, trust: Trust) -> None:
    trust.agree(McpServer("x", command="run", env={"KEY": "hush"}, bearer_token="hush"), tmp_path)
    file = tmp_path / "state" / "trust.json"
    assert "hush" not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
