"""The transports of servers elsewhere over HTTP: streamable HTTP and, for older ones, SSE."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from mistral_tui.tools.mcp.client.peer import LONGEST_MESSAGE, Peer
from mistral_tui.tools.mcp.client.watched_http import WatchedHttp
from mistral_tui.types.errors import ServerFailed
from mistral_tui.types.servers import McpServer


@asynccontextmanager
async def http_transport(server: McpServer, peer: Peer, auth: httpx2.Auth | None = None) -> AsyncGenerator[Any, None]:
    """Connect to a server and yield its streams of messages; its headers and its token go along with each request.

    Neither goes anywhere else: a redirect to another origin is not followed.

    Args:
        server: Where it is.
        peer: Learns why the connection cannot go on.
        auth: Adds to each request what the person has logged in for.
    """
    client = WatchedHttp(server, peer, headers_of(server), auth)
    if server.transport == "sse":

        def ours(
            headers: dict[str, str] | None = None,
            timeout: httpx2.Timeout | None = None,
            auth: httpx2.Auth | None = None,
        ) -> httpx2.AsyncClient:
            return client

        async with sse_client(server.url, httpx_client_factory=ours) as streams:
            yield streams
    else:
        async with (
            client,
            streamable_http_client(server.url, http_client=client, max_sse_event_size=LONGEST_MESSAGE) as streams,
        ):
            yield streams


def headers_of(server: McpServer) -> dict[str, str]:
    """Return the headers of all requests to a server.

    Raises:
        ServerFailed: One cannot be sent; names it, and never says its value, which may be a secret.
    """
    headers = dict(server.headers)
    if server.bearer_token is not None:
        headers["Authorization"] = f"Bearer {server.bearer_token}"
    for name, value in headers.items():
        if not (name + value).isascii() or not (name + value).isprintable():
            what = "bearer_token" if value == f"Bearer {server.bearer_token}" else f"header {name}"
            raise ServerFailed(
                f"the MCP server {server.name} cannot be reached: its {what} has characters that none has; correct it"
            )
    return headers
