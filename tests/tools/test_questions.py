"""What servers ask back in the middle of a call, what they tell, and how it reaches the person."""

import asyncio
import json
from pathlib import Path

import pytest

from mistral_tui.tools.toolbox import Toolbox
from mistral_tui.types.errors import ToolError
from mistral_tui.types.messages import TextPart
from mistral_tui.types.questions import (
    Accepted,
    AddressQuestion,
    Declined,
    Dismissed,
    FormQuestion,
    Question,
    Reply,
    Sampled,
    SampledMessage,
    SampleQuestion,
)
from mistral_tui.types.servers import McpServer
from tests.stubs.waiting import until
from tests.tools.mcp.elsewhere import serving
from tests.tools.mcp.library import library
from tests.tools.test_toolbox import Open, a_server, opened, state_of

pytestmark = pytest.mark.mcp

__all__ = ["opened"]


class Person:
    """Answers what servers ask."""

    def __init__(self, reply: Reply | None) -> None:
        self.reply = reply
        self.asked: list[tuple[str, Question]] = []
        self.withdrawn = False

    async def answer(self, server: str, question: Question) -> Reply:
        self.asked.append((server, question))
        try:
            if self.reply is None:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.withdrawn = True
            raise
        assert self.reply is not None
        return self.reply


async def text_of(box: Toolbox, text: str = "") -> str:
    (part,) = (await box.call("server", "echo", {"text": text})).parts
    assert isinstance(part, TextPart)
    return part.text


FORM = {"type": "object", "properties": {"when": {"type": "string"}, "boats": {"type": "integer", "default": 2}}}


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (Accepted({"when": "noon"}), {"action": "accept", "content": {"when": "noon", "boats": 2}}),
        (Accepted({"when": "noon", "boats": 5}), {"action": "accept", "content": {"when": "noon", "boats": 5}}),
        (Declined(), {"action": "decline"}),
        (Dismissed(), {"action": "cancel"}),
    ],
)
async def test_a_server_asks_for_values(opened: Open, reply: Reply, answer: object) -> None:
    box = await opened(a_server("asks for a form"), person=(person := Person(reply)))
    assert json.loads(await text_of(box)) == answer
    ((server, question),) = person.asked
    assert server == "server"
    assert isinstance(question, FormQuestion)
    assert (question.message, question.fields) == ("Which tide?", FORM)


async def test_a_server_of_2026_asks_for_values_too(opened: Open) -> None:
    async with serving(library().streamable_http_app()) as url:
        box = await opened(
            McpServer("server", "http", url=f"{url}/mcp"), person=(person := Person(Accepted({"boats": 3})))
        )
        assert state_of(box).version == "2026-07-28"
        assert (await box.call("server", "sail", {})).parts == (TextPart("3 boats"),)
        ((_, question),) = person.asked
        assert isinstance(question, FormQuestion)
        assert question.message == "How many boats?"
        await box.close()


async def test_a_server_asks_for_a_visit_to_an_address_of_the_web_and_no_other(opened: Open) -> None:
    box = await opened(a_server("asks for an address"), person=(person := Person(Accepted())))
    assert json.loads(await text_of(box, "https://tides.example/pay")) == {"action": "accept"}
    assert person.asked == [("server", AddressQuestion("Pay", "https://tides.example/pay"))]
    assert "only http and https addresses are opened" in await text_of(box, "file:///etc/passwd")
    assert len(person.asked) == 1


async def test_a_server_asks_for_a_reply_of_a_model_only_where_that_is_allowed(opened: Open) -> None:
    person = Person(Sampled("Yes.", "tide-1"))
    allowed = a_server("asks for a model", sampling=True)
    box = await opened(allowed, person=person)
    answer = json.loads(await text_of(box))
    assert (answer["content"]["text"], answer["model"], answer["role"]) == ("Yes.", "tide-1", "assistant")
    message = SampledMessage("user", (TextPart("Is it high tide?"),))
    assert person.asked == [("server", SampleQuestion((message,), "Be brief.", 20))]
    person.reply = Declined()
    assert "the person does not want" in await text_of(box)
    off = await opened(a_server("asks for a model"), person=person)
    assert "Sampling not supported" in await text_of(off)
    assert len(person.asked) == 2


async def test_a_server_is_told_beforehand_what_it_may_ask(opened: Open) -> None:
    def named(box: Toolbox) -> set[str]:
        return {tool.tool for tool in box.tools}

    nobody = await opened(a_server("tells what it was told"))
    assert named(nobody) == set()
    somebody = await opened(a_server("tells what it was told", roots=True, sampling=True), person=Person(Declined()))
    assert named(somebody) == {"elicitation", "roots", "sampling"}


async def test_a_question_that_nobody_answers_is_refused(opened: Open) -> None:
    box = await opened(a_server("asks for a form"))
    assert "Elicitation not supported" in await text_of(box)


async def test_the_folder_is_told_only_where_that_is_allowed(opened: Open) -> None:
    box = await opened(a_server("asks for folders", roots=True))
    (root,) = json.loads(await text_of(box))["roots"]
    assert root["uri"] == Path.cwd().as_uri()
    off = await opened(a_server("asks for folders"))
    assert "not supported" in await text_of(off)


async def test_no_limit_counts_while_the_person_thinks(opened: Open) -> None:
    person = Person(None)
    box = await opened(a_server("asks for a form", call_seconds=0.3, longest_call_seconds=0.4), person=person)
    call = asyncio.create_task(text_of(box))
    await until(lambda: person.asked != [])
    await asyncio.wait({call}, timeout=1.0)
    assert not call.done()
    call.cancel()
    await until(lambda: person.withdrawn)


async def test_a_question_is_withdrawn_when_its_server_ends(opened: Open) -> None:
    person = Person(None)
    box = await opened(a_server("asks for a form"), person=person)
    call = asyncio.create_task(text_of(box))
    await until(lambda: person.asked != [])
    await box.restart("server")
    await until(lambda: person.withdrawn)
    with pytest.raises(ToolError):
        await call


async def test_tools_that_change_are_read_again_and_their_new_definitions_are_seen(opened: Open) -> None:
    box = await opened(a_server("changes its tools"))
    assert box.tools[0].description == "Says what it is told"
    await text_of(box)
    await until(lambda: box.tools[0].description == "Says what it wants")
    assert state_of(box).starts == 1


async def test_what_a_server_tells_is_in_its_log_with_its_standard_error(opened: Open) -> None:
    box = await opened(a_server("tells what it does"), a_server("floods standard error", name="loud"))
    await text_of(box)
    assert await box.read_log("server") == ("warning: tides: the moon is late",)
    await box.call("loud", "echo", {"text": ""})
    lines = await box.read_log("loud")
    assert 0 < len(lines) <= 200
    assert lines[-1].startswith("noise noise")
    with pytest.raises(ToolError, match="nobody: there is no such server"):
        await box.read_log("nobody")
