"""The transcript: a window of messages, following the end, and letting go of it."""

import asyncio
import gc
import itertools

import pytest
from textual._compositor import ChopsUpdate
from textual.geometry import Size
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.live import LiveChat
from mistral_tui.tui.chat.message import MessageView
from mistral_tui.tui.chat.message_window import MOST, STEP
from mistral_tui.tui.chat.transcript import Transcript
from mistral_tui.types.messages import Message, Role, TextPart
from mistral_tui.types.requests import GenerateRequest
from tests.stubs.engines import FakeEngine, Reply
from tests.tui.harness import app_with, ask, pieces, screen_rows, started, type_and_send, until

pytestmark = pytest.mark.core


def long_chat(count: int, more: str = "") -> LiveChat:
    """Make a chat of `count` messages; the replies end with `more`."""
    conversation = Conversation()
    for index in range(count):
        role: Role = "assistant" if index % 2 else "user"
        text = f"message {index}\n\nwith a **second** paragraph{more}" if index % 2 else f"message {index}"
        conversation.append(Message(role, (TextPart(text),), finish="stop" if index % 2 else None))

    async def get_engine(chat: object, on_progress: object) -> FakeEngine:
        return FakeEngine()

    return LiveChat(conversation, get_engine, GenerateRequest())


async def showing(pilot: Pilot[None], count: int, more: str = "") -> Transcript:
    app = await started(pilot)
    await app.pane.show_chat(long_chat(count, more))
    transcript = app.pane.transcript
    await until(pilot, lambda: transcript.max_scroll_y > 0 and transcript.at_end)
    return transcript


def first_in_view(transcript: Transcript) -> tuple[str, int]:
    """Return the text of the message at the top of the view, and how far it is scrolled out."""
    for view in transcript.query(MessageView):
        if view.region.bottom > transcript.region.y:
            return view.message.text, view.region.y - transcript.region.y
    raise AssertionError("nothing is in view")


def row_in_view(transcript: Transcript) -> int:
    """Return which row of the whole chat is at the top: a prompt takes two with its blank row, a reply four."""
    text, offset = first_in_view(transcript)
    number = int(text.split()[1])
    return number // 2 * 6 + number % 2 * 2 - offset


async def test_a_chat_of_ten_thousand_messages_mounts_few_widgets() -> None:
    async with app_with().run_test(size=(120, 36)) as pilot:
        transcript = await showing(pilot, 10_000)
        assert len(pilot.app.screen.query("*")) < 150
        for _ in range(20):
            await pilot.press("pageup")
            assert len(transcript.children) <= MOST
        assert len(pilot.app.screen.query("*")) < 150


async def test_older_messages_come_in_above_without_moving_what_is_read() -> None:
    async with app_with().run_test(size=(80, 24)) as pilot:
        transcript = await showing(pilot, 400)
        rows = [row_in_view(transcript)]
        for _ in range(100):
            before = transcript.children[0]
            transcript.scroll_relative(y=-1, animate=False)
            await pilot.pause()
            await until(pilot, lambda: not transcript._moving)
            rows.append(row_in_view(transcript))
            if transcript.children[0] is not before:
                break
        assert transcript.children[0] is not before, "no older messages were mounted"
        assert rows == list(range(rows[0], rows[0] - len(rows), -1))


async def test_what_is_read_is_not_drawn_again_when_older_messages_come_in_above(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with app_with().run_test(size=(80, 24)) as pilot:
        transcript = await showing(pilot, 400)
        extend, mounted, drawn = transcript._extend_up, [False], list[tuple[int, int, int]]()

        async def mount_and_tell() -> None:
            await extend()
            mounted[0] = True

        def watch(screen: Screen[None], update: object) -> None:
            if mounted[0] and isinstance(update, ChopsUpdate):
                drawn.extend(update.spans)

        monkeypatch.setattr(transcript, "_extend_up", mount_and_tell)
        monkeypatch.setattr(pilot.app, "_display", watch)
        before = row_in_view(transcript)
        while not mounted[0]:
            before = row_in_view(transcript)
            transcript.scroll_relative(y=-1, animate=False)
            await pilot.pause()
        await until(pilot, lambda: row_in_view(transcript) == before - 1)
        scrollbar = transcript.vertical_scrollbar.region
        inside = [span for span in drawn if span[0] < transcript.region.bottom and span[1] < scrollbar.x]
        assert not inside, "rows of messages were drawn"


async def test_long_messages_are_mounted_a_few_at_a_time() -> None:
    async with app_with().run_test(size=(80, 24)) as pilot:
        transcript = await showing(pilot, 60, "\n\nand on it goes" * 15)
        mounted = [len(transcript.children)]
        while len(set(mounted)) < 4:
            await pilot.press("pageup")
            await until(pilot, lambda: not transcript._moving)
            mounted.append(len(transcript.children))
        assert max(after - before for before, after in itertools.pairwise(mounted)) < STEP / 2


async def test_a_chat_of_long_messages_opens_with_those_that_are_soon_seen() -> None:
    async with app_with().run_test(size=(80, 24)) as pilot:
        transcript = await showing(pilot, 30)
        app = await started(pilot)
        await app.pane.show_chat(long_chat(60, "\n\nand on it goes" * 15))
        await until(pilot, lambda: transcript.at_end and len(transcript.messages) == 60)
        assert len(transcript.children) < STEP / 2
        assert transcript.max_scroll_y > 2 * transcript.size.height


async def test_messages_that_were_taken_away_may_be_drawn_until_the_next_layout() -> None:
    async with app_with().run_test(size=(80, 24)) as pilot:
        transcript = await showing(pilot, 30)
        shown = screen_rows(pilot.app.screen)
        with pilot.app.batch_update():
            await transcript.remove_children()
            assert screen_rows(pilot.app.screen) == shown


async def test_the_whole_chat_can_be_read_to_its_start_and_back() -> None:
    async with app_with().run_test(size=(80, 24)) as pilot:
        transcript = await showing(pilot, 150)
        for _ in range(200):
            await pilot.press("pageup")
            if first_in_view(transcript)[0] == "message 0" and transcript.scroll_y == 0:
                break
        assert first_in_view(transcript)[0] == "message 0"
        for _ in range(200):
            await pilot.press("pagedown")
            if transcript.at_end:
                break
        assert transcript.at_end


async def test_what_was_read_is_not_kept_as_it_was_drawn() -> None:
    async with app_with().run_test(size=(80, 24)) as pilot:
        app = await started(pilot)
        chat = long_chat(2)
        for text in ("row\n\n" * 1500, "end"):
            chat.conversation.append(Message("assistant", (TextPart(text),), finish="stop"))
        await app.pane.show_chat(chat)
        transcript = app.pane.transcript
        await until(pilot, lambda: transcript.max_scroll_y > 2500 and transcript.at_end)

        def drawn() -> int:
            gc.collect()
            return sum(isinstance(each, Strip) for each in gc.get_objects())

        before = drawn()
        while transcript.scroll_y > 0:
            transcript.scroll_relative(y=-20, animate=False)
            await pilot.pause()
        assert drawn() < before + 2000, "there are 3,000 rows, each of several strips"


async def test_the_first_and_the_last_message_are_one_key_away() -> None:
    async with app_with().run_test(size=(80, 24)) as pilot:
        transcript = await showing(pilot, 1000)
        await pilot.press("f3")
        await until(pilot, lambda: first_in_view(transcript)[0] == "message 0")
        await pilot.press("f4")
        await until(pilot, lambda: transcript.at_end)
        assert transcript.query(MessageView).last().message.text.startswith("message 999")


async def test_a_growing_reply_is_followed_until_the_person_scrolls_up() -> None:
    hold = asyncio.Event()
    lines = [f"line {number}\n\n" for number in range(60)]
    engine_reply = Reply(["".join(lines[:40]), *lines[40:]], hold=hold, delay=0.005)
    async with app_with(engine_reply).run_test(size=(80, 24)) as pilot:
        app = await started(pilot)
        transcript = app.pane.transcript
        await type_and_send(pilot, "count")
        await until(pilot, lambda: transcript.max_scroll_y > 0 and transcript.at_end, "following")
        await pilot.press("pageup")
        place = transcript.scroll_y
        assert not transcript.at_end
        hold.set()
        await until(pilot, lambda: not app.pane.chat.busy)
        await until(pilot, lambda: transcript.messages[-1].finish is not None)
        assert transcript.scroll_y == place
        await until(pilot, lambda: "more below" in "".join(screen_rows(app.screen)))
        await pilot.press("f4")
        await until(pilot, lambda: transcript.at_end and "more below" not in "".join(screen_rows(app.screen)))


async def test_a_chat_that_is_followed_has_nothing_below_while_its_layout_is_late() -> None:
    async with app_with().run_test(size=(80, 24)) as pilot:
        transcript = await showing(pilot, 30)
        transcript.virtual_size = Size(transcript.virtual_size.width, transcript.virtual_size.height + 5)
        assert not transcript.at_end
        transcript._watch_end()
        assert transcript.end_was_in_view


async def test_a_short_chat_stands_at_the_top() -> None:
    async with app_with().run_test(size=(80, 24)) as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        transcript = app.pane.transcript
        assert transcript.children[0].region.y == transcript.region.y + 1


async def test_resizing_keeps_the_end_in_view() -> None:
    async with app_with(Reply(pieces("word " * 400))).run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        await ask(pilot, "a")
        for size in ((60, 20), (140, 50), (80, 24), (40, 12)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda: app.pane.transcript.at_end and app.pane.transcript.scroll_y >= 0)
