"""What servers ask in the middle of a call: forms and addresses, and what the answers lead to."""

import asyncio
import sys
from pathlib import Path

import pytest
from textual.pilot import Pilot

from mistral_tui.chat.workspace import Workspace
from mistral_tui.tools.mcp.sources import ConfiguredServer, ConfiguredServers
from mistral_tui.tools.servers import Servers
from mistral_tui.tools.toolbox import Toolbox
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.tools import resting
from mistral_tui.tui.tools.server_question import ServerQuestionDialog
from mistral_tui.tui.tools.try_tool import TryTool
from mistral_tui.types.questions import Accepted, AddressQuestion, Declined, Dismissed, FormQuestion, Question, Reply
from mistral_tui.types.servers import McpServer
from tests.stubs.engines import ENTRY, FakeEngine, FakePool
from tests.stubs.tools import FakeBox, servers_with
from tests.tools.mcp import misbehaving
from tests.tui.harness import main_screen, paste_into, shown_text, started, told, until

FORM = FormQuestion(
    "Which \x1b[2Jtide?",
    {
        "type": "object",
        "properties": {
            "when": {"type": "string", "description": "a time of the day"},
            "boats": {"type": "integer", "default": 2},
            "sea": {"type": "string", "oneOf": [{"const": "north"}, {"const": "south"}]},
        },
        "required": ["when"],
    },
)
PAY = AddressQuestion("Pay for the tide", "https://tides.example.org/pay?order=17")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resting, "REST", 0.01)


def app_of(box: FakeBox) -> MistralApp:
    return MistralApp(Workspace(FakePool(FakeEngine()), None, ENTRY, servers=servers_with(box)), theme="mistral-dark")


async def running(pilot: Pilot[None], box: FakeBox) -> MistralApp:
    app = await started(pilot)
    app.workspace.servers.start()
    await until(pilot, lambda: box.person, "the servers")
    return app


def ask(box: FakeBox, question: Question, server: str = "clock") -> asyncio.Task[Reply]:
    assert box.person is not None
    return asyncio.create_task(box.person.answer(server, question))


async def shown(pilot: Pilot[None], words: str) -> ServerQuestionDialog:
    """Wait for the dialog that says this, and until an answer counts."""
    app = pilot.app
    await until(
        pilot,
        lambda: isinstance(app.screen, ServerQuestionDialog) and app.screen.counts and words in shown_text(app.screen),
        words,
    )
    assert isinstance(app.screen, ServerQuestionDialog)
    return app.screen


@pytest.mark.core
@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
async def test_a_server_is_given_the_values_of_a_form(size: tuple[int, int]) -> None:
    box = FakeBox()
    async with app_of(box).run_test(size=size) as pilot:
        await running(pilot, box)
        reply = ask(box, FORM)
        assert "Which tide?" in shown_text(await shown(pilot, "clock asks you"))
        await paste_into(pilot, "noon")
        await pilot.press("tab", "tab", *"east", "f5")
        await until(pilot, lambda: "sea is one of: north, south" in shown_text(pilot.app.screen))
        await pilot.press("ctrl+u", *"south", "tab", "enter")
        assert await reply == Accepted({"when": "noon", "boats": 2, "sea": "south"})
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)


@pytest.mark.core
@pytest.mark.parametrize(
    ("keys", "expected"), [(("escape",), Dismissed()), (("tab", "tab", "tab", "down", "enter"), Declined())]
)
async def test_a_form_is_declined_or_left_undecided(keys: tuple[str, ...], expected: Reply) -> None:
    box = FakeBox()
    async with app_of(box).run_test(size=(80, 24)) as pilot:
        await running(pilot, box)
        reply = ask(box, FORM)
        await shown(pilot, "clock asks you")
        await pilot.press(*keys)
        assert await reply == expected


@pytest.mark.core
@pytest.mark.parametrize(
    ("keys", "expected", "opens"),
    [
        (("enter",), Accepted(), True),
        (("down", "enter"), Accepted(), False),
        (("down", "down", "enter"), Declined(), False),
    ],
)
async def test_an_address_is_shown_whole_and_opened_only_when_the_person_agrees(
    monkeypatch: pytest.MonkeyPatch, keys: tuple[str, ...], expected: Reply, opens: bool
) -> None:
    went: list[str] = []
    monkeypatch.setattr(MistralApp, "open_url", lambda app, url, **_: went.append(url))
    box = FakeBox()
    async with app_of(box).run_test(size=(80, 24)) as pilot:
        await running(pilot, box)
        reply = ask(box, PAY)
        text = shown_text(await shown(pilot, "Pay for the tide"))
        assert "leads to  tides.example.org" in text
        assert PAY.url in text
        assert went == []
        await pilot.press(*keys)
        assert await reply == expected
        assert went == [PAY.url] * opens


@pytest.mark.core
async def test_an_address_that_looks_like_another_is_shown_by_its_characters() -> None:
    box = FakeBox()
    async with app_of(box).run_test(size=(80, 24)) as pilot:
        await running(pilot, box)
        reply = ask(box, AddressQuestion("Pay", "https://tid\u0435s.example/\u202egnp"))
        assert "https://xn--" in shown_text(await shown(pilot, "leads to"))
        assert "/%E2%80%AEgnp" in shown_text(pilot.app.screen)
        await pilot.press("escape")
        assert await reply == Dismissed()


@pytest.mark.core
async def test_questions_wait_for_one_another_and_go_away_when_they_are_withdrawn() -> None:
    box = FakeBox()
    async with app_of(box).run_test(size=(80, 24)) as pilot:
        await running(pilot, box)
        first, second = ask(box, FORM), ask(box, PAY, "bank")
        await shown(pilot, "1 more waits")
        first.cancel()
        await shown(pilot, "bank asks you")
        await pilot.press("escape")
        assert await second == Dismissed()
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)


@pytest.mark.core
async def test_what_is_typed_when_a_server_asks_goes_on_into_the_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resting, "REST", 60)
    box = FakeBox()
    async with app_of(box).run_test(size=(80, 24)) as pilot:
        app = await running(pilot, box)
        reply = ask(box, FORM)
        await until(pilot, lambda: isinstance(app.screen, ServerQuestionDialog) and app.screen.query("Field"))
        await pilot.press(*"half", "enter", "f5", "escape")
        await until(pilot, lambda: app.pane.prompt.text == "half")
        assert not reply.done()
        reply.cancel()
        await until(pilot, lambda: len(app.screen_stack) == 1)


@pytest.mark.core
async def test_a_server_waits_while_the_person_is_elsewhere() -> None:
    box = FakeBox()
    async with app_of(box).run_test(size=(80, 24)) as pilot:
        app = await running(pilot, box)
        await pilot.press("alt+v")
        await until(pilot, lambda: app.screen is not main_screen(app) and "clock" in shown_text(app.screen))
        reply = ask(box, FORM)
        await until(pilot, lambda: told(app, "clock asks you something; it is asked when this is closed"))
        await pilot.press("escape")
        await shown(pilot, "clock asks you")
        await pilot.press("escape")
        assert await reply == Dismissed()


@pytest.mark.mcp
async def test_a_real_server_asks_while_its_tool_is_tried(tmp_path: Path) -> None:
    server = McpServer("tides", command=sys.executable, args=(misbehaving.__file__, "asks for a form"))
    configured = ConfiguredServers((ConfiguredServer(server, tmp_path / "mcp.json", True),))
    servers = Servers(lambda: configured, lambda on_state: Toolbox(tmp_path, tmp_path, on_state), None, tmp_path)
    app = MistralApp(Workspace(FakePool(FakeEngine()), None, ENTRY, servers=servers), theme="mistral-dark")
    async with app.run_test(size=(100, 60)) as pilot:
        await started(pilot)
        await pilot.press("alt+v")
        await until(pilot, lambda: "ready" in shown_text(app.screen), seconds=30)
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, TryTool) and app.screen.query("Field"))
        await pilot.press("f5")
        await shown(pilot, "tides asks you")
        await pilot.press(*"noon", "f5")
        await until(pilot, lambda: isinstance(app.screen, TryTool) and "noon" in shown_text(app.screen))
