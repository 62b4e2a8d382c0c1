"""Where the browser comes back to after a login: an address of this machine, for as long as the login takes."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator
from typing import Final
from urllib.parse import parse_qs, urlsplit

from mcp.shared.auth import AuthorizationCodeResult

from mistral_tui.types.errors import ServerFailed
from mistral_tui.types.text import printable_line

_HOST: Final = "127.0.0.1"
_PATH: Final = "/callback"
_LONGEST_HEAD: Final = 16 * 1024
_REQUEST_SECONDS: Final = 5.0
_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>mistral-tui</title>
<body style="font: 1rem sans-serif; max-width: 30rem; margin: 20vh auto"><p>{words}</p></body></html>"""


class Callback:
    """Waits for one answer; whatever does not know the state that the login began with is turned away."""

    def __init__(self) -> None:
        self.port = 0
        self._state = ""
        self._query: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()

    @property
    def address(self) -> str:
        """Where the browser is to come to."""
        return f"http://{_HOST}:{self.port}{_PATH}"

    def expect(self, state: str) -> None:
        """Wait anew, for an answer with this state and no other."""
        self._state = state
        self._query = asyncio.get_running_loop().create_future()

    async def result(self, name: str) -> AuthorizationCodeResult:
        """Wait for the answer.

        Args:
            name: The server, for the message.

        Raises:
            ServerFailed: The login was denied.
        """
        query = await self._query
        if "code" not in query:
            why = printable_line(query.get("error_description") or query.get("error") or "no code came back")[:200]
            raise ServerFailed(f"the login at the MCP server {name} was denied: {why}")
        return AuthorizationCodeResult(code=query["code"], state=query.get("state"), iss=query.get("iss"))

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request of a browser."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            async with asyncio.timeout(_REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                status, words = self._answer(head.decode("latin-1"))
                page = _PAGE.format(words=words).encode()
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(page)}\r\n"
                    "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n".encode()
                    + page
                )
                await writer.drain()
        writer.close()

    def _answer(self, head: str) -> tuple[str, str]:
        """Return status and words of the page; nothing of the request is repeated in it."""
        method, _, rest = head.partition(" ")
        address = urlsplit(rest.partition(" ")[0])
        if method != "GET" or address.path != _PATH:
            return "404 Not Found", "There is nothing here."
        query = {key: values[0] for key, values in parse_qs(address.query).items()}
        if not self._state or not secrets.compare_digest(query.get("state", "").encode(), self._state.encode()):
            return "400 Bad Request", "This is not the answer to a login that is under way."
        if not self._query.done():
            self._query.set_result(query)
        if "code" not in query:
            return "200 OK", "You are not logged in. You can close this page."
        return "200 OK", "You can close this page and go back to mistral-tui."


@contextlib.asynccontextmanager
async def listening(port: int) -> AsyncGenerator[Callback, None]:
    """Listen at this port if it is free, else at any.

    Raises:
        ServerFailed: Nothing can be listened at.
    """
    callback = Callback()
    try:
        server = await _listen(callback, port)
    except OSError as error:
        raise ServerFailed(f"no login is possible: this machine cannot be listened at: {error}") from None
    callback.port = server.sockets[0].getsockname()[1]
    try:
        yield callback
    finally:
        server.close()


async def _listen(callback: Callback, port: int) -> asyncio.Server:
    try:
        return await asyncio.start_server(callback.handle, _HOST, port, limit=_LONGEST_HEAD)
    except OSError:
        return await asyncio.start_server(callback.handle, _HOST, 0, limit=_LONGEST_HEAD)
