"""Terminals of any size, also absurd ones."""

import asyncio

import pytest

from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.chat.message import GLYPH
from mistral_tui.tui.chat.welcome import ModelState, Welcome
from tests.stubs.engines import FakePool, Reply
from tests.tui.harness import DOCUMENT, app_with, ask, main_screen, pieces, screen_rows, shown_text, started, until

pytestmark = pytest.mark.core


@pytest.mark.parametrize("size", [(1, 1), (5, 2), (20, 5), (40, 10), (300, 100)])
async def test_it_starts_and_chats_at(size: tuple[int, int]) -> None:
    async with app_with(Reply(pieces(DOCUMENT))).run_test(size=size) as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        await pilot.press("f1")
        await pilot.press("escape")
        await pilot.press("f2", "f2", "ctrl+n")
        assert app.is_running


async def test_it_survives_being_made_tiny_and_large_again() -> None:
    async with app_with(Reply(pieces(DOCUMENT))).run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        for size in ((1, 1), (120, 36), (20, 5), (2, 50), (200, 2), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        await until(pilot, lambda: "Time and tide" in shown_text(app.pane.transcript))
        await ask(pilot, "again")


async def test_at_eighty_by_twenty_four_chat_prompt_and_status_are_there() -> None:
    async with app_with(Reply(pieces(DOCUMENT))).run_test(size=(80, 24)) as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        assert not main_screen(app).chats.display
        rows = screen_rows(app.screen)
        assert rows[-4].startswith("────")
        assert rows[-3].startswith(f" {GLYPH} ")
        assert "/2,048" in rows[-2]
        assert "help" in rows[-1]
        assert app.pane.transcript.size.height >= 19


async def test_at_forty_columns_what_is_going_on_is_said_and_the_welcome_keeps_its_margin() -> None:
    async with app_with(pool=FakePool(hold=asyncio.Event())).run_test(size=(40, 12)) as pilot:
        app = pilot.app
        assert isinstance(app, MistralApp)
        app.pane.show_model(ModelState("SmolLM2-135M-Instruct-Q4_1", "98 MB", 0.8, "checking that it works"))
        await until(pilot, lambda: "checking 80%" in shown_text(app.pane.status))
        assert "……" not in shown_text(app.pane.status)
        assert all(row.startswith("   ") for row in shown_text(app.pane.query_one(Welcome)).split("\n"))


async def test_lines_of_text_are_not_longer_than_a_hundred_columns() -> None:
    async with app_with(Reply(["word " * 200])).run_test(size=(200, 40)) as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        assert max(len(row.rstrip()) for row in shown_text(app.pane.transcript).split("\n")) <= 104
