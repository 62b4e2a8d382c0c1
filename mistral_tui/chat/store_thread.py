"""The one thread in which the store is used, so that a slow disk never holds up the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from mistral_tui.store.store import Store

P = ParamSpec("P")
T = TypeVar("T")


class StoreThread:
    """A store and the thread that all calls to it are made in, one after the other."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._executor = ThreadPoolExecutor(1, "store")

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `call` returns; giving up waiting for it does not stop it.

        Raises:
            StoreError: The store failed.
        """
        future = self._executor.submit(call, *args, **kwargs)
        return await asyncio.wrap_future(future)

    def submit(self, call: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Let `call` be made when it is its turn; it must deal with its own failures."""
        self._executor.submit(call, *args, **kwargs)

    async def close(self) -> None:
        """Close the store after the calls that were made before."""
        await self.run(self.store.close)
        self._executor.shutdown(wait=False)
