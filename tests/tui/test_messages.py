"""The messages of a chat by keyboard and mouse: choosing, editing, branches, copying, folding, deleting, forking."""

import asyncio
from pathlib import Path

import pytest
from textual.widgets import Input

from mistral_tui.tui.chat.message import MessageView
from mistral_tui.tui.chat.save_code import SaveCode
from mistral_tui.types.events import ReasoningDelta, TextDelta
from tests.stubs.engines import Reply
from tests.tui.harness import app_with, ask, paste_and_send, screen_rows, started, told, until
from tests.tui.message_chats import chat_of, chosen, idle, on_screen, said
from tests.tui.test_transcript import showing

pytestmark = pytest.mark.core

CODE = "First:\n\n```python\nprint(1)\n```\n\nThen:\n\n    indented\n\nLast:\n\n```sh\necho 2\n```\n"


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is copied from now on."""
    texts: list[str] = []

    async def copy(self: object, text: str) -> None:
        texts.append(text)

    monkeypatch.setattr("mistral_tui.tui.chat.pane.ChatPane.copy", copy)
    return texts


async def test_the_cursor_goes_from_message_to_message_and_escape_leads_back() -> None:
    async with app_with(Reply(["one"]), Reply(["two"])).run_test(size=(80, 24)) as pilot:
        app = await chat_of(pilot, "a", "b")
        assert chosen(app) == "two"
        for key, text in (("k", "b"), ("up", "one"), ("home", "a"), ("up", "a"), ("j", "one"), ("end", "two")):
            await pilot.press(key)
            assert chosen(app) == text
        assert "fake-1M" in on_screen(app) and "TTFT 0.05 s" in on_screen(app)
        assert on_screen(app).count("▌ two") == 1
        await pilot.press("escape")
        await until(pilot, lambda: app.pane.prompt.has_focus and chosen(app) is None)
        assert "▌" not in on_screen(app)


async def test_choosing_a_message_moves_nothing() -> None:
    async with app_with(Reply(["one"]), Reply(["two"])).run_test(size=(80, 24)) as pilot:
        app = await chat_of(pilot, "a", "b")
        places = [view.region for view in app.pane.transcript.query(MessageView)]
        await pilot.press("home", "down")
        assert [view.region for view in app.pane.transcript.query(MessageView)] == places


async def test_a_click_chooses_a_message() -> None:
    async with app_with(Reply(["one"]), Reply(["two"])).run_test(size=(80, 24)) as pilot:
        app = await chat_of(pilot, "a", "b")
        await pilot.click(list(app.pane.transcript.query(MessageView))[1], offset=(3, 0))
        await until(pilot, lambda: chosen(app) == "one")


async def test_the_cursor_walks_through_a_chat_of_a_thousand_messages() -> None:
    async with app_with().run_test(size=(80, 24)) as pilot:
        transcript = await showing(pilot, 1000)
        await pilot.press("alt+m")
        for _ in range(70):
            await pilot.press("up")
        message = transcript.chosen
        assert message is not None
        assert message.text == "message 929\n\nwith a **second** paragraph"
        view = next(view for view in transcript.query(MessageView) if view.message is message)
        assert transcript.region.contains_region(view.region)
        assert len(transcript.children) <= 60
        await pilot.press("home")
        await until(pilot, lambda: transcript.chosen is transcript.messages[0] and transcript.scroll_y == 0)
        await pilot.press("end")
        await until(pilot, lambda: transcript.chosen is transcript.messages[-1] and transcript.at_end)


async def test_a_message_longer_than_the_screen_is_read_page_by_page() -> None:
    long = "\n\n".join(f"line {number}" for number in range(60))
    async with app_with(Reply([long]), Reply(["short"])).run_test(size=(80, 24)) as pilot:
        app = await chat_of(pilot, "a", "b")
        await pilot.press("up", "up")
        await until(pilot, lambda: "line 59" in on_screen(app))
        presses = 0
        while "line 0" not in on_screen(app).split("line 1\n")[0]:
            await pilot.press("up")
            presses += 1
            assert chosen(app) == long
        assert presses > 2
        await pilot.press("up")
        assert chosen(app) == "a"


async def test_a_message_and_its_code_blocks_are_copied_by_one_key(copied: list[str]) -> None:
    async with app_with(Reply([CODE])).run_test(size=(80, 30)) as pilot:
        app = await chat_of(pilot, "a")
        for number in ("1", "2", "3"):
            assert any(f" {number} " in row for row in screen_rows(app.screen))
        await pilot.press("c", "1", "2", "3", "up", "c")
        assert copied == [CODE, "print(1)\n", "indented\n", "echo 2\n", "a"]
        await pilot.press("down", "9")
        await until(pilot, lambda: "no code block 9" in on_screen(app))
        await pilot.press("up")
        await until(pilot, lambda: "no code block 9" not in on_screen(app))


async def test_a_code_block_is_saved_and_nothing_is_overwritten_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code-3.sh").write_text("mine")
    async with app_with(Reply([CODE])).run_test(size=(80, 30)) as pilot:
        app = await chat_of(pilot, "a")
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, SaveCode) and app.screen.query_one(Input).has_focus)
        await pilot.press("down", "down")
        await until(pilot, lambda: app.screen.query_one(Input).value == "code-3.sh")
        await pilot.press("enter")
        await until(pilot, lambda: "enter overwrites it" in on_screen(app))
        assert (tmp_path / "code-3.sh").read_text() == "mine"
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, SaveCode))
        assert (tmp_path / "code-3.sh").read_text() == "echo 2\n"
        assert told(app, f"saved as {tmp_path / 'code-3.sh'}")
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, SaveCode))
        await pilot.press("ctrl+u", *"nowhere", "slash", "x", "enter")
        await until(pilot, lambda: "cannot be written" in on_screen(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, SaveCode))


async def test_the_source_of_a_message_is_shown_and_it_is_folded() -> None:
    async with app_with(Reply(["**bold** words\n\nand more\n\nand more"])).run_test(size=(80, 24)) as pilot:
        app = await chat_of(pilot, "a")
        assert "**bold**" not in on_screen(app)
        await pilot.press("v")
        await until(pilot, lambda: "**bold** words" in on_screen(app))
        await pilot.press("v", "space")
        await until(pilot, lambda: "4 more lines" in on_screen(app) and "and more" not in on_screen(app))
        await pilot.press("space")
        await until(pilot, lambda: "and more" in on_screen(app))


async def test_what_is_folded_still_says_something() -> None:
    async with app_with(Reply(["```python\nprint()\nexit()\n```\nThat is all."])).run_test(size=(80, 24)) as pilot:
        app = await chat_of(pilot, "a")
        await pilot.press("space")
        await until(pilot, lambda: "3 more lines" in on_screen(app) and "exit()" not in on_screen(app))
        assert "print()" in on_screen(app)


async def test_thoughts_open_on_one_message_and_tell_how_long_they_took() -> None:
    reply = Reply([ReasoningDelta("I think of it."), TextDelta("Yes.")])
    async with app_with(reply).run_test(size=(80, 24)) as pilot:
        app = await chat_of(pilot, "a", "b")
        assert on_screen(app).count("▸ thought for") == 2
        await pilot.press("o")
        await until(pilot, lambda: on_screen(app).count("I think of it.") == 1)
        await pilot.press("o", "up", "o")
        await until(pilot, lambda: "nothing was thought" in on_screen(app))


async def test_a_prompt_that_is_too_long_to_be_shown_opens() -> None:
    async with app_with(Reply(["one"])).run_test(size=(80, 24)) as pilot:
        app = await chat_of(pilot, "\n".join(f"line {number}" for number in range(300)))
        await pilot.press("up", "up", "space")
        view = app.pane.transcript.query(MessageView).first()
        await until(pilot, lambda: len(view.rows_at(80)) == 300)
        await pilot.press("space")
        await until(pilot, lambda: len(view.rows_at(80)) == 2)


async def test_letters_that_are_no_keys_of_messages_go_to_the_prompt() -> None:
    async with app_with(Reply(["one"])).run_test(size=(80, 24)) as pilot:
        app = await chat_of(pilot, "a")
        await pilot.press("W", "h")
        await until(pilot, lambda: app.pane.prompt.text == "Wh" and app.pane.prompt.has_focus)
        assert chosen(app) is None


async def test_while_a_reply_is_written_messages_are_copied_but_not_changed(copied: list[str]) -> None:
    hold = asyncio.Event()
    async with app_with(Reply(["one"]), Reply(["two ", "three"], hold=hold)).run_test(size=(80, 24)) as pilot:
        app = await started(pilot)
        await ask(pilot, "a", paste_and_send)
        await paste_and_send(pilot, "b")
        await until(pilot, lambda: "two" in on_screen(app))
        await pilot.press("alt+m", "home", "c")
        await until(pilot, lambda: copied == ["a"])
        for key in ("r", "e", "delete", "g"):
            await pilot.press(key)
        assert len(app.pane.chat.conversation) == 4
        assert not any(message.hidden for message in app.pane.chat.conversation.messages)
        hold.set()
        await idle(pilot, 4)
        assert said(app) == ["a", "one", "b", "two three"]


async def test_in_an_empty_chat_there_is_nothing_to_do_and_it_is_said() -> None:
    async with app_with().run_test(size=(80, 24)) as pilot:
        app = await started(pilot)
        for command, words in (
            ("/messages", "no messages yet"),
            ("/revise", "nothing to edit"),
            ("/forkhere", "nothing to fork"),
            ("/remove", "nothing to delete"),
            ("/continue", "no reply yet"),
            ("/save", "no code"),
        ):
            await paste_and_send(pilot, command)
            await until(pilot, lambda words=words: words in on_screen(app), words)  # type: ignore[misc]
