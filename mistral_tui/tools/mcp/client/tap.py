"""Between a transport and the SDK's session: sees the end of a connection at once, and repairs what a server sends."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anyio
from mcp.shared.message import SessionMessage

Streams = Any
"""The SDK's pair of a stream to read from and one to write to."""


@asynccontextmanager
async def tapped(
    transport: AbstractAsyncContextManager[Streams], on_end: Callable[[], None]
) -> AsyncGenerator[Streams, None]:
    """Yield the streams of a transport.

    Args:
        transport: It is entered, and left after.
        on_end: Called when the other side is gone; the SDK would notice at the next request.
    """
    async with transport as (read, write):
        send_read, receive_read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        send_write, receive_write = anyio.create_memory_object_stream[SessionMessage](0)

        async def from_server() -> None:
            try:
                async with send_read:
                    async for message in read:
                        if isinstance(message, SessionMessage):
                            _repair(message)
                        await send_read.send(message)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                pass
            finally:
                on_end()

        async def to_server() -> None:
            try:
                async with receive_write:
                    async for message in receive_write:
                        await write.send(message)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                on_end()

        tasks = [asyncio.create_task(from_server()), asyncio.create_task(to_server())]
        try:
            yield receive_read, send_write
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for stream in (send_read, receive_read, send_write, receive_write):
                stream.close()


def _repair(message: SessionMessage) -> None:
    """Make a list of tools valid in which one entry is not: the SDK would refuse them all."""
    result = getattr(message.message, "result", None)
    if not isinstance(result, dict) or not isinstance(result.get("tools"), list):
        return
    tools = [tool for tool in result["tools"] if isinstance(tool, dict) and isinstance(tool.get("name"), str)]
    for tool in tools:
        schema = tool.get("inputSchema")
        tool["inputSchema"] = {**schema, "type": "object"} if isinstance(schema, dict) else {"type": "object"}
        for key in ("description", "title"):
            if not isinstance(tool.get(key), str):
                tool.pop(key, None)
        for key in ("outputSchema", "annotations"):
            if not isinstance(tool.get(key), dict):
                tool.pop(key, None)
    result["tools"] = tools
