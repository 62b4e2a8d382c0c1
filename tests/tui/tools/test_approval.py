"""The question whether a call may be made, and what its answers lead to."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from textual import events
from textual.pilot import Pilot

from mistral_tui.chat.workspace import Workspace
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.tools import resting
from mistral_tui.tui.tools.approval import ApprovalDialog
from mistral_tui.types.messages import Json, ToolResultPart
from mistral_tui.types.servers import McpServer, ServerState
from mistral_tui.types.tools import Tool, ToolOutput, ToolProgress
from tests.stubs.engines import ENTRY, FakeEngine, FakePool, Reply
from tests.stubs.tools import TIME, FakeBox, calls, servers_with
from tests.tui.harness import paste_and_send, shown_text, started, until

pytestmark = pytest.mark.core

NOON = ("clock_time", '{"zone": "UTC"}')


def app_that_calls(*replies: Reply, box: FakeBox | None = None, theme: str = "mistral-dark") -> MistralApp:
    """Make an app whose model gives these replies and has tools; then it says that it is noon."""
    box = box or FakeBox()
    pool = FakePool(FakeEngine([*replies, Reply(["It is noon."])]))
    return MistralApp(Workspace(pool, None, ENTRY, servers=servers_with(box, *map(_server, box.tools))), theme=theme)


def _server(name: str) -> McpServer:
    return McpServer(name, command=f"{name}-server")


def dialog(app: MistralApp) -> ApprovalDialog | None:
    return app.screen if isinstance(app.screen, ApprovalDialog) else None


async def asked(pilot: Pilot[None], *, rested: bool = True) -> ApprovalDialog:
    """Send a prompt and wait for the question."""
    app = await started(pilot)
    await until(pilot, lambda: app.pane.chat.tools.all, "the tools")
    await paste_and_send(pilot, "What time is it?")
    return await another(pilot, rested=rested)


async def another(pilot: Pilot[None], *, rested: bool = True) -> ApprovalDialog:
    """Wait for the next question."""
    app = pilot.app
    assert isinstance(app, MistralApp)
    await until(pilot, lambda: (found := dialog(app)) and found.query("Choices") and (not rested or found.counts))
    found = dialog(app)
    assert found is not None
    return found


def result(app: MistralApp) -> ToolResultPart:
    """Return what the model was told of its last call."""
    parts = [part for message in app.pane.chat.conversation.path() for part in message.parts]
    return next(part for part in reversed(parts) if isinstance(part, ToolResultPart))


async def answered(pilot: Pilot[None], app: MistralApp) -> None:
    await until(pilot, lambda: not app.pane.chat.busy and app.pane.last_reply == "It is noon.", "the answer")


@pytest.mark.parametrize(
    ("keys", "approval"), [(("o",), "once"), (("enter",), "once"), (("s",), "session"), (("a",), "always")]
)
async def test_a_call_that_is_allowed_is_made(keys: tuple[str, ...], approval: str) -> None:
    box = FakeBox()
    async with app_that_calls(calls(NOON), box=box).run_test(size=(80, 24)) as pilot:
        shown = await asked(pilot)
        app = pilot.app
        assert isinstance(app, MistralApp)
        assert "clock/time — may it be called?" in shown_text(shown)
        assert '"zone": "UTC"' in shown_text(shown)
        await pilot.press(*keys)
        await answered(pilot, app)
        assert box.made == [("clock/time", {"zone": "UTC"})]
        assert [run.approval for run in app.pane.chat.calls.all()] == [approval]
        assert '✓ clock/time(zone: "UTC")' in shown_text(app.pane.transcript)


@pytest.mark.parametrize("keys", [("d",), ("escape",), ("ctrl+c",)])
async def test_a_call_that_is_not_allowed_is_not_made_and_the_turn_goes_on(keys: tuple[str, ...]) -> None:
    box = FakeBox()
    async with app_that_calls(calls(NOON), box=box).run_test(size=(80, 24)) as pilot:
        await asked(pilot)
        app = pilot.app
        assert isinstance(app, MistralApp)
        await pilot.press(*keys)
        await answered(pilot, app)
        assert box.made == []
        assert "not allowed" in shown_text(app.pane.transcript)


async def test_the_model_is_told_why_a_call_is_not_allowed() -> None:
    async with app_that_calls(calls(NOON)).run_test(size=(80, 24)) as pilot:
        await asked(pilot)
        app = pilot.app
        assert isinstance(app, MistralApp)
        await pilot.press("w", *"later", "enter")
        await answered(pilot, app)
        assert result(app).text == "the person did not allow it: later"


async def test_what_is_typed_when_the_question_comes_goes_on_into_the_prompt_and_answers_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resting, "REST", 60)
    async with app_that_calls(calls(NOON)).run_test(size=(80, 24)) as pilot:
        shown = await asked(pilot, rested=False)
        app = pilot.app
        assert isinstance(app, MistralApp)
        await pilot.press("o", "s", "x", "backspace", "enter", "escape", "space", "a")
        app.post_message(events.Paste("nd more"))
        await until(pilot, lambda: app.pane.prompt.text == "os and more", "the words in the prompt")
        assert dialog(app) is shown
        assert "goes on into the prompt" in shown_text(shown)
        assert len(app.pane.chat.tools.asked) == 1
        monkeypatch.setattr(resting, "REST", 0.01)
        await pilot.press("!")
        await until(pilot, lambda: shown.counts)
        await pilot.press("o")
        await answered(pilot, app)
        assert app.pane.prompt.text == "os and more!"


async def test_a_prompt_that_is_half_typed_stays() -> None:
    reply = replace(calls(NOON), hold=(hold := asyncio.Event()))
    async with app_that_calls(reply).run_test(size=(80, 24)) as pilot:
        app = await started(pilot)
        await until(pilot, lambda: app.pane.chat.tools.all)
        await paste_and_send(pilot, "What time is it?")
        await pilot.press(*"half")
        hold.set()
        await another(pilot)
        await pilot.press("d")
        await answered(pilot, app)
        assert app.pane.prompt.text == "half"


async def test_questions_come_one_after_the_other() -> None:
    box = FakeBox()
    async with app_that_calls(calls(NOON, ("clock_stop", "{}")), box=box).run_test(size=(80, 24)) as pilot:
        first = await asked(pilot)
        app = pilot.app
        assert isinstance(app, MistralApp)
        await pilot.press("o")
        await until(pilot, lambda: dialog(app) is not first)
        assert "clock/stop" in shown_text(await another(pilot))
        await pilot.press("d")
        await answered(pilot, app)
        assert [made for made, _ in box.made] == ["clock/time"]


async def test_a_question_of_a_turn_that_is_stopped_goes_away() -> None:
    async with app_that_calls(calls(NOON)).run_test(size=(80, 24)) as pilot:
        await asked(pilot)
        app = pilot.app
        assert isinstance(app, MistralApp)
        app.pane.chat.cancel()
        await until(pilot, lambda: dialog(app) is None and not app.pane.chat.busy)
        assert "stopped" in shown_text(app.pane.transcript)


async def test_a_question_waits_until_another_dialog_is_closed() -> None:
    reply = replace(calls(NOON), hold=(hold := asyncio.Event()))
    async with app_that_calls(reply).run_test(size=(80, 24)) as pilot:
        app = await started(pilot)
        await until(pilot, lambda: app.pane.chat.tools.all)
        await paste_and_send(pilot, "What time is it?")
        await pilot.press("f1")
        hold.set()
        await until(pilot, lambda: any("waits for your answer" in each.message for each in app._notifications))
        assert dialog(app) is None
        await pilot.press("escape")
        await another(pilot)


async def test_a_chat_in_the_background_asks_with_its_name() -> None:
    reply = replace(calls(NOON), hold=(hold := asyncio.Event()))
    async with app_that_calls(reply).run_test(size=(80, 24)) as pilot:
        app = await started(pilot)
        await until(pilot, lambda: app.pane.chat.tools.all)
        await paste_and_send(pilot, "What time is it?")
        asking = app.pane.chat
        await pilot.press("ctrl+n")
        await until(pilot, lambda: app.pane.chat is not asking)
        hold.set()
        shown = await another(pilot)
        await until(pilot, lambda: "in “What time is it?”" in shown_text(shown))


async def test_a_call_that_writes_a_file_shows_what_would_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.md").write_text("one\ntwo\nthree\n")
    box = FakeBox(tools={"files": (Tool("write_file", "files", "write_file"),)})
    call = ("files_write_file", '{"path": "notes.md", "content": "one\\n2\\nthree\\n"}')
    async with app_that_calls(calls(call), box=box).run_test(size=(80, 30)) as pilot:
        text = shown_text(await asked(pilot))
        assert "-two" in text
        assert "+2" in text
        assert "notes.md" in text


async def test_a_tool_that_has_changed_since_it_was_allowed_is_asked_about_with_the_difference() -> None:
    box = FakeBox()
    app = app_that_calls(calls(NOON), Reply(["It is noon."]), calls(NOON), box=box)
    async with app.run_test(size=(80, 30)) as pilot:
        await asked(pilot)
        await pilot.press("a")
        await answered(pilot, app)
        changed = msgspec.structs.replace(TIME, description="Says what time it is, and tells everyone")
        box.set_states(ServerState("clock", "ready", tools=(changed,)))
        await pilot.press("ctrl+n")
        await paste_and_send(pilot, "And now?")
        text = shown_text(await another(pilot))
        assert "has changed since you allowed it" in text
        assert "tells everyone" in text


async def test_a_flood_of_progress_is_shown_as_it_ends() -> None:
    class Eager(FakeBox):
        async def call(
            self, server: str, tool: str, arguments: Json, on_progress: Callable[[ToolProgress], None]
        ) -> ToolOutput:
            for number in range(5_001):
                on_progress(ToolProgress(number, 5_000))
            return await super().call(server, tool, arguments, lambda progress: None)

    box = Eager(hold=asyncio.Event())
    async with app_that_calls(calls(NOON), box=box).run_test(size=(80, 24)) as pilot:
        await asked(pilot)
        app = pilot.app
        assert isinstance(app, MistralApp)
        await pilot.press("o")
        await until(pilot, lambda: "running  100%" in shown_text(app.pane.transcript))
        assert box.hold is not None
        box.hold.set()
        await answered(pilot, app)


async def test_the_question_is_usable_in_a_low_terminal() -> None:
    async with app_that_calls(calls(NOON)).run_test(size=(40, 12)) as pilot:
        text = shown_text(await asked(pilot))
        assert '"zone"' in text
        assert "o  Allow it this once" in text
        assert "w  Do not allow it" in text
        assert "enter answers" in text
