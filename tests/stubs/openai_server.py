"""A server that says, byte for byte, what a test tells it to: also what no good server would."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from mistral_tui.types.endpoints import Endpoint

HANG = object()
"""Say nothing more, and keep the connection."""
RESET = object()
"""Break the connection off as if the machine had gone."""

Step = bytes | object | Callable[[], Any]
MODELS = {"object": "list", "data": [{"id": "m", "object": "model", "owned_by": "test"}]}


@dataclass
class Asked:
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Script:
    """What a request is answered with."""

    steps: Sequence[Step]

    @classmethod
    def raw(cls, *steps: Step) -> "Script":
        """Answer with these bytes, one write each."""
        return cls(steps)

    @classmethod
    def events(cls, *steps: Step, kind: str = "text/event-stream") -> "Script":
        """Answer with a stream; the head is right."""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n"
        return cls((head.encode(), *steps))

    @classmethod
    def says(cls, status: int, content: str | dict[str, Any], *headers: str) -> "Script":
        """Answer with a status and a body, JSON or a web page."""
        page = isinstance(content, str)
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        lines = [
            f"HTTP/1.1 {status} X",
            f"Content-Type: {'text/html' if page else 'application/json'}",
            f"Content-Length: {len(body)}",
            *headers,
        ]
        return cls(("\r\n".join(lines).encode() + b"\r\n\r\n" + body,))


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    """Return an event with a chunk of a reply."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return f"data: {json.dumps({'choices': [choice], **more})}\n\n".encode()


def text(words: str) -> bytes:
    """Return an event with text."""
    return chunk({"content": words})


END = chunk(finish="stop") + b"data: [DONE]\n\n"


def reply(*words: str) -> Script:
    """Return a good reply."""
    return Script.events(*(text(each) for each in words), END)


@dataclass
class Server:
    """Answers `GET /v1/models` as one would, and each other request with the next of `scripts`, the last ever again."""

    scripts: list[Script]
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    gone: int = 0
    """How many clients went away before their answer was complete."""
    models: Script = field(default_factory=lambda: Script.says(200, MODELS))

    @property
    def chats(self) -> list[Asked]:
        """The requests for replies."""
        return [each for each in self.asked if each.path.endswith("/chat/completions")]

    def endpoint(self, **values: Any) -> Endpoint:
        """Return this server as an endpoint."""
        return Endpoint(**{"name": "lab", "url": f"http://127.0.0.1:{self.port}", **values})

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while (asked := await _request(reader)) is not None:
                self.asked.append(asked)
                await self._play(self._script(asked), reader, writer)
        writer.close()

    def _script(self, asked: Asked) -> Script:
        if asked.method == "GET" and asked.path.endswith("/models"):
            return self.models
        return self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]

    async def _play(self, script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for step in script.steps:
            if step is HANG:
                await reader.read(1)
                self.gone += 1
                raise ConnectionError
            if step is RESET:
                transport_socket: socket.socket = writer.get_extra_info("socket")
                transport_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raise ConnectionError
            assert isinstance(step, bytes)
            try:
                writer.write(step)
                await writer.drain()
            except ConnectionError:
                self.gone += 1
                raise
        if b"Connection: close" in script.steps[0] if isinstance(script.steps[0], bytes) else True:
            raise ConnectionError


async def _request(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, path, headers, json.loads(body) if body else None)


@asynccontextmanager
async def serving(*scripts: Script) -> AsyncGenerator[Server, None]:
    """Run a server on a free port of this machine."""
    server = Server(list(scripts) or [reply("Hello", " there.")])
    tasks: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(asyncio.CancelledError):
            await server.answer(reader, writer)

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
