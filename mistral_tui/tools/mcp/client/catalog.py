"""What a server has: tools, prompts and resources. Lists are read page by page, up to an end of our own."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final, Literal

import mcp_types
from mcp import Client, MCPError

from mistral_tui.tools.mcp.client.results import part_of, tool_of
from mistral_tui.types.resources import Prompt, PromptArgument, PromptMessage, Resource, ResourceTemplate
from mistral_tui.types.tools import Tool, ToolOutput

_PAGES: Final = 50
_MOST: Final = 1000
_MOST_VALUES: Final = 100


async def list_tools(client: Client, server: str) -> tuple[Tool, ...]:
    """Return the tools, with the names they have at their server."""
    if client.server_capabilities.tools is None:
        return ()
    found: dict[str, Tool] = {}
    async for page in _pages(lambda cursor: client.list_tools(cursor=cursor, cache_mode="refresh")):
        for tool in page.tools:
            found.setdefault(tool.name, tool_of(server, tool))
        if len(found) >= _MOST:
            break
    return tuple(found.values())[:_MOST]


async def list_prompts(client: Client, server: str) -> tuple[Prompt, ...]:
    """Return the prompts."""
    if client.server_capabilities.prompts is None:
        return ()
    found: dict[str, Prompt] = {}
    async for page in _pages(lambda cursor: client.list_prompts(cursor=cursor, cache_mode="refresh")):
        for prompt in page.prompts:
            arguments = tuple(
                PromptArgument(each.name, each.description or "", bool(each.required))
                for each in prompt.arguments or ()
            )
            known = Prompt(server, prompt.name, prompt.title or "", prompt.description or "", arguments)
            found.setdefault(prompt.name, known)
        if len(found) >= _MOST:
            break
    return tuple(found.values())[:_MOST]


async def list_resources(client: Client) -> tuple[tuple[Resource, ...], tuple[ResourceTemplate, ...]]:
    """Return the resources that have a name, and the addresses that more of them have."""
    resources: dict[str, Resource] = {}
    templates: dict[str, ResourceTemplate] = {}
    if client.server_capabilities.resources is None:
        return (), ()
    async for page in _pages(lambda cursor: client.list_resources(cursor=cursor, cache_mode="refresh")):
        for each in page.resources:
            words = (each.title or "", each.description or "", each.mime_type or "")
            resources.setdefault(str(each.uri), Resource(str(each.uri), each.name, *words, each.size))
        if len(resources) >= _MOST:
            break
    try:
        async for page in _pages(lambda cursor: client.list_resource_templates(cursor=cursor, cache_mode="refresh")):
            for each in page.resource_templates:
                words = (each.title or "", each.description or "", each.mime_type or "")
                templates.setdefault(each.uri_template, ResourceTemplate(each.uri_template, each.name, *words))
            if len(templates) >= _MOST:
                break
    except MCPError as error:
        if error.code != mcp_types.METHOD_NOT_FOUND:
            raise
    return tuple(resources.values())[:_MOST], tuple(templates.values())[:_MOST]


async def read_resource(client: Client, uri: str, folder: Path) -> ToolOutput:
    """Return what is at an address; a folder has several parts."""
    result = await client.read_resource(uri)
    blocks = (mcp_types.EmbeddedResource(type="resource", resource=each) for each in result.contents)
    return ToolOutput(tuple(part_of(block, folder) for block in blocks))


async def get_prompt(client: Client, name: str, arguments: dict[str, str], folder: Path) -> tuple[PromptMessage, ...]:
    """Return a prompt with its values."""
    result = await client.get_prompt(name, arguments)
    return tuple(PromptMessage(each.role, part_of(each.content, folder)) for each in result.messages)


async def complete(
    client: Client, kind: Literal["prompt", "template"], name: str, argument: str, value: str, others: dict[str, str]
) -> tuple[str, ...]:
    """Return what the value of an argument may go on to be.

    Args:
        client: The server.
        kind: Whether a prompt or the address of resources takes the argument.
        name: The prompt, or the address.
        argument: Its name.
        value: What is there so far.
        others: The arguments that have their values.
    """
    if client.server_capabilities.completions is None:
        return ()
    ref: mcp_types.PromptReference | mcp_types.ResourceTemplateReference
    if kind == "prompt":
        ref = mcp_types.PromptReference(type="ref/prompt", name=name)
    else:
        ref = mcp_types.ResourceTemplateReference(type="ref/resource", uri=name)
    result = await client.complete(ref, {"name": argument, "value": value}, others or None)
    return tuple(result.completion.values)[:_MOST_VALUES]


async def _pages(turn: Callable[[str | None], Awaitable[Any]]) -> AsyncGenerator[Any, None]:
    cursor: str | None = None
    for _ in range(_PAGES):
        page = await turn(cursor)
        yield page
        cursor = page.next_cursor
        if not cursor:
            return
