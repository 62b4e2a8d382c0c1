"""Requests to a server elsewhere: what goes wrong gets a name, and stays with the one message that it happened to.

The SDK drops the causes of failures, holds answers of any size, and lets one broken connection end all that goes on
with a server. So a failure becomes here what the SDK hands on: an answer that is an error of JSON-RPC.
"""

from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Any, Final, cast

import httpx2
import msgspec
from mcp.client.auth.exceptions import OAuthFlowError
from mcp_types import CONNECTION_CLOSED, INTERNAL_ERROR

from mistral_tui.tools.mcp.client.peer import LONGEST_MESSAGE, Peer
from mistral_tui.types.errors import ServerFailed
from mistral_tui.types.servers import McpServer
from mistral_tui.types.text import printable_line

_CONNECT_SECONDS: Final = 30.0
_READ_SECONDS: Final = 300.0
"""A server may hold a stream open for long; how long a call may be silent is looked after elsewhere."""
_FAREWELL_SECONDS: Final = 0.5
"""How long a server may take to hear that a session is over."""


class WatchedHttp(httpx2.AsyncClient):
    """Sends requests to one server.

    Args:
        server: Where it is.
        peer: Learns when the server is gone.
        headers: What goes along with each request.
        auth: Adds to each request what the person has logged in for.
    """

    def __init__(self, server: McpServer, peer: Peer, headers: dict[str, str], auth: httpx2.Auth | None) -> None:
        super().__init__(
            headers={"Accept-Encoding": "identity", **headers},
            timeout=httpx2.Timeout(_CONNECT_SECONDS, read=_READ_SECONDS),
            auth=auth,
            event_hooks={"response": [_bound]},
        )
        self._server = server
        self._peer = peer

    async def send(self, request: httpx2.Request, **how: Any) -> httpx2.Response:
        """Send a message; a failure is an answer too."""
        if request.method == "DELETE":
            request.extensions["timeout"] = httpx2.Timeout(_FAREWELL_SECONDS).as_dict()
        try:
            response = await super().send(request, **how)
        except httpx2.TransportError as error:
            words = words_of(error)
            if error.request.url != request.url:
                words = f"wants a login, and the login server {words}"
            if self._is_sse or isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
                self._peer.give_up(words)
            if self._is_sse or request.method != "POST":
                raise
            return _error(request, 502, CONNECTION_CLOSED, words)
        except OAuthFlowError as error:
            why = printable_line(str(error))[:300]
            raise ServerFailed(f"the login at the MCP server {self._server.name} failed: {why}") from None
        if response.status_code < 400 or request.method == "DELETE":
            return response
        return await self._refused(request, response)

    @property
    def _is_sse(self) -> bool:
        return self._server.transport == "sse"

    async def _refused(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        """Return an answer that says why there is none, unless the server has done so."""
        status = response.status_code
        if status in (401, 403):  # no other answer comes before the person has done something
            self._peer.in_vain = True
        if status == 404 and "mcp-session-id" in request.headers:
            self._peer.give_up("has forgotten the session")
        if self._is_sse:
            self._peer.give_up(self._words(response))
        if self._is_sse or request.method == "GET" or await _says_why(response):
            return response
        await response.aclose()
        return _error(request, status, INTERNAL_ERROR, self._words(response))

    def _words(self, response: httpx2.Response) -> str:
        status = response.status_code
        words = f"answered {_status(status)}"
        if status == 403 and "insufficient_scope" in response.headers.get("www-authenticate", ""):
            return f"{words}: it wants more rights; log in again with `mistral-tui mcp login {self._server.name}`"
        if status != 401:
            return words
        if self._server.has_token:
            return f"{words}: its token is not valid, or not any more"
        return f"{words}: give its bearer_token, or log in with `mistral-tui mcp login {self._server.name}`"


class _Bounded(httpx2.AsyncByteStream):
    """The body of an answer, up to what one message may have; a stream of events may go on for ever."""

    def __init__(self, stream: httpx2.AsyncByteStream, headers: httpx2.Headers) -> None:
        self._stream = stream
        self._endless = headers.get("content-type", "").lower().startswith("text/event-stream")
        self._packed = headers.get("content-encoding", "identity").lower() != "identity"

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        if self._packed:  # a few bytes may stand for millions
            raise httpx2.StreamError("the answer is compressed, which was not asked for")
        size = 0
        try:
            async for chunk in self._stream:
                size += len(chunk)
                if size > LONGEST_MESSAGE and not self._endless:
                    raise httpx2.StreamError(f"the answer has more than {LONGEST_MESSAGE >> 20} MB")
                yield chunk
        except httpx2.TransportError as error:
            raise httpx2.StreamError(f"the server {words_of(error)}") from None

    async def aclose(self) -> None:
        """Read no more of it."""
        await self._stream.aclose()


def words_of(error: httpx2.HTTPError) -> str:
    """Say what went wrong with a request, behind the server's name. Addresses stay out: they may hold secrets."""
    match error:
        case httpx2.ConnectTimeout() | httpx2.PoolTimeout():
            return "cannot be reached: it does not answer"
        case httpx2.ConnectError() | httpx2.ProxyError():
            return f"cannot be reached: {error}"
        case httpx2.TimeoutException():
            return "was silent for too long"
        case httpx2.HTTPStatusError():
            return f"answered {_status(error.response.status_code)}"
        case httpx2.NetworkError() | httpx2.RemoteProtocolError():
            return "broke off the connection"
        case _:
            return f"cannot be talked with: {type(error).__name__}"


async def _bound(response: httpx2.Response) -> None:
    response.stream = _Bounded(cast(httpx2.AsyncByteStream, response.stream), response.headers)


async def _says_why(response: httpx2.Response) -> bool:
    """Whether an answer is itself an error of JSON-RPC."""
    if not response.headers.get("content-type", "").lower().startswith("application/json"):
        return False
    try:
        answer = msgspec.json.decode(await response.aread())
    except (httpx2.StreamError, msgspec.MsgspecError):
        return False
    return isinstance(answer, dict) and isinstance(answer.get("error"), dict)


def _error(request: httpx2.Request, status: int, code: int, words: str) -> httpx2.Response:
    error = {"code": code, "message": f"the server {words}"}
    return httpx2.Response(status, json={"jsonrpc": "2.0", "id": None, "error": error}, request=request)


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
