"""Waiting for what happens outside the event loop, or without an event to wait for."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool], limit: float = 20.0) -> None:
    """Return when `condition` holds; fail after `limit` seconds."""
    async with asyncio.timeout(limit):
        while not condition():  # noqa: ASYNC110  # there is no event for it
            await asyncio.sleep(0.002)
