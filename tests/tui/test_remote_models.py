"""Models of other servers on screen: listed, asked for, chosen, and answering."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from mistral_tui.chat.model_library import ModelLibrary
from mistral_tui.chat.workspace import Workspace
from mistral_tui.engines.routing import RoutingPool
from mistral_tui.models.catalog import Catalog
from mistral_tui.models.inventory import Inventory
from mistral_tui.tui.app import MistralApp
from mistral_tui.types.endpoints import Endpoint
from tests.stubs.engines import ENTRY, FakePool
from tests.stubs.openai_server import Script, Server, reply, serving
from tests.tui.harness import ask, screen_rows, started, until

pytestmark = pytest.mark.core


@asynccontextmanager
async def app_with(server: Server, folder: Path, *others: Endpoint) -> AsyncGenerator[Pilot[None], None]:
    inventory = Inventory(()).with_endpoints((server.endpoint(), *others))
    catalog = Catalog(lambda: inventory, (), folder)
    workspace = Workspace(RoutingPool(FakePool()), None, ENTRY, catalog=lambda: catalog)
    async with MistralApp(workspace, library=ModelLibrary(workspace)).run_test(size=(100, 30)) as pilot:
        await started(pilot)
        yield pilot


def screen_text(pilot: Pilot[None]) -> str:
    return "\n".join(screen_rows(pilot.app.screen))


async def test_what_a_server_runs_is_listed_when_it_is_asked_for_and_answers_when_chosen(tmp_path: Path) -> None:
    async with serving(reply("Hello from afar.")) as server:
        server.models = Script.says(200, {"data": [{"id": "small", "max_model_len": 8192}, {"id": "large"}]})
        async with app_with(server, tmp_path) as pilot:
            await pilot.press("alt+l")
            await until(pilot, lambda: "on other servers  1" in screen_text(pilot))
            assert server.asked == []
            await pilot.press("ctrl+r")
            await until(pilot, lambda: "lab/large" in screen_text(pilot))
            assert "lab/small" in screen_text(pilot)
            await pilot.press(*"small", "enter")
            await ask(pilot, "Hi")
            await until(pilot, lambda: "Hello from afar." in screen_text(pilot))
            assert server.chats[0].body["model"] == "small"


async def test_a_server_that_is_not_there_is_marked(tmp_path: Path) -> None:
    async with serving() as server:
        async with serving() as other:
            gone = other.endpoint(name="gone", models=("m",))
        async with app_with(server, tmp_path, gone) as pilot:
            await pilot.press("alt+l")
            await until(pilot, lambda: "gone/m" in screen_text(pilot))
            await pilot.press("ctrl+r")
            await until(pilot, lambda: "unreachable" in screen_text(pilot))
            assert "lab/m" in screen_text(pilot)
