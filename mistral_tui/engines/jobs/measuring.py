"""How fast a loaded model is: prompts of a given length, and replies of a given length, several at a time."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Final

from mistral_tui.engines.engine import Engine
from mistral_tui.engines.queries import count_tokens
from mistral_tui.types.errors import EngineError, InvalidRequest
from mistral_tui.types.events import Finished
from mistral_tui.types.messages import Message, TextPart, Usage
from mistral_tui.types.requests import GenerateRequest, SamplingParams

_WARM_UP_TOKENS: Final = 8
_FEWEST_FOR_A_RATE: Final = 2
"""The first token of a reply belongs to its prompt."""


@dataclass(frozen=True)
class Measurement:
    """One line of the table."""

    test: str
    """`pp N`: a prompt of N tokens is computed; `tg N`: a reply of N tokens is written."""
    concurrency: int
    """Requests at a time."""
    tokens_per_second: float
    """Of one request: mean over all of them."""
    stddev: float
    throughput: float
    """Tokens per second of all requests together."""

    @property
    def ms_per_token(self) -> float:
        """Milliseconds that a token of one request takes."""
        return 1000 / self.tokens_per_second if self.tokens_per_second else 0.0


async def measure(
    engine: Engine, prompt_tokens: int, reply_tokens: int, concurrency: Sequence[int], repetitions: int
) -> AsyncGenerator[Measurement, None]:
    """Measure an engine that nobody else uses.

    Args:
        engine: Must have room for the largest of `concurrency` requests.
        prompt_tokens: Length of the prompts, with what the chat template adds; 0: prompts are not measured.
        reply_tokens: Length of the replies, at least 2; 0: replies are not measured.
        concurrency: How many requests at a time, one measurement each.
        repetitions: How often each is repeated.

    Raises:
        MistralTuiError: The engine failed.
    """
    if reply_tokens and reply_tokens < _FEWEST_FOR_A_RATE:
        raise InvalidRequest(f"a reply of {reply_tokens} token has no rate; measure {_FEWEST_FOR_A_RATE} or more")
    texts = _Texts(engine)
    await _answer(engine, await texts.of(0), _WARM_UP_TOKENS)
    for count in concurrency:
        if prompt_tokens:
            rates, seconds, tokens = [], 0.0, 0
            for _ in range(repetitions):
                prompts = [await texts.of(prompt_tokens) for _ in range(count)]
                usages, took = await _together(engine, prompts, 1)
                rates += [usage.prefill_rate for usage in usages]
                tokens += sum(usage.prompt_tokens - usage.cached_tokens for usage in usages)
                seconds += took
            yield _measurement(f"pp {prompt_tokens}", count, rates, tokens / seconds)
        if reply_tokens:
            rates, throughputs = [], []
            for _ in range(repetitions):
                prompts = [await texts.of(0) for _ in range(count)]
                usages, _ = await _together(engine, prompts, reply_tokens)
                rates += [usage.decode_rate for usage in usages]
                throughputs.append(sum(usage.decode_rate for usage in usages))
            yield _measurement(f"tg {reply_tokens}", count, rates, fmean(throughputs))


def _measurement(test: str, concurrency: int, rates: Sequence[float], throughput: float) -> Measurement:
    spread = stdev(rates) if len(rates) > 1 else 0.0
    return Measurement(test, concurrency, fmean(rates), spread, throughput)


async def _together(engine: Engine, prompts: Sequence[str], reply_tokens: int) -> tuple[list[Usage], float]:
    began = time.perf_counter()
    usages = await asyncio.gather(*(_answer(engine, prompt, reply_tokens) for prompt in prompts))
    return usages, time.perf_counter() - began


async def _answer(engine: Engine, prompt: str, reply_tokens: int) -> Usage:
    sampling = SamplingParams(temperature=0, max_tokens=reply_tokens, ignore_eos=True)
    async for event in engine.generate(_request(prompt, sampling)):
        if isinstance(event, Finished):
            if event.reason != "length":
                raise EngineError(event.error or f"a reply of {reply_tokens} tokens ended early: {event.reason}")
            return event.usage
    raise EngineError("the engine stopped without a reason; try again")


def _request(prompt: str, sampling: SamplingParams) -> GenerateRequest:
    return GenerateRequest((Message("user", (TextPart(prompt),)),), sampling)


class _Texts:
    """Prompts of a given length that begin with different words, so that no KV cache knows them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._made = 0
        self._words: dict[int, int] = {}

    async def of(self, tokens: int) -> str:
        """Return a new text that makes a prompt of so many tokens, or a few more where the template is longer."""
        self._made += 1
        beginning = f"{self._made:04}"
        if tokens not in self._words:
            self._words[tokens] = await self._find_words(beginning, tokens)
        return beginning + " go" * self._words[tokens]

    async def _find_words(self, beginning: str, tokens: int) -> int:
        low, high = 0, tokens
        while low < high:
            middle = (low + high) // 2
            request = _request(beginning + " go" * middle, SamplingParams())
            if await count_tokens(self._engine, request) < tokens:
                low = middle + 1
            else:
                high = middle
        return low
