"""The transport of servers that are started here: JSON-RPC lines over standard input and output.

The SDK's own transport holds a line of any length, stops at a byte that is no UTF-8, keeps the process to itself and
may take four seconds to end it. This one bounds each of these.
"""

import asyncio
import logging
import os
import shutil
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import anyio
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from mistral_tui.processes.exit_status import name_exit
from mistral_tui.processes.parent_death import CREATION_FLAGS, NEW_SESSION, bind_child
from mistral_tui.tools.mcp.client.peer import KEPT_LINES, LONGEST_MESSAGE, Peer
from mistral_tui.types.errors import ServerFailed
from mistral_tui.types.servers import McpServer
from mistral_tui.types.text import printable_line

_LONGEST_LINE = 500
_CLOSE_SECONDS = 0.5
"""How long a server may take to end by itself, and then by SIGTERM."""
_STATUS_SECONDS = 0.3
"""How long the status of a process may follow the end of its output."""
_READ_BYTES = 256 * 1024

_log = logging.getLogger(__name__)


@dataclass
class ServerProcess(Peer):
    """A server that was started here."""

    process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Its process id, once it was started."""
        return self.process.pid if self.process else None

    async def end_words(self) -> str:
        """Say how the connection ended, when it has."""
        if not self.refused and self.process is not None and await ended(self.process, _STATUS_SECONDS):
            assert self.process.returncode is not None
            return name_exit(self.process.returncode)
        return await super().end_words()


@asynccontextmanager
async def stdio_transport(server: McpServer, known: ServerProcess) -> AsyncGenerator[Any, None]:
    """Start a server and yield its streams of messages; end it and all its children after.

    Raises:
        ServerFailed: It cannot be started.
    """
    process = await _start(server)
    known.process = process
    assert process.stdin is not None
    send_read, receive_read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    send_write, receive_write = anyio.create_memory_object_stream[SessionMessage](0)
    stdin = process.stdin

    async def write() -> None:
        with suppress(ConnectionError, anyio.ClosedResourceError):
            async with receive_write:
                async for message in receive_write:
                    line = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                    stdin.write(line.encode("utf-8", "replace") + b"\n")
                    await stdin.drain()

    async def read() -> None:
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            async with send_read:
                await _read_messages(process, send_read, known)

    tasks = [asyncio.create_task(work) for work in (read(), write(), _keep_errors(process, known))]
    try:
        yield receive_read, send_write
    finally:
        await asyncio.shield(_end(process, tasks))
        for stream in (send_read, receive_read, send_write, receive_write):
            stream.close()


async def _start(server: McpServer) -> asyncio.subprocess.Process:
    try:
        process = await asyncio.create_subprocess_exec(
            _program(server),
            *server.args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**get_default_environment(), **server.env},
            cwd=server.cwd,
            start_new_session=NEW_SESSION,
            creationflags=CREATION_FLAGS,
        )
    except FileNotFoundError:
        missing = server.cwd if server.cwd is not None and not os.path.isdir(server.cwd) else server.command  # noqa: PTH112, ASYNC240 - a look at one path
        raise ServerFailed(
            f"the MCP server {server.name} cannot be started: {missing} was not found; install it, or correct the path"
        ) from None
    except (OSError, ValueError) as error:
        raise ServerFailed(f"the MCP server {server.name} cannot be started: {error}") from None
    bind_child(process.pid)
    return process


def _program(server: McpServer) -> str:
    """Return what is started. On Windows a name alone finds no script, and npx is one: npx.cmd."""
    found = shutil.which(server.command, path=server.env.get("PATH")) if sys.platform == "win32" else None
    return found or server.command


async def _read_messages(process: asyncio.subprocess.Process, messages: Any, known: ServerProcess) -> None:
    assert process.stdout is not None
    buffer = bytearray()
    while chunk := await process.stdout.read(_READ_BYTES):
        searched = len(buffer)
        buffer += chunk
        while (end := buffer.find(b"\n", searched)) >= 0:
            line = bytes(buffer[:end])
            del buffer[: end + 1]
            searched = 0
            if line.strip():
                await _hand_on(line, messages, known)
        if len(buffer) > LONGEST_MESSAGE:
            known.refused = f"sent a message of more than {LONGEST_MESSAGE >> 20} MB and was ended"
            return


async def _hand_on(line: bytes, messages: Any, known: ServerProcess) -> None:
    text = line.decode("utf-8", "replace")
    try:
        message = jsonrpc_message_adapter.validate_json(text, by_name=False)
    except ValueError:
        # What a server prints by mistake is no reason to leave it, and may say what is wrong.
        known.lines.append(printable_line(text[:_LONGEST_LINE]))
        return
    await messages.send(SessionMessage(message))


async def _keep_errors(process: asyncio.subprocess.Process, known: ServerProcess) -> None:
    """Read what the server writes to standard error, so that it never waits for a reader, and keep the last of it."""
    assert process.stderr is not None
    rest = b""
    while chunk := await process.stderr.read(_READ_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines[-KEPT_LINES:]:
            if text := printable_line(line[:_LONGEST_LINE].decode("utf-8", "replace")):
                known.lines.append(text)
        rest = rest[:_LONGEST_LINE]
    if text := printable_line(rest.decode("utf-8", "replace")):
        known.lines.append(text)


async def _end(process: asyncio.subprocess.Process, tasks: list[asyncio.Task[None]]) -> None:
    """End a server politely, then by force, with everything that it has started."""
    if process.stdin is not None:
        process.stdin.close()
    if not await ended(process, _CLOSE_SECONDS):
        _signal_group(process, force=False)
        if not await ended(process, _CLOSE_SECONDS):
            _log.info("an MCP server did not end by SIGTERM: process %d", process.pid)
    # Also after a clean end: children of a server may be left.
    _signal_group(process, force=True)
    await ended(process, _CLOSE_SECONDS)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def ended(process: asyncio.subprocess.Process, seconds: float) -> bool:
    """Wait so long for the end of a process, and return whether it came."""
    # Not process.wait(): that also waits for children which hold the pipes.
    until = asyncio.get_running_loop().time() + seconds
    while process.returncode is None:
        if asyncio.get_running_loop().time() >= until:
            return False
        await asyncio.sleep(0.01)
    return True


def _signal_group(process: asyncio.subprocess.Process, *, force: bool) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.terminate()  # its job ends its children
        else:
            os.killpg(process.pid, signal.SIGKILL if force else signal.SIGTERM)
