"""How the interface ends: quietly when it was asked to, and with what went wrong when something did."""

import asyncio

import pytest
from textual.css.query import NoMatches

from tests.tui.harness import app_with, main_screen, started, until

pytestmark = pytest.mark.core


async def test_what_looks_for_a_widget_that_the_end_has_taken_is_no_failure() -> None:
    looked = []

    async def look() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            looked.append(True)
            raise NoMatches("gone")

    async with app_with().run_test() as pilot:
        app = await started(pilot)
        main_screen(app).run_worker(look())
        await pilot.pause()
        app.exit()
    assert looked
    assert app.return_code == 0
    assert app.fault is None


async def test_a_failure_is_remembered_for_whoever_runs_the_app() -> None:
    async def fail() -> None:
        raise NoMatches("a bug")

    with pytest.raises(BaseException, match="a bug"):
        async with app_with().run_test() as pilot:
            app = await started(pilot)
            main_screen(app).run_worker(fail())
            await until(pilot, lambda: app.fault)
    assert str(app.fault) == "a bug"
    assert app.return_code == 1
