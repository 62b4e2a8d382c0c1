"""The tools of a chat: what its model is told of, and what waits for the person."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.workspace import Workspace
from mistral_tui.store.store import Store
from mistral_tui.types.errors import InvalidArguments, InvalidRequest, ToolError
from mistral_tui.types.events import ToolChanged, ToolProgressed, TurnEnded
from mistral_tui.types.messages import TextPart, ToolResultPart
from mistral_tui.types.requests import NamedTool
from mistral_tui.types.tools import Decision, RunState, ToolOutput
from tests.stubs.engines import ENTRY, FakeEngine, FakePool, Reply
from tests.stubs.tools import STOP, FakeBox, calls, servers_with
from tests.stubs.tools import TIME as CLOCKS_TIME
from tests.stubs.waiting import until

pytestmark = pytest.mark.core

ONCE = Decision(True, "once")
TIME = calls(("clock_time", '{"zone": "UTC"}'))


class Chat:
    """A chat with a clock, whose server is ready, and what happens in it."""

    def __init__(self, *replies: Reply, box: FakeBox | None = None, store: Store | None = None) -> None:
        self.box = box or FakeBox()
        self.engine = FakeEngine(list(replies) or [TIME, Reply(["Noon."])])
        self.workspace = Workspace(FakePool(self.engine), store, ENTRY, servers=servers_with(self.box))
        self.live = self.workspace.new_chat()
        self.events: list[object] = []
        self.live.subscribe(self.events.append)

    async def asks(self, text: str = "What time is it?") -> None:
        """Send a prompt once the servers are ready."""
        await self.workspace.servers.settled()
        self.live.send(text)

    @property
    def states(self) -> list[RunState]:
        return [event.run.state for event in self.events if isinstance(event, ToolChanged)]

    @property
    def offered(self) -> list[str]:
        """What the model was told of with the last request."""
        return [tool.name for tool in self.engine.requests[-1].tools]


def results(chat: LiveChat) -> list[ToolResultPart]:
    return [part for message in chat.conversation.path() for part in message.parts if isinstance(part, ToolResultPart)]


async def test_a_call_waits_for_the_person_and_is_made_when_it_is_allowed() -> None:
    chat = Chat()
    await chat.asks()
    await until(lambda: chat.live.tools.asked)
    (run,) = chat.live.tools.asked
    assert (run.state, run.server, run.tool, run.arguments) == ("asked", "clock", "time", '{"zone": "UTC"}')
    assert chat.box.made == []
    chat.live.tools.answer(run.id, ONCE)
    await chat.live.wait()
    assert chat.box.made == [("clock/time", {"zone": "UTC"})]
    assert chat.states == ["asked", "running", "done"]
    assert any(isinstance(event, ToolProgressed) for event in chat.events)
    assert [message.text for message in chat.live.conversation.path()][-1] == "Noon."
    assert chat.live.tools.asked == ()


async def test_a_call_that_is_denied_is_not_made_and_the_model_is_told() -> None:
    chat = Chat()
    await chat.asks()
    await until(lambda: chat.live.tools.asked)
    chat.live.tools.answer(chat.live.tools.asked[0].id, Decision(False, "once", "the person said no"))
    await chat.live.wait()
    assert chat.box.made == []
    assert chat.states == ["asked", "denied"]
    assert results(chat.live) == [ToolResultPart("call0", "the person said no", failed=True)]


async def test_what_is_allowed_for_the_chat_is_not_asked_again_in_it_until_the_tool_changes() -> None:
    other = calls(("clock_time", '{"zone": "CET"}'))
    chat = Chat(TIME, Reply(["Noon."]), other, Reply(["One."]), other, other)
    await chat.asks()
    await until(lambda: chat.live.tools.asked)
    chat.live.tools.answer(chat.live.tools.asked[0].id, Decision(True, "session"))
    await chat.live.wait()
    await chat.asks("And in Paris?")
    await chat.live.wait()
    assert len(chat.box.made) == 2

    chat.box.tools = {"clock": (msgspec.structs.replace(CLOCKS_TIME, description="Sends the time to me"),)}
    await chat.box.use(chat.box.used)
    await chat.asks("And now?")
    await until(lambda: chat.live.tools.asked)
    chat.live.cancel()
    await chat.live.wait()

    beside = chat.workspace.new_chat()
    beside.send("And here?")
    await until(lambda: beside.tools.asked)
    beside.cancel()
    await beside.wait()


async def test_what_is_said_for_good_holds_in_every_chat() -> None:
    chat = Chat(TIME, Reply(["Noon."]), TIME, Reply(["Noon."]))
    await chat.asks()
    await until(lambda: chat.live.tools.asked)
    chat.live.tools.answer(chat.live.tools.asked[0].id, Decision(False, "always"))
    await chat.live.wait()
    beside = chat.workspace.new_chat()
    beside.send("What time is it?")
    await beside.wait()
    assert results(beside) == [ToolResultPart("call0", "a rule of the person denies it", failed=True)]
    assert chat.box.made == []


async def test_a_tool_that_changed_is_shown_with_what_it_was() -> None:
    chat = Chat(TIME, Reply())
    await chat.workspace.policy.remember(msgspec.structs.replace(CLOCKS_TIME, description="It was this"), allowed=True)
    await chat.asks()
    await until(lambda: chat.live.tools.asked)
    before = await chat.live.tools.changed(chat.live.tools.asked[0])
    assert before is not None
    assert before.description == "It was this"
    chat.live.cancel()
    await chat.live.wait()


@pytest.mark.parametrize("waiting_for", ["the tool", "the person"])
async def test_a_cancel_ends_a_call_and_the_chat_goes_on(waiting_for: str) -> None:
    chat = Chat(TIME, Reply(["Fine."]), box=FakeBox(hold=asyncio.Event()))
    await chat.asks()
    await until(lambda: chat.live.tools.asked)
    if waiting_for == "the tool":
        chat.live.tools.answer(chat.live.tools.asked[0].id, ONCE)
        await until(lambda: chat.box.made)
    chat.live.cancel()
    await chat.live.wait()
    assert chat.states[-1] == "cancelled"
    assert chat.live.tools.asked == ()
    assert chat.events[-1] == TurnEnded("cancelled")
    await chat.asks("Never mind.")
    await chat.live.wait()
    assert chat.events[-1] == TurnEnded("stop")


async def test_an_answer_that_comes_too_late_says_so() -> None:
    chat = Chat()
    with pytest.raises(InvalidRequest, match="does not wait any more"):
        chat.live.tools.answer("gone", ONCE)


async def test_servers_that_are_not_ready_hold_up_no_reply() -> None:
    chat = Chat(Reply(["Hello."]), box=FakeBox(starting=True))
    chat.live.send("Hi")
    await chat.live.wait()
    assert chat.offered == []
    assert chat.events[-1] == TurnEnded("stop")


async def test_a_server_and_a_tool_are_off_in_the_chat_that_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "chats.db")
    chat = Chat(Reply(), store=store)
    chat.live.tools.switch("clock/stop", on=False)
    await chat.asks()
    await chat.live.wait()
    assert chat.offered == ["clock_time"]
    chat.live.tools.switch("clock", on=False)
    await chat.asks("And now?")
    await chat.live.wait()
    assert chat.offered == []
    other = chat.workspace.new_chat()
    assert [tool.name for tool in other.tools.tools] == ["clock_time", "clock_stop"]
    chat.live.tools.switch("clock", on=True)
    await chat.live.close()

    again = Workspace(FakePool(), Store(tmp_path / "chats.db"), ENTRY, servers=servers_with(FakeBox()))
    reopened = await again.open_chat(chat.live.conversation.session.id)
    await again.servers.settled()
    assert [tool.name for tool in reopened.tools.tools] == ["clock_time"]
    await again.close()
    await chat.workspace.close()


async def test_tools_that_are_not_registered_by_themselves_are_offered_where_the_chat_says_so() -> None:
    workspace = Workspace(FakePool(), None, ENTRY, servers=servers_with(FakeBox(), unasked=False))
    await workspace.servers.settled()
    chat = workspace.new_chat()
    assert (chat.tools.tools, len(chat.tools.all)) == ((), 2)
    chat.tools.switch("clock", on=True)
    assert len(chat.tools.tools) == 2
    assert chat.settings.tools.switches == {"clock": True}
    chat.tools.switch("clock", on=False)
    assert chat.settings.tools.switches == {}


async def test_where_tools_would_fill_the_context_the_model_finds_them_without_asking_the_person() -> None:
    many = tuple(
        msgspec.structs.replace(STOP, name=f"a{number}", tool=f"a{number}", description="x" * 200)
        for number in range(40)
    )
    box = FakeBox(tools={"clock": (CLOCKS_TIME, *many)})
    chat = Chat(calls(("find_tools", '{"query": "what time is it"}')), TIME, Reply(["Noon."]), box=box)
    await chat.asks()
    await until(lambda: chat.live.tools.asked)
    assert [[tool.name for tool in request.tools] for request in chat.engine.requests] == [
        ["find_tools"], ["find_tools", "clock_time"]
    ]  # fmt: skip
    chat.live.tools.answer(chat.live.tools.asked[0].id, ONCE)
    await chat.live.wait()
    assert chat.box.made == [("clock/time", {"zone": "UTC"})]
    assert chat.events[-1] == TurnEnded("stop")


async def test_a_tool_that_must_be_called_is_waited_for_and_the_model_decides_after() -> None:
    chat = Chat(box=FakeBox(tools={"clock": ()}, starting=True))
    await until_read(chat)
    chat.live.tools.choose("required")
    chat.live.send("What time is it?")
    await until(lambda: chat.live.state == "loading")
    assert chat.engine.requests == []
    chat.box.starting, chat.box.tools = False, FakeBox().tools
    await chat.box.use(chat.box.used)
    await until(lambda: chat.live.tools.asked)
    chat.live.tools.answer(chat.live.tools.asked[0].id, ONCE)
    await chat.live.wait()
    assert [request.tool_choice for request in chat.engine.requests] == ["required", "auto"]


async def test_one_tool_or_none_can_be_chosen() -> None:
    chat = Chat(Reply())
    await chat.workspace.servers.settled()
    with pytest.raises(InvalidRequest, match="'clock_wind' is none of the tools of this chat; there are: clock_time"):
        chat.live.tools.choose(NamedTool("clock_wind"))
    chat.live.tools.choose(NamedTool("clock_time"))
    await chat.asks()
    await chat.live.wait()
    assert chat.engine.requests[-1].tool_choice == NamedTool("clock_time")
    chat.live.tools.choose("none")
    await chat.asks()
    await chat.live.wait()
    assert chat.offered == []


async def until_read(chat: Chat) -> None:
    """Wait until the servers are known, ready or not."""
    chat.workspace.servers.start()
    await until(lambda: chat.box.used)


async def test_every_call_is_stored_as_it_goes_and_is_there_when_the_chat_is_opened_again(tmp_path: Path) -> None:
    long = ToolOutput((TextPart("noon " * 10_000),))
    chat = Chat(box=FakeBox(output=long), store=Store(tmp_path / "chats.db"))
    await chat.asks()
    await until(lambda: chat.live.tools.asked)
    reader = Store(tmp_path / "chats.db")
    session_id = chat.live.conversation.session.id
    await until(lambda: [run.state for run in reader.tool_runs(session_id)] == ["asked"])
    chat.live.tools.answer(chat.live.tools.asked[0].id, ONCE)
    await chat.live.wait()
    forked = chat.workspace.fork(chat.live, chat.live.conversation.leaf_id or "")
    await chat.workspace.close()

    (run,) = reader.tool_runs(session_id)
    assert (run.state, run.approval, run.server, run.tool, run.output) == ("done", "once", "clock", "time", long)
    assert run == chat.live.conversation.runs[0]
    assert len(results(chat.live)[0].text) < 10_000, "the model was shown a part"
    again = Workspace(FakePool(), reader, ENTRY)
    for session in (session_id, forked.conversation.session.id):
        reopened = (await again.open_chat(session)).conversation
        (_, reply, answer, _) = reopened.path()
        kept = reopened.run_of(reply, "call0")
        assert kept is not None
        assert kept.output == long
        assert reopened.run_of(answer, "call0") == kept
    await again.close()


@pytest.mark.parametrize(
    ("arguments", "refused", "said"),
    [
        ("{", None, "the arguments of clock_time are no JSON: Input data was truncated"),
        ("7", None, "the arguments of clock_time are no JSON object; write one such as {}"),
        ("[" * 100_000, None, "the arguments of clock_time are no JSON: "),
        ("{}", InvalidArguments("zone is missing"), "zone is missing"),
        ("{}", ToolError("its schema takes longer than 2 s"), "its schema takes longer than 2 s"),
    ],
)
async def test_arguments_that_cannot_be_right_are_neither_asked_about_nor_sent(
    arguments: str, refused: ToolError | None, said: str
) -> None:
    chat = Chat(calls(("clock_time", arguments)), Reply(["Sorry."]), box=FakeBox(refused=refused))
    await chat.asks()
    await chat.live.wait()
    assert chat.box.made == []
    (result,) = results(chat.live)
    assert result.failed
    assert result.text.startswith(said)
    assert chat.events[-1] == TurnEnded("stop")
