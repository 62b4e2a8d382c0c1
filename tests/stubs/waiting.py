"""Waiting for what happens outside the event loop, or without an event to wait for."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Return when `condition` holds; fail after so many `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # there is no event for it
            await asyncio.sleep(0.002)
