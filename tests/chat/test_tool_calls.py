"""A turn in which the model calls tools."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import pytest

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.tool_calls import ToolUse
from mistral_tui.chat.turn import prompt_messages, run_turn
from mistral_tui.types.errors import InvalidArguments, ServerFailed, ToolError
from mistral_tui.types.events import MessageCommitted, ToolCallDelta, ToolChanged, TurnEnded, TurnEvent
from mistral_tui.types.messages import ImagePart, Json, Message, TextPart, ToolCallPart, ToolResultPart
from mistral_tui.types.requests import GenerateRequest
from mistral_tui.types.tools import Decision, Tool, ToolOutput, ToolProgress, ToolRun, TurnBudget
from tests.stubs.engines import FakeEngine, Reply

pytestmark = pytest.mark.core

ALLOWED = Decision(True)
NOON = ToolOutput((TextPart("12:00"),))
USUAL = TurnBudget()
TIME = Tool("clock_time", "clock", "time", parameters={"type": "object", "properties": {"zone": {"type": "string"}}})
FAIL = Tool("clock_fail", "clock", "fail")


@dataclass
class FakeTools:
    """Two tools of one server: one answers, one fails."""

    tools: tuple[Tool, ...] = (TIME, FAIL)
    error: ToolError = field(default_factory=lambda: ServerFailed("clock/fail: the server ended"))
    output: ToolOutput = NOON
    hold: asyncio.Event | None = None
    made: list[tuple[str, Json]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def check(self, tool: Tool, arguments: str) -> Json:
        try:
            return msgspec.json.decode(arguments, type=dict)
        except msgspec.MsgspecError as error:
            raise InvalidArguments(f"the arguments are no JSON object: {error}") from None

    async def call(self, tool: Tool, arguments: Json, on_progress: Callable[[ToolProgress], None]) -> ToolOutput:
        self.made.append((tool.key, arguments))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            on_progress(ToolProgress(1, 2))
            if self.hold is not None:
                await self.hold.wait()
            await asyncio.sleep(0)
            if tool is FAIL:
                raise self.error
            return self.output
        finally:
            self.at_once -= 1


def calls(*made: tuple[str, str]) -> Reply:
    return Reply(
        [ToolCallDelta(index, f"call{index}", name, arguments) for index, (name, arguments) in enumerate(made)],
        "tool_calls",
    )


async def allow(tool: Tool, arguments: Json) -> Decision | None:
    return ALLOWED


async def leave_to_the_person(tool: Tool, arguments: Json) -> Decision | None:
    return None


def a_use(
    tools: FakeTools,
    budget: TurnBudget = USUAL,
) -> ToolUse:
    async def nobody(run: ToolRun) -> Decision:
        raise AssertionError("nobody was to be asked")

    return ToolUse(tools, allow, nobody, budget)


@dataclass
class Turn:
    events: list[TurnEvent]
    conversation: Conversation
    engine: FakeEngine

    @property
    def runs(self) -> list[ToolRun]:
        """The calls as they ended."""
        return [event.run for event in self.events if isinstance(event, ToolChanged) and event.run.over]

    @property
    def results(self) -> list[ToolResultPart]:
        return [
            part for message in self.conversation.path() for part in message.parts if isinstance(part, ToolResultPart)
        ]

    @property
    def end(self) -> TurnEvent:
        return self.events[-1]


async def a_turn(use: ToolUse, *replies: Reply, cancelled: asyncio.Event | None = None) -> Turn:
    conversation = Conversation()
    conversation.append(Message("user", (TextPart("What time is it?"),)))
    engine = FakeEngine(list(replies))
    turn = run_turn(conversation, engine, GenerateRequest(), cancelled or asyncio.Event(), use=use)
    return Turn([event async for event in turn], conversation, engine)


async def test_the_model_answers_with_what_the_tool_said() -> None:
    tools = FakeTools()
    turn = await a_turn(a_use(tools), calls(("clock_time", '{"zone": "UTC"}')), Reply(["Noon."]))
    assert tools.made == [("clock/time", {"zone": "UTC"})]
    assert [message.role for message in turn.conversation.path()] == ["user", "assistant", "tool", "assistant"]
    assert turn.results == [ToolResultPart("call0", "12:00")]
    assert turn.conversation.path()[-1].text == "Noon."
    assert turn.end == TurnEnded("stop")
    assert [type(event).__name__ for event in turn.events if not isinstance(event, TextPart)] == [
        "ReplyStarted", "PromptProgress", "ToolCallDelta", "Finished", "MessageCommitted",
        "ToolChanged", "ToolProgressed", "ToolChanged", "MessageCommitted",
        "ReplyStarted", "PromptProgress", "TextDelta", "Finished", "MessageCommitted", "TurnEnded",
    ]  # fmt: skip
    assert turn.engine.requests[1].messages[-1].role == "tool"


async def test_the_model_is_told_of_the_tools() -> None:
    turn = await a_turn(a_use(FakeTools()), Reply(["No need."]))
    assert [tool.name for tool in turn.engine.requests[0].tools] == ["clock_time", "clock_fail"]


async def test_calls_of_one_reply_are_made_at_once_and_answered_in_their_order() -> None:
    tools = FakeTools()
    turn = await a_turn(
        a_use(tools), calls(("clock_fail", "{}"), ("clock_time", "{}"), ("clock_time", '{"zone": "UTC"}')), Reply()
    )
    assert tools.most_at_once == 3
    assert [(part.call_id, part.failed) for part in turn.results] == [
        ("call0", True), ("call1", False), ("call2", False)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("clock_stop", "{}"), "there is no tool 'clock_stop'; there are: clock_time, clock_fail"),
        (("clock_time", "noon"), "the arguments are no JSON object"),
        (("clock_fail", "{}"), "clock/fail: the server ended"),
    ],
)
async def test_a_call_that_comes_to_nothing_is_told_to_the_model_and_the_turn_goes_on(
    call: tuple[str, str], said: str
) -> None:
    turn = await a_turn(a_use(FakeTools()), calls(call), Reply(["Sorry."]))
    (result,) = turn.results
    assert result.failed
    assert said in result.text
    assert turn.end == TurnEnded("stop")


async def test_a_model_that_calls_wrongly_twice_must_answer() -> None:
    wrong = calls(("clock_stop", "{}"))
    turn = await a_turn(a_use(FakeTools()), wrong, wrong, Reply(["I cannot."]))
    assert [request.tool_choice for request in turn.engine.requests] == ["auto", "auto", "none"]
    assert turn.end == TurnEnded("stop")


@pytest.mark.parametrize("budget", [TurnBudget(rounds=3), TurnBudget(calls=3), TurnBudget(tokens=3)])
async def test_a_model_that_calls_for_ever_is_stopped_by_the_budget(budget: TurnBudget) -> None:
    rounds = [calls(("clock_time", f'{{"zone": "{number}"}}')) for number in range(9)]
    turn = await a_turn(a_use(FakeTools(), budget=budget), *rounds[:3], Reply(["Enough."]))
    assert [request.tool_choice for request in turn.engine.requests] == ["auto", "auto", "auto", "none"]


async def test_the_same_call_is_not_made_again_and_again() -> None:
    tools = FakeTools()
    same = calls(("clock_time", "{}"))
    turn = await a_turn(a_use(tools), same, same, same, Reply())
    assert len(tools.made) == 2
    assert "called with the same arguments before" in turn.results[-1].text


async def test_the_person_is_asked_one_question_after_the_other() -> None:
    asked: list[str] = []
    allowed: set[str] = set()
    questions = 0

    async def decide(tool: Tool, arguments: Json) -> Decision | None:
        return ALLOWED if tool.name in allowed else None

    async def ask(run: ToolRun) -> Decision:
        nonlocal questions
        questions += 1
        assert questions == 1
        await asyncio.sleep(0)
        questions -= 1
        asked.append(run.arguments)
        if run.name == "clock_time":
            allowed.add(run.name)
            return Decision(True, "session")
        return Decision(False, "once", "the person said no")

    use = ToolUse(FakeTools(), decide, ask)
    turn = await a_turn(
        use, calls(("clock_time", "{}"), ("clock_time", '{"zone": "UTC"}'), ("clock_fail", "{}")), Reply()
    )
    assert asked == ["{}", "{}"], "the second call is allowed by what was said of the first"
    assert [(run.state, run.approval) for run in turn.runs] == [
        ("done", "session"), ("done", "rule"), ("denied", "once")
    ]  # fmt: skip
    assert turn.results[-1] == ToolResultPart("call2", "the person said no", failed=True)


@pytest.mark.parametrize("waiting_for", ["the tool", "the person"])
async def test_a_cancel_ends_the_calls_and_leaves_a_conversation_that_can_go_on(waiting_for: str) -> None:
    cancelled = asyncio.Event()
    reached = asyncio.Event()

    async def ask(run: ToolRun) -> Decision:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    class Slow(FakeTools):
        async def call(self, tool: Tool, arguments: Json, on_progress: Callable[[ToolProgress], None]) -> ToolOutput:
            reached.set()
            await asyncio.Event().wait()
            raise AssertionError

    use = ToolUse(Slow(), allow if waiting_for == "the tool" else leave_to_the_person, ask)
    turning = asyncio.create_task(a_turn(use, calls(("clock_time", "{}")), cancelled=cancelled))
    await reached.wait()
    cancelled.set()
    turn = await turning
    assert turn.end == TurnEnded("cancelled")
    assert [run.state for run in turn.runs] == ["cancelled"]
    assert turn.results == [ToolResultPart("call0", "the person stopped it", failed=True)]
    turn.conversation.append(Message("user", (TextPart("Go on."),)))
    assert [message.role for message in prompt_messages(turn.conversation)] == ["user", "assistant", "tool", "user"]


async def test_results_that_are_missing_have_failed() -> None:
    conversation = Conversation()
    conversation.append(Message("user", (TextPart("What time is it?"),)))
    conversation.append(Message("assistant", (ToolCallPart("a", "clock_time", "{}"),), finish="tool_calls"))
    conversation.append(Message("user", (TextPart("Well?"),)))
    (_, _, result, _) = prompt_messages(conversation)
    assert [(part.call_id, part.failed) for part in result.parts if isinstance(part, ToolResultPart)] == [("a", True)]


async def test_a_long_result_is_shortened_for_the_model_and_kept_whole() -> None:
    long = "a" * 900 + "b" * 900
    use = a_use(FakeTools(output=ToolOutput((TextPart(long),))), budget=TurnBudget(result_tokens=75))
    turn = await a_turn(use, calls(("clock_time", "{}")), Reply())
    assert turn.results[0].text == f"{'a' * 200}\n… (1,500 characters are left out here) …\n{'b' * 100}"
    (run,) = turn.runs
    assert run.output == ToolOutput((TextPart(long),))


async def test_pictures_go_to_the_model_beside_the_result() -> None:
    picture = ImagePart("/tmp/clock.png", "image/png")
    turn = await a_turn(a_use(FakeTools(output=ToolOutput((picture,)))), calls(("clock_time", "{}")), Reply())
    committed = [event.message for event in turn.events if isinstance(event, MessageCommitted)]
    assert committed[1].parts == (ToolResultPart("call0", "(a picture)"), picture)
