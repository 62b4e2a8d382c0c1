"""MCP servers that are reached over the network, behind the process of the tools."""

import asyncio
import contextlib
import json
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from mistral_tui.types.errors import ServerFailed, ToolError
from mistral_tui.types.messages import TextPart
from mistral_tui.types.servers import McpServer, Transport
from mistral_tui.types.tools import ToolOutput, ToolProgress
from tests.stubs.waiting import until
from tests.tools.mcp.elsewhere import Misbehaving, real, serving
from tests.tools.test_toolbox import Open, opened, state_of

pytestmark = pytest.mark.mcp

HELLO = ToolOutput((TextPart("hello"),))
__all__ = ["opened"]


def a_server(url: str, transport: Transport = "http", path: str = "/mcp", **values: Any) -> McpServer:
    return McpServer("server", transport, url=url + path, **values)


@pytest.mark.parametrize(("transport", "path"), [("http", "/mcp"), ("sse", "/sse")])
async def test_a_session_over_the_network(opened: Open, transport: Transport, path: str) -> None:
    app = real().streamable_http_app() if transport == "http" else real().sse_app()
    async with serving(app) as url:
        box = await opened(a_server(url, transport, path))
        state = state_of(box)
        assert (state.health, state.said, state.error) == ("ready", "real 2", "")
        assert [tool.key for tool in box.tools] == ["server/echo", "server/count"]
        output = await box.call("server", "echo", {"text": "hello"})
        assert output.parts == HELLO.parts
        heard: list[ToolProgress] = []
        await box.call("server", "count", {}, heard.append)
        assert heard[-1] == ToolProgress(3, 3, "step 3")
        await box.close()


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("401", "the server answered 401 Unauthorized: give its bearer_token, or log in with `mistral-tui mcp login"),
        ("500", "the server answered 500 Internal Server Error"),
        ("hangs", "was not ready within 1 s"),
        ("answers a page", "Unexpected content type: text/html"),
    ],
)
async def test_a_server_that_cannot_be_used_is_named_with_the_cause(opened: Open, how: str, says: str) -> None:
    async with serving(Misbehaving(how).app) as url:
        box = await opened(a_server(url, start_seconds=1.0), settled=False)
        await until(lambda: state_of(box).error != "")
        assert "the MCP server server " in state_of(box).error
        assert says in state_of(box).error
        await box.close()


async def test_headers_and_token_go_along_and_a_wrong_token_is_not_tried_again(opened: Open) -> None:
    elsewhere = Misbehaving("401")
    async with serving(elsewhere.app) as url:
        box = await opened(a_server(url, headers={"X-Team": "tides"}, bearer_token="moon"))
        state = state_of(box)
        assert (state.health, state.starts) == ("failed", 1)
        assert "its token is not valid, or not any more" in state.error
        assert "moon" not in state.error
        assert {(head["x-team"], head["authorization"]) for head in elsewhere.heads} == {("tides", "Bearer moon")}
        await box.close()


@pytest.mark.parametrize("transport", ["http", "sse", "websocket"])
async def test_a_token_that_cannot_be_sent_is_not_told(opened: Open, transport: Transport) -> None:
    url = "ws://127.0.0.1:1" if transport == "websocket" else "http://127.0.0.1:1"
    for token in ("moon\nlight", "m\u00f6\u00f6n"):
        box = await opened(a_server(url, transport, bearer_token=token))
        assert "its bearer_token has characters that none has; correct it" in state_of(box).error
        assert not any(secret in state_of(box).error for secret in ("moon", "light", "\u00f6"))
        await box.close()


async def test_headers_and_token_do_not_follow_a_redirect_to_another_origin(opened: Open) -> None:
    stranger = Misbehaving()
    async with serving(stranger.app) as away, serving(Misbehaving(f"redirects to {away}/mcp?key=1").app) as url:
        box = await opened(a_server(url, bearer_token="moon"), settled=False)
        await until(lambda: state_of(box).error != "")
        assert f"Redirect to {away}/mcp not followed" in state_of(box).error
        await box.close()
    assert stranger.heads == []


async def test_a_server_that_nobody_listens_for_is_tried_again_until_it_is_there(opened: Open) -> None:
    async with serving(Misbehaving().app) as url:
        port = int(url.rpartition(":")[2])
    box = await opened(a_server(url), settled=False)
    await until(lambda: state_of(box).error != "")
    assert "the MCP server server cannot be reached" in state_of(box).error
    async with serving(Misbehaving().app, port):
        await box.settled()
        assert await box.call("server", "echo", {"text": "hello"}) == HELLO
        await box.close()


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("returns 60 MB", "server/echo: the answer has more than 8 MB"),
        ("streams 60 MB", "server/echo: Server-sent event exceeded the 8388608 byte limit"),
        ("answers garbage", "server/echo: the server answered what is no MCP"),
        ("answers with a wrong id", r"server/echo did not answer within 1 s"),
        ("never answers a call", r"server/echo did not answer within 1 s"),
        ("refuses calls", "server/echo: the server answered 500 Internal Server Error"),
        ("breaks off", "server/echo: the server broke off the connection"),
        ("breaks off a stream", "server/echo: SSE stream ended without a response"),
        ("compresses", "server/echo: the answer is compressed, which was not asked for"),
    ],
)
async def test_a_call_that_goes_wrong_ends_alone(opened: Open, how: str, says: str) -> None:
    elsewhere = Misbehaving(how)
    async with serving(elsewhere.app) as url:
        box = await opened(a_server(url, call_seconds=1.0 if "did not answer" in says else 60.0))
        with pytest.raises(ToolError, match=says):
            await box.call("server", "echo", {"text": "hello"})
        elsewhere.how = "not"
        assert await box.call("server", "echo", {"text": "hello"}) == HELLO
        assert state_of(box).starts == 1
        await box.close()


async def test_calls_do_not_wait_for_each_other(opened: Open) -> None:
    async with serving(Misbehaving("answers five calls at once").app) as url:
        box = await opened(a_server(url))
        calls = [box.call("server", "echo", {"text": "hello"}) for _ in range(5)]
        assert await asyncio.gather(*calls) == [HELLO] * 5
        await box.close()


async def test_a_server_that_has_forgotten_the_session_gets_a_new_one(opened: Open) -> None:
    elsewhere = Misbehaving("forgets")
    async with serving(elsewhere.app) as url:
        box = await opened(a_server(url))
        with pytest.raises(ServerFailed, match="server/echo: the server has forgotten the session"):
            await box.call("server", "echo", {"text": "hello"})
        elsewhere.how = "not"
        assert await box.call("server", "echo", {"text": "hello"}) == HELLO
        assert state_of(box).starts == 2
        await box.close()


async def test_a_server_that_is_gone_ends_the_call_and_is_found_again(opened: Open) -> None:
    async with serving(Misbehaving().app) as url:
        box = await opened(a_server(url))
    with pytest.raises(ServerFailed, match="server/echo: the server cannot be reached"):
        await box.call("server", "echo", {"text": "hello"})
    async with serving(Misbehaving().app, int(url.rpartition(":")[2])):
        assert await box.call("server", "echo", {"text": "hello"}) == HELLO
        await box.close()


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("401", "answered 401 Unauthorized: give its bearer_token, or log in with `mistral-tui mcp login server`"),
        ("500", "answered 500 Internal Server Error"),
        ("hangs", "was not ready within 1 s"),
        ("redirects to http://127.0.0.1:1/sse", "answered 307 Temporary Redirect"),
        ("sends elsewhere", "was not ready within 1 s"),
    ],
)
async def test_a_server_over_sse_that_cannot_be_used_is_named_with_the_cause(opened: Open, how: str, says: str) -> None:
    async with serving(Misbehaving(how).app) as url:
        box = await opened(a_server(url, "sse", "/sse", start_seconds=1.0), settled=False)
        await until(lambda: state_of(box).error != "")
        assert state_of(box).error.startswith("the MCP server server ")
        assert says in state_of(box).error
        await box.close()


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("refuses calls", "server/echo: the server answered 500 Internal Server Error in the middle of the call"),
        ("drops", "server/echo: the server closed the connection in the middle of the call"),
        ("returns 60 MB", "server/echo: the server .* in the middle of the call"),
    ],
)
async def test_a_server_over_sse_that_breaks_in_mid_call_is_opened_again(opened: Open, how: str, says: str) -> None:
    elsewhere = Misbehaving(how)
    async with serving(elsewhere.app) as url:
        box = await opened(a_server(url, "sse", "/sse", bearer_token="moon"))
        assert elsewhere.heads[0]["authorization"] == "Bearer moon"
        with pytest.raises(ServerFailed, match=says):
            await box.call("server", "echo", {"text": "hello"})
        elsewhere.how = "not"
        assert await box.call("server", "echo", {"text": "hello"}) == HELLO
        assert state_of(box).starts == 2
        await box.close()


async def talk(socket: WebSocket, how: str, heads: list[dict[str, str]]) -> None:
    """Speak MCP over a WebSocket, with one thing wrong or none."""
    heads.append(dict(socket.headers))
    if how == "refuses":
        await socket.close()
        return
    await socket.accept("mcp")
    async for text in socket.iter_text():
        message = json.loads(text)
        match message["method"]:
            case "initialize":
                result: Any = {
                    "protocolVersion": "2025-06-18",
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "sockets", "version": "3"},
                }
            case "tools/list":
                await socket.send_text("good morning")
                result = {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]}
            case "tools/call" if how == "drops":
                await socket.close()
                return
            case "tools/call":
                text = "x" * 60_000_000 if how == "returns 60 MB" else message["params"]["arguments"]["text"]
                result = {"content": [{"type": "text", "text": text}]}
            case _ if "id" in message:
                error = {"code": -32601, "message": "Method not found"}
                await socket.send_json({"jsonrpc": "2.0", "id": message["id"], "error": error})
                continue
            case _:
                continue
        await socket.send_json({"jsonrpc": "2.0", "id": message["id"], "result": result})


def sockets(how: str, heads: list[dict[str, str]]) -> Starlette:
    async def endpoint(socket: WebSocket) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            await talk(socket, how, heads)

    return Starlette(routes=[WebSocketRoute("/mcp", endpoint)])


async def test_a_session_over_a_websocket(opened: Open) -> None:
    heads: list[dict[str, str]] = []
    async with serving(sockets("not", heads)) as url:
        box = await opened(a_server(url.replace("http", "ws"), "websocket", bearer_token="moon"))
        state = state_of(box)
        assert (state.health, state.said, state.error) == ("ready", "sockets 3", "")
        assert heads[0]["authorization"] == "Bearer moon"
        calls = [box.call("server", "echo", {"text": str(number)}) for number in range(5)]
        assert await asyncio.gather(*calls) == [ToolOutput((TextPart(str(number)),)) for number in range(5)]
        await box.close()


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("drops", "server/echo: the server closed the connection in the middle of the call"),
        ("returns 60 MB", "server/echo: the server sent a message of more than 8 MB and was left"),
    ],
)
async def test_a_websocket_that_breaks_in_mid_call_is_opened_again(opened: Open, how: str, says: str) -> None:
    async with serving(sockets(how, [])) as url:
        box = await opened(a_server(url.replace("http", "ws"), "websocket"))
        with pytest.raises(ServerFailed, match=says):
            await box.call("server", "echo", {"text": "hello"})
        await until(lambda: state_of(box).starts == 2 and state_of(box).health == "ready")
        await box.close()


async def test_a_websocket_that_is_refused_is_named_with_the_cause(opened: Open) -> None:
    async with serving(sockets("refuses", [])) as url:
        box = await opened(a_server(url.replace("http", "ws"), "websocket"))
        assert (state_of(box).health, state_of(box).starts) == ("failed", 1)
        assert "the MCP server server answered 403 Forbidden" in state_of(box).error
        await box.close()
    box = await opened(a_server(url.replace("http", "ws"), "websocket"), settled=False)
    await until(lambda: state_of(box).error != "")
    assert "the MCP server server cannot be reached: Connection refused" in state_of(box).error
