"""One prompt, answered by several models, or by one with several settings; who of them answers when."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Literal

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.loading import OnProgress
from mistral_tui.chat.turn import run_turn
from mistral_tui.engines.choices import merged
from mistral_tui.engines.engine import Engine
from mistral_tui.engines.preflight import Taken, check_content, may_be_accelerated
from mistral_tui.types.errors import InvalidRequest, MistralTuiError, ModelError
from mistral_tui.types.events import ReplyStarted, TurnEnded, TurnEvent
from mistral_tui.types.models import LoadOptions, LoadProgress, ModelEntry
from mistral_tui.types.pool import PoolLimits
from mistral_tui.types.requests import GenerateRequest

LEAST: Final = 2
MOST: Final = 4

Apart = Literal["cores", "memory"]
"""Why models answer one after the other: they would share cores, or do not fit into memory together."""
EngineOf = Callable[[ModelEntry | None, OnProgress], Awaitable[Engine]]


@dataclass(frozen=True)
class Contestant:
    """A model with settings."""

    name: str
    """What it is called on screen."""
    entry: ModelEntry
    request: GenerateRequest
    """What is asked of it, besides the messages."""
    system_prompt: str | None = None
    """What it is told first; `None`: what the chat says."""


@dataclass(frozen=True)
class Comparison:
    """Who answers, and when."""

    contestants: tuple[Contestant, ...]
    rounds: tuple[tuple[int, ...], ...]
    """Numbers of contestants: those of a round answer at the same time, the next round when they have."""
    apart: tuple[Apart | None, ...] = ()
    """Of each contestant, why its model does not answer beside the others; `None`: it does."""

    def alone(self, number: int) -> bool:
        """Whether a contestant has the machine to itself while it answers, so that its figures are its best."""
        return (number,) in self.rounds


def planned(
    contestants: Sequence[Contestant],
    shares_cores: Callable[[ModelEntry], bool],
    fit: Callable[[Sequence[ModelEntry]], bool],
) -> Comparison:
    """Say who answers when: one model answers all that is asked of it at once, and reads the prompt once for that;
    models that share cores, or that do not fit into memory together, answer one after the other.

    Raises:
        InvalidRequest: There are too few contestants, or too many.
    """
    if not LEAST <= len(contestants) <= MOST:
        raise InvalidRequest(f"{len(contestants)} are to be compared; it must be from {LEAST} to {MOST}")
    of_model: dict[tuple[str, Path], list[int]] = {}
    for number, contestant in enumerate(contestants):
        of_model.setdefault((contestant.entry.name, contestant.entry.path), []).append(number)
    rounds: list[tuple[int, ...]] = []
    together: list[ModelEntry] = []
    """The models of the last round, if others may join them."""
    apart: list[Apart | None] = [None] * len(contestants)
    for numbers in of_model.values():
        entry = contestants[numbers[0]].entry
        fits = not together or fit([*together, entry])
        if together and fits and not shares_cores(entry):
            rounds[-1] += tuple(numbers)
        else:
            if len(of_model) > 1 and not (fits and not shares_cores(entry)):
                for number in numbers:
                    apart[number] = "cores" if shares_cores(entry) else "memory"
            rounds.append(tuple(numbers))
            together = []
        if not shares_cores(entry):
            together.append(entry)
    return Comparison(tuple(contestants), tuple(rounds), tuple(apart))


def plan(contestants: Sequence[Contestant], options: LoadOptions, limits: PoolLimits) -> Comparison:
    """Say who answers when on this machine. Reads the headers of the models: milliseconds.

    Args:
        contestants: From two to four.
        options: How models are loaded.
        limits: What may be loaded at once.

    Raises:
        InvalidRequest: There are too few contestants, or too many.
    """

    def shares_cores(entry: ModelEntry) -> bool:
        return entry.format != "remote" and (options.cpu or not may_be_accelerated())

    def fit(entries: Sequence[ModelEntry]) -> bool:
        taken: list[Taken] = []
        if limits.max_loaded is not None and sum(entry.format != "remote" for entry in entries) > limits.max_loaded:
            return False
        try:
            for entry in entries:
                if entry.format != "remote":
                    taken.append(Taken(None, check_content(entry, options, taken, limits.memory_budget)))
        except ModelError:
            return False
        return True

    return planned(contestants, shares_cores, fit)


async def run_comparison(
    conversation: Conversation,
    cancelled: asyncio.Event,
    report: Callable[[int, LoadProgress], None],
    *,
    comparison: Comparison,
    engine_of: EngineOf,
) -> AsyncGenerator[tuple[int, TurnEvent], None]:
    """Let all contestants answer the last user message of the active branch; see `run_turn`.

    The first reply's branch becomes the active one.

    Args:
        conversation: Each reply is a branch of it.
        cancelled: Set it to stop all replies; what was said so far stays.
        report: Told how far the model of a contestant is loaded.
        comparison: Who answers, and when.
        engine_of: Returns a loaded model.

    Yields:
        Every event with the number of its contestant. The last one of each is `TurnEnded`; of one whose model cannot
        be loaded, or that did not come to its turn, it is the only one.
    """
    prompt = conversation.leaf_id
    first: list[str] = []

    async def turn(number: int) -> AsyncGenerator[TurnEvent, None]:
        contestant = comparison.contestants[number]
        if cancelled.is_set():
            yield TurnEnded("cancelled")
            return
        try:
            engine = await _unless(cancelled, engine_of(contestant.entry, partial(report, number)))
        except MistralTuiError as error:
            yield TurnEnded("failed", str(error))
            return
        if engine is None:
            yield TurnEnded("cancelled")
            return
        conversation.select(prompt)
        answer = run_turn(conversation, engine, contestant.request, cancelled, contestant.system_prompt)
        async with contextlib.aclosing(answer) as events:
            async for event in events:
                if isinstance(event, ReplyStarted):
                    first.append(event.message.id)
                    conversation.select(first[0])
                yield event

    for numbers in comparison.rounds:
        async with contextlib.aclosing(merged([turn(number) for number in numbers])) as events:
            async for place, event in events:
                yield numbers[place], event


async def _unless(cancelled: asyncio.Event, engine: Awaitable[Engine]) -> Engine | None:
    """Return the engine, or `None` when the person cancels first."""
    load = asyncio.ensure_future(engine)
    stop = asyncio.ensure_future(cancelled.wait())
    try:
        await asyncio.wait({load, stop}, return_when=asyncio.FIRST_COMPLETED)
        return None if cancelled.is_set() else load.result()
    finally:
        load.cancel()
        stop.cancel()
        await asyncio.gather(load, stop, return_exceptions=True)
