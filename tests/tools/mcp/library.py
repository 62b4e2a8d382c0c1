"""A server of the SDK that has something to read and prompts, over HTTP."""

from typing import Annotated, Any

import mcp_types
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import BaseModel


class Boats(BaseModel):
    """What is asked for."""

    boats: int = 2


def ask() -> Elicit[Boats]:
    """What is asked before the boats sail."""
    return Elicit("How many boats?", Boats)


def library() -> MCPServer:
    """Return a server with tides to read about."""
    server = MCPServer("library", version="1")

    @server.resource("tide://today", title="Tides today", mime_type="text/plain")
    def today() -> str:
        """When the water is high."""
        return "noon and midnight"

    @server.resource("tide://moon", mime_type="image/png")
    def moon() -> bytes:
        return b"\x89PNG"

    @server.resource("tide://{harbour}/{day}")
    def at(harbour: str, day: str) -> str:
        return f"{harbour} on {day}"

    @server.prompt(title="Plan a trip")
    def trip(harbour: str, day: str = "today") -> str:
        """Asks for a plan."""
        return f"Plan a trip from {harbour}, {day}."

    @server.completion()  # type: ignore[no-untyped-call, untyped-decorator] # the SDK gives it no types
    async def complete(
        ref: mcp_types.PromptReference | mcp_types.ResourceTemplateReference,
        argument: mcp_types.CompletionArgument,
        context: mcp_types.CompletionContext | None,
    ) -> mcp_types.Completion | None:
        known = {"harbour": ["Brest", "Bremen", "Hull"], "day": ["monday", "sunday"]}[argument.name]
        if context is not None and (context.arguments or {}).get("harbour") == "Hull":
            known = ["friday"]
        return mcp_types.Completion(values=[each for each in known if each.startswith(argument.value)])

    @server.tool()
    async def learn(context: Context[Any, Any]) -> str:
        """Teaches the server another trick."""
        server.add_tool(trick)
        await context.notify_tools_changed()
        return "learned"

    @server.tool()
    def sail(boats: Annotated[Boats, Resolve(ask)]) -> str:
        """Asks first how many boats there are."""
        return f"{boats.boats} boats"

    return server


def trick() -> str:
    """Stands on one leg."""
    return "done"
