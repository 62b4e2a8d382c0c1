"""The screen of servers, the form of a tool, and trust."""

from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from mistral_tui.chat.workspace import Workspace
from mistral_tui.tools.mcp.sources import ConfiguredServer, ConfiguredServers
from mistral_tui.tools.mcp.trust import Trust
from mistral_tui.tools.servers import Servers
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.tools.inputs import InputsDialog
from mistral_tui.tui.tools.servers import ServersScreen
from mistral_tui.tui.tools.trust import TrustDialog
from mistral_tui.tui.tools.try_tool import TryTool
from mistral_tui.types.errors import ToolError
from mistral_tui.types.servers import McpServer, ServerState
from tests.stubs.engines import ENTRY, FakeEngine, FakePool
from tests.stubs.tools import STOP, TIME, FakeBox, servers_with
from tests.tui.harness import app_with, paste_into, shown_text, started, until

pytestmark = pytest.mark.core


def app_with_servers(
    box: FakeBox, *servers: McpServer, untrusted: tuple[str, ...] = (), theme: str = "mistral-dark"
) -> MistralApp:
    """Make an app with these servers of a scripted process; the clock, if none are given."""
    configured = servers_with(box, *servers, untrusted=untrusted)
    return MistralApp(Workspace(FakePool(FakeEngine()), None, ENTRY, servers=configured), theme=theme)


async def opened(pilot: Pilot[None], words: str = "ready") -> MistralApp:
    app = await started(pilot)
    await pilot.press("alt+v")
    await until(pilot, lambda: isinstance(app.screen, ServersScreen) and words in shown_text(app.screen))
    return app


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_servers_are_listed_with_their_tools_and_what_these_cost(size: tuple[int, int]) -> None:
    async with app_with_servers(FakeBox()).run_test(size=size) as pilot:
        app = await opened(pilot)
        text = shown_text(app.screen)
        assert "2026-07-28" in text
        assert "2, ~" in text
        await pilot.press("down")
        await until(pilot, lambda: "Says what time it is" in shown_text(app.screen))
        assert '"zone": {' in shown_text(app.screen)
        assert "models call it clock_time" in shown_text(app.screen)


async def test_servers_and_tools_are_switched_on_and_off_in_the_chat() -> None:
    async with app_with_servers(FakeBox()).run_test(size=(120, 36)) as pilot:
        app = await opened(pilot)
        tools = app.pane.chat.tools
        await pilot.press("down", "space")
        await until(pilot, lambda: [tool.tool for tool in tools.tools] == ["stop"])
        assert "off in this chat" in shown_text(app.screen)
        await pilot.press("up", "space")
        await until(pilot, lambda: tools.tools == ())
        await pilot.press("space")
        await until(pilot, lambda: [tool.tool for tool in tools.tools] == ["stop"])


async def test_what_is_wrong_with_a_server_is_said_and_it_is_started_again() -> None:
    box = FakeBox()
    async with app_with_servers(box).run_test(size=(120, 36)) as pilot:
        app = await opened(pilot)
        why = "the MCP server clock ended with exit status 1; it said: no license found"
        box.set_states(ServerState("clock", "failed", why))
        await until(pilot, lambda: "no license" in shown_text(app.screen))
        await pilot.press("r")
        await until(pilot, lambda: box.restarted == ["clock"])


async def test_the_log_of_a_server_is_shown() -> None:
    async with app_with_servers(FakeBox()).run_test(size=(80, 24)) as pilot:
        app = await opened(pilot)
        await pilot.press("l")
        await until(pilot, lambda: "it warns" in shown_text(app.screen))


async def test_a_server_that_has_changed_since_it_was_trusted_shows_what(tmp_path: Path) -> None:
    trust, source = Trust(tmp_path / "trust.json"), tmp_path / ".mcp.json"
    trust.agree(McpServer("clock", command="clock-server", args=("--safe",)), source)
    changed = McpServer("clock", command="clock-server", args=("--unsafe",))

    def read() -> ConfiguredServers:
        return ConfiguredServers((ConfiguredServer(changed, source, trust.holds(changed, source)),))

    servers = Servers(read, lambda on_state: FakeBox(on_state=on_state), trust, tmp_path)
    app = MistralApp(Workspace(FakePool(FakeEngine()), None, ENTRY, servers=servers), theme="mistral-dark")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "not running")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TrustDialog) and app.screen.query("Choices"))
        text = shown_text(app.screen)
        assert "agreed to before" in " ".join(text.split())
        assert "- argument  --safe" in text
        assert "+ argument  --unsafe" in text
        await pilot.press("down", "enter")
        await until(pilot, lambda: trust.holds(changed, source))


async def test_a_tool_is_tried_with_a_form() -> None:
    box = FakeBox()
    async with app_with_servers(box).run_test(size=(80, 24)) as pilot:
        app = await opened(pilot)
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, TryTool) and app.screen.query("Field"))
        await paste_into(pilot, "UTC")
        await pilot.press("f5")
        await until(pilot, lambda: "12:00" in shown_text(app.screen))
        assert box.made == [("clock/time", {"zone": "UTC"})]
        box.error = ToolError("clock/time was silent for 60 s; it was given up")
        await pilot.press("f5")
        await until(pilot, lambda: "was silent for 60 s" in shown_text(app.screen))


async def test_a_form_says_what_does_not_fit() -> None:
    number = msgspec.structs.replace(
        TIME, parameters={"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    )
    async with app_with_servers(FakeBox({"clock": (number, STOP)})).run_test(size=(80, 24)) as pilot:
        app = await opened(pilot)
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, TryTool) and app.screen.query("Field"))
        await pilot.press("x", "f5")
        await until(pilot, lambda: "n is a whole number, not 'x'" in shown_text(app.screen))
        await pilot.press("backspace", "f5")
        await until(pilot, lambda: "n is needed" in shown_text(app.screen))


async def test_a_server_of_the_project_is_started_after_the_person_has_seen_what_it_runs() -> None:
    box = FakeBox()
    server = McpServer("clock", command="clock-server", args=("--now", "\x1b[2J"), env={"TOKEN": "secret"})
    async with app_with_servers(box, server, untrusted=("clock",)).run_test(size=(80, 24)) as pilot:
        app = await opened(pilot, "not running")
        assert box.used == ()
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, TrustDialog) and app.screen.query("Choices"))
        text = shown_text(app.screen)
        assert "clock-server" in text
        assert "TOKEN" in text
        assert "secret" not in text
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ServersScreen))
        assert box.used == ()
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, TrustDialog) and app.screen.query("Choices"))
        await pilot.press("down", "enter")
        await until(pilot, lambda: [each.name for each in box.used] == ["clock"])


async def test_a_server_is_given_the_values_that_it_waits_for() -> None:
    box = FakeBox()
    server = McpServer("clock", command="clock-server", env={"TOKEN": "${input:token}"})
    async with app_with_servers(box, server).run_test(size=(100, 30)) as pilot:
        app = await opened(pilot, "i asks for them")
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, InputsDialog) and app.screen.query("Field"))
        await pilot.press("enter")
        await until(pilot, lambda: "token is needed" in shown_text(app.screen))
        await pilot.press(*"sesame", "enter")
        await until(pilot, lambda: [each.env for each in box.used] == [{"TOKEN": "sesame"}])
        await until(pilot, lambda: "ready" in shown_text(app.screen))


async def test_what_is_typed_of_a_value_is_masked() -> None:
    server = McpServer("clock", command="clock-server", env={"TOKEN": "${input:token}"})
    async with app_with_servers(FakeBox(), server).run_test(size=(40, 12)) as pilot:
        app = await started(pilot)
        await pilot.press("alt+v", "i")
        await until(pilot, lambda: isinstance(app.screen, InputsDialog) and app.screen.query("Field"))
        await pilot.press(*"sesame")
        await until(pilot, lambda: "••••••" in shown_text(app.screen))
        assert "sesame" not in shown_text(app.screen)


async def test_without_servers_the_screen_says_where_to_put_them() -> None:
    async with app_with().run_test(size=(80, 24)) as pilot:
        app = await opened(pilot, "no MCP server is configured")
        await pilot.press("space", "r", "t")
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
