"""Configurations of MCP servers, in each of the forms in use, as one type.

mistral.rs writes `{"servers": [{"name": …, "source": {"type": "Process", …}}]}`; Claude, Cursor and others
`{"mcpServers": {"name": {"command": …}}}`; VS Code `{"servers": {"name": {"type": "stdio", …}}, "inputs": […]}`.
Variables such as `${HOME}` stay as they are: `mistral_tui.tools.mcp.variables` puts their values in.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from mistral_tui.tools.mcp.jsonc import Document
from mistral_tui.types.errors import ConfigError, InvalidRequest
from mistral_tui.types.servers import McpServer, Transport

_KINDS: Final[Mapping[str, Transport]] = {
    "process": "stdio",
    "stdio": "stdio",
    "http": "http",
    "streamable-http": "http",
    "streamablehttp": "http",
    "streamable_http": "http",
    "sse": "sse",
    "websocket": "websocket",
    "ws": "websocket",
}
_OTHER_NAMES: Final = {
    "work_dir": "cwd",
    "workingDirectory": "cwd",
    "timeout_secs": "call_seconds",
    "timeout": "call_seconds",
    "max_concurrent_calls": "calls_at_once",
    "serverUrl": "url",
    "httpUrl": "url",
}
"""What others call the fields of `McpServer`."""
_WITHOUT_MEANING: Final = {"id", "security_policy", "description", "gallery", "version", "autoApprove", "alwaysAllow"}
"""Keys of other programs that change nothing here."""
_SOURCE_KEYS: Final = {"type", "command", "args", "env", "work_dir", "url", "headers", "timeout_secs"}
_FIELDS: Final = {field.name: field.type for field in msgspec.structs.fields(McpServer)}


class McpInput(msgspec.Struct, frozen=True):
    """A value that the person is asked for before a server starts: `${input:id}`."""

    id: str
    description: str = ""
    password: bool = True
    """Whether it is not to be seen while it is typed."""
    default: str = ""
    options: tuple[str, ...] = ()
    """What can be chosen; empty: anything."""


class McpConfig(msgspec.Struct, frozen=True):
    """What a file says."""

    path: Path
    servers: tuple[McpServer, ...] = ()
    inputs: tuple[McpInput, ...] = ()
    auto_register_tools: bool = True
    """Whether models are told of the tools without being asked to."""
    max_concurrent_calls: int | None = None
    """How many calls are made at once, to all servers together; `None`: the program's default."""
    notices: tuple[str, ...] = ()
    """What was ignored, one line each, with its place."""


def read_config(path: Path) -> McpConfig:
    """Read a configuration of any form. A server that cannot be used is left out and told.

    Raises:
        ConfigError: The file cannot be read, is no JSON, or has no servers in any known form.
    """
    return _Reader(Document(path)).read()


class _Mistake(Exception):
    """Why a server cannot be used."""


class _Reader:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._notices: list[str] = []

    def read(self) -> McpConfig:
        value, path = self._document.value, self._document.path
        if not isinstance(value, dict):
            raise ConfigError(f'{path}: expected an object with "mcpServers" or "servers"')
        if isinstance(nested := value.get("mcp"), dict) and "servers" in nested:  # VS Code's settings.json
            value = nested
        if isinstance(value.get("mcpServers"), dict):
            named = self._all(value["mcpServers"].items(), "mcpServers")
        elif isinstance(value.get("servers"), dict):
            named = self._all(value["servers"].items(), "servers")
        elif isinstance(value.get("servers"), list):
            named = self._all((_named(each) for each in value["servers"]), "servers")
        else:
            raise ConfigError(f'{path}: it has no servers: expected "mcpServers": {{…}} or "servers": …')
        return self._with_limits(value, named)

    def _with_limits(self, value: dict[str, Any], servers: tuple[McpServer, ...]) -> McpConfig:
        seconds = self._typed(value, "tool_timeout_secs", float | None, None)
        if seconds is not None:
            servers = tuple(msgspec.structs.replace(server, call_seconds=seconds) for server in servers)
        known = {"mcpServers", "servers", "inputs", "auto_register_tools", "tool_timeout_secs", "max_concurrent_calls"}
        for key in value.keys() - known - {"$schema"}:
            self._notices.append(f"{self._document.place(key)}: {key} is not known; it is ignored")
        return McpConfig(
            path=self._document.path,
            servers=servers,
            inputs=self._inputs(value.get("inputs", [])),
            auto_register_tools=self._typed(value, "auto_register_tools", bool, True),
            max_concurrent_calls=self._typed(value, "max_concurrent_calls", int | None, None),
            notices=tuple(self._notices),
        )

    def _typed(self, value: dict[str, Any], key: str, kind: Any, default: Any) -> Any:
        try:
            return msgspec.convert(value.get(key, default), type=kind)
        except msgspec.ValidationError as error:
            self._notices.append(f"{self._document.place(key)}: {key}: {_words(error)}; it is ignored")
            return default

    def _inputs(self, values: Any) -> tuple[McpInput, ...]:
        found = []
        for value in values if isinstance(values, list) else [values]:
            try:
                known = {key: value[key] for key in McpInput.__struct_fields__ if key in value}
                found.append(msgspec.convert(known, type=McpInput))
            except (msgspec.ValidationError, TypeError):
                self._notices.append(f'{self._document.place("inputs")}: an input needs an "id"; it is ignored')
        return tuple(found)

    def _all(self, pairs: Any, section: str) -> tuple[McpServer, ...]:
        found: dict[str, McpServer] = {}
        for name, value in pairs:
            place = self._document.place(section, name)
            try:
                server = self._server(name, value, place)
            except _Mistake as mistake:
                self._notices.append(f"{place}: {mistake}; the server is left out")
                continue
            if name in found:
                self._notices.append(f"{place}: a second server {name!r}; it is left out")
            found.setdefault(name, server)
        return tuple(found.values())

    def _server(self, name: str, value: Any, place: str) -> McpServer:
        if not isinstance(value, dict):
            raise _Mistake(f"{name or 'a server'} is no object")
        if isinstance(source := value.get("source"), dict):
            for key in source.keys() - _SOURCE_KEYS:
                self._notices.append(f"{place}: {name}: {key} is not known; it is ignored")
            value = {**{key: each for key, each in value.items() if key != "source"}, **source}
        fields: dict[str, Any] = {"name": name, "transport": _transport(name, value)}
        for key, each in value.items():
            if key == "disabled":
                fields["enabled"] = not each
                continue
            field = _OTHER_NAMES.get(key, key)
            if field in ("name", "type", "transport") or key in _WITHOUT_MEANING or each is None:
                continue
            if field not in _FIELDS:
                self._notices.append(f"{place}: {name}: {key} is not known; it is ignored")
                continue
            fields[field] = _converted(f"{name}: {key}", each, _FIELDS[field])
        try:
            return McpServer(**fields)
        except InvalidRequest as error:
            raise _Mistake(str(error)) from None


def _named(value: Any) -> tuple[str, Any]:
    name = value.get("name") or value.get("id") if isinstance(value, dict) else ""
    return (_slug(name) if isinstance(name, str) else ""), value


def _slug(name: str) -> str:
    """Return a name as servers may have it: mistral.rs allows any text, such as `Filesystem Tools`."""
    return "-".join("".join(c if c.isalnum() or c in "_.:-" else " " for c in name).split()).lower() or name


def _transport(name: str, value: dict[str, Any]) -> Transport:
    said = value.get("type", value.get("transport"))
    if said is None:
        url = value.get("url") or value.get("serverUrl") or value.get("httpUrl") or ""
        return "stdio" if "command" in value else "websocket" if str(url).startswith("ws") else "http"
    kind = _KINDS.get(str(said).lower())
    if kind is None:
        raise _Mistake(f"{name} is of the unknown type {said!r:.60}; known are stdio, http, sse and websocket")
    return kind


def _converted(what: str, value: Any, kind: Any) -> Any:
    if kind is dict[str, str] or kind == dict[str, str]:
        # Numbers and truth values in an environment are meant as text.
        value = {key: _text(each) for key, each in value.items()} if isinstance(value, dict) else value
    try:
        return msgspec.convert(value, type=kind)
    except msgspec.ValidationError as error:
        raise _Mistake(f"{what}: {_words(error)}") from None


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _words(error: Exception) -> str:
    return str(error).replace("`", "").replace(" | null", "").removesuffix(" - at $")
