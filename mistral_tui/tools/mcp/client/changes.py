"""Hears when a server's tools or prompts change, in the way of each era, and has them read again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Literal

import mcp_types
from mcp import Client, MCPError
from mcp.client.session import IncomingMessage
from mcp.client.subscriptions import ListenNotSupportedError, PromptsListChanged, SubscriptionLost, ToolsListChanged

Kind = Literal["tools", "prompts"]

_QUIET_SECONDS: Final = 0.2
"""Changes that follow each other so closely are one."""
_LISTEN_AGAIN: Final = 5.0


class Changes:
    """What has changed since it was read."""

    def __init__(self) -> None:
        self._stale: set[Kind] = set()
        self._heard = asyncio.Event()

    async def hear(self, message: IncomingMessage) -> None:
        """Take a message of a server of an era before 2026."""
        match message:
            case mcp_types.ToolListChangedNotification():
                self._tell("tools")
            case mcp_types.PromptListChangedNotification():
                self._tell("prompts")
            case _:
                pass

    async def follow(self, client: Client, read_again: Callable[[frozenset[Kind]], Awaitable[None]]) -> None:
        """Have the prompts read, then again what has changed, until this is cancelled.

        Args:
            client: The server.
            read_again: Reads it; raises what a server may do.
        """
        listening = asyncio.create_task(self._listen(client))
        try:
            if client.server_capabilities.prompts is not None:
                await read_again(frozenset({"prompts"}))  # not before it is ready: nobody waits for these
            while await self._heard.wait():
                await asyncio.sleep(_QUIET_SECONDS)
                kinds = frozenset(self._stale)
                self._stale.clear()
                self._heard.clear()
                await read_again(kinds)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _listen(self, client: Client) -> None:
        """Listen as one does since 2026, as long as the server lets us."""
        tools, prompts = client.server_capabilities.tools, client.server_capabilities.prompts
        wants_tools, wants_prompts = bool(tools and tools.list_changed), bool(prompts and prompts.list_changed)
        while wants_tools or wants_prompts:
            try:
                async with client.listen(
                    tools_list_changed=wants_tools, prompts_list_changed=wants_prompts
                ) as subscription:
                    async for event in subscription:
                        if isinstance(event, ToolsListChanged):
                            self._tell("tools")
                        elif isinstance(event, PromptsListChanged):
                            self._tell("prompts")
            except (ListenNotSupportedError, MCPError):
                return
            except (SubscriptionLost, TimeoutError):
                pass
            await asyncio.sleep(_LISTEN_AGAIN)
            # What changed in between was not told.
            self._tell("tools")
            self._tell("prompts")

    def _tell(self, kind: Kind) -> None:
        self._stale.add(kind)
        self._heard.set()
