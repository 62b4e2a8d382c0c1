"""Real MCP servers from PyPI and npm: fetched once per machine, pinned, and started as `examples/mcp` says.

Those of PyPI are checked by the hashes in `tests/requirements` and run by the Python of the tests; those of npm are run
by `npx`, which finds in a cache what was fetched.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from mistral_tui.tools.mcp.config import read_config
from mistral_tui.types.servers import McpServer
from tests.real_models import once

ROOT: Final = Path(__file__).parent.parent
EXAMPLES: Final = ROOT / "examples" / "mcp"
_REQUIREMENTS: Final = Path(__file__).parent / "requirements"


def example(name: str) -> McpServer:
    """Return the one server of an example, with its variables."""
    (server,) = read_config(EXAMPLES / f"{name}.json").servers
    return server


def fetched(server: McpServer) -> McpServer:
    """Return how a server is started without asking a registry for it, after it was fetched if it has to be."""
    if server.command == "npx":
        return _with_environment(server, {"npm_config_cache": str(_npm_cache()), "npm_config_offline": "true"})
    if server.command == "uvx":
        package, *arguments = server.args
        module = package.partition("@")[0].replace("-", "_")
        server = msgspec.structs.replace(server, command=sys.executable, args=("-m", module, *arguments))
        return _with_environment(server, {"PYTHONPATH": str(_installed(package))})
    return server


def time_server() -> McpServer:
    """Return the server that knows the time, in a time zone that does not depend on the machine."""
    server = fetched(example("time"))
    return msgspec.structs.replace(server, args=(*server.args, "--local-timezone", "UTC"))


def _with_environment(server: McpServer, more: Mapping[str, str]) -> McpServer:
    return msgspec.structs.replace(server, env={**server.env, **more})


def _installed(package: str) -> Path:
    """Return the folder that a package of PyPI, such as `mcp-server-time@2026.10.19`, was installed into."""
    name, _, version = package.partition("@")
    file = _REQUIREMENTS / f"{name}.txt"
    assert file.read_text(encoding="utf-8").startswith(f"{name}=={version} "), f"{file} is for another {package}"

    def install(scratch: Path) -> Path:
        pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--require-hashes", "--no-cache-dir", "-q"]
        packages = scratch / "packages"
        subprocess.run([*pip, "--target", str(packages), "-r", str(file)], check=True, stdin=subprocess.DEVNULL)
        return packages

    # What is compiled is for one version of Python.
    return once(f"{name}=={version}-server-{sys.implementation.cache_tag}", install)


def _npm_cache() -> Path:
    """Return a cache of npm that holds all servers of the examples that are from there."""
    servers = [read_config(path).servers[0] for path in sorted(EXAMPLES.glob("*.json"))]
    packages = [server.args[1] for server in servers if server.command == "npx"]

    def fill(scratch: Path) -> Path:
        cache = scratch / "cache"
        environment = {**os.environ, "npm_config_cache": str(cache)}
        npx = [shutil.which("npx") or "npx", "-y", "-p"]
        fetching = [
            subprocess.Popen([*npx, package, "--", "node", "-e", "0"], env=environment, stdin=subprocess.DEVNULL)
            for package in packages
        ]
        assert [process.wait() for process in fetching] == [0] * len(packages), "npm could not fetch the servers"
        return cache

    versions = "-".join(package.rpartition("@")[2] for package in packages)
    return once(f"npm-servers-{versions}", fill)
