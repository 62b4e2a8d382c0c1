"""Every action of the registry is done by its keys, and by its command, on a running interface.

What it does then is proved where its domain is tested; here each key is pressed where it belongs, and must arrive.
A new owner is added to `PLACES`: how to get to where its keys work.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot

from mistral_tui.tui.actions import ACTIONS, Action, Where
from mistral_tui.tui.app import MistralApp
from tests.stubs.engines import Reply
from tests.tui.harness import app_with, ask, paste_and_send, started, until
from tests.tui.test_actions import LEGACY, OWNERS

pytestmark = pytest.mark.core

Place = Callable[[Pilot[None], MistralApp], Awaitable[None]]


async def main(pilot: Pilot[None], app: MistralApp) -> None:
    app.pane.prompt.focus()
    await pilot.pause()


async def transcript(pilot: Pilot[None], app: MistralApp) -> None:
    await ask(pilot, "hello")
    await pilot.press("alt+m")
    await until(pilot, lambda: app.pane.transcript.has_focus)


async def chats(pilot: Pilot[None], app: MistralApp) -> None:
    await ask(pilot, "hello")
    app.screen.query_one("#chats-rows").focus()
    await until(pilot, lambda: app.screen.query_one("#chats-rows").has_focus)


async def calls(pilot: Pilot[None], app: MistralApp) -> None:
    await pilot.press("alt+k")
    await until(pilot, lambda: app.screen.query_one("#calls-list").has_focus)


def behind(*keys: str) -> Place:
    """Return how to get to what opens by these keys."""

    async def press(pilot: Pilot[None], app: MistralApp) -> None:
        before = app.screen
        await pilot.press(*keys)
        await until(pilot, lambda: app.screen is not before)

    return press


PLACES: dict[Where, Place] = {
    "app": main,
    "screen": main,
    "pane": main,
    "box": main,
    "panes": main,
    "model": main,
    "parameters": main,
    "sources": main,
    "prompt": main,
    "transcript": transcript,
    "message": transcript,
    "chats": chats,
    "sessions": chats,
    "dialog": behind("f1"),
    "reader": behind("f1"),
    "field": behind("f1"),
    "choice": behind("f6"),
    "fields": behind("alt+c"),
    "system_prompt": behind("alt+s"),
    "logs": behind("alt+j"),
    "models": behind("f11"),
    "calls": calls,
    "servers": behind("alt+v"),
}
ELSEWHERE: dict[Where, str] = {
    "completion": "prompt/test_files and settings/test_commands press its keys in a list that only typing opens",
    "compare": "compare/test_compare_screen presses its keys beside answers that have to be written first",
    "tokens": "test_tokens presses its keys on a reply whose tokens are known",
    "details": "test_picker presses its keys",
    "try_tool": "tools/test_servers presses its keys on a form",
    "form": "tools/test_server_questions presses its keys in what a server asks",
    "server_question": "tools/test_server_questions presses its keys",
    "approval": "tools/test_approval presses its keys on a call that waits",
    "asking": "test_picker and sessions/ press its key in their dialogs",
    "place": "prompt/test_sources presses its keys in the form of a template",
}
"""Owners whose keys work only where a test of theirs has led, and where that is."""


def test_every_action_has_a_place_where_its_keys_are_pressed() -> None:
    owners = {each.where for each in ACTIONS}
    assert owners == PLACES.keys() | ELSEWHERE.keys()


def method(each: Action) -> str:
    return "action_" + each.owner_call().split("(")[0]


def sent_by_every_terminal(each: Action) -> list[str] | None:
    """Return the keys to press, one after the other, or `None` if there is a command only."""
    return next((key.split(" ") for key in each.keys if LEGACY.issuperset(key.split(" "))), None)


@pytest.mark.parametrize("where", PLACES)
async def test_the_keys_of_an_owner_do_its_actions(where: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    async with app_with(Reply(["Hello."])).run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        await PLACES[where](pilot, app)
        done: list[str] = []
        for each in ACTIONS:
            if each.where == where and each.id not in ("command_palette", "pane_keys"):

                def record(self: Any, *given: Any, name: str = method(each)) -> None:
                    done.append(name)

                monkeypatch.setattr(OWNERS[where], method(each), record)
        for each in ACTIONS:
            keys = sent_by_every_terminal(each)
            if each.where != where or keys is None or each.id in ("command_palette", "pane_keys"):
                continue
            done.clear()
            await pilot.press(*keys)
            await until(pilot, lambda: done, f"{keys} to do {where}.{each.id}", seconds=5)
            assert done[0] == method(each), f"{keys} did {done} instead of {where}.{each.id}"
            if where == "panes" and len(app.screen_stack) > 1:
                await pilot.press("escape")  # the list of chords stays for another step of a divider


@pytest.mark.parametrize("where", sorted({each.where for each in ACTIONS if each.slash}))
async def test_the_commands_of_an_owner_do_its_actions(where: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    async with app_with(Reply(["Hello."])).run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        for each in ACTIONS:
            if each.where != where or not each.slash:
                continue
            done: list[tuple[Any, ...]] = []

            def record(self: Any, *given: Any, done: list[tuple[Any, ...]] = done) -> None:
                done.append(given)

            with monkeypatch.context() as patch:
                patch.setattr(OWNERS[where], method(each), record)
                app.pane.prompt.focus()
                await paste_and_send(pilot, f"/{each.slash[0]}{' 1' if each.argument else ''}")
                await until(pilot, lambda: done, f"/{each.slash[0]}", seconds=5)  # noqa: B023
                if each.argument is not None:
                    assert done[0] == ("1",)


async def test_the_palette_and_the_menu_of_chords_open() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, CommandPalette))
        before = app.screen
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is not before)
