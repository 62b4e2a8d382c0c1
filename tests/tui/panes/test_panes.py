"""Panes and tabs, driven by their keys and commands."""

import asyncio
import gc
import weakref
from pathlib import Path

import pytest
from textual import events

from mistral_tui.tui.chat.prompt import PromptInput
from mistral_tui.tui.panes.grip import ColumnLine, PaneHead
from mistral_tui.tui.panes.key_menu import KeyMenu
from mistral_tui.tui.panes.tab_line import TabLine
from tests.stubs.engines import FakeEngine, FakePool, Reply
from tests.tui.harness import (
    app_with,
    ask,
    main_screen,
    paste_and_send,
    shown_text,
    started,
    told,
    type_and_send,
    until,
)
from tests.tui.panes.arrangement import area, chord, in_view, panes_are

pytestmark = pytest.mark.core

WIDE = (160, 40)


async def test_a_pane_is_split_to_the_right_and_down_and_the_new_one_is_in_use() -> None:
    app = app_with()
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        first = app.pane
        await chord(pilot, "v")
        await panes_are(pilot, 2)
        second = app.pane
        await chord(pilot, "s")
        await panes_are(pilot, 3)
        await pilot.pause()
        assert first.region.right < second.region.x
        assert second.region.bottom == app.pane.region.y
        assert len({pane.chat.conversation.session.id for pane in area(app).panes}) == 3
        assert app.pane.query_one(PaneHead).display


async def test_each_pane_has_its_own_chat() -> None:
    app = app_with(Reply(["one"]), Reply(["two"]))
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        await ask(pilot, "first", paste_and_send)
        await type_and_send(pilot, "/vsplit")
        await panes_are(pilot, 2)
        await ask(pilot, "second", paste_and_send)
        left, right = area(app).panes
        assert (left.last_reply, right.last_reply) == ("one", "two")
        assert len(left.chat.conversation) == len(right.chat.conversation) == 2


async def test_both_panes_write_at_once() -> None:
    hold = asyncio.Event()
    app = app_with(Reply(["a ", "b"], hold=hold))
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        await paste_and_send(pilot, "first")
        await type_and_send(pilot, "/split")
        await panes_are(pilot, 2)
        await paste_and_send(pilot, "second")
        await until(pilot, lambda: all(pane.chat.state == "answering" for pane in area(app).panes))
        hold.set()
        await until(pilot, lambda: [pane.last_reply for pane in area(app).panes] == ["a b", "a b"])


async def test_the_focus_moves_by_direction_round_and_by_mouse() -> None:
    app = app_with()
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        await chord(pilot, "v")
        await panes_are(pilot, 2)
        left, right = area(app).panes
        for keys, pane in (
            (["left"], left), (["right"], right), (["h"], left), (["l"], right), (["o"], left),
        ):  # fmt: skip
            await chord(pilot, *keys)
            await until(pilot, lambda pane=pane: app.pane is pane and pane.prompt.has_focus)  # type: ignore[misc]
        await pilot.press("alt+right")
        await until(pilot, lambda: right.prompt.has_focus)
        await pilot.click(left.transcript.parent.query_one("PromptInput"))  # type: ignore[union-attr]
        await until(pilot, lambda: app.pane is left and left.has_class("-current") and not right.has_class("-current"))
        await chord(pilot, "up")
        assert app.pane is left


async def test_panes_change_places_and_go_to_the_edge() -> None:
    app = app_with()
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        await chord(pilot, "v")
        await panes_are(pilot, 2)
        left, right = area(app).panes
        await chord(pilot, "H")
        await until(pilot, lambda: area(app).panes == (right, left))
        await chord(pilot, "J")
        await until(pilot, lambda: right.region.y > left.region.y)
        await chord(pilot, "K")
        await until(pilot, lambda: right.region.y < left.region.y)
        await chord(pilot, "L")
        await until(pilot, lambda: right.region.x > left.region.x)


async def test_the_pane_in_use_grows_and_shrinks_by_keys_again_and_again_wherever_it_lies() -> None:
    app = app_with()
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        await pilot.press("ctrl+s", "plus", "escape")
        assert told(app, "there is only one pane")
        await chord(pilot, "v")
        await panes_are(pilot, 2)
        left, right = area(app).panes
        await until(pilot, lambda: right.region.x == left.region.right + 1)
        for pane in (right, left):
            pane.prompt.focus()
            await until(pilot, lambda pane=pane: app.pane is pane)  # type: ignore[misc]
            width = pane.size.width
            keys = ["greater_than_sign", "greater_than_sign", "less_than_sign", "plus", "plus", "minus"]
            await pilot.press("ctrl+s", *keys, "escape")
            await until(pilot, lambda pane=pane, width=width: pane.size.width == width + 8)  # type: ignore[misc]
        await chord(pilot, "s")
        await panes_are(pilot, 3)
        above, below = area(app).panes[:2]
        await until(pilot, lambda: below.region.y == above.region.bottom)
        for pane in (below, above):
            pane.prompt.focus()
            await until(pilot, lambda pane=pane: app.pane is pane)  # type: ignore[misc]
            height, width = pane.size.height, pane.size.width
            await pilot.press("ctrl+s", "plus", "minus", "plus", "escape")
            await until(pilot, lambda pane=pane, height=height: pane.size.height == height + 2)  # type: ignore[misc]
            assert pane.size.width == width
        await pilot.press("ctrl+s", *["plus"] * 20, "escape")
        assert told(app, "cannot become larger")
        await pilot.press("ctrl+s", "z")
        await pilot.press("ctrl+s", "minus", "escape")
        assert told(app, "z shares it again")


async def test_a_divider_is_dragged() -> None:
    app = app_with()
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        await chord(pilot, "v", "s")
        await panes_are(pilot, 3)
        await pilot.pause()
        left = area(app).panes[0]
        line = app.screen.query_one(ColumnLine)
        x, y = line.region.x, line.region.y + 5
        await pilot.mouse_down(offset=(x, y))
        await pilot.hover(offset=(x - 10, y))
        await pilot.mouse_up(offset=(x - 10, y))
        await until(pilot, lambda: line.region.x == x - 10 and left.region.right == x - 10)
        head = app.pane.query_one(PaneHead)
        x, y = head.region.x + 3, head.region.y
        await pilot.mouse_down(offset=(x, y))
        await pilot.hover(offset=(x, y + 4))
        await pilot.mouse_up(offset=(x, y + 4))
        await until(pilot, lambda: head.region.y == y + 4)


async def test_a_zoomed_pane_has_all_the_room_and_gives_it_back() -> None:
    app = app_with()
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        await chord(pilot, "v")
        await panes_are(pilot, 2)
        await type_and_send(pilot, "/zoom")
        await until(pilot, lambda: in_view(app) == [app.pane])
        assert app.pane.size.width == area(app).size.width
        await chord(pilot, "left")
        await until(pilot, lambda: in_view(app) == [area(app).panes[0]])
        await chord(pilot, "z")
        await until(pilot, lambda: len(in_view(app)) == 2)


async def test_the_screen_can_be_drawn_while_a_pane_is_being_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_with()
    drawn: list[str] = []
    end = PromptInput._message_loop_exit

    async def draw_meanwhile(prompt: PromptInput) -> None:
        await end(prompt)
        drawn.extend("".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips())

    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        await chord(pilot, "v")
        await panes_are(pilot, 2)
        monkeypatch.setattr(PromptInput, "_message_loop_exit", draw_meanwhile)
        with app.batch_update():  # nothing is laid out anew meanwhile, as when much is written
            await area(app).action_close_pane()
        monkeypatch.undo()
        await panes_are(pilot, 1)
        assert drawn


async def test_closed_panes_are_not_kept() -> None:
    app = app_with()
    boxes: list[weakref.ref[PromptInput]] = []
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        for _ in range(2):  # the last one that was closed may wait in a cache
            await chord(pilot, "v")
            await panes_are(pilot, 2)
            boxes.append(weakref.ref(app.pane.prompt))
            await chord(pilot, "x")
            await panes_are(pilot, 1)

        def is_gone() -> bool:
            gc.collect()
            return boxes[0]() is None

        await until(pilot, is_gone, "the memory of the box")


async def test_a_closed_pane_leaves_its_chat_answering() -> None:
    hold = asyncio.Event()
    app = app_with(Reply(["a ", "b"], hold=hold))
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        await chord(pilot, "v")
        await panes_are(pilot, 2)
        await paste_and_send(pilot, "go on")
        await until(pilot, lambda: app.pane.chat.state == "answering")
        chat = app.pane.chat
        await chord(pilot, "x")
        await panes_are(pilot, 1)
        assert chat.busy
        assert area(app).answering == {chat.conversation.session.id}
        hold.set()
        await until(pilot, lambda: not chat.busy and not area(app).answering)
        assert chat.conversation.path()[-1].text == "a b"


async def test_the_last_pane_stays_and_so_does_a_prompt_that_is_not_sent() -> None:
    app = app_with()
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        await type_and_send(pilot, "/close")
        await panes_are(pilot, 1)
        await chord(pilot, "v")
        await panes_are(pilot, 2)
        await pilot.press(*"half")
        await chord(pilot, "x")
        assert len(area(app).panes) == 2
        await chord(pilot, "x")
        await panes_are(pilot, 1)


async def test_without_room_a_split_is_refused_with_a_hint() -> None:
    app = app_with()
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot)
        await chord(pilot, "v", "v", "v")
        assert len(area(app).panes) == 2
        # The pane is too narrow for the words: nothing of them is cut.
        await until(pilot, lambda: told(app, "opens one behind this"))


async def test_in_a_terminal_that_became_small_the_pane_in_use_is_shown_alone() -> None:
    app = app_with()
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        await chord(pilot, "v")
        await panes_are(pilot, 2)
        await pilot.resize_terminal(40, 12)
        await until(pilot, lambda: in_view(app) == [app.pane])
        await pilot.resize_terminal(1, 1)
        await pilot.resize_terminal(*WIDE)
        await until(pilot, lambda: len(in_view(app)) == 2)


async def test_tabs_open_turn_move_and_close() -> None:
    app = app_with()
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        line = app.screen.query_one(TabLine)
        await until(pilot, lambda: not line.display)
        first = app.pane
        await type_and_send(pilot, "/tab")
        await until(pilot, lambda: len(area(app).tabs.tabs) == 2 and app.pane.prompt.has_focus)
        second = app.pane
        await until(pilot, lambda: line.display and not first.display)
        for key, pane in (("n", first), ("p", second), ("1", first), ("2", second)):
            await chord(pilot, key)
            await until(pilot, lambda pane=pane: app.pane is pane and pane.prompt.has_focus)  # type: ignore[misc]
        await pilot.press("ctrl+pageup")
        await until(pilot, lambda: app.pane is first)
        await pilot.press("ctrl+pagedown")
        await until(pilot, lambda: app.pane is second)
        await chord(pilot, "P")
        assert area(app).tabs.index == 0
        assert app.pane is second
        await chord(pilot, "N")
        assert area(app).tabs.index == 1
        await pilot.click(line, offset=(2, 0))
        await until(pilot, lambda: app.pane is first)
        await chord(pilot, "9")
        assert app.pane is first
        await chord(pilot, "X")
        await until(pilot, lambda: len(area(app).tabs.tabs) == 1)
        await until(pilot, lambda: app.pane is second and not line.display)


async def test_a_chat_that_is_shown_already_is_gone_to() -> None:
    app = app_with()
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        await ask(pilot, "hello", paste_and_send)
        first = app.pane
        await type_and_send(pilot, "/tab")
        await until(pilot, lambda: app.pane is not first)
        await main_screen(app).open_chat(first.chat)
        await until(pilot, lambda: app.pane is first)
        assert len(area(app).tabs.panes) == 2


async def test_a_reply_that_was_written_out_of_view_is_there_when_its_tab_is() -> None:
    hold = asyncio.Event()
    app = app_with(Reply(["first half ", "and second"], hold=hold))
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        await paste_and_send(pilot, "go on")
        await until(pilot, lambda: app.pane.last_reply)
        first = app.pane
        await type_and_send(pilot, "/tab")
        await until(pilot, lambda: app.pane is not first)
        hold.set()
        await until(pilot, lambda: not first.chat.busy)
        await chord(pilot, "1")
        await until(pilot, lambda: app.pane is first)
        await until(pilot, lambda: "first half and second" in shown_text(first.transcript))


async def test_a_prompt_goes_to_all_panes_while_that_is_on() -> None:
    app = app_with(pool=FakePool(FakeEngine([Reply(["yes"])])))
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        await type_and_send(pilot, "/broadcast")
        await until(pilot, lambda: "only one pane" in app.pane.status._hint)
        await chord(pilot, "v", "a")
        await panes_are(pilot, 2)
        assert all(pane.has_class("-broadcast") for pane in area(app).panes)
        await paste_and_send(pilot, "really?")
        await until(pilot, lambda: [pane.last_reply for pane in area(app).panes] == ["yes", "yes"])
        await chord(pilot, "a")
        await ask(pilot, "and now?", paste_and_send)
        assert sorted(len(pane.chat.conversation) for pane in area(app).panes) == [2, 4]


async def test_in_a_pane_that_is_busy_the_prompt_for_all_waits() -> None:
    hold = asyncio.Event()
    app = app_with(Reply(["a ", "b"], hold=hold), Reply(["yes"]))
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        await paste_and_send(pilot, "go on")
        await until(pilot, lambda: app.pane.chat.state == "answering")
        busy = app.pane
        await chord(pilot, "v", "a")
        await panes_are(pilot, 2)
        await paste_and_send(pilot, "to all")
        await until(pilot, lambda: app.pane.last_reply == "yes" and busy.chat.queued == ("to all",))
        hold.set()
        await until(pilot, lambda: not busy.chat.busy and not busy.chat.queued)


async def test_a_chord_typed_in_one_go_is_a_chord_and_what_follows_is_text() -> None:
    app = app_with()
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        for key in ("a", "ctrl+s", "z", "b"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: app.pane.prompt.text == "ab" and not isinstance(app.screen, KeyMenu))


async def test_what_goes_along_goes_to_all_panes_too(tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("The tide turns at noon.", encoding="utf-8")
    app = app_with(Reply(["yes"]))
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        await chord(pilot, "v", "a")
        await panes_are(pilot, 2)
        await paste_and_send(pilot, f"/attach {note}")
        await until(pilot, lambda: app.pane.box.files.files)
        await paste_and_send(pilot, "When?")
        await until(pilot, lambda: [pane.last_reply for pane in area(app).panes] == ["yes", "yes"])
        for pane in area(app).panes:
            assert any(getattr(part, "name", "") == "note.txt" for part in pane.chat.conversation.path()[0].parts)
