"""What costs nothing while nothing happens, and little while a reply is written: counted, not timed."""

import asyncio
from collections.abc import Callable

import pytest
from textual.screen import Screen
from textual.widget import Widget

from mistral_tui.tui.chat.flush_gate import AFTER_KEY, INTERVAL, PATIENCE, SHARE, SPACING, FlushGate, Turns
from mistral_tui.tui.chat.transcript import Transcript
from tests.stubs.engines import Reply
from tests.tui.harness import app_with, ask, pieces, started

pytestmark = pytest.mark.core


def counting(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> Callable[[], int]:
    """Count the calls of a method."""
    calls = 0
    original = getattr(owner, name)

    def counted(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, counted)
    return lambda: calls


async def test_nothing_is_laid_out_or_drawn_while_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    async with app_with().run_test() as pilot:
        await started(pilot)
        await ask(pilot, "hello")
        layouts = counting(monkeypatch, Screen, "_refresh_layout")
        draws = counting(monkeypatch, Widget, "refresh")
        # What the end of the reply has left to do may take a moment; a blinking cursor would never come to rest.
        for _ in range(20):
            before = layouts(), draws()
            await asyncio.sleep(0.7)
            if (layouts(), draws()) == before:
                return
        raise AssertionError("the screen did not come to rest")


async def test_a_fast_reply_is_drawn_at_most_twenty_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    flushes_at: list[float] = []
    async with app_with(Reply(pieces("word " * 200, 3), delay=0.001)).run_test() as pilot:
        app = await started(pilot)
        transcript = app.pane.transcript
        transcript._gate = FlushGate(lambda: now[0], Turns(lambda: now[0]))
        original = Transcript._flush

        def flush(self: Transcript) -> None:
            flushes_at.append(now[0])
            original(self)

        monkeypatch.setattr(Transcript, "_flush", flush)
        waits: list[float] = []

        def set_timer(delay: float, callback: Callable[[], None]) -> None:
            # The clock stands still but for what the transcript waits.
            waits.append(delay)
            now[0] += delay
            callback()

        monkeypatch.setattr(transcript, "set_timer", set_timer)
        await ask(pilot, "go")
        assert "word word" in app.pane.last_reply
        assert len(flushes_at) > 10
        assert len(flushes_at) <= now[0] / INTERVAL + 2
        assert min(waits) > INTERVAL / 2


def test_the_gate_opens_at_once_and_then_after_the_interval() -> None:
    now = [10.0]
    gate = FlushGate(lambda: now[0], Turns(lambda: now[0]))
    assert gate.wait() == 0
    gate.flushed()
    assert gate.wait() == pytest.approx(INTERVAL)
    now[0] += INTERVAL
    assert gate.wait() == 0


def test_the_gate_backs_off_when_a_flush_is_dear() -> None:
    now = [10.0]
    gate = FlushGate(lambda: now[0], Turns(lambda: now[0]))
    gate.flushed()
    gate.cost(0.1)
    assert gate.wait() == pytest.approx(0.1 * SHARE)
    gate.cost(60)
    assert gate.wait() == pytest.approx(1.0)


def test_a_reply_is_not_drawn_right_after_a_key_but_not_put_off_for_ever() -> None:
    now = [10.0]
    turns = Turns(lambda: now[0])
    gate = FlushGate(lambda: now[0], turns)
    gate.flushed()
    now[0] += INTERVAL
    turns.key_came()
    assert gate.wait() == pytest.approx(AFTER_KEY)
    held = INTERVAL
    while gate.wait() and held < 1:
        now[0] += 0.01
        held += 0.01
        turns.key_came()
    assert held == pytest.approx(PATIENCE, abs=0.011)


def test_two_replies_take_turns() -> None:
    now = [10.0]
    turns = Turns(lambda: now[0])
    one, other = (FlushGate(lambda: now[0], turns) for _ in range(2))
    for gate in (one, other):
        gate.flushed()
    now[0] += INTERVAL
    one.flushed()
    assert other.wait() == pytest.approx(SPACING)
    now[0] += other.wait()
    assert other.wait() == 0
