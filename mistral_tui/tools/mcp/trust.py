"""Which servers of projects the person trusts.

A project's configuration is code that others wrote: nothing of it runs before the person has agreed. What was agreed
to is what would run (the command, its arguments, the names of what is set in its environment, the address) and what it
learns (the variables that it gets the values of, the folder), so that a change of any of it asks again. Secrets may be
changed freely: other values of the environment and headers are no part of it.
"""

import contextlib
import hashlib
import os
from pathlib import Path

import msgspec

from mistral_tui.config.paths import make_private_folder
from mistral_tui.tools.mcp.variables import variables_of
from mistral_tui.types.errors import ConfigError
from mistral_tui.types.servers import McpServer
from mistral_tui.types.text import printable_line


class _Agreed(msgspec.Struct, frozen=True):
    servers: dict[str, str] = {}
    """What each digest stands for, for people who look into the file."""
    runs: dict[str, tuple[str, ...]] = {}
    """What would run, by the same digests: a change is shown."""


class Trust:
    """The file of what was agreed to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def holds(self, server: McpServer, source: Path) -> bool:
        """Whether the person has agreed to this server of this file, just as it is."""
        return digest_of(server, source) in self._read().servers

    def agree(self, server: McpServer, source: Path) -> None:
        """Remember that the person agrees.

        Raises:
            ConfigError: The file cannot be written.
        """
        agreed, digest = self._read(), digest_of(server, source)
        servers = {**agreed.servers, digest: _called(server, source)}
        self._write(_Agreed(servers, {**agreed.runs, digest: what_runs(server)}))

    def before(self, server: McpServer, source: Path) -> tuple[str, ...] | None:
        """Return what the server of this name and file would run when the person agreed to it last.

        `None`: they never did, or nobody remembers.
        """
        agreed = self._read()
        found = [agreed.runs.get(digest) for digest, what in agreed.servers.items() if what == _called(server, source)]
        return found[-1] if found else None

    def revoke(self, server: McpServer, source: Path) -> None:
        """Remember that the person agrees no more.

        Raises:
            ConfigError: The file cannot be written.
        """
        digest = digest_of(server, source)
        agreed = self._read()
        servers = {each: what for each, what in agreed.servers.items() if each != digest}
        self._write(_Agreed(servers, {each: lines for each, lines in agreed.runs.items() if each != digest}))

    def _read(self) -> _Agreed:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_Agreed)
        except (OSError, msgspec.MsgspecError):
            return _Agreed()  # a file that is damaged allows nothing

    def _write(self, agreed: _Agreed) -> None:
        part = self._path.with_name(f"{self._path.name}.{os.getpid()}.part")
        try:
            make_private_folder(self._path.parent)
            part.write_bytes(msgspec.json.format(msgspec.json.encode(agreed)))
            part.chmod(0o600)
            part.replace(self._path)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink()
            raise ConfigError(f"{self._path}: cannot be written: {error.strerror or error}") from None


def what_runs(server: McpServer) -> tuple[str, ...]:
    """Return what a person agrees to when a server is started, a line each and harmless to show; no secrets."""
    lines = [("transport", server.transport), ("command", server.command)]
    lines += [("argument", each) for each in server.args]
    lines += [("folder", server.cwd or ""), ("url", server.url), ("is told", "your folder" if server.roots else "")]
    lines += [("sets", name) for name in sorted(server.env)] + [("header", name) for name in sorted(server.headers)]
    lines += [("reads", name) for name in variables_of(server)]
    return tuple(f"{name:<10}{printable_line(value)}" for name, value in lines if value)


def _called(server: McpServer, source: Path) -> str:
    return f"{server.name} of {source}"


def digest_of(server: McpServer, source: Path) -> str:
    """Return what stands for everything of a server that the person agrees to."""
    what = (
        str(source),
        server.name,
        server.transport,
        server.command,
        server.args,
        sorted(server.env),
        server.cwd,
        server.url,
        sorted(server.headers),
        variables_of(server),
        server.roots,
    )
    return hashlib.sha256(msgspec.json.encode(what)).hexdigest()
