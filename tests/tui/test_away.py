"""A long reply that ends while another window is in front is told to the terminal."""

import asyncio

import pytest
from textual import events
from textual.pilot import Pilot

from mistral_tui.tui import away
from mistral_tui.tui.app import MistralApp
from tests.stubs.engines import Reply
from tests.tui.harness import app_with, paste_and_send, started, until

pytestmark = pytest.mark.core


@pytest.fixture(autouse=True)
def _every_reply_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(away, "LONG", 0.0)


async def told(
    pilot: Pilot[None],
    app: MistralApp,
    hold: asyncio.Event,
    monkeypatch: pytest.MonkeyPatch,
    *,
    in_front: bool,
) -> list[str]:
    """Return what is written to the terminal when a reply ends."""
    written: list[str] = []
    await started(pilot)
    assert app._driver is not None
    monkeypatch.setattr(app._driver, "write", written.append)
    await paste_and_send(pilot, "Tides?")
    await until(pilot, lambda: app.pane.chat.state == "answering")
    app.post_message(events.AppFocus() if in_front else events.AppBlur())
    await until(pilot, lambda: app.app_focus == in_front)
    hold.set()
    await until(pilot, lambda: not app.pane.chat.busy)
    await pilot.pause()
    return written


async def test_it_is_told_when_the_person_is_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    hold = asyncio.Event()
    app = app_with(Reply(hold=hold))
    async with app.run_test() as pilot:
        assert "\x1b]9;Tides?: the reply is there\x07" in await told(pilot, app, hold, monkeypatch, in_front=False)


async def test_it_is_not_when_the_person_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    hold = asyncio.Event()
    app = app_with(Reply(hold=hold))
    async with app.run_test() as pilot:
        assert not any("]9;" in text for text in await told(pilot, app, hold, monkeypatch, in_front=True))


async def test_it_is_not_when_nobody_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    hold = asyncio.Event()
    app = app_with(Reply(hold=hold))
    app._notifications_wanted = False
    async with app.run_test() as pilot:
        assert not any("]9;" in text for text in await told(pilot, app, hold, monkeypatch, in_front=False))
