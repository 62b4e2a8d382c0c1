"""The prompt: sending, breaking lines, older prompts, pastes of any size."""

import asyncio

import pytest
from textual import events
from textual.pilot import Pilot

from mistral_tui.tui.chat.prompt import LONG_PASTE, LONGEST_PASTE, PromptInput
from tests.stubs.engines import FakeEngine, FakePool, Reply
from tests.tui.harness import app_with, ask, screen_rows, shown_text, started, type_and_send, until

pytestmark = pytest.mark.core


async def prompt_of(pilot: Pilot[None]) -> PromptInput:
    return (await started(pilot)).pane.prompt


async def paste(pilot: Pilot[None], text: str) -> None:
    pilot.app.post_message(events.Paste(text))
    await pilot.pause()


async def test_enter_sends_and_empties_the_box() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        assert app.pane.prompt.text == ""
        assert [message.text for message in app.pane.transcript.messages] == ["hello", "Hello there."]


@pytest.mark.parametrize("key", ["ctrl+j", "shift+enter"])
async def test_a_line_is_broken_by(key: str) -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await pilot.press("a", key, "b")
        assert app.pane.prompt.text == "a\nb"
        assert app.pane.prompt.size.height == 2


async def test_keys_that_come_in_one_burst_keep_their_order() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        for key in ("a", "b", "left", "x", "enter", "c"):
            char = key if len(key) == 1 else None
            app.post_message(events.Key(key, char))
        await until(pilot, lambda: app.pane.transcript.messages)
        assert app.pane.transcript.messages[0].text == "axb"
        assert app.pane.prompt.text == "c"


async def test_it_grows_to_eight_lines() -> None:
    async with app_with().run_test(size=(80, 24)) as pilot:
        prompt = await prompt_of(pilot)
        for _ in range(12):
            await pilot.press("x", "ctrl+j")
        assert prompt.size.height == 8


async def test_an_empty_prompt_is_not_sent() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await pilot.press("enter", "space", "enter")
        assert not app.pane.transcript.messages


async def test_the_arrows_lead_to_older_prompts_and_back_to_the_draft() -> None:
    async with app_with().run_test() as pilot:
        prompt = await prompt_of(pilot)
        await ask(pilot, "one")
        await ask(pilot, "two")
        await pilot.press("d", "up")
        assert prompt.text == "two"
        await pilot.press("up", "up")
        assert prompt.text == "one"
        await pilot.press("down", "down")
        assert prompt.text == "d"
        await pilot.press("down")
        assert prompt.text == "d"
        await pilot.press("up", "up")
        prompt.put_back("three")
        assert prompt.text == "three\n\nd", "what is being written, not what was only looked at"
        await pilot.press("down")
        assert prompt.text == "three\n\nd"


async def test_an_older_prompt_that_was_changed_is_not_lost() -> None:
    async with app_with().run_test() as pilot:
        prompt = await prompt_of(pilot)
        await ask(pilot, "one")
        await ask(pilot, "two")
        await pilot.press("up", "!", "down")
        assert prompt.text == "two!"
        await pilot.press("up", "up")
        assert prompt.text == "one"
        await pilot.press("down", "down")
        assert prompt.text == "two!"
        await pilot.press("up", "ctrl+z")
        assert prompt.text == "two!"


async def test_the_arrows_move_within_several_lines_first() -> None:
    async with app_with().run_test() as pilot:
        prompt = await prompt_of(pilot)
        await ask(pilot, "one")
        await pilot.press("a", "ctrl+j", "b", "up")
        assert prompt.text == "a\nb"
        assert prompt.cursor_location[0] == 0
        await pilot.press("up")
        assert prompt.text == "one"


async def test_a_paste_of_a_megabyte_is_one_mark_and_is_sent_whole() -> None:
    engine = FakeEngine()
    async with app_with(pool=FakePool(engine)).run_test() as pilot:
        app = await started(pilot)
        book = "line of a book\n" * 70_000
        await pilot.press("x", "space")
        await paste(pilot, book)
        assert len(book) > 1_000_000
        assert len(app.pane.prompt.text) < 100
        await pilot.press("enter")
        await until(pilot, lambda: engine.requests and not app.pane.chat.busy)
        assert engine.requests[0].messages[-1].text == "x " + book
        # The older prompt comes back as a mark, and still means the whole.
        await pilot.press("up")
        assert len(app.pane.prompt.text) < 100
        assert app.pane.prompt.full_text == "x " + book


async def test_a_paste_that_is_too_long_is_declined_with_the_numbers() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await paste(pilot, "x" * (LONGEST_PASTE + 1))
        await until(pilot, lambda: app._notifications)
        assert "4,000,001" in next(iter(app._notifications)).message
        assert app.pane.prompt.text == ""


async def test_a_short_paste_is_text() -> None:
    async with app_with().run_test() as pilot:
        prompt = await prompt_of(pilot)
        await paste(pilot, "a\r\nb\tc")
        assert prompt.text == "a\nb\tc"
        await paste(pilot, "y" * LONG_PASTE)
        assert prompt.text.endswith("yyy")


async def test_escape_sequences_in_a_paste_are_dropped() -> None:
    async with app_with().run_test() as pilot:
        prompt = await prompt_of(pilot)
        await paste(pilot, "a\x1b[31mb\x1b]0;title\x07c\x9b2Jd\x00")
        assert prompt.text == "abcd"


async def test_a_prompt_that_is_sent_during_a_reply_waits_for_its_end() -> None:
    hold = asyncio.Event()
    async with app_with(Reply(hold=hold)).run_test() as pilot:
        app = await started(pilot)
        await type_and_send(pilot, "first")
        await until(pilot, lambda: app.pane.last_reply)
        await type_and_send(pilot, "second")
        await until(pilot, lambda: "second  · ↑ takes it back" in shown_text(app.pane.box))
        assert app.pane.prompt.text == ""
        hold.set()
        await until(pilot, lambda: len(app.pane.transcript.messages) == 4 and not app.pane.chat.busy)
        assert app.pane.transcript.messages[2].text == "second"
        assert "takes it back" not in shown_text(app.pane.box)


@pytest.mark.parametrize("key", ["up", "escape"])
async def test_a_prompt_that_waits_is_taken_back(key: str) -> None:
    hold = asyncio.Event()
    async with app_with(Reply(hold=hold)).run_test() as pilot:
        app = await started(pilot)
        await type_and_send(pilot, "first")
        await until(pilot, lambda: app.pane.last_reply)
        await type_and_send(pilot, "second")
        await type_and_send(pilot, "third")
        await pilot.press(key)
        await until(pilot, lambda: app.pane.prompt.text == "second\n\nthird")
        hold.set()
        await until(pilot, lambda: not app.pane.chat.busy)
        assert len(app.pane.transcript.messages) == 2


async def test_a_slash_command_runs_and_an_unknown_one_stays() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await type_and_send(pilot, "/help")
        await until(pilot, lambda: app.screen.query("#help-keys"))
        await pilot.press("escape")
        await type_and_send(pilot, "/nonsense")
        assert app.pane.prompt.text == "/nonsense"
        assert not app.pane.transcript.messages


async def test_the_commands_of_mistral_rs_work_with_a_backslash() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        before = app.pane.chat
        await type_and_send(pilot, "\\clear")
        await until(pilot, lambda: app.pane.chat is not before)
        assert not app.pane.transcript.messages
        await type_and_send(pilot, "\\exit")
        await until(pilot, lambda: not app.is_running or app._exit)


async def test_a_path_is_a_prompt_and_not_a_command() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await ask(pilot, "/etc/hosts")
        assert app.pane.transcript.messages[0].text == "/etc/hosts"


async def test_nothing_blinks() -> None:
    async with app_with().run_test() as pilot:
        assert not (await prompt_of(pilot)).cursor_blink


async def test_what_is_refused_says_why() -> None:
    async with app_with().run_test(size=(120, 24)) as pilot:
        app = await started(pilot)
        await type_and_send(pilot, "/nonsense")
        await until(pilot, lambda: "there is no command /nonsense" in shown_text(app.pane.status))
        await pilot.press("x")
        await until(pilot, lambda: "no command" not in shown_text(app.pane.status))


async def test_a_slash_lists_the_commands_it_may_become() -> None:
    async with app_with().run_test(size=(100, 24)) as pilot:
        app = await started(pilot)
        await pilot.press("slash")
        await until(pilot, lambda: "/retry" in "\n".join(screen_rows(app.screen)))
        await pilot.press("h")
        await until(pilot, lambda: "/retry" not in "\n".join(screen_rows(app.screen)))
        assert "Help: all keys" in "\n".join(screen_rows(app.screen))


async def test_typing_and_pasting_reach_the_prompt_from_anywhere() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        app.pane.transcript.focus()
        await pilot.press("a", "b")
        assert app.pane.prompt.text == "ab"
        assert app.pane.prompt.has_focus
        app.pane.transcript.focus()
        await paste(pilot, "cd")
        await until(pilot, lambda: app.pane.prompt.text == "abcd")
        assert app.pane.prompt.has_focus


async def test_a_key_with_alt_does_what_it_does_and_types_nothing() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await pilot.press(*"ab")
        # As terminals send it: escape and the letter are one key, and the letter is its character.
        app.post_message(events.Key("alt+l", "l"))
        await until(pilot, lambda: len(app.screen_stack) == 2)
        assert app.pane.prompt.text == "ab"
