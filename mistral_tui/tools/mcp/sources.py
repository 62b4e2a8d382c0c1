"""Where configurations of MCP servers are looked for, and which counts.

A file that the person names, by `MCP_CONFIG_PATH` or by `--mcp-config`, which sets it, is the only one. Otherwise the
person's own file and those of the project, which is the folder that the program was started in, count together; of
servers with one name the person's own counts, then that of the first file of the project.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mistral_tui.tools.mcp.config import McpConfig, McpInput, read_config
from mistral_tui.tools.mcp.trust import Trust
from mistral_tui.types.errors import ConfigError
from mistral_tui.types.servers import McpServer

VARIABLE: Final = "MCP_CONFIG_PATH"
PROJECT_FILES: Final = (".mcp.json", "mcp.json", ".vscode/mcp.json", ".cursor/mcp.json")


@dataclass(frozen=True)
class ConfiguredServer:
    """A server, and where it is from."""

    server: McpServer
    source: Path
    trusted: bool
    """Whether it may be started: not the project's before the person has agreed."""
    inputs: tuple[McpInput, ...] = ()
    offered: bool = True
    """Whether models are told of its tools unless a chat says otherwise."""


@dataclass(frozen=True)
class ConfiguredServers:
    """All that is configured."""

    servers: tuple[ConfiguredServer, ...] = ()
    notices: tuple[str, ...] = ()
    max_concurrent_calls: int | None = None

    def find(self, name: str) -> ConfiguredServer | None:
        """Return the server of this name."""
        return next((each for each in self.servers if each.server.name == name), None)


def configured_servers(own: Path, project: Path, trust: Trust) -> ConfiguredServers:
    """Read what is configured.

    Args:
        own: The person's own file, which need not be there.
        project: The folder whose files count besides.
        trust: What the person has agreed to.

    Raises:
        ConfigError: The file that the person has named cannot be used. All others only lead to a notice.
    """
    if named := os.environ.get(VARIABLE):
        config = read_config(Path(named).expanduser().absolute())
        return _together([config], trust, own=config.path)
    notices: list[str] = []
    read: list[McpConfig] = []
    for path in (own, *(project / name for name in PROJECT_FILES)):
        if path.is_file():
            try:
                read.append(read_config(path))
            except ConfigError as error:
                notices.append(f"{error}; its servers are left out")
    found = _together(read, trust, own)
    return ConfiguredServers(found.servers, (*notices, *found.notices), found.max_concurrent_calls)


def _together(configs: list[McpConfig], trust: Trust, own: Path) -> ConfiguredServers:
    """Join what files say.

    Args:
        configs: The first counts most.
        trust: What the person has agreed to.
        own: The file that needs no agreement.
    """
    servers: dict[str, ConfiguredServer] = {}
    notices: list[str] = []
    for config in configs:
        notices += config.notices
        for server in config.servers:
            if server.name in servers:
                notices.append(f"{config.path}: {server.name} is also in {servers[server.name].source}, which counts")
                continue
            trusted = config.path == own or trust.holds(server, config.path)
            servers[server.name] = ConfiguredServer(
                server, config.path, trusted, config.inputs, config.auto_register_tools
            )
    limits = [config.max_concurrent_calls for config in configs if config.max_concurrent_calls is not None]
    return ConfiguredServers(tuple(servers.values()), tuple(notices), limits[0] if limits else None)
