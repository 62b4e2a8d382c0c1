"""Resources, prompts and completions of servers, and lists that change."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from mistral_tui.tools.toolbox import Toolbox
from mistral_tui.types.errors import ToolError
from mistral_tui.types.messages import FilePart, ImagePart, TextPart
from mistral_tui.types.resources import PromptArgument, PromptMessage
from mistral_tui.types.servers import McpServer
from mistral_tui.types.tools import ToolOutput
from tests.stubs.waiting import until
from tests.tools.mcp.elsewhere import serving
from tests.tools.mcp.library import library
from tests.tools.test_toolbox import Open, a_server, opened, state_of

pytestmark = pytest.mark.mcp

__all__ = ["opened"]


@pytest.fixture
async def box(opened: Open) -> AsyncGenerator[Toolbox, None]:
    async with serving(library().streamable_http_app()) as url:
        box = await opened(McpServer("server", "http", url=f"{url}/mcp"))
        await until(lambda: state_of(box).prompts != ())
        yield box
        await box.close()


async def test_what_can_be_read_is_listed_and_read(box: Toolbox) -> None:
    assert (state_of(box).version, state_of(box).has_resources) == ("2026-07-28", True)
    resources, templates = await box.list_resources("server")
    assert [(each.uri, each.title, each.media_type) for each in resources] == [
        ("tide://today", "Tides today", "text/plain"),
        ("tide://moon", "", "image/png"),
    ]
    assert [each.template for each in templates] == ["tide://{harbour}/{day}"]
    assert await box.read_resource("server", "tide://today") == ToolOutput(
        (FilePart("tide://today", "noon and midnight"),)
    )
    assert (await box.read_resource("server", "tide://Hull/monday")).parts == (
        FilePart("tide://Hull/monday", "Hull on monday"),
    )
    (picture,) = (await box.read_resource("server", "tide://moon")).parts
    assert isinstance(picture, ImagePart)
    assert Path(picture.path).read_bytes() == b"\x89PNG"  # noqa: ASYNC240 - a look at four bytes
    with pytest.raises(ToolError, match="server:tide://nowhere: "):
        await box.read_resource("server", "tide://nowhere")


async def test_prompts_are_known_and_filled_in(box: Toolbox) -> None:
    (prompt,) = state_of(box).prompts
    assert (prompt.name, prompt.title, prompt.description) == ("trip", "Plan a trip", "Asks for a plan.")
    assert prompt.arguments == (PromptArgument("harbour", required=True), PromptArgument("day"))
    messages = await box.get_prompt("server", "trip", {"harbour": "Hull"})
    assert messages == (PromptMessage("user", TextPart("Plan a trip from Hull, today.")),)
    with pytest.raises(ToolError, match="server:trip: "):
        await box.get_prompt("server", "trip", {})


async def test_values_are_completed_with_a_look_at_the_others(box: Toolbox) -> None:
    (prompt,) = state_of(box).prompts
    _, (template,) = await box.list_resources("server")
    assert await box.complete("server", prompt, "harbour", {"harbour": "Br"}) == ("Brest", "Bremen")
    assert await box.complete("server", template, "day", {"harbour": "Brest", "day": ""}) == ("monday", "sunday")
    assert await box.complete("server", template, "day", {"harbour": "Hull"}) == ("friday",)


async def test_a_tool_that_comes_later_is_seen(box: Toolbox) -> None:
    assert [tool.tool for tool in box.tools] == ["learn", "sail"]
    await box.call("server", "learn", {})
    await until(lambda: [tool.tool for tool in box.tools] == ["learn", "sail", "trick"])


async def test_a_server_with_tools_alone_has_nothing_to_read(opened: Open) -> None:
    box = await opened(a_server())
    assert (state_of(box).prompts, state_of(box).has_resources) == ((), False)
    assert await box.list_resources("server") == ((), ())
