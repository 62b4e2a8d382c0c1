"""Reasoning and calls on screen: folded, opened, and while they are written."""

import asyncio

import pytest

from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.chat.message import MARGIN, MessageView
from mistral_tui.tui.chat.reply_rows import TAIL_ROWS
from mistral_tui.tui.chat.reply_stream import ReplyStream
from mistral_tui.tui.tools.call_rows import call_row
from mistral_tui.types.events import Delta, ReasoningDelta, TextDelta, ToolCallDelta
from mistral_tui.types.messages import Message, Part, ReasoningPart, TextPart, ToolCallPart
from tests.stubs.engines import Reply
from tests.tui.harness import app_with, ask, paste_and_send, shown_text, started, until

pytestmark = pytest.mark.core

PARTS: tuple[Part, ...] = (
    ReasoningPart("one\n\ntwo \x1b[2J[bold]three[/bold]", 3.24),
    TextPart("Let me see."),
    ToolCallPart("a", "look", '{"city": "Oslo"}'),
    ToolCallPart("b", "look", '{"city": "Lima"}'),
)
DELTAS: tuple[Delta, ...] = (
    *(
        ReasoningDelta("one\n\ntwo "),
        ReasoningDelta("\x1b[2J[bold]three[/bold]"),
        TextDelta("Let me"),
        TextDelta(" see."),
    ),
    *(ToolCallDelta(0, "a", "look", '{"city": '), ToolCallDelta(0, arguments='"Oslo"}')),
    *(ToolCallDelta(1, "b", "look"), ToolCallDelta(1, arguments='{"city": "Lima"}'), TextDelta("", 2)),
)
FOLDED = ["▸ thought for 3.2 s", "", "Let me see.", "", '→ look(city: "Oslo")', '→ look(city: "Lima")']


def rows(view: MessageView, width: int = 40) -> list[str]:
    return [row.content.plain for row in view.rows_at(width + MARGIN)]


def test_reasoning_is_folded_and_calls_are_lines() -> None:
    assert rows(MessageView(Message("assistant", PARTS, finish="tool_calls"))) == FOLDED


def test_opened_reasoning_is_plain_text_without_anything_that_steers() -> None:
    opened = rows(MessageView(Message("assistant", PARTS, finish="tool_calls"), opened=True))
    assert opened[:4] == ["▾ thought for 3.2 s", "  one", "  ", "  two [bold]three[/bold]"]


def test_a_reply_grows_into_what_it_is_in_the_end() -> None:
    complete = Message("assistant", PARTS, finish="tool_calls")
    begun = Message("assistant", (), id=complete.id)
    stream = ReplyStream(begun, lambda: complete)
    view = MessageView(begun, stream)
    seen = [rows(view)]
    for delta in DELTAS:
        stream.feed(delta)
        view.flush()
        seen.append(rows(view))
    assert seen[0] == []
    assert seen[1] == ["thinking…", "  one", "  ", "  two "]
    assert seen[3] == ["▸ thought for 3.2 s", "", "Let me"]
    assert seen[5] == [*FOLDED[:4], "→ look(city:)"]
    assert seen[-1] == FOLDED
    view.finish(complete)
    assert rows(view) == FOLDED


def test_a_reply_that_is_looked_at_later_shows_what_it_has_so_far() -> None:
    for count in range(len(PARTS) + 1):
        message = Message("assistant", PARTS[:count])
        shown = rows(MessageView(message, ReplyStream(message)))
        complete = rows(MessageView(message))
        assert shown == complete or count == 1


def test_only_the_end_of_growing_reasoning_is_in_view_however_long_it_is() -> None:
    begun = Message("assistant", ())
    stream = ReplyStream(begun)
    view = MessageView(begun, stream)
    rows(view)
    for number in range(5_000):
        stream.feed(ReasoningDelta(f"line {number}\n"))
        if number % 1_000 == 0:
            view.flush()
    view.flush()
    assert rows(view) == ["thinking…", *(f"  line {5_000 - TAIL_ROWS + index}" for index in range(TAIL_ROWS))]


@pytest.mark.parametrize("width", [1, 5, 12, 40])
def test_a_call_never_takes_more_than_one_line(width: int) -> None:
    row = call_row("look\n\x1b[31m", '{"text": "' + "a\nb [red] " * 50_000 + '"}', width)
    assert row.content.cell_length <= width
    assert "\x1b" not in row.content.plain


def view_of_reply(app: MistralApp) -> MessageView:
    return list(app.pane.transcript.query(MessageView))[-1]


async def test_a_key_opens_and_folds_what_models_thought() -> None:
    app = app_with(Reply([ReasoningDelta("because"), "It is so."]))
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot)
        await ask(pilot, "Why?", paste_and_send)
        assert "because" not in shown_text(app.pane.transcript)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "because" in shown_text(app.pane.transcript))
        await ask(pilot, "Why?", paste_and_send)
        assert shown_text(app.pane.transcript).count("because") == 2
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "because" not in shown_text(app.pane.transcript))


async def test_a_click_opens_what_one_reply_thought() -> None:
    app = app_with(Reply([ReasoningDelta("because"), "It is so."]))
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot)
        await ask(pilot, "Why?", paste_and_send)
        await pilot.click(view_of_reply(app), offset=(4, 0))
        await until(pilot, lambda: "because" in shown_text(app.pane.transcript))
        await pilot.click(view_of_reply(app), offset=(4, 2))
        await pilot.click(view_of_reply(app), offset=(4, 0))
        await until(pilot, lambda: "because" not in shown_text(app.pane.transcript))


async def test_the_status_says_that_the_model_thinks_and_the_answer_folds_the_thoughts() -> None:
    app = app_with(Reply([ReasoningDelta("because"), "It is so."], hold=(hold := asyncio.Event())))
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot)
        await paste_and_send(pilot, "Why?")
        await until(pilot, lambda: "because" in shown_text(app.pane.transcript))
        assert app.pane.status.figures.state == "thinking"
        hold.set()
        await until(pilot, lambda: not app.pane.chat.busy)
        await until(pilot, lambda: "▸ thought for" in shown_text(app.pane.transcript))
        assert "because" not in shown_text(app.pane.transcript)


async def test_a_reply_of_calls_alone_does_not_bring_the_prompt_back() -> None:
    app = app_with(Reply([ToolCallDelta(0, "a", "look", "{}")], reason="tool_calls"))
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot)
        await ask(pilot, "Look", paste_and_send)
        assert "→ look()" in shown_text(app.pane.transcript)
        assert app.pane.prompt.text == ""


async def test_a_reply_that_is_stopped_while_it_thinks_brings_the_prompt_back() -> None:
    app = app_with(Reply([ReasoningDelta("because"), "It is so."], hold=asyncio.Event()))
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot)
        await paste_and_send(pilot, "Why?")
        await until(pilot, lambda: "because" in shown_text(app.pane.transcript))
        await pilot.press("escape")
        await until(pilot, lambda: app.pane.prompt.text == "Why?")
        assert "stopped" in shown_text(app.pane.transcript)
