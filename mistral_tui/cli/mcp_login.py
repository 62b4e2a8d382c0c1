"""`mistral-tui mcp login`: logging in at an MCP server elsewhere, and forgetting it."""

import json
import webbrowser

from mistral_tui.cli.failures import say
from mistral_tui.config.paths import Paths
from mistral_tui.tools.mcp.vault import Vault
from mistral_tui.tools.toolbox import Toolbox
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.servers import McpServer
from mistral_tui.types.text import printable_line


async def log_in(server: McpServer, *, opens: bool, as_json: bool) -> None:
    """Show where the person logs in, and wait until that is done.

    Args:
        server: With the values of its variables.
        opens: Whether the browser is opened too.
        as_json: Whether each step is a line of JSON.

    Raises:
        InvalidRequest: There is nothing to log in at.
        ToolError: The login came to nothing.
    """
    if server.transport not in ("http", "sse"):
        raise InvalidRequest(f"{server.name} is reached by {server.transport}; only servers over HTTP have logins")
    if server.has_token:
        raise InvalidRequest(f"{server.name} has a token in its configuration; take it out to log in instead")

    def show(address: str) -> None:
        if as_json:
            _print_json(server, open=address)
        else:
            print(f"Log in here; this waits for you:\n  {printable_line(address)}", flush=True)
        if opens and not webbrowser.open(address):
            say("note", "no browser could be opened")

    paths = Paths.resolve()
    box = Toolbox(paths.logs, paths.attachments)
    try:
        await box.log_in(server, show)
    finally:
        await box.close()
    if as_json:
        _print_json(server, logged_in=True)
    else:
        print(f"logged in at {printable_line(server.name)}")


def forget(server: McpServer, *, as_json: bool) -> None:
    """Remove the login at a server from this machine."""
    known = Vault(Paths.resolve().mcp_logins).forget(server.url)
    if as_json:
        _print_json(server, logged_in=False)
    else:
        print(f"the login at {printable_line(server.name)} is forgotten" if known else "there was no login")


def _print_json(server: McpServer, **values: object) -> None:
    print(json.dumps({"server": server.name, **values}), flush=True)
