"""What our own code costs per token, early and late in a long reply, with the model left out.

The way of a token from the sampler to the conversation: its bytes to text, reasoning and calls told apart, stop
strings, the outbox, a frame, and the turn that keeps the reply's text.
"""

import asyncio
import time
from collections.abc import AsyncGenerator

from benchmarks.harness import Figure, percentile
from benchmarks.scripted import TEXT
from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.turn import run_turn
from mistral_tui.engines import wire
from mistral_tui.engines.gguf.text.detokenize import TextDecoder
from mistral_tui.engines.gguf.text.stop_strings import StopStrings
from mistral_tui.engines.parsing.splitter import Notation, ReplySplitter
from mistral_tui.engines.worker.outbox import Outbox
from mistral_tui.processes.frames import FrameDecoder, encode
from mistral_tui.types.events import EngineEvent, Finished, TextDelta
from mistral_tui.types.messages import Message, TextPart, Usage
from mistral_tui.types.models import LoadedModel
from mistral_tui.types.queries import Answer, Query, Refusal
from mistral_tui.types.requests import GenerateRequest, ToolSpec

WINDOW = 250
"""Tokens that one figure is taken over."""
EARLY, LATE = WINDOW, 4000
TOKENS_PER_FRAME = 3
"""At 100 tokens/s and 30 frames a second."""


class StubEngine:
    """Does with every token what a worker and its parent do, and writes down when."""

    def __init__(self) -> None:
        self.model = LoadedModel("stub", "/stub.gguf", "stub", 65536, 65536, 1, 1, "stub")
        self.times: list[float] = []

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[EngineEvent, None]:
        decoder, stops, outbox = TextDecoder(), StopStrings(("<|im_end|>", "\nUser:")), Outbox()
        splitter = ReplySplitter(Notation.of("<tool_call> and </think>"), (ToolSpec("look"),), "")
        frames = FrameDecoder[wire.FromWorker](wire.FromWorker)
        pieces = [(word + " ").encode() for word in TEXT.split(" ")]
        for index in range(LATE + 1):
            self.times.append(time.perf_counter())
            for _, delta in splitter.feed(decoder.feed(pieces[index % len(pieces)])):
                if isinstance(delta, TextDelta):
                    outbox.put(TextDelta(stops.feed(delta.text)[0]))
            if index % TOKENS_PER_FRAME == 0 and not outbox.empty:
                for frame in frames.feed(encode(wire.Events(client="1", request=request.id, events=outbox.take()))):
                    assert isinstance(frame, wire.Events)
                    for event in frame.events:
                        yield event
        yield Finished("stop", Usage())

    async def cancel(self, request_id: str) -> None:
        """There is nothing to stop."""

    async def ask(self, query: Query) -> Answer:
        """There is nothing to ask."""
        return Refusal("EngineError", "a stub")

    async def forget(self, chat_id: str) -> None:
        """Nothing is kept."""


async def _reply() -> tuple[float, float]:
    """Return milliseconds per token before token `EARLY` and before token `LATE`."""
    engine, conversation = StubEngine(), Conversation()
    conversation.append(Message("user", (TextPart("Go on."),)))
    async for _ in run_turn(conversation, engine, GenerateRequest(), asyncio.Event()):
        pass
    early, late = (1000 * (engine.times[at] - engine.times[at - WINDOW]) / WINDOW for at in (EARLY, LATE))
    return early, late


def run(quick: bool) -> list[Figure]:
    early, late = zip(*(asyncio.run(_reply()) for _ in range(3 if quick else 15)), strict=True)
    first, last = percentile(early, 50), percentile(late, 50)
    return [
        Figure("own code per token at token 4,000", last, "ms", reference=first, budget=0.05),
        Figure("own code: growth from token 250 to 4,000", last, "ms", reference=first, budget=1.5, of_ratio=True),
    ]
