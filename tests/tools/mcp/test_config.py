"""Configurations of MCP servers as other programs write them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_tui.tools.mcp.config import McpInput, read_config
from mistral_tui.tools.mcp.variables import MissingVariable, inputs_of, with_values
from mistral_tui.types.errors import ConfigError
from mistral_tui.types.servers import McpServer

pytestmark = pytest.mark.core

FILES = McpServer("files", command="npx", args=("-y", "files"), env={"DEPTH": "3"}, cwd="/srv")


def written(folder: Path, document: object) -> Path:
    path = folder / "mcp.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document, indent=2))
    return path


def test_the_form_of_claude_and_others(tmp_path: Path) -> None:
    server = {"command": "npx", "args": ["-y", "files"], "env": {"DEPTH": 3}, "cwd": "/srv"}
    assert read_config(written(tmp_path, {"mcpServers": {"files": server}})).servers == (FILES,)


def test_the_form_of_mistral_rs(tmp_path: Path) -> None:
    source = {"type": "Process", "command": "npx", "args": ["-y", "files"], "work_dir": "/srv", "env": {"DEPTH": "3"}}
    search = {"type": "Http", "url": "https://search.test/mcp", "timeout_secs": 20, "headers": {"X": "1"}}
    config = read_config(
        written(
            tmp_path,
            {
                "servers": [
                    {"id": "1", "name": "Files", "source": source},
                    {"name": "Web Search", "source": search, "bearer_token": "${KEY}", "tool_prefix": "web"},
                    {"name": "ws", "source": {"type": "WebSocket", "url": "wss://w.test"}, "enabled": False},
                ],
                "auto_register_tools": False,
                "max_concurrent_calls": 5,
            },
        )
    )
    assert config.notices == ()
    assert config.servers == (
        FILES,
        McpServer(
            "web-search",
            "http",
            url="https://search.test/mcp",
            headers={"X": "1"},
            bearer_token="${KEY}",
            tool_prefix="web",
            call_seconds=20.0,
        ),
        McpServer("ws", "websocket", url="wss://w.test", enabled=False),
    )
    assert (config.auto_register_tools, config.max_concurrent_calls) == (False, 5)


def test_the_time_limit_for_all_tools_is_that_of_each_server(tmp_path: Path) -> None:
    document = {"mcpServers": {"files": {"command": "npx"}}, "tool_timeout_secs": 7}
    assert read_config(written(tmp_path, document)).servers[0].call_seconds == 7.0


@pytest.mark.parametrize("nested", [False, True])
def test_the_form_of_vs_code(tmp_path: Path, nested: bool) -> None:
    document: dict[str, object] = {
        "inputs": [{"type": "promptString", "id": "key", "description": "The key", "password": True}],
        "servers": {"files": {"type": "stdio", "command": "npx", "env": {"KEY": "${input:key}"}}},
    }
    config = read_config(written(tmp_path, {"mcp": document} if nested else document))
    assert config.inputs == (McpInput("key", "The key"),)
    assert inputs_of(config.servers[0]) == {"key"}


@pytest.mark.parametrize(
    ("value", "transport"),
    [
        ({"command": "x"}, "stdio"),
        ({"url": "http://x.test"}, "http"),
        ({"url": "ws://x.test"}, "websocket"),
        ({"type": "sse", "url": "http://x.test/sse"}, "sse"),
        ({"type": "streamable-http", "url": "http://x.test"}, "http"),
    ],
)
def test_the_transport_is_told_or_guessed(tmp_path: Path, value: object, transport: str) -> None:
    assert read_config(written(tmp_path, {"mcpServers": {"x": value}})).servers[0].transport == transport


def test_comments_and_last_commas_are_no_mistakes(tmp_path: Path) -> None:
    text = """{
      // mine, see https://x.test
      "mcpServers": {
        /* two
           lines */
        "x": {"command": "sh", "args": ["a // b", "c, ]", ], },
      },
    }"""
    assert read_config(written(tmp_path, text)).servers == (McpServer("x", command="sh", args=("a // b", "c, ]")),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"mcpServers": {\n  "x": }}', r"line 2, column 8: not valid JSON"),
        ("[]", r'expected an object with "mcpServers" or "servers"'),
        ("{}", r"it has no servers"),
        ("", r"line 1, column 1: not valid JSON"),
        ("[" * 100_000, r"not valid JSON"),
    ],
)
def test_a_file_that_cannot_be_used_says_where(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_config(written(tmp_path, text))


@pytest.mark.parametrize(
    ("server", "says"),
    [
        (7, "line 3: bad is no object; the server is left out"),
        ({"args": []}, "line 3: the url of bad is ''; it must begin with http:// or https://"),
        ({"command": ""}, "bad has no command"),
        ({"command": "x", "args": "a b"}, "bad: args: Expected array"),
        ({"type": "smell", "url": "http://x"}, "bad is of the unknown type 'smell'; known are stdio, http"),
        ({"url": "file:///etc/passwd"}, "must begin with http:// or https://"),
        ({"command": "x", "timeout": -1}, "call_seconds of bad is -1.0; it must be above 0"),
    ],
)
def test_a_server_that_cannot_be_used_is_left_out_and_the_others_are_not(
    tmp_path: Path, server: object, says: str
) -> None:
    config = read_config(written(tmp_path, {"mcpServers": {"bad": server, "good": {"command": "x"}}}))
    assert [each.name for each in config.servers] == ["good"]
    (notice,) = config.notices
    assert says in notice


def test_what_is_not_known_is_told_with_its_line(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, {"mcpServers": {"x": {"command": "x", "colour": "red"}}, "theme": 1}))
    assert config.servers
    assert sorted(notice.partition(", ")[2] for notice in config.notices) == [
        "line 3: x: colour is not known; it is ignored",
        "line 8: theme is not known; it is ignored",
    ]


def test_of_two_servers_with_one_name_the_first_counts(tmp_path: Path) -> None:
    servers = [{"name": "x", "source": {"type": "Process", "command": word}} for word in ("first", "second")]
    config = read_config(written(tmp_path, {"servers": servers}))
    assert [server.command for server in config.servers] == ["first"]
    assert "a second server 'x'" in config.notices[0]


def test_variables_get_their_values_when_the_server_starts(tmp_path: Path) -> None:
    server = McpServer(
        "x",
        command="${BIN}/run",
        args=("${PORT:-80}", "${EMPTY:-none}", "$HOME", "${env:BIN}", "${workspaceFolder}/a", "${input:key}"),
        env={"KEY": "${input:key}"},
    )
    filled = with_values(server, {"BIN": "/bin", "EMPTY": ""}, {"key": "secret"}, tmp_path)
    assert filled.command == "/bin/run"
    assert filled.args == ("80", "none", "$HOME", "/bin", f"{tmp_path}/a", "secret")
    assert filled.env == {"KEY": "secret"}


@pytest.mark.parametrize(
    ("text", "says"),
    [("${NOWHERE}", "the variable NOWHERE is not set"), ("${input:key}", "the input key was not given")],
)
def test_a_variable_without_a_value_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(MissingVariable, match=f"the MCP server x cannot be started: {says}"):
        with_values(McpServer("x", command=text), {}, {}, tmp_path)


def test_an_address_may_be_a_variable(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, {"mcpServers": {"x": {"url": "${URL}"}}}))
    filled = with_values(config.servers[0], {"URL": "http://x.test"}, {}, tmp_path)
    assert filled.url == "http://x.test"


def test_values_are_not_looked_through_for_variables(tmp_path: Path) -> None:
    server = McpServer("x", command="${A}")
    assert with_values(server, {"A": "${B}", "B": "no"}, {}, tmp_path).command == "${B}"


def test_secrets_are_not_printed() -> None:
    server = McpServer("x", "http", url="http://x.test?key=secret", headers={"A": "secret"}, bearer_token="secret")
    assert "secret" not in repr(server)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_KEYS = st.sampled_from(["command", "args", "env", "url", "type", "headers", "timeout", "disabled", "source", "name"])


@given(st.dictionaries(st.text(max_size=6), st.dictionaries(_KEYS, _JSON, max_size=4) | _JSON, max_size=3))
def test_whatever_a_server_is_it_is_read_or_told(tmp_path_factory: pytest.TempPathFactory, servers: object) -> None:
    for document in ({"mcpServers": servers}, {"servers": list(servers.values()) if isinstance(servers, dict) else []}):
        config = read_config(written(tmp_path_factory.mktemp("mcp"), document))
        count = len(document.get("mcpServers", document.get("servers")) or [])  # type: ignore[arg-type] # has a length
        assert len(config.servers) + len(config.notices) >= count
