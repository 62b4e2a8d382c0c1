"""One prompt, several answers: who answers when, what becomes of the branches, and of what fails."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_tui.chat.branching import select_branch
from mistral_tui.chat.compare import Contestant, plan, planned
from mistral_tui.chat.events import ChatEvent, ChatFailed, ChoiceEvent, PromptReturned
from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.workspace import Workspace
from mistral_tui.engines.preflight import Taken
from mistral_tui.types.errors import InvalidRequest, MistralTuiError, NotEnoughMemory
from mistral_tui.types.events import Finished, TextDelta, TurnEnded
from mistral_tui.types.models import LoadOptions, LoadProgress, ModelEntry
from mistral_tui.types.pool import PoolLimits
from mistral_tui.types.requests import GenerateRequest, SamplingParams
from tests.stubs.engines import ENTRY, LOADED, FakeEngine, FakePool, Reply

pytestmark = pytest.mark.core

OTHER = ModelEntry("other", Path("/models/other.gguf"), "gguf", 1_000_000, downloaded=True)
THIRD = ModelEntry("third", Path("/models/third.gguf"), "gguf", 1_000_000, downloaded=True)
WARM = GenerateRequest(sampling=SamplingParams(temperature=1.0))


def contestant(entry: ModelEntry, request: GenerateRequest = WARM) -> Contestant:
    return Contestant(entry.name, entry, request)


class ManyModels(FakePool):
    """A pool with an engine for each model; some cannot be loaded."""

    def __init__(self, replies: dict[str, Reply], errors: dict[str, MistralTuiError] | None = None) -> None:
        super().__init__()
        self.errors = errors or {}
        self.engines = {
            name: FakeEngine([reply], model=msgspec.structs.replace(LOADED, name=name))
            for name, reply in replies.items()
        }

    async def acquire(self, entry: ModelEntry, options: LoadOptions, on_progress: object = None) -> FakeEngine:
        self.loads.append(entry)
        if entry.name in self.errors:
            raise self.errors[entry.name]
        return self.engines[entry.name]


def heard(chat: LiveChat) -> list[ChatEvent]:
    events: list[ChatEvent] = []
    chat.subscribe(events.append)
    return events


def when(chat: LiveChat, kind: type) -> asyncio.Event:
    """Return what is set once a contestant is at an event of this kind."""
    seen = asyncio.Event()

    def listen(event: ChatEvent) -> None:
        if isinstance(event, ChoiceEvent) and isinstance(event.event, kind):
            seen.set()

    chat.subscribe(listen)
    return seen


# Who answers when


def test_models_that_share_cores_answer_one_after_the_other() -> None:
    comparison = planned([contestant(ENTRY), contestant(OTHER)], lambda entry: True, lambda entries: True)
    assert comparison.rounds == ((0,), (1,))
    assert comparison.alone(0)
    assert comparison.apart == ("cores", "cores")


def test_one_model_answers_with_all_settings_at_the_same_time() -> None:
    comparison = planned(
        [contestant(ENTRY), contestant(OTHER), contestant(ENTRY, GenerateRequest())],
        lambda entry: True,
        lambda all: True,
    )
    assert comparison.rounds == ((0, 2), (1,))
    assert [comparison.alone(number) for number in range(3)] == [False, True, False]


def test_models_of_other_machines_answer_at_the_same_time_as_long_as_they_fit() -> None:
    def fit(entries: Sequence[ModelEntry]) -> bool:
        return len(entries) < 3

    three = [contestant(entry) for entry in (ENTRY, OTHER, THIRD)]
    crowded = planned(three, lambda entry: False, fit)
    assert (crowded.rounds, crowded.apart) == (((0, 1), (2,)), (None, None, "memory"))
    assert planned(three, lambda entry: entry is OTHER, fit).rounds == ((0,), (1,), (2,))


def test_models_that_the_memory_budget_has_no_room_for_together_answer_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def check(entry: ModelEntry, options: LoadOptions, taken: Sequence[Taken], budget: int | None) -> int:
        if budget is not None and sum(each.bytes for each in taken) + entry.size_bytes > budget:
            raise NotEnoughMemory("too much")
        return entry.size_bytes

    monkeypatch.setattr("mistral_tui.chat.compare.may_be_accelerated", lambda: True)
    monkeypatch.setattr("mistral_tui.chat.compare.check_content", check)
    two = [contestant(OTHER), contestant(THIRD)]
    assert plan(two, LoadOptions(), PoolLimits()).rounds == ((0, 1),)
    for limits in (PoolLimits(memory_budget=1_500_000), PoolLimits(max_loaded=1)):
        comparison = plan(two, LoadOptions(), limits)
        assert (comparison.rounds, comparison.apart) == (((0,), (1,)), (None, "memory"))


@given(
    st.lists(st.sampled_from([ENTRY, OTHER, THIRD]), min_size=2, max_size=4),
    st.sets(st.sampled_from(["fake-1M", "other", "third"])),
    st.booleans(),
)
def test_everyone_answers_exactly_once(entries: list[ModelEntry], sharing: set[str], fits: bool) -> None:
    comparison = planned([contestant(e) for e in entries], lambda e: e.name in sharing, lambda all: fits)
    assert sorted(number for round in comparison.rounds for number in round) == list(range(len(entries)))
    for numbers in comparison.rounds:
        models = {entries[number].name for number in numbers}
        assert len(models) == 1 or (fits and not models & sharing)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_fewer_than_two_or_more_than_four_are_refused(count: int) -> None:
    with pytest.raises(InvalidRequest, match="from 2 to 4"):
        planned([contestant(ENTRY)] * count, lambda entry: True, lambda all: True)


# In a chat


async def test_each_reply_is_a_branch_and_the_chosen_one_is_kept() -> None:
    pool = ManyModels({"fake-1M": Reply(["one"]), "other": Reply(["two"])})
    workspace = Workspace(pool, None, ENTRY)
    chat = workspace.new_chat()
    events = heard(chat)
    comparison = await workspace.compare(chat, [contestant(ENTRY), contestant(OTHER)], "which?")
    await chat.wait()
    assert comparison.rounds == ((0,), (1,))
    prompt, reply = chat.conversation.path()
    assert (prompt.text, reply.text, reply.model) == ("which?", "one", "fake-1M")
    replies = chat.conversation.siblings(reply.id)
    assert [each.text for each in replies] == ["one", "two"]
    assert [e.choice for e in events if isinstance(e, ChoiceEvent) and isinstance(e.event, Finished)] == [0, 1]
    select_branch(chat, replies[1].id)
    assert chat.conversation.path()[-1].text == "two"
    assert len(chat.conversation) == 3
    await workspace.close()


async def test_models_that_share_cores_are_asked_when_the_one_before_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mistral_tui.chat.compare.may_be_accelerated", lambda: False)
    hold = asyncio.Event()
    pool = ManyModels({"fake-1M": Reply(["one ", "more"], hold=hold), "other": Reply(["two"])})
    workspace = Workspace(pool, None, ENTRY)
    chat = workspace.new_chat()
    begun = when(chat, TextDelta)
    await workspace.compare(chat, [contestant(ENTRY), contestant(OTHER)], "which?")
    await begun.wait()
    assert pool.loads == [ENTRY]
    hold.set()
    await chat.wait()
    assert pool.loads == [ENTRY, OTHER]
    await workspace.close()


async def test_the_settings_of_each_contestant_reach_the_model() -> None:
    pool = ManyModels({"fake-1M": Reply(["one"])})
    workspace = Workspace(pool, None, ENTRY)
    chat = workspace.new_chat()
    cold = GenerateRequest(sampling=SamplingParams(temperature=0.0))
    await workspace.compare(chat, [contestant(ENTRY), contestant(ENTRY, cold)], "which?")
    await chat.wait()
    assert [request.sampling.temperature for request in pool.engines["fake-1M"].requests] == [1.0, 0.0]
    assert all(request.messages[-1].text == "which?" for request in pool.engines["fake-1M"].requests)
    await workspace.close()


async def test_without_words_the_last_prompt_is_answered_anew() -> None:
    pool = ManyModels({"fake-1M": Reply(["one"]), "other": Reply(["two"])})
    workspace = Workspace(pool, None, ENTRY)
    chat = workspace.new_chat()
    with pytest.raises(InvalidRequest, match="no prompt"):
        await workspace.compare(chat, [contestant(ENTRY), contestant(OTHER)])
    chat.send("hello")
    await chat.wait()
    await workspace.compare(chat, [contestant(ENTRY), contestant(OTHER)])
    await chat.wait()
    assert [each.text for each in chat.conversation.siblings(chat.conversation.path()[-1].id)] == ["one", "one", "two"]
    await workspace.close()


async def test_one_that_cannot_be_loaded_does_not_keep_the_others_from_answering() -> None:
    pool = ManyModels({"other": Reply(["two"])}, {"fake-1M": NotEnoughMemory("too large")})
    workspace = Workspace(pool, None, ENTRY)
    chat = workspace.new_chat()
    events = heard(chat)
    await workspace.compare(chat, [contestant(ENTRY), contestant(OTHER)], "which?")
    await chat.wait()
    assert ChoiceEvent(0, TurnEnded("failed", "too large")) in events
    assert [message.text for message in chat.conversation.path()] == ["which?", "two"]
    await workspace.close()


async def test_if_none_can_be_loaded_the_prompt_stays_and_the_reason_is_told() -> None:
    pool = ManyModels({}, {name: NotEnoughMemory("too large") for name in ("fake-1M", "other")})
    workspace = Workspace(pool, None, ENTRY)
    chat = workspace.new_chat()
    events = heard(chat)
    await workspace.compare(chat, [contestant(ENTRY), contestant(OTHER)], "which?")
    await chat.wait()
    assert isinstance(events[-1], ChatFailed)
    assert "too large" in str(events[-1].error)
    assert [message.text for message in chat.conversation.path()] == ["which?"]
    await workspace.close()


async def test_a_cancel_keeps_what_was_said_and_asks_nobody_else() -> None:
    pool = ManyModels({"fake-1M": Reply(["one ", "more"], hold=asyncio.Event()), "other": Reply(["two"])})
    workspace = Workspace(pool, None, ENTRY, LoadOptions(cpu=True))
    chat = workspace.new_chat()
    said = when(chat, TextDelta)
    await workspace.compare(chat, [contestant(ENTRY), contestant(OTHER)], "which?")
    await said.wait()
    chat.cancel()
    await chat.wait()
    reply = chat.conversation.path()[-1]
    assert (reply.text, reply.finish) == ("one ", "cancelled")
    assert pool.loads == [ENTRY]
    await workspace.close()


async def test_a_cancel_before_the_first_word_gives_the_prompt_back() -> None:
    class Slow(ManyModels):
        async def acquire(self, entry: ModelEntry, options: LoadOptions, on_progress: object = None) -> FakeEngine:
            assert callable(on_progress)
            on_progress(LoadProgress("loading", 0.4))
            await asyncio.Event().wait()
            raise AssertionError

    workspace = Workspace(Slow({}), None, ENTRY)
    chat = workspace.new_chat()
    events = heard(chat)
    loading = when(chat, LoadProgress)
    await workspace.compare(chat, [contestant(ENTRY), contestant(OTHER)], "which?")
    await loading.wait()
    chat.cancel()
    await chat.wait()
    assert isinstance(events[-1], PromptReturned)
    assert events[-1].text == "which?"
    assert not len(chat.conversation)
    await workspace.close()
