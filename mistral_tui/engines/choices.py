"""Several replies to one prompt, written at once."""

import asyncio
import contextlib
import secrets
import uuid
from collections.abc import AsyncGenerator, Sequence
from typing import Final, TypeVar

import msgspec

from mistral_tui.engines.engine import Engine
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.events import EngineEvent
from mistral_tui.types.requests import GenerateRequest

_MOST: Final = 128
_SEEDS: Final = 2**32 - 1
"""How many there are."""
_UNREAD: Final = 64
"""Events that may wait for a reader before the streams do."""

Event = TypeVar("Event")


def choices(engine: Engine, request: GenerateRequest, n: int) -> AsyncGenerator[tuple[int, EngineEvent], None]:
    """Write `n` replies to one request, each with a seed of its own.

    Args:
        engine: It computes the prompt, which they share, once.
        request: The first reply has its id and its seed; those of the others follow from the seed.
        n: From 1 to 128.

    Yields:
        Every event with the number of its reply, from 0. The last event of each reply is `Finished`. Closing the
        generator early cancels all of them.

    Raises:
        InvalidRequest: `n` is outside its range.
    """
    return merged([engine.generate(each) for each in requests_of_choices(request, n)])


def check_count(n: int) -> None:
    """Raise `InvalidRequest` if there cannot be so many replies to one request."""
    if not 1 <= n <= _MOST:
        raise InvalidRequest(f"{n} choices are asked for; it must be from 1 to {_MOST}")


def requests_of_choices(request: GenerateRequest, n: int) -> tuple[GenerateRequest, ...]:
    """Return `n` requests that differ in id and seed, the first of them with the id of `request`.

    Raises:
        InvalidRequest: `n` is outside its range.
    """
    check_count(n)
    first = secrets.randbelow(_SEEDS) if request.sampling.seed is None else request.sampling.seed
    return tuple(
        msgspec.structs.replace(
            request,
            id=uuid.uuid4().hex if number else request.id,
            sampling=msgspec.structs.replace(request.sampling, seed=(first + number) % _SEEDS),
        )
        for number in range(n)
    )


async def merged(streams: Sequence[AsyncGenerator[Event, None]]) -> AsyncGenerator[tuple[int, Event], None]:
    """Yield what comes from `streams`, as it comes, with the number of its stream; begin with all of them at once.

    What a stream raises is raised here, after the others are closed. Closing this closes all.
    """
    events: asyncio.Queue[tuple[int, Event] | None] = asyncio.Queue(_UNREAD)

    async def read(number: int, stream: AsyncGenerator[Event, None]) -> None:
        try:
            async with contextlib.aclosing(stream):
                async for event in stream:
                    await events.put((number, event))
        finally:
            ended.add(number)
            with contextlib.suppress(asyncio.QueueFull):  # a full queue wakes the reader anyway
                events.put_nowait(None)

    ended: set[int] = set()
    tasks = [asyncio.create_task(read(number, stream)) for number, stream in enumerate(streams)]
    try:
        while len(ended) < len(tasks) or not events.empty():
            item = await events.get()
            if item is not None:
                yield item
            for task in tasks:
                if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                    raise error
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
