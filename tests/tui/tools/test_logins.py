"""Logins on the screen of servers."""

from pathlib import Path

import pytest

from mistral_tui.chat.workspace import Workspace
from mistral_tui.tools.mcp.sources import ConfiguredServer, ConfiguredServers
from mistral_tui.tools.servers import Servers
from mistral_tui.tools.toolbox import Toolbox
from mistral_tui.tui.app import MistralApp
from mistral_tui.types.servers import McpServer
from tests.stubs.engines import ENTRY, FakeEngine, FakePool
from tests.tools.mcp.authority import Authority
from tests.tools.mcp.elsewhere import serving
from tests.tools.test_logins import log_in
from tests.tui.harness import shown_text, started, until

pytestmark = pytest.mark.mcp


async def test_a_server_says_that_it_wants_a_login_and_uses_it_when_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISTRAL_TUI_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    async with serving(Authority().app) as url:
        server = McpServer("tides", "http", url=f"{url}/mcp")
        configured = ConfiguredServers((ConfiguredServer(server, tmp_path / "mcp.json", True),))
        servers = Servers(lambda: configured, lambda on_state: Toolbox(tmp_path, tmp_path, on_state), None, tmp_path)
        app = MistralApp(Workspace(FakePool(FakeEngine()), None, ENTRY, servers=servers), theme="mistral-dark")
        async with app.run_test(size=(100, 30)) as pilot:
            await started(pilot)
            await pilot.press("alt+v")
            await until(pilot, lambda: "mistral-tui mcp login tides" in shown_text(app.screen), seconds=30)
            await log_in(terminal := Toolbox(tmp_path, tmp_path), server)
            await terminal.close()
            await pilot.press("r")
            await until(pilot, lambda: "ready" in shown_text(app.screen), seconds=30)
