"""Several replies to one request."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest

from mistral_tui.engines.choices import choices, merged, requests_of_choices
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.events import Finished, TextDelta
from mistral_tui.types.requests import GenerateRequest, SamplingParams
from tests.stubs.engines import FakeEngine, Reply

pytestmark = pytest.mark.core


async def test_each_reply_has_its_number_and_ends() -> None:
    engine = FakeEngine([Reply(("a", "b")), Reply(("c",)), Reply(("d",), "length")])
    texts = ["", "", ""]
    ends = {}
    async for number, event in choices(engine, GenerateRequest(()), 3):
        assert number not in ends
        if isinstance(event, TextDelta):
            texts[number] += event.text
        elif isinstance(event, Finished):
            ends[number] = event.reason
    assert texts == ["ab", "c", "d"]
    assert ends == {0: "stop", 1: "stop", 2: "length"}


async def test_replies_are_written_at_once() -> None:
    hold = asyncio.Event()
    engine = FakeEngine([Reply(("a", "b"), hold=hold), Reply(("c",))])
    async for number, event in choices(engine, GenerateRequest(()), 2):
        if number == 1 and isinstance(event, Finished):
            hold.set()
    assert hold.is_set()


def test_seeds_follow_from_the_first() -> None:
    last = 2**32 - 2
    first, second, third = requests_of_choices(GenerateRequest((), SamplingParams(seed=last - 1), id="r"), 3)
    assert [one.sampling.seed for one in (first, second, third)] == [last - 1, last, 0]
    assert first.id == "r"
    assert len({first.id, second.id, third.id}) == 3
    one, other = requests_of_choices(GenerateRequest(()), 2)
    assert one.sampling.seed is not None
    assert other.sampling.seed == (one.sampling.seed + 1) % (2**32 - 1)


@pytest.mark.parametrize("n", [0, -1, 129, 10**9])
def test_the_number_has_limits(n: int) -> None:
    with pytest.raises(InvalidRequest, match="from 1 to 128"):
        choices(FakeEngine(), GenerateRequest(()), n)


async def test_closing_it_closes_all() -> None:
    closed = set()

    async def endless(number: int) -> AsyncGenerator[int, None]:
        try:
            while True:
                yield number
                await asyncio.sleep(0)
        finally:
            closed.add(number)

    async with contextlib.aclosing(merged([endless(number) for number in range(3)])) as events:
        async for _ in events:
            break
    assert closed <= {0, 1, 2}
    assert len(asyncio.all_tasks()) == 1


async def test_what_one_raises_ends_all() -> None:
    waited = asyncio.Event()

    async def patient() -> AsyncGenerator[int, None]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            waited.set()

    async def failing() -> AsyncGenerator[int, None]:
        yield 2
        raise InvalidRequest("no")

    with pytest.raises(InvalidRequest):
        async for _ in merged([patient(), failing()]):
            pass
    assert waited.is_set()


async def test_a_slow_reader_holds_the_streams_up() -> None:
    written = 0

    async def eager() -> AsyncGenerator[int, None]:
        nonlocal written
        for number in range(10_000):
            written += 1
            yield number

    read = []
    async for _, number in merged([eager(), eager()]):
        read.append(number)
        assert written < len(read) + 100
    assert len(read) == 20_000
