"""Models that are being fetched, one after the other, whoever looks on; each can be paused and goes on later."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.models import ModelEntry

Fetch = Callable[[ModelEntry, Callable[[int, int], None]], Awaitable[ModelEntry]]
"""Fetches a model, reporting bytes done and in all; returns its entry, now on disk. Cancelled, it keeps what it has."""
DownloadState = Literal["waiting", "running", "paused", "failed", "done", "dropped"]
_STEPS = 1000
"""A download tells at most so many times how far it is."""


class Download(msgspec.Struct, frozen=True):
    """How a download is doing."""

    entry: ModelEntry
    state: DownloadState = "waiting"
    done: int = 0
    """Bytes that are there."""
    total: int = 0
    """Bytes in all; 0: not known."""
    error: str = ""
    """Why it failed."""

    @property
    def share(self) -> float:
        """How much is there, from 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


class Downloads:
    """A queue of downloads, on one event loop.

    Args:
        fetch: Fetches one model.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._downloads: dict[str, Download] = {}
        self._task: asyncio.Task[None] | None = None
        self._listeners: list[Callable[[Download], None]] = []

    @property
    def all(self) -> tuple[Download, ...]:
        """Those that are not done, in the order in which they are fetched."""
        return tuple(self._downloads.values())

    def of(self, name: str) -> Download | None:
        """Return the download of a model, if there is one."""
        return self._downloads.get(name)

    def subscribe(self, listener: Callable[[Download], None]) -> Callable[[], None]:
        """Call `listener` with every change, until the returned function is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def begin(self, entry: ModelEntry) -> None:
        """Fetch a model after those that were begun before; one that is paused or has failed goes on."""
        known = self._downloads.get(entry.name)
        if known is not None and known.state in ("waiting", "running"):
            return
        done, total = (known.done, known.total) if known is not None else (0, entry.size_bytes)
        self._change(Download(entry, "waiting", done, total))
        self._next()

    def pause(self, name: str) -> None:
        """Stop fetching a model; what is there is kept."""
        known = self._downloads.get(name)
        if known is not None and known.state in ("waiting", "running"):
            self._change(msgspec.structs.replace(known, state="paused"))
            self._stop_if(known)

    def drop(self, name: str) -> None:
        """Fetch a model no longer, and forget that it was wanted."""
        known = self._downloads.get(name)
        if known is not None:
            self._change(msgspec.structs.replace(known, state="dropped"))
            self._stop_if(known)

    async def close(self) -> None:
        """Stop what runs; what is there is kept for the next time."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _stop_if(self, download: Download) -> None:
        if download.state == "running" and self._task is not None:
            self._task.cancel()

    def _next(self) -> None:
        """Begin with the next one that waits, if none runs."""
        waiting = next((each for each in self._downloads.values() if each.state == "waiting"), None)
        if waiting is not None and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._run(waiting), name=f"fetching {waiting.entry.name}")
            self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._task is task:
            self._task = None
            self._next()

    async def _run(self, download: Download) -> None:
        name, told = download.entry.name, -1
        self._change(msgspec.structs.replace(download, state="running"))

        def report(done: int, total: int) -> None:
            nonlocal told
            step = done * _STEPS // total if total else 0
            known = self._downloads.get(name)
            if step != told and known is not None and known.state == "running":
                told = step
                self._change(msgspec.structs.replace(known, done=done, total=total))

        try:
            entry = await self._fetch(download.entry, report)
        except MistralTuiError as error:
            known = self._downloads.get(name, download)
            if known.state == "running":
                self._change(msgspec.structs.replace(known, state="failed", error=str(error)))
        else:
            self._change(Download(entry, "done", entry.size_bytes, entry.size_bytes))

    def _change(self, download: Download) -> None:
        if download.state in ("done", "dropped"):
            self._downloads.pop(download.entry.name, None)
        else:
            self._downloads[download.entry.name] = download
        for listener in tuple(self._listeners):
            listener(download)
