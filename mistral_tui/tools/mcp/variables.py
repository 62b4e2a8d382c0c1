"""The values of variables in a server's configuration: `${HOME}`, `${PORT:-8080}`, `${input:key}`.

They are put in when the server starts, into what goes to the process of the tools and nowhere else: what is shown,
compared, trusted and written is the configuration with its variables.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from mistral_tui.types.errors import ToolError
from mistral_tui.types.servers import McpServer

_VARIABLE: Final = re.compile(r"\$\{(?:(?P<kind>input|env):)?(?P<name>[^}:]+?)(?::-(?P<default>[^}]*))?\}")

_LOGIN: Final = ("client_id", "client_secret", "scope")


class MissingVariable(ToolError):
    """A server's configuration names a variable that has no value."""


def inputs_of(server: McpServer) -> frozenset[str]:
    """Return the ids of the inputs that a server needs."""
    return frozenset(
        found["name"] for text in _texts(server) for found in _VARIABLE.finditer(text) if found["kind"] == "input"
    )


def variables_of(server: McpServer) -> tuple[str, ...]:
    """Return the names of the variables whose values a server gets, in order; inputs are not among them."""
    found = (each for text in _texts(server) for each in _VARIABLE.finditer(text) if each["kind"] != "input")
    return tuple(sorted({each["name"] for each in found}))


def with_values(
    server: McpServer, environment: Mapping[str, str], inputs: Mapping[str, str], folder: Path
) -> McpServer:
    """Return a server as it is started.

    Args:
        server: With variables.
        environment: Their values.
        inputs: What the person has said, by the ids of the inputs.
        folder: The one that the program works in.

    Raises:
        MissingVariable: One has no value; names it.
    """
    folders = {"workspaceFolder": str(folder), "cwd": str(folder), "userHome": str(Path.home())}

    def value(found: re.Match[str]) -> str:
        name, default = found["name"], found["default"]
        if found["kind"] == "input":
            known = inputs.get(name)
        else:
            known = folders.get(name) if found["kind"] is None else None
            known = known if known is not None else environment.get(name)
        if known or (known is not None and default is None):
            return known
        if default is not None:
            return default
        what = f"the input {name} was not given" if found["kind"] else f"the variable {name} is not set"
        raise MissingVariable(f"the MCP server {server.name} cannot be started: {what}; set it, or turn the server off")

    def filled(text: str) -> str:
        return _VARIABLE.sub(value, text)

    return msgspec.structs.replace(
        server,
        command=filled(server.command),
        args=tuple(map(filled, server.args)),
        env={key: filled(text) for key, text in server.env.items()},
        cwd=filled(server.cwd) if server.cwd is not None else None,
        url=filled(server.url),
        headers={key: filled(text) for key, text in server.headers.items()},
        oauth=msgspec.structs.replace(server.oauth, **dict(zip(_LOGIN, map(filled, _login(server)), strict=True))),
        bearer_token=filled(server.bearer_token) if server.bearer_token is not None else None,
    )


def _texts(server: McpServer) -> tuple[str, ...]:
    more = (server.cwd or "", server.bearer_token or "", *_login(server))
    return (server.command, server.url, *server.args, *server.env.values(), *server.headers.values(), *more)


def _login(server: McpServer) -> tuple[str, ...]:
    return tuple(getattr(server.oauth, name) for name in _LOGIN)
