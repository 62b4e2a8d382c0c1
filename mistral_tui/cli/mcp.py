"""`mistral-tui mcp`: the MCP servers that are configured, and their tools."""

import asyncio
import contextlib
import json
import os
import shlex
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from mistral_tui.cli.failures import say
from mistral_tui.cli.mcp_login import forget, log_in
from mistral_tui.cli.stored_sessions import print_json
from mistral_tui.config.paths import Paths
from mistral_tui.tools.mcp.sources import ConfiguredServer, ConfiguredServers, configured_servers
from mistral_tui.tools.mcp.trust import Trust
from mistral_tui.tools.mcp.variables import inputs_of, variables_of, with_values
from mistral_tui.tools.toolbox import Toolbox
from mistral_tui.types.errors import InvalidRequest, ToolError
from mistral_tui.types.messages import AudioPart, FilePart, ImagePart, TextPart
from mistral_tui.types.servers import McpServer, ServerState
from mistral_tui.types.text import printable, printable_line
from mistral_tui.types.tools import LinkPart, OutputPart, ToolOutput, ToolProgress

SCHEMA_VERSION = 1

mcp_app = typer.Typer(
    help="The MCP servers that are configured, and their tools.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@mcp_app.command("list")
def list_servers(as_json: Json = False) -> None:
    """List the servers, and where each is configured; starts none."""
    found = _configured()
    if as_json:
        print_json([_plain(each) for each in found.servers])
        return
    for each in found.servers:
        state = "off" if not each.server.enabled else "trusted" if each.trusted else "not trusted"
        columns = (each.server.name, each.server.transport, state, str(each.source), _what_runs(each.server))
        print("\t".join(map(printable_line, columns)))


@mcp_app.command("check")
def check(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Only these.")] = None,
    as_json: Json = False,
) -> None:
    """Start the servers and say how each is: its version, its tools, how long it took, or what is wrong."""
    states = asyncio.run(_check(_chosen(_configured(), names)))
    if as_json:
        print_json([msgspec.to_builtins(state) for state in states])
    else:
        for state in states:
            print("\t".join(map(printable_line, _health(state))))
    if any(state.health != "ready" for state in states):
        raise typer.Exit(1)


@mcp_app.command("call")
def call(
    tool: Annotated[str, typer.Argument(metavar="SERVER/TOOL", help="What to call.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE|JSON", help="Arguments, or one JSON object of them.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Call a tool and print what it answers."""
    server, slash, name = tool.partition("/")
    if not slash:
        raise InvalidRequest(f"{tool!r} names no tool; write SERVER/TOOL, such as time/get_current_time")
    chosen = _chosen(_configured(), [server])
    output = asyncio.run(_call(chosen, server, name, _arguments(arguments or [])))
    if as_json:
        print_json({"schema_version": SCHEMA_VERSION, **msgspec.to_builtins(output)})
    else:
        show = printable if sys.stdout.isatty() else str
        for part in output.parts:
            print(show(_text(part)))
        if not output.parts and output.structured is not None:
            print_json(output.structured)
    if output.failed:
        say("error", f"{tool} says that it failed")
        raise typer.Exit(1)


@mcp_app.command("trust")
def trust(
    name: Annotated[str, typer.Argument(help="A server of the project's configuration.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="Trust it no more.")] = False,
) -> None:
    """Agree to a server of a project's configuration, as it is now; a change asks again."""
    (found,) = _chosen(_configured(), [name], untrusted=True)
    agreed = Trust(Paths.resolve().trust)
    if revoke:
        agreed.revoke(found.server, found.source)
        print(f"{printable_line(name)} is not trusted any more")
        return
    if found.trusted:
        print(f"{printable_line(name)} is trusted already")
        return
    print(printable(f"{name} of {found.source} would run:\n  {_what_runs(found.server)}"))
    if names := ", ".join(sorted(found.server.env)):
        print(printable(f"and set: {names}"))
    if names := ", ".join(variables_of(found.server)):
        print(printable(f"and give it the values of: {names}"))
    if found.server.roots:
        print("and tell it the folder that you work in")
    if not yes and not typer.confirm("Trust it?"):
        raise typer.Exit(1)
    agreed.agree(found.server, found.source)
    print(f"{printable_line(name)} is trusted")


@mcp_app.command("login")
def login(
    name: Annotated[str, typer.Argument(help="A server that is reached over HTTP.")],
    opens: Annotated[bool, typer.Option("--open", help="Open the browser, too.")] = False,
    forgets: Annotated[bool, typer.Option("--forget", help="Remove the login from this machine.")] = False,
    as_json: Json = False,
) -> None:
    """Log in at a server elsewhere that wants it, in a browser."""
    (chosen,) = _chosen(_configured(), [name])
    server = _ready_to_start(chosen)
    if forgets:
        forget(server, as_json=as_json)
    else:
        asyncio.run(log_in(server, opens=opens, as_json=as_json))


def _configured() -> ConfiguredServers:
    paths = Paths.resolve()
    found = configured_servers(paths.mcp, Path.cwd(), Trust(paths.trust))
    for notice in found.notices:
        say("note", notice)
    if not found.servers:
        say("note", f"no MCP servers are configured; {paths.mcp} is the place for your own")
    return found


def _chosen(
    found: ConfiguredServers, names: list[str] | None, *, untrusted: bool = False
) -> tuple[ConfiguredServer, ...]:
    """Return the servers of these names, or all that may be started.

    Raises:
        InvalidRequest: There is no such server, or it may not be started.
    """
    if not names:
        for each in found.servers:
            if not each.trusted:
                say("note", f"{each.server.name} of {each.source} is left out: `mistral-tui mcp trust` allows it")
        return tuple(each for each in found.servers if each.trusted and each.server.enabled)
    chosen = []
    for name in names:
        wanted = found.find(name)
        if wanted is None:
            known = ", ".join(each.server.name for each in found.servers) or "none is configured"
            raise InvalidRequest(f"there is no MCP server {name!r}; there are: {known}")
        if not wanted.trusted and not untrusted:
            raise InvalidRequest(f"{name} of {wanted.source} is not trusted; `mistral-tui mcp trust {name}` shows it")
        chosen.append(wanted)
    return tuple(chosen)


def _ready_to_start(each: ConfiguredServer) -> McpServer:
    """Return a server with the values of its variables; what only the person knows is asked for."""
    inputs: dict[str, str] = {}
    for id in sorted(inputs_of(each.server)):
        asked = next((value for value in each.inputs if value.id == id), None)
        if sys.stdin.isatty():
            prompt = f"{each.server.name}: {asked.description if asked and asked.description else id}"
            hidden = asked is None or asked.password
            default = asked.default if asked and asked.default else None
            inputs[id] = typer.prompt(printable_line(prompt), hide_input=hidden, default=default, err=True)
        elif asked and asked.default:
            inputs[id] = asked.default
    return msgspec.structs.replace(with_values(each.server, os.environ, inputs, Path.cwd()), enabled=True)


@contextlib.asynccontextmanager
async def _opened(servers: tuple[McpServer, ...]) -> AsyncGenerator[Toolbox, None]:
    paths = Paths.resolve()
    box = Toolbox(paths.logs, paths.attachments)
    try:
        await box.use(servers)
        await box.settled()
        yield box
    finally:
        await box.close()


async def _check(chosen: tuple[ConfiguredServer, ...]) -> tuple[ServerState, ...]:
    ready: list[McpServer] = []
    states: dict[str, ServerState] = {}
    for each in chosen:
        try:
            ready.append(_ready_to_start(each))
        except ToolError as error:
            states[each.server.name] = ServerState(each.server.name, "failed", str(error))
    async with _opened(tuple(ready)) as box:
        states |= {state.name: state for state in box.states}
    return tuple(states[each.server.name] for each in chosen)


async def _call(chosen: tuple[ConfiguredServer, ...], server: str, tool: str, arguments: dict[str, Any]) -> ToolOutput:
    def progressed(progress: ToolProgress) -> None:
        if sys.stderr.isatty():
            say(
                "progress", f"{progress.done:g}{f' of {progress.total:g}' if progress.total else ''} {progress.message}"
            )

    async with _opened(tuple(map(_ready_to_start, chosen))) as box:
        return await box.call(server, tool, arguments, progressed)


def _arguments(words: list[str]) -> dict[str, Any]:
    if len(words) == 1 and words[0].lstrip().startswith("{"):
        try:
            return msgspec.json.decode(words[0], type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise InvalidRequest(f"the arguments are no JSON object: {error}") from None
    found: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise InvalidRequest(f"{word!r} is no argument; write NAME=VALUE, or one JSON object")
        try:
            found[name] = json.loads(text)
        except (ValueError, RecursionError):
            found[name] = text
    return found


def _text(part: OutputPart) -> str:
    match part:
        case TextPart(text):
            return text
        case FilePart(name, text):
            return f"{name}:\n{text}"
        case ImagePart(path) | AudioPart(path):
            return path
        case LinkPart(uri, name):
            return f"{name}: {uri}" if name else uri


def _what_runs(server: McpServer) -> str:
    return shlex.join((server.command, *server.args)) if server.transport == "stdio" else server.url


def _health(state: ServerState) -> tuple[str, ...]:
    """Return the columns of a line about a server."""
    if state.health != "ready":
        return state.name, state.health, state.error
    count = f"{len(state.tools)} tool{'s' if len(state.tools) != 1 else ''}"
    took = f"{1000 * state.seconds_to_start:.0f} ms"
    return state.name, "ready", state.said, f"MCP {state.version}", count, took


def _plain(each: ConfiguredServer) -> dict[str, Any]:
    """Return a server for JSON, without the values of its environment and headers, which may be secrets."""
    server = each.server
    return {
        "name": server.name,
        "transport": server.transport,
        "enabled": server.enabled,
        "trusted": each.trusted,
        "source": str(each.source),
        "runs": _what_runs(server),
        "env": sorted(server.env),
        "headers": sorted(server.headers),
    }
