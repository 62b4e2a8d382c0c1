"""The transport of servers that speak MCP over a WebSocket: one message a frame. The SDK has none of its own."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.frames import CloseCode
from websockets.typing import Subprotocol

from mistral_tui.tools.mcp.client.http import headers_of
from mistral_tui.tools.mcp.client.peer import LONGEST_MESSAGE, Peer
from mistral_tui.types.servers import McpServer
from mistral_tui.types.text import printable_line

_CLOSE_SECONDS: Final = 0.5
_LONGEST_LINE: Final = 500


class _Connecting(connect):
    def process_redirect(self, exc: Exception) -> Exception | str:
        """Follow no redirect: headers and token are for one server."""
        return exc


@asynccontextmanager
async def websocket_transport(server: McpServer, peer: Peer) -> AsyncGenerator[Any, None]:
    """Connect to a server and yield its streams of messages.

    Args:
        server: Where it is.
        peer: Learns why the connection cannot be opened, or cannot go on.

    Raises:
        OSError: It cannot be reached.
        InvalidHandshake: It refuses; `peer` says why.
    """
    try:
        socket = await _Connecting(
            server.url,
            additional_headers=headers_of(server),
            subprotocols=[Subprotocol("mcp")],
            compression=None,
            max_size=LONGEST_MESSAGE,
            close_timeout=_CLOSE_SECONDS,
            open_timeout=None,
        )
    except InvalidStatus as error:
        status = error.response.status_code
        peer.in_vain = status in (401, 403)
        peer.give_up(f"answered {status} {error.response.reason_phrase}")
        raise
    except InvalidHandshake as error:
        peer.give_up(f"does not speak WebSocket ({type(error).__name__})")
        raise
    except OSError as error:
        peer.give_up(f"cannot be reached: {os.strerror(error.errno) if error.errno else error}")
        raise
    send_read, receive_read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    send_write, receive_write = anyio.create_memory_object_stream[SessionMessage](0)

    async def read() -> None:
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            async with send_read:
                await _read_messages(socket, send_read, peer)

    async def write() -> None:
        with suppress(ConnectionClosed, anyio.ClosedResourceError):
            async with receive_write:
                async for message in receive_write:
                    await socket.send(message.message.model_dump_json(by_alias=True, exclude_unset=True))

    tasks = [asyncio.create_task(work) for work in (read(), write())]
    try:
        yield receive_read, send_write
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.shield(socket.close())
        for stream in (send_read, receive_read, send_write, receive_write):
            stream.close()


async def _read_messages(socket: ClientConnection, messages: Any, peer: Peer) -> None:
    try:
        async for text in socket:
            try:
                message = jsonrpc_message_adapter.validate_json(text, by_name=False)
            except ValueError:
                line = text if isinstance(text, str) else text.decode("utf-8", "replace")
                peer.lines.append(printable_line(line[:_LONGEST_LINE]))
                continue
            await messages.send(SessionMessage(message))
    except ConnectionClosed as error:
        if error.sent is not None and error.sent.code == CloseCode.MESSAGE_TOO_BIG:
            peer.refused = f"sent a message of more than {LONGEST_MESSAGE >> 20} MB and was left"
