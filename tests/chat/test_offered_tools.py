"""Where definitions would fill the context, the model looks for the tools that it needs."""

import msgspec
import pytest

from mistral_tui.chat.offered_tools import FIND_TOOLS, MOST_FOUND, OfferedTools, tokens_of
from mistral_tui.types.errors import InvalidArguments
from mistral_tui.types.messages import TextPart
from mistral_tui.types.tools import Tool
from tests.stubs.tools import FakeBox, servers_with

pytestmark = pytest.mark.core


def a_tool(name: str, description: str = "", *parameters: str) -> Tool:
    schema = {"type": "object", "properties": {each: {"type": "string"} for each in parameters}}
    return Tool(f"files_{name}", "files", name, description, schema)


READ = a_tool("read_file", "Returns the content of a file", "path")
WRITE = a_tool("writeFile", "Changes the content of a file", "path", "text")
MOVE = a_tool("move", "Moves something elsewhere", "from", "to")
WEATHER = Tool("weather_now", "weather", "now", "Says what the weather is like in a city")
TOOLS = (READ, WRITE, MOVE, WEATHER, *(a_tool(f"other{number}", "Does something else") for number in range(20)))


def offered(tools: tuple[Tool, ...] = TOOLS, context: int = 1000, wanted: str = "") -> OfferedTools:
    return OfferedTools(tools, servers_with(FakeBox()), context, wanted)


async def find(tools: OfferedTools, query: str) -> str:
    arguments = await tools.check(FIND_TOOLS, msgspec.json.encode({"query": query}).decode())
    (part,) = (await tools.call(FIND_TOOLS, arguments, lambda progress: None)).parts
    assert isinstance(part, TextPart)
    return part.text


def test_few_tools_are_offered_as_they_are() -> None:
    assert offered(TOOLS[:3]).tools == TOOLS[:3]
    assert offered(context=0).tools == TOOLS, "nobody knows the context of a model elsewhere"


def test_many_are_looked_for_but_the_one_that_must_be_called() -> None:
    assert offered().tools == (FIND_TOOLS,)
    assert offered(wanted="files_move").tools == (FIND_TOOLS, MOVE)


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("read files", READ),
        ("write a file", WRITE),
        ("What is the weather in Paris?", WEATHER),
        ("city", WEATHER),
        ("moves", MOVE),
    ],
)
async def test_words_find_what_they_are_about(query: str, best: Tool) -> None:
    tools = offered()
    said = await find(tools, query)
    assert said.splitlines()[1].startswith(f"{best.name}: {best.description}")
    assert tools.tools[1] == best
    assert len(tools.tools) <= 1 + MOST_FOUND


async def test_what_was_found_stays_until_there_is_no_room() -> None:
    tools = offered()
    await find(tools, "read file")
    await find(tools, "weather")
    assert tools.tools[:3] == (FIND_TOOLS, WEATHER, READ)
    narrow = offered(context=4 * (tokens_of(READ) + 1))
    await find(narrow, "read_file")
    await find(narrow, "weather")
    assert narrow.tools == (FIND_TOOLS, WEATHER)


async def test_words_that_fit_nothing_bring_the_names() -> None:
    assert (await find(offered(), "xyzzy")).startswith("No tool fits these words. There are: files_read_file, ")


@pytest.mark.parametrize("arguments", ["{}", '{"query": 5}'])
async def test_a_search_without_words_is_told(arguments: str) -> None:
    with pytest.raises(InvalidArguments, match="find_tools needs a query"):
        await offered().check(FIND_TOOLS, arguments)
