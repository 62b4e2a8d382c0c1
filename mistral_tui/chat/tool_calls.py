"""The calls of one reply: checked, allowed or not, made side by side, and turned into what the model is told."""

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from mistral_tui.chat.result_length import fitted, tokens_of_a_result
from mistral_tui.engines.engine import Engine
from mistral_tui.types.errors import InvalidArguments, MistralTuiError
from mistral_tui.types.events import ToolChanged, ToolProgressed
from mistral_tui.types.messages import (
    AudioPart,
    FilePart,
    ImagePart,
    Json,
    Message,
    Part,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from mistral_tui.types.requests import ToolChoice
from mistral_tui.types.tools import Decision, LinkPart, Tool, ToolOutput, ToolProgress, ToolRun, TurnBudget

_log = logging.getLogger(__name__)

ToolEvent = ToolChanged | ToolProgressed


class Tools(Protocol):
    """What a turn may call."""

    @property
    def tools(self) -> Sequence[Tool]:
        """What the model is told of."""
        ...

    async def check(self, tool: Tool, arguments: str) -> Json:
        """Return the arguments of a call.

        Raises:
            InvalidArguments: They are no JSON object, or not what the tool's schema asks for.
        """
        ...

    async def call(self, tool: Tool, arguments: Json, on_progress: Callable[[ToolProgress], None]) -> ToolOutput:
        """Call a tool; cancelling this cancels the call.

        Raises:
            ToolError: It came to nothing.
        """
        ...


Decide = Callable[[Tool, Json], Awaitable[Decision | None]]
"""Says whether a call may be made; `None`: the person is to be asked."""
AskPerson = Callable[[ToolRun], Awaitable[Decision]]
"""Asks the person whether a call may be made."""


@dataclass(frozen=True)
class ToolUse:
    """How a turn uses tools: which there are, who allows what, and how much of it."""

    tools: Tools
    decide: Decide
    ask: AskPerson
    budget: TurnBudget = field(default_factory=TurnBudget)
    choice: ToolChoice = "auto"
    """Whether the model must call one at first; after that it decides."""
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the person is asked: one question at a time."""


@dataclass
class Spent:
    """What a turn has used up of its budget."""

    budget: TurnBudget
    rounds: int = 0
    calls: int = 0
    tokens: int = 0
    bad_rounds: int = 0
    """Rounds in a row without one call that could be made."""
    made: Counter[str] = field(default_factory=Counter)
    """How often each call was made."""

    @property
    def all_of_it(self) -> str:
        """Why the model may call nothing more in this turn; empty: it may."""
        if self.rounds >= self.budget.rounds:
            return f"the {self.budget.rounds} rounds of tool calls that a turn may have are used up"
        if self.calls >= self.budget.calls:
            return f"the {self.budget.calls} tool calls that a turn may have are used up"
        if self.tokens >= self.budget.tokens:
            return f"the {self.budget.tokens:,} tokens that the replies of a turn may have are used up"
        if self.bad_rounds > self.budget.repairs:
            return "the calls could not be made, again"
        return ""

    def count(self, runs: Sequence[ToolRun]) -> None:
        """Count one round of calls."""
        self.rounds += 1
        self.calls += len(runs)
        self.bad_rounds = self.bad_rounds + 1 if all(run.state == "invalid" for run in runs) else 0

    def count_call(self, tool: Tool, arguments: Json) -> None:
        """Count one call.

        Raises:
            InvalidArguments: It was made often enough.
        """
        same = f"{tool.key} {msgspec.json.encode(arguments, order='deterministic').decode()}"
        self.made[same] += 1
        if self.made[same] > self.budget.repeats:
            raise InvalidArguments(
                f"{tool.name} was called with the same arguments before, and answers the same; use what it said, "
                "or do something else"
            )


async def call_tools(
    reply: Message, use: ToolUse, spent: Spent, engine: Engine, cancelled: asyncio.Event
) -> AsyncGenerator[ToolEvent | Message, None]:
    """Make the calls of a reply, all at once, and yield what happens; the last thing is the message with the results.

    Args:
        reply: Its calls are made.
        use: What may be called.
        spent: Counts it.
        engine: Whose model is shown the results.
        cancelled: Stops the calls that are on their way; each still has a result, which says so.
    """
    calls = [part for part in reply.parts if isinstance(part, ToolCallPart)]
    events: asyncio.Queue[ToolEvent | None] = asyncio.Queue()
    running = [_Run(reply, call, use, spent, events.put_nowait) for call in calls]
    tasks = [asyncio.create_task(run.carry_out()) for run in running]
    stop = asyncio.create_task(_cancel_when(cancelled, tasks))
    everything = asyncio.gather(*tasks, return_exceptions=True)
    everything.add_done_callback(lambda done: events.put_nowait(None))
    try:
        while (event := await events.get()) is not None:
            yield event
    finally:
        for task in (stop, *tasks):
            task.cancel()
        await asyncio.gather(stop, everything, return_exceptions=True)
    spent.count([each.run for each in running])
    parts: list[Part] = []
    tokens = tokens_of_a_result(engine, use.budget.result_tokens, len(calls))
    for run in running:
        parts += await run.results(engine, tokens)
    yield Message("tool", tuple(parts))


class _Run:
    """One call on its way."""

    def __init__(
        self, reply: Message, call: ToolCallPart, use: ToolUse, spent: Spent, tell: Callable[[ToolEvent], None]
    ) -> None:
        self._use = use
        self._spent = spent
        self._tell = tell
        self._tool = next((tool for tool in use.tools.tools if tool.name == call.name), None)
        self.run = ToolRun(
            id=uuid.uuid4().hex,
            call_id=call.call_id,
            message_id=reply.id,
            name=call.name,
            server=self._tool.server if self._tool else "",
            tool=self._tool.tool if self._tool else "",
            arguments=call.arguments or "{}",
            started_at=time.time(),
        )

    async def carry_out(self) -> None:
        """Make the call, if it can and may be made; whatever happens, `run` tells."""
        try:
            await self._carry_out()
        except InvalidArguments as error:
            self._change(state="invalid", error=str(error))
        except MistralTuiError as error:
            self._change(state="failed", error=str(error))
        except asyncio.CancelledError:
            self._change(state="cancelled", error="the person stopped it")
        except Exception as error:
            _log.exception("a call failed unexpectedly")
            self._change(state="failed", error=f"{self.run.name} failed unexpectedly: {error!r}"[:400])

    async def _carry_out(self) -> None:
        if self._tool is None:
            names = ", ".join(tool.name for tool in self._use.tools.tools)
            raise InvalidArguments(f"there is no tool {self.run.name!r:.100}; there are: {names}")
        arguments = await self._use.tools.check(self._tool, self.run.arguments)
        self._spent.count_call(self._tool, arguments)
        decision = await self._use.decide(self._tool, arguments)
        if decision is None:
            async with self._use.asking:  # one question at a time
                # What the person has just said may answer this one, too.
                decision = await self._use.decide(self._tool, arguments)
                if decision is None:
                    self._change(state="asked")
                    decision = await self._use.ask(self.run)
        if not decision.allowed:
            self._change(state="denied", approval=decision.approval, error=decision.reason or "it was not allowed")
            return
        self._change(state="running", approval=decision.approval)
        began = time.monotonic()
        try:
            output = await self._use.tools.call(self._tool, arguments, self._progressed)
        finally:
            self.run = msgspec.structs.replace(self.run, seconds=time.monotonic() - began)
        self._change(state="failed" if output.failed else "done", output=output)

    async def results(self, engine: Engine, tokens: int) -> list[Part]:
        """Return what the model is told: the result, and the pictures and sounds that came with it."""
        output = self.run.output
        if output is None:
            return [ToolResultPart(self.run.call_id, await fitted(engine, self.run.error, tokens), failed=True)]
        media: list[Part] = [part for part in output.parts if isinstance(part, ImagePart | AudioPart)]
        return [ToolResultPart(self.run.call_id, await fitted(engine, text_of(output), tokens), output.failed), *media]

    def _progressed(self, progress: ToolProgress) -> None:
        self._tell(ToolProgressed(self.run.id, progress))

    def _change(self, **changes: Any) -> None:
        self.run = msgspec.structs.replace(self.run, **changes)
        self._tell(ToolChanged(self.run))


def text_of(output: ToolOutput) -> str:
    """Return a result as a model reads it; a structured one stands for the text that repeats it."""
    blocks: list[str] = []
    for part in output.parts:
        match part:
            case TextPart(text):
                blocks.append(text)
            case FilePart(name, text):
                blocks.append(f"{name}:\n{text}")
            case LinkPart(uri, name):
                blocks.append(f"{name or 'resource'}: {uri}")
            case ImagePart():
                blocks.append("(a picture)")
            case AudioPart():
                blocks.append("(a recording)")
    if not blocks and output.structured is not None:
        blocks.append(msgspec.json.encode(output.structured).decode())
    return "\n\n".join(blocks) or "(no output)"


async def _cancel_when(cancelled: asyncio.Event, tasks: list["asyncio.Task[None]"]) -> None:
    await cancelled.wait()
    for task in tasks:
        task.cancel()
