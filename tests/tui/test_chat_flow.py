"""Chatting by keys: sending, stopping, failing, other chats, copying, quitting."""

import asyncio

import pytest
from textual.command import CommandList

from mistral_tui.chat.events import SavingChanged
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.chat import pane as pane_module
from mistral_tui.tui.chat.message import GLYPH, MessageView
from mistral_tui.types.errors import BadModelFile
from mistral_tui.types.events import ContextShifted, ContextTrimmed, PromptProgress
from mistral_tui.types.models import LoadProgress
from tests.stubs.engines import FakeEngine, FakePool, Reply
from tests.tui.harness import (
    app_with,
    ask,
    begun,
    failing_pool,
    screen_rows,
    shown_text,
    started,
    type_and_send,
    until,
)

pytestmark = pytest.mark.core


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect what is copied instead of copying it."""
    texts: list[str] = []

    async def copy_text(text: str, send_to_terminal: object) -> str:
        texts.append(text)
        return f"copied {len(text)} characters"

    monkeypatch.setattr(pane_module, "copy_text", copy_text)
    return texts


async def test_a_reply_is_shown_with_its_figures() -> None:
    async with app_with(Reply(["**Hello**", " there."])).run_test(size=(100, 30)) as pilot:
        app = await started(pilot)
        await ask(pilot, "hi")
        assert "● Hello there." in shown_text(app.pane.transcript)
        status = shown_text(app.pane.status)
        assert "12/2,048" in status
        assert " 50.0 tok/s" in status
        assert "TTFT 0.05 s" in status


@pytest.mark.parametrize("key", ["escape", "ctrl+c"])
async def test_a_reply_is_stopped_and_what_was_said_stays(key: str) -> None:
    async with app_with(Reply(["Half", " and half"], hold=asyncio.Event())).run_test() as pilot:
        app = await begun(pilot)
        await pilot.press(key)
        await until(pilot, lambda: not app.pane.chat.busy and app.pane.transcript.messages[-1].finish)
        text = shown_text(app.pane.transcript)
        assert "● Half" in text
        assert "stopped" in text
        assert "and half" not in text
        assert app.pane.prompt.text == ""


async def test_after_a_stop_without_a_word_the_prompt_is_back() -> None:
    reply = Reply([""], hold=asyncio.Event(), before=[PromptProgress(1, 10)])
    async with app_with(reply).run_test() as pilot:
        app = await started(pilot)
        await type_and_send(pilot, "hello")
        await until(pilot, lambda: app.pane.chat.state == "answering")
        await pilot.press("escape")
        await until(pilot, lambda: not app.pane.chat.busy and app.pane.prompt.text == "hello")


async def test_a_prompt_waits_for_the_model_and_can_be_taken_back() -> None:
    hold = asyncio.Event()
    async with app_with(pool=FakePool(hold=hold)).run_test() as pilot:
        app = pilot.app
        assert isinstance(app, MistralApp)
        await type_and_send(pilot, "hello")
        await until(pilot, lambda: f"{GLYPH} hello" in shown_text(app.pane.transcript))
        assert "loading 40%" in shown_text(app.pane.status)
        await pilot.press("escape")
        await until(pilot, lambda: app.pane.prompt.text == "hello")
        assert not app.pane.transcript.messages
        await pilot.press("enter")
        hold.set()
        await until(pilot, lambda: app.pane.last_reply == "Hello there.")


async def test_a_failed_reply_says_why_and_can_be_tried_again() -> None:
    replies = (Reply(["Half"], reason="failed", error="the worker died (signal 9)"), Reply(["Whole."]))
    async with app_with(*replies).run_test() as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        text = shown_text(app.pane.transcript)
        assert "✗ Half" in text
        assert "the worker died (signal 9)" in text
        assert "ctrl+r try again" in screen_rows(app.screen)[-1]
        await pilot.press("ctrl+r")
        await until(pilot, lambda: app.pane.last_reply == "Whole.")
        await until(pilot, lambda: "● Whole." in shown_text(app.pane.transcript))
        assert "Half" not in shown_text(app.pane.transcript)


async def test_a_model_that_cannot_be_loaded_is_told_and_tried_again() -> None:
    pool = failing_pool(BadModelFile("x.gguf is damaged; fetch it again"))
    async with app_with(pool=pool).run_test() as pilot:
        app = pilot.app
        assert isinstance(app, MistralApp)
        await until(pilot, lambda: "x.gguf is damaged" in "\n".join(screen_rows(app.screen)))
        await type_and_send(pilot, "hello")
        await until(pilot, lambda: "ctrl+r tries again" in "\n".join(screen_rows(app.screen)))
        assert f"{GLYPH} hello" in shown_text(app.pane.transcript)
        pool.error = None
        await pilot.press("ctrl+r")
        await until(pilot, lambda: app.pane.last_reply == "Hello there.")
        assert "tries again" not in "\n".join(screen_rows(app.screen))
        assert app.pane.prompt.text == ""


async def test_a_full_context_is_said_above_the_reply() -> None:
    reply = Reply(["Hi."], before=[ContextTrimmed(4), PromptProgress(10, 10)])
    async with app_with(reply).run_test() as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        await until(
            pilot, lambda: "context full: the oldest 4 messages are left out" in shown_text(app.pane.transcript)
        )


async def test_tokens_that_are_given_up_are_said_above_the_reply() -> None:
    reply = Reply(["Hi."], before=[PromptProgress(10, 10), ContextShifted(1200)])
    async with app_with(reply).run_test() as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        await until(
            pilot, lambda: "context full: the oldest 1,200 tokens are given up" in shown_text(app.pane.transcript)
        )


async def test_a_chat_does_something_else_when_its_context_is_full() -> None:
    async with app_with(Reply(["Hi."])).run_test() as pilot:
        app = await started(pilot)
        await pilot.press("alt+g")
        await until(pilot, lambda: "(shift): the oldest tokens are given up" in "\n".join(screen_rows(app.screen)))
        assert app.pane.chat.request.context_policy == "shift"
        await pilot.press("alt+g")
        await until(pilot, lambda: "(stop): the chat stops" in "\n".join(screen_rows(app.screen)))


async def test_what_a_model_writes_cannot_steer_the_terminal() -> None:
    evil = "a\x1b[2Jb\x1b]52;c;aGk=\x07c\x9b31md\u202ee\x00f [bold]g[/bold] [@click=app.quit]h[/]"
    async with app_with(Reply([evil[:3], evil[3:9], evil[9:]])).run_test() as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        text = shown_text(app.pane.transcript)
        assert "abcdef [bold]g[/bold] [@click=app.quit]h[/]" in text
        assert not set("\x1b\x07\x9b\x00\u202e") & set("".join(screen_rows(app.screen)))


async def test_the_gauge_fills_while_a_reply_is_written() -> None:
    words = ["word "] * 2000
    async with app_with(Reply(words, delay=0.005, before=[PromptProgress(10, 1000)])).run_test(size=(100, 24)) as pilot:
        app = await begun(pilot)
        await until(pilot, lambda: (app.pane.status.figures.context_tokens or 0) > 1010)
        assert app.pane.chat.busy
        await pilot.press("escape")
        await until(pilot, lambda: not app.pane.chat.busy)


async def test_a_restart_of_the_model_behind_a_reply_says_how_far_it_is() -> None:
    reply = Reply(["", "Hi."], hold=asyncio.Event(), before=[LoadProgress("loading", 0.3)])
    async with app_with(reply).run_test() as pilot:
        app = await started(pilot)
        await type_and_send(pilot, "hello")
        await until(pilot, lambda: "loading 30%" in shown_text(app.pane.status))


async def test_ctrl_c_copies_a_selection_of_the_prompt(copied: list[str]) -> None:
    async with app_with().run_test() as pilot:
        await started(pilot)
        await pilot.press(*"abc", "shift+left", "shift+left", "ctrl+c")
        await until(pilot, lambda: copied)
        assert copied == ["bc"]


async def test_ctrl_c_copies_what_the_mouse_selected(copied: list[str]) -> None:
    async with app_with(Reply(["Hello wide world."])).run_test(size=(80, 24)) as pilot:
        app = await started(pilot)
        await ask(pilot, "hi")
        view = app.pane.transcript.query(MessageView).last()
        await pilot.mouse_down(view, offset=(2, 0))
        await pilot.hover(view, offset=(7, 0))
        await pilot.mouse_up(view, offset=(7, 0))
        await pilot.press("ctrl+c")
        await until(pilot, lambda: copied)
        assert copied[0].rstrip() in ("Hello", "Hello ")


async def test_the_last_reply_is_copied_as_it_was_written(copied: list[str]) -> None:
    async with app_with(Reply(["**bold** reply"])).run_test() as pilot:
        app = await started(pilot)
        await pilot.press("ctrl+y")
        await until(pilot, lambda: "no reply to copy" in shown_text(app.pane.status))
        await ask(pilot, "hi")
        await pilot.press("ctrl+y")
        await until(pilot, lambda: app._notifications)
        assert copied == ["**bold** reply"]
        assert next(iter(app._notifications)).message == "copied 14 characters"


async def test_ctrl_c_twice_quits() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await pilot.press("ctrl+c")
        assert "ctrl+c again quits" in shown_text(app.pane.status)
        assert not app._exit
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app._exit)


async def test_ctrl_c_closes_a_dialog() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert not app._exit


async def test_ctrl_q_quits_and_closes_the_workspace() -> None:
    pool = FakePool(FakeEngine())
    async with app_with(pool=pool).run_test() as pilot:
        app = await started(pilot)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: app._exit)
    assert pool.closed


async def test_what_is_not_saved_is_marked() -> None:
    async with app_with().run_test(size=(100, 24)) as pilot:
        app = await started(pilot)
        app.pane.chat._emit(SavingChanged("the disk is full; free some space"))
        await until(pilot, lambda: "not saved" in shown_text(app.pane.status))
        assert "the disk is full" in next(iter(app._notifications)).message
        app.pane.chat._emit(SavingChanged(None))
        await until(pilot, lambda: "not saved" not in shown_text(app.pane.status))


async def test_notices_are_said_once_and_as_harmless_text() -> None:
    async with app_with(notices=("config.toml, line 3: [theme]\x1b[2J is\nignored",)).run_test() as pilot:
        app = await started(pilot)
        await until(pilot, lambda: app._notifications)
        (notice,) = app._notifications
        assert notice.message == "config.toml, line 3: [theme] is ignored"
        assert not notice.markup


async def test_many_notices_do_not_cover_the_screen_and_stand_in_the_log() -> None:
    async with app_with(notices=tuple(f"setting {number} is odd" for number in range(7))).run_test() as pilot:
        app = await started(pilot)
        await until(
            pilot,
            lambda: (
                [each.message for each in app._notifications][2:]
                == ["5 more things to know stand in the log of this program (/logs)"]
            ),
        )
        await type_and_send(pilot, "/logs")
        await until(pilot, lambda: "setting 6 is odd" in "\n".join(screen_rows(app.screen)))


async def test_toasts_go_with_escape_and_with_the_next_prompt() -> None:
    async with app_with(notices=("something to know",)).run_test(size=(80, 24), notifications=True) as pilot:
        app = await started(pilot)
        await until(pilot, lambda: "something to know" in "\n".join(screen_rows(app.screen)))
        await pilot.press("escape")
        await until(pilot, lambda: "something to know" not in "\n".join(screen_rows(app.screen)))
        app.notify("something else")
        await until(pilot, lambda: "something else" in "\n".join(screen_rows(app.screen)))
        await ask(pilot, "hello")
        await until(pilot, lambda: "something else" not in "\n".join(screen_rows(app.screen)))


async def test_the_palette_finds_an_action_and_does_it() -> None:
    async with app_with().run_test(size=(100, 30)) as pilot:
        app = await started(pilot)
        await ask(pilot, "hi")
        await pilot.press("ctrl+p")
        await until(pilot, lambda: app.screen.query(CommandList))
        await pilot.press(*"new", "space", *"chat")

        def found() -> bool:
            option = app.screen.query_one(CommandList).highlighted_option
            return option is not None and "New chat" in str(option.prompt)

        await until(pilot, found)
        await pilot.press("enter")
        await until(pilot, lambda: len(app.screen_stack) == 1 and not app.pane.transcript.messages)
