"""What went wrong at a server, in a line."""

import re
from typing import Final

import anyio
import httpx2
import mcp_types
from mcp import MCPError

from mistral_tui.tools.mcp.client.watched_http import words_of
from mistral_tui.types.text import printable_line

_SDK_CLOSED: Final = "Connection closed"
_SDK_PREFIXES: Final = ("Failed to parse JSON response: ", "Failed to parse SSE message: ", "SSE stream failed: ")
_PYDANTIC: Final = re.compile(r"\d+ validation errors? for")


def first(error: BaseException) -> BaseException:
    """Return what went wrong first, when several things did."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def is_end(error: BaseException | None) -> bool:
    """Whether something failed only because the connection was closed."""
    if isinstance(error, MCPError):
        return error.code == mcp_types.CONNECTION_CLOSED and str(error) == _SDK_CLOSED
    return isinstance(error, anyio.BrokenResourceError | anyio.ClosedResourceError | anyio.EndOfStream)


def line_of(error: BaseException) -> str:
    """Return what an error says, without what the SDK puts in front of it and without addresses."""
    if isinstance(error, httpx2.HTTPError):
        return f"the server {words_of(error)}"
    words = str(error)
    if isinstance(error, MCPError):
        for prefix in _SDK_PREFIXES:
            words = words.removeprefix(prefix)
        if error.code == mcp_types.PARSE_ERROR and _PYDANTIC.match(words):
            return "the server answered what is no MCP"
    return (printable_line(words) or type(error).__name__)[:500]
