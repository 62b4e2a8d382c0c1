"""Scripted engines: they answer what a test tells them to, when it tells them to."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.events import Delta, EngineEvent, Finished, PromptProgress, TextDelta, TokenScored
from mistral_tui.types.messages import FinishReason, Usage
from mistral_tui.types.models import LoadedModel, LoadOptions, LoadProgress, ModelEntry
from mistral_tui.types.pool import HeldModel
from mistral_tui.types.queries import Answer, Query, Refusal
from mistral_tui.types.requests import GenerateRequest

LOADED = LoadedModel(
    name="fake-1M",
    path="/models/fake-1M.gguf",
    architecture="llama",
    n_ctx=2048,
    n_ctx_train=2048,
    n_vocab=100,
    size_bytes=1_000_000,
    build="fake",
)
ENTRY = ModelEntry("fake-1M", Path("/models/fake-1M.gguf"), "gguf", 1_000_000, downloaded=True)


@dataclass
class Reply:
    """One scripted reply."""

    chunks: Sequence[str | Delta | TokenScored] = ("Hello", " there.")
    """Text, or other events."""
    reason: FinishReason = "stop"
    error: str | None = None
    before: Sequence[EngineEvent] = ()
    """Events before the first text."""
    delay: float = 0.0
    """Seconds between chunks."""
    hold: asyncio.Event | None = None
    """If given, the reply pauses after its first chunk until this is set (or it is cancelled)."""


@dataclass
class FakeEngine:
    """Answers each request with the next of `replies`, the last one again and again."""

    replies: list[Reply] = field(default_factory=lambda: [Reply()])
    requests: list[GenerateRequest] = field(default_factory=list)
    model: LoadedModel = LOADED
    answers: Callable[[Query], Answer] | None = None
    """Answers queries; without it, they are refused."""
    _cancelled: dict[str, asyncio.Event] = field(default_factory=dict)

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[EngineEvent, None]:
        reply = self.replies[min(len(self.requests), len(self.replies) - 1)]
        self.requests.append(request)
        cancelled = self._cancelled.setdefault(request.id, asyncio.Event())
        for event in reply.before or (PromptProgress(10, 10),):
            yield event
        tokens = 0
        for index, chunk in enumerate(reply.chunks):
            if cancelled.is_set():
                break
            yield TextDelta(chunk) if isinstance(chunk, str) else chunk
            tokens += 1
            if index == 0 and reply.hold is not None:
                await _first_of(reply.hold, cancelled)
            await asyncio.sleep(reply.delay)
        usage = Usage(
            prompt_tokens=10,
            completion_tokens=tokens,
            time_to_first_token=0.05,
            prefill_rate=200.0,
            decode_rate=50.0,
            context_tokens=10 + tokens,
            context_size=self.model.n_ctx,
            seed=1,
        )
        if cancelled.is_set():
            yield Finished("cancelled", usage)
        else:
            yield Finished(reply.reason, usage, reply.error)

    async def cancel(self, request_id: str) -> None:
        self._cancelled.setdefault(request_id, asyncio.Event()).set()

    async def ask(self, query: Query) -> Answer:
        if self.answers is not None:
            return self.answers(query)
        return Refusal("EngineError", "a scripted engine answers no queries")

    async def forget(self, chat_id: str) -> None:
        pass


async def _first_of(*events: asyncio.Event) -> None:
    tasks = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


@dataclass
class FakePool:
    """A pool whose every model is one scripted engine."""

    engine: FakeEngine = field(default_factory=FakeEngine)
    error: MistralTuiError | None = None
    """If set, loading fails with it."""
    hold: asyncio.Event | None = None
    """If given, a load stays at 40% until it is set."""
    loads: list[ModelEntry] = field(default_factory=list)
    closed: bool = False
    unloaded: list[str] = field(default_factory=list)
    loaded: list[HeldModel] = field(default_factory=list)
    """What `held` returns."""
    listeners: list[Callable[[str], None]] = field(default_factory=list)

    async def acquire(
        self, entry: ModelEntry, options: LoadOptions, on_progress: Callable[[LoadProgress], None] | None = None
    ) -> FakeEngine:
        self.loads.append(entry)
        report = on_progress or (lambda progress: None)
        report(LoadProgress("loading", 0.4))
        if self.hold is not None:
            await self.hold.wait()
        if self.error is not None:
            raise self.error
        report(LoadProgress("ready", 1.0))
        self._drop(entry.name)
        self.loaded.append(HeldModel(entry.name, str(entry.path), "idle", entry.size_bytes))
        return self.engine

    async def unload(self, model: str) -> None:
        if self.error is not None:
            raise self.error
        self.unloaded.append(model)
        self._drop(model)

    def _drop(self, model: str) -> None:
        self.loaded = [held for held in self.loaded if held.name != model]

    async def held(self) -> tuple[HeldModel, ...]:
        return tuple(self.loaded)

    def listen(self, on_notice: Callable[[str], None]) -> None:
        self.listeners.append(on_notice)

    async def close(self) -> None:
        self.closed = True
