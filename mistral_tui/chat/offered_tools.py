"""What the model is told of in one turn: the tools, or, where they would fill its context, a tool that finds them."""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from mistral_tui.tools.servers import Servers
from mistral_tui.types.errors import InvalidArguments
from mistral_tui.types.messages import Json, TextPart
from mistral_tui.types.tools import BUILTIN, Tool, ToolOutput, ToolProgress

SHARE: Final = 4
"""Definitions may have this part of the context, that is a quarter."""
MOST_FOUND: Final = 5
"""Tools that one search finds."""
_BYTES_A_TOKEN: Final = 4

FIND_TOOLS: Final = Tool(
    name="find_tools",
    server=BUILTIN,
    tool="find_tools",
    description="Finds tools by words that say what you want to do. What it finds can be called after that.",
    parameters={
        "type": "object",
        "properties": {"query": {"type": "string", "description": "what the tool should do, in a few words"}},
        "required": ["query"],
    },
)


def tokens_of(tool: Tool) -> int:
    """Return about how many tokens the definition of a tool takes in a prompt."""
    return -(-len(msgspec.json.encode(tool.spec)) // _BYTES_A_TOKEN)


class OfferedTools:
    """The tools that a turn began with.

    Args:
        tools: All of them.
        servers: Where they are called.
        context: Tokens that the context of the model has; 0: nobody knows.
        wanted: The name of one that the model is told of in any case.
    """

    def __init__(self, tools: tuple[Tool, ...], servers: Servers, context: int = 0, wanted: str = "") -> None:
        self._all = tools
        self._servers = servers
        self._room = context // SHARE
        self.searches = bool(context) and sum(map(tokens_of, tools)) > self._room
        """Whether the model has to look for tools first."""
        self._found = [tool for tool in tools if tool.name == wanted]

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What the model is told of now."""
        return (FIND_TOOLS, *self._found) if self.searches else self._all

    async def check(self, tool: Tool, arguments: str) -> Json:
        """Return the arguments of a call; see `mistral_tui.chat.tool_calls.Tools`."""
        try:
            found: Any = msgspec.json.decode(arguments)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise InvalidArguments(f"the arguments of {tool.name} are no JSON: {error}") from None
        if not isinstance(found, dict):
            raise InvalidArguments(f"the arguments of {tool.name} are no JSON object; write one such as {{}}")
        if tool is not FIND_TOOLS:
            await self._servers.check(tool, found)
        elif not isinstance(found.get("query"), str):
            raise InvalidArguments(f'{tool.name} needs a query; write such as {{"query": "read a file"}}')
        return found

    async def call(self, tool: Tool, arguments: Json, on_progress: Callable[[ToolProgress], None]) -> ToolOutput:
        """Call a tool; see `mistral_tui.chat.tool_calls.Tools`."""
        if tool is FIND_TOOLS:
            return ToolOutput((TextPart(self._find(arguments["query"])),))
        return await self._servers.call(tool, arguments, on_progress)

    def _find(self, query: str) -> str:
        """Let the model call the tools that fit a query, and return what it is told of them."""
        fitting = _best(self._all, query)
        if not fitting:
            names = ", ".join(tool.name for tool in self._all)
            return f"No tool fits these words. There are: {names[: self._room * _BYTES_A_TOKEN]}"
        # Those found last are the most wanted; older ones make room for them.
        self._found = [*fitting, *(tool for tool in self._found if tool not in fitting)]
        while len(self._found) > 1 and sum(map(tokens_of, self._found)) > self._room:
            self._found.pop()
        kept = [tool for tool in fitting if tool in self._found]
        return "You can call these now:\n" + "\n".join(f"{tool.name}: {_first_line(tool)}" for tool in kept)


def _best(tools: tuple[Tool, ...], query: str) -> list[Tool]:
    """Return the tools that most words of a query occur in, the best first; a name counts more than a description."""
    words = set(_words(query))

    def score(tool: Tool) -> int:
        named, about = _words(f"{tool.name} {tool.title}"), _words(f"{tool.description} {_parameters(tool)}")
        return sum(
            3 * any(_same(word, each) for each in named) + any(_same(word, each) for each in about) for word in words
        )

    scored = [(score(tool), tool) for tool in tools]
    best = sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: -pair[0])
    return [tool for _, tool in best[:MOST_FOUND]]


def _same(word: str, other: str) -> bool:
    """Whether two words begin alike, such as `file` and `files`."""
    short, long = sorted((word, other), key=len)
    return long.startswith(short) and len(short) >= min(4, len(long))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text[:5000]).casefold())


def _parameters(tool: Tool) -> str:
    properties = tool.parameters.get("properties")
    return " ".join(map(str, properties)) if isinstance(properties, dict) else ""


def _first_line(tool: Tool) -> str:
    return (tool.description.strip().splitlines() or [tool.title])[0][:200]
