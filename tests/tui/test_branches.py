"""Editing, answering again and going on: each makes a branch, and nothing is destroyed."""

import asyncio

import pytest

from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.chat.message import MessageView
from mistral_tui.tui.models.picker import ModelPicker
from mistral_tui.types.errors import EngineError
from tests.stubs.engines import FakeEngine, FakePool, Reply
from tests.tui.harness import app_with, ask, main_screen, paste_and_send, started, until
from tests.tui.message_chats import chat_of, chosen, idle, on_screen, said
from tests.tui.picker_app import Models, search

pytestmark = pytest.mark.core

CODE = "First:\n\n```python\nprint(1)\n```\n\nThen:\n\n    indented\n\nLast:\n\n```sh\necho 2\n```\n"


async def test_an_edited_prompt_makes_a_branch_and_the_branches_can_be_switched() -> None:
    async with app_with(Reply(["one"]), Reply(["two"]), Reply(["three"])).run_test(size=(80, 24)) as pilot:
        app = await started(pilot)
        await ask(pilot, "a", paste_and_send)
        await ask(pilot, "b", paste_and_send)
        await pilot.press(*"draft", "alt+m", "home", "e")
        assert app.pane.prompt.text == "a"
        await until(pilot, lambda: "editing the prompt" in on_screen(app))
        await pilot.press("x", "enter")
        await idle(pilot, 6)
        await until(pilot, lambda: said(app) == ["ax", "three"])
        assert app.pane.prompt.text == "draft"
        assert "editing" not in on_screen(app)
        assert "2/2" in on_screen(app)
        await pilot.press("alt+m", "home", "left")
        await until(pilot, lambda: said(app) == ["a", "one", "b", "two"] and chosen(app) == "a")
        assert "1/2" in on_screen(app)
        await pilot.press("left")
        assert chosen(app) == "a"
        await pilot.press("right")
        await until(pilot, lambda: said(app) == ["ax", "three"])


async def test_escape_leaves_a_message_as_it_is_and_the_draft_comes_back() -> None:
    async with app_with(Reply(["one"])).run_test(size=(80, 24)) as pilot:
        app = await started(pilot)
        await ask(pilot, "a", paste_and_send)
        await pilot.press(*"draft", "alt+m", "up", "e", "x", "escape")
        await until(pilot, lambda: app.pane.prompt.text == "draft")
        assert "editing" not in on_screen(app)
        await pilot.press("enter")
        await idle(pilot, 4)
        assert said(app)[:3] == ["a", "one", "draft"]


async def test_an_edited_reply_stands_beside_the_one_of_the_model() -> None:
    engine = FakeEngine([Reply(["It is Lyon."]), Reply(["more"])])
    async with app_with(pool=FakePool(engine)).run_test(size=(80, 24)) as pilot:
        app = await chat_of(pilot, "a")
        await pilot.press("e")
        await until(pilot, lambda: "editing the reply" in on_screen(app))
        assert app.pane.prompt.text == "It is Lyon."
        await pilot.press("ctrl+u", *"Paris", "enter")
        await until(pilot, lambda: said(app) == ["a", "Paris"])
        assert len(engine.requests) == 1
        await until(pilot, lambda: chosen(app) == "Paris" and "written by you" in on_screen(app))


async def test_an_edit_that_is_stopped_before_the_model_is_asked_leaves_the_chat_as_it_was() -> None:
    pool = FakePool(FakeEngine([Reply(["one"])]))
    async with app_with(pool=pool).run_test(size=(80, 24)) as pilot:
        app = await chat_of(pilot, "a")
        held = asyncio.Event()

        async def wait(*_: object) -> FakeEngine:
            await held.wait()
            return pool.engine

        app.pane.chat._get_engine = wait
        await pilot.press("up", "e", "x", "enter")
        await until(pilot, lambda: said(app) == ["ax"])
        await pilot.press("escape")
        await until(pilot, lambda: said(app) == ["a", "one"])
        assert app.pane.prompt.text == "ax"


async def test_any_message_is_answered_again() -> None:
    async with app_with(Reply(["one"]), Reply(["two"]), Reply(["three"])).run_test(size=(80, 24)) as pilot:
        app = await chat_of(pilot, "a", "b")
        await pilot.press("home", "down", "r")
        await idle(pilot, 5)
        await until(pilot, lambda: said(app) == ["a", "three"])
        assert "2/2" in on_screen(app)


async def test_a_reply_that_was_cut_goes_on_in_its_place() -> None:
    async with app_with(Reply(["one "], reason="length"), Reply(["two"])).run_test(size=(80, 24)) as pilot:
        app = await chat_of(pilot, "a")
        assert "cut off" in on_screen(app)
        await pilot.press("g")
        await until(pilot, lambda: said(app) == ["a", "one two"] and not app.pane.chat.busy)
        await until(pilot, lambda: "one two" in on_screen(app) and "cut off" not in on_screen(app))
        assert app.pane.prompt.text == ""


async def test_the_slash_command_lets_the_last_reply_go_on() -> None:
    async with app_with(Reply(["one "], reason="length"), Reply(["two"])).run_test(size=(80, 24)) as pilot:
        app = await started(pilot)
        await ask(pilot, "a", paste_and_send)
        await paste_and_send(pilot, "/continue")
        await until(pilot, lambda: said(app) == ["a", "one two"])


async def test_a_fork_is_another_chat_and_is_shown() -> None:
    async with app_with(Reply(["one"]), Reply(["two"]), Reply(["three"])).run_test(size=(80, 24)) as pilot:
        app = await chat_of(pilot, "a", "b")
        before = app.pane.chat
        await pilot.press("home", "down", "f")
        await until(pilot, lambda: app.pane.chat is not before and said(app) == ["a", "one"])
        await until(pilot, lambda: app.pane.prompt.has_focus)
        await ask(pilot, "c", paste_and_send)
        assert said(app) == ["a", "one", "c", "three"]
        assert [message.text for message in before.conversation.path()] == ["a", "one", "b", "two"]
        assert main_screen(app).pane.chat.conversation.session.title == "↳ a"


async def test_a_deleted_message_goes_with_what_follows_and_comes_back() -> None:
    async with app_with(Reply(["one"]), Reply(["two"])).run_test(size=(80, 24)) as pilot:
        app = await chat_of(pilot, "a", "b")
        await pilot.press("up", "delete")
        await until(pilot, lambda: said(app) == ["a", "one"] and chosen(app) == "one")
        await until(pilot, lambda: app._notifications)
        assert "2 messages deleted" in next(iter(app._notifications)).message
        await pilot.press("u")
        await until(pilot, lambda: said(app) == ["a", "one", "b", "two"] and chosen(app) == "b")
        await pilot.press("home", "x")
        await until(pilot, lambda: said(app) == [])
        await pilot.press("escape")
        await paste_and_send(pilot, "/restore")
        await until(pilot, lambda: said(app) == ["a", "one", "b", "two"])
        await paste_and_send(pilot, "/restore")
        await until(pilot, lambda: "nothing was deleted" in on_screen(app))


async def test_a_reply_that_cannot_go_on_says_why() -> None:
    async with app_with(Reply([], reason="failed", error="it broke")).run_test(size=(80, 24)) as pilot:
        app = await chat_of(pilot, "a")
        await pilot.press("g")
        await until(pilot, lambda: "no beginning yet" in on_screen(app))
        await pilot.press("up", "g")
        await until(pilot, lambda: "only a reply can go on" in on_screen(app))


async def test_another_branch_stays_where_the_one_before_was() -> None:
    async with app_with(Reply(["one"]), Reply(["two"])).run_test(size=(80, 24)) as pilot:
        app = await chat_of(pilot, *[f"prompt {number}" for number in range(8)])
        await pilot.press(*["up"] * 6, "r")
        await idle(pilot, 17)
        await pilot.press("alt+m", "left")
        await until(pilot, lambda: len(said(app)) == 16)
        view = next(view for view in app.pane.transcript.query(MessageView) if view.look.chosen)
        assert view.look.siblings == 2
        assert app.pane.transcript.region.contains_region(view.region)


async def test_a_model_that_cannot_be_loaded_for_a_branch_leaves_the_chat_as_it_was() -> None:
    pool = FakePool(FakeEngine([Reply(["one"])]))
    async with app_with(pool=pool).run_test(size=(80, 24)) as pilot:
        app = await chat_of(pilot, "a")

        async def fail(*_: object) -> FakeEngine:
            raise EngineError("the worker died; send the prompt again")

        app.pane.chat._get_engine = fail
        await pilot.press("r")
        await until(pilot, lambda: "the worker died" in on_screen(app))
        await until(pilot, lambda: said(app) == ["a", "one"])


async def test_a_message_is_answered_by_another_model() -> None:
    async with Models().app.run_test(size=(120, 36)) as pilot:
        app = pilot.app
        assert isinstance(app, MistralApp)
        await until(pilot, lambda: app.pane.status.figures.context_size)
        await ask(pilot, "a", paste_and_send)
        await pilot.press("alt+m", "m")
        await until(pilot, lambda: isinstance(app.screen, ModelPicker))
        await search(pilot, "mistral")
        await pilot.press("enter")
        await idle(pilot, 3)
        await until(pilot, lambda: app.pane.transcript.messages[-1].model == "Mistral-7B")
        assert "2/2" in on_screen(app)
