"""Logging in at a server elsewhere, when the person asks for it."""

import asyncio
from collections.abc import Callable
from typing import Final

import mcp_types
from mcp import Client

from mistral_tui import __version__
from mistral_tui.tools.mcp.client.callback import listening
from mistral_tui.tools.mcp.client.failures import first, line_of
from mistral_tui.tools.mcp.client.http import http_transport
from mistral_tui.tools.mcp.client.oauth import OAuth
from mistral_tui.tools.mcp.client.peer import Peer
from mistral_tui.tools.mcp.vault import Vault
from mistral_tui.types.errors import ServerFailed
from mistral_tui.types.servers import McpServer

_PATIENCE: Final = 600.0
"""How long the person may take in the browser, in seconds."""


async def log_in(server: McpServer, vault: Vault, show: Callable[[str], None]) -> None:
    """Log in at a server and keep the login.

    Args:
        server: Where it is.
        vault: Where the login is kept.
        show: Takes the address at which the person logs in; called again if the server wants more rights.

    Raises:
        ServerFailed: It was denied, came to nothing, or is not wanted.
    """
    asked = False

    def asks(address: str) -> None:
        nonlocal asked
        asked = True
        show(address)

    known = await asyncio.to_thread(vault.find, server.url)
    peer = Peer()
    try:
        async with (
            asyncio.timeout(_PATIENCE),
            listening(server.oauth.callback_port or (known.port if known else 0)) as callback,
        ):
            auth = OAuth(server, vault, callback, asks)
            info = mcp_types.Implementation(name="mistral-tui", version=__version__)
            # Not through a tap: the SDK's clock must see that it waits for a person.
            async with Client(http_transport(server, peer, auth), client_info=info) as client:
                if client.server_capabilities.tools is not None:
                    await client.list_tools()
    except TimeoutError:
        raise ServerFailed(f"nobody has logged in at the MCP server {server.name} within 10 minutes") from None
    except Exception as raised:
        error = first(raised)
        if isinstance(error, ServerFailed):
            raise error from None
        raise ServerFailed(f"no login at the MCP server {server.name}: {peer.refused or line_of(error)}") from None
    if not asked:
        raise ServerFailed(f"the MCP server {server.name} wants no login; it can be used as it is")
