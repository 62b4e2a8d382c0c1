"""A place to share models in, for tests: programs, and the host that they start."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mistral_tui.engines.host.connection import greet
from mistral_tui.engines.host.hosted import HostedPool, loaded_by_host
from mistral_tui.engines.host.meeting import NobodyThere, meeting_in
from mistral_tui.types.pool import HeldModel, PoolLimits
from tests.stubs import loops


class Place:
    """Where programs meet, and their pools."""

    def __init__(self, folder: Path, loader: str = loops.LOADER) -> None:
        self.host = folder / "h"
        self.logs = folder / "logs"
        self.loader = loader
        self.pools: list[HostedPool] = []

    def program(self, limits: PoolLimits | None = None, *, insist: bool = False) -> HostedPool:
        """Return the pool of one more program."""
        pool = HostedPool(self.host, self.logs, self.loader, limits, insist=insist)
        self.pools.append(pool)
        return pool

    async def held(self) -> dict[str, HeldModel]:
        return {model.name: model for model in await loaded_by_host(self.host)}

    async def until_held(self, met: Callable[[dict[str, HeldModel]], bool]) -> None:
        async with asyncio.timeout(20):
            while not met(await self.held()):  # noqa: ASYNC110  # of another process
                await asyncio.sleep(0.01)

    async def host_pid(self) -> int:
        """Return the process id of the host.

        Raises:
            NobodyThere: There is none.
        """
        reader, writer = await meeting_in(self.host).connect()
        try:
            return (await greet(meeting_in(self.host), reader, writer)).pid
        except (asyncio.IncompleteReadError, ConnectionError):
            raise NobodyThere("it has just ended") from None
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def until_gone(self) -> None:
        """Return when no host listens."""
        async with asyncio.timeout(20):
            while True:
                try:
                    await self.host_pid()
                except NobodyThere:
                    return
                await asyncio.sleep(0.02)

    async def end(self) -> None:
        """End the programs and the host."""
        for pool in self.pools:
            await pool.close()
        try:
            os.kill(await self.host_pid(), signal.SIGTERM)
        except NobodyThere:
            return
        await self.until_gone()
