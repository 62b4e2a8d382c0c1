"""The transports of servers elsewhere: streamable HTTP and, for older ones, SSE."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx2
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from mistral_tui.types.errors import ServerFailed
from mistral_tui.types.servers import McpServer

_CONNECT_SECONDS: Final = 30.0
_READ_SECONDS: Final = 300.0
"""A server may hold a stream open for long; how long a call may be silent is looked after elsewhere."""


@asynccontextmanager
async def http_transport(server: McpServer) -> AsyncGenerator[Any, None]:
    """Connect to a server and yield its streams of messages; its headers and its token go along with each request.

    Raises:
        ServerFailed: Its transport is not there yet.
    """
    headers = dict(server.headers)
    if server.bearer_token is not None:
        headers["Authorization"] = f"Bearer {server.bearer_token}"
    if server.transport == "sse":
        async with sse_client(server.url, headers=headers) as streams:
            yield streams
    elif server.transport == "http":
        timeout = httpx2.Timeout(_CONNECT_SECONDS, read=_READ_SECONDS)
        async with (
            httpx2.AsyncClient(headers=headers, timeout=timeout) as client,
            streamable_http_client(server.url, http_client=client) as streams,
        ):
            yield streams
    else:
        raise ServerFailed(f"the MCP server {server.name} cannot be reached: {server.transport} is not supported yet")
