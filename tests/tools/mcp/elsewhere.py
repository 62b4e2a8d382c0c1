"""MCP servers that are reached over the network, real and misbehaving ones, on ports of this machine."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route


@contextlib.asynccontextmanager
async def serving(app: Any, port: int = 0) -> AsyncGenerator[str, None]:
    """Serve an application and yield its address, without a path."""
    with contextlib.closing(socket.create_server(("127.0.0.1", port))) as listener:
        config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=0, ws="websockets-sansio")
        server = uvicorn.Server(config)
        config.load()
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            await task


def real() -> MCPServer:
    """A server of the SDK itself."""
    server = MCPServer("real", version="2")

    @server.tool()
    def echo(text: str) -> str:
        return text

    @server.tool()
    async def count(context: Context[Any, Any]) -> str:
        for step in range(3):
            await context.report_progress(step + 1, 3, f"step {step + 1}")
        return "three"

    return server


class Misbehaving:
    """A server over streamable HTTP, of the era before 2026, that does one thing wrong, or none."""

    def __init__(self, how: str = "not") -> None:
        self.how = how
        self.heads: list[dict[str, str]] = []
        """The headers of all requests."""
        self.methods: list[str] = []
        self._calls = 0
        self._all = asyncio.Event()
        self._events: asyncio.Queue[str] = asyncio.Queue()
        routes = [
            Route("/mcp", self.answer, methods=["GET", "POST", "DELETE"]),
            Route("/sse", self._open_events),
            Route("/post", self._take, methods=["POST"]),
        ]
        self.app = Starlette(routes=routes)

    async def _open_events(self, request: Request) -> Response:
        """Begin a session as servers over SSE do: what is posted elsewhere is answered here."""
        if self.how in ("401", "500", "hangs") or self.how.startswith("redirects to "):
            return await self.answer(request)

        async def events() -> AsyncIterator[str]:
            away = "http://127.0.0.1:1" if self.how == "sends elsewhere" else ""
            yield f"event: endpoint\ndata: {away}/post\n\n"
            while data := await self._events.get():
                yield f"event: message\ndata: {data}\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    async def _take(self, request: Request) -> Response:
        self.heads.append(dict(request.headers))
        message = json.loads(await request.body())
        if message["method"] == "tools/call" and self.how in ("refuses calls", "drops"):
            if self.how == "refuses calls":
                return Response(status_code=500)
            await self._events.put("")
        elif "id" in message:
            await self._events.put(bytes((await self.answer(request)).body).decode())
        return Response(status_code=202)

    async def _hang(self, request: Request) -> Response:
        await asyncio.sleep(1000)
        return Response()

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        self.heads.append(dict(request.headers))
        if request.method != "POST" and request.url.path == "/mcp":
            return Response(status_code=405)
        match self.how:
            case "401":
                return PlainTextResponse("who are you?", 401)
            case "500":
                return PlainTextResponse("<h1>oops</h1>", 500, media_type="text/html")
            case "hangs":
                return await self._hang(request)
            case "answers a page":
                return PlainTextResponse("<h1>welcome</h1>", media_type="text/html")
            case _ if self.how.startswith("redirects to "):
                return RedirectResponse(self.how.removeprefix("redirects to "), 307)
        message = await request.json()
        method, number = message["method"], message.get("id")
        self.methods.append(method)
        headers = {"mcp-session-id": "moonlight"} if self.how == "forgets" else {}
        match method:
            case "initialize":
                info = {"name": "misbehaving", "version": "1"}
                result: dict[str, Any] = {
                    "protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info
                }  # fmt: skip
            case "tools/list":
                result = {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]}
            case "tools/call":
                return await self._called(number, message["params"])
            case "notifications/initialized":
                return Response(status_code=202)
            case _:
                error = {"jsonrpc": "2.0", "id": number, "error": {"code": -32601, "message": "Method not found"}}
                return Response(json.dumps(error), media_type="application/json")
        return Response(_json(number, result), media_type="application/json", headers=headers)

    async def _called(self, number: int, parameters: dict[str, Any]) -> Response:
        text = (parameters.get("arguments") or {}).get("text", "")
        match self.how:
            case "returns 60 MB":
                text = "x" * 60_000_000
            case "streams 60 MB":
                return StreamingResponse(
                    _events(_json(number, _said("x" * 60_000_000))), media_type="text/event-stream"
                )
            case "answers garbage":
                return Response("{]", media_type="application/json")
            case "answers with a wrong id":
                number += 1000
            case "never answers a call":
                await asyncio.sleep(1000)
            case "answers five calls at once":
                self._calls += 1
                if self._calls == 5:
                    self._all.set()
                await self._all.wait()
            case "refuses calls":
                return PlainTextResponse("no", 500)
            case "forgets":
                return PlainTextResponse("which session?", 404)
            case "breaks off":
                return StreamingResponse(_broken(), media_type="application/json", headers={"Content-Length": "1000"})
            case "breaks off a stream":
                return StreamingResponse(_broken(), media_type="text/event-stream")
            case "compresses":
                body = _json(number, _said(text))
                return Response(body, media_type="application/json", headers={"Content-Encoding": "gzip"})
        return Response(_json(number, _said(text)), media_type="application/json")


def _said(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}]}


def _json(number: int, result: dict[str, Any]) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": number, "result": result})


async def _events(text: str) -> AsyncIterator[str]:
    yield f"event: message\ndata: {text}\n\n"


async def _broken() -> AsyncIterator[str]:
    yield '{"jsonrpc'
    raise ConnectionResetError
