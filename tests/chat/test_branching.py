"""Editing, going on, deleting and forking: everything adds to the tree, and nothing of it is lost."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_tui.chat.branching import (
    Deletion,
    continue_from,
    delete_message,
    reword_reply,
    select_branch,
    undo_deletion,
    watch_tokens,
)
from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.events import ChatEvent, ChatFailed, PromptReturned
from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.workspace import Workspace
from mistral_tui.store.store import Store
from mistral_tui.types.errors import InvalidRequest, ModelNotFound
from mistral_tui.types.events import ReasoningDelta, ReplyStarted, TextDelta, ToolCallDelta, TurnEnded
from mistral_tui.types.messages import Message, ReasoningPart, Role, TextPart
from tests.stubs.engines import ENTRY, FakeEngine, FakePool, Reply
from tests.stubs.tokens import chance, scored, texts, told

pytestmark = pytest.mark.core


def chat_with(*replies: Reply, store: Store | None = None) -> tuple[LiveChat, FakeEngine]:
    engine = FakeEngine(list(replies) or [Reply()])
    return Workspace(FakePool(engine), store, ENTRY).new_chat(), engine


async def say(chat: LiveChat, text: str, instead_of: str | None = None) -> Message:
    chat.send(text, instead_of=instead_of)
    await chat.wait()
    return chat.conversation.path()[-1]


def said(chat: LiveChat) -> list[str]:
    return [message.text for message in chat.conversation.path()]


async def test_an_edited_prompt_is_answered_beside_the_first_one() -> None:
    chat, engine = chat_with(Reply(["one"]), Reply(["two"]))
    await say(chat, "first")
    prompt = chat.conversation.path()[0]
    await say(chat, "second", instead_of=prompt.id)
    assert said(chat) == ["second", "two"]
    assert [message.text for message in engine.requests[1].messages] == ["second"]
    select_branch(chat, prompt.id)
    assert said(chat) == ["first", "one"]


async def test_any_prompt_or_reply_is_answered_again() -> None:
    chat, _ = chat_with(Reply(["one"]), Reply(["two"]), Reply(["three"]))
    reply = await say(chat, "a")
    await say(chat, "b")
    chat.retry(reply.id)
    await chat.wait()
    assert said(chat) == ["a", "three"]
    assert [message.text for message in chat.conversation.siblings(reply.id)] == ["one", "three"]


async def test_a_reply_that_was_stopped_goes_on_in_its_place() -> None:
    chat, engine = chat_with(Reply(["one "], reason="length"), Reply(["two"]))
    reply = await say(chat, "a")
    events: list[ChatEvent] = []
    chat.subscribe(events.append)
    chat.go_on(reply.id)
    await chat.wait()
    assert said(chat) == ["a", "one two"]
    assert engine.requests[1].continues
    assert [message.text for message in engine.requests[1].messages] == ["a", "one "]
    assert [event.message.id for event in events if isinstance(event, ReplyStarted)] == [reply.id]
    assert chat.conversation[reply.id].finish == "stop"
    assert len(chat.conversation) == 2


async def test_a_reply_that_something_follows_goes_on_beside_it() -> None:
    chat, _ = chat_with(Reply(["one "]), Reply(["two"]), Reply(["three"]))
    reply = await say(chat, "a")
    await say(chat, "b")
    chat.go_on(reply.id)
    await chat.wait()
    assert said(chat) == ["a", "one three"]
    select_branch(chat, reply.id)
    assert said(chat) == ["a", "one ", "b", "two"]


async def test_what_was_thought_so_far_goes_on_as_a_thought() -> None:
    chat, engine = chat_with(
        Reply([ReasoningDelta("Let me")], reason="length"), Reply([ReasoningDelta(" see."), TextDelta("Yes.")])
    )
    reply = await say(chat, "a")
    chat.go_on(reply.id)
    await chat.wait()
    assert len(engine.requests[1].messages) == 2
    thought, text = chat.conversation.path()[-1].parts
    assert isinstance(thought, ReasoningPart)
    assert (thought.text, text) == ("Let me see.", TextPart("Yes."))


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply([ToolCallDelta(0, "1", "look")], reason="tool_calls"), "calls tools"),
        (Reply([]), "no beginning"),
    ],
)
async def test_a_reply_that_cannot_be_left_open_says_so(reply: Reply, said: str) -> None:
    chat, _ = chat_with(reply)
    message = await say(chat, "a")
    with pytest.raises(InvalidRequest, match=said):
        chat.go_on(message.id)
    with pytest.raises(InvalidRequest, match="only a reply"):
        chat.go_on(chat.conversation.path()[0].id)


async def test_a_reply_is_reworded_without_asking_the_model() -> None:
    chat, engine = chat_with(Reply(["It is Lyon."]))
    reply = await say(chat, "a")
    reword_reply(chat, reply.id, "It is Paris.")
    assert said(chat) == ["a", "It is Paris."]
    assert len(engine.requests) == 1
    await say(chat, "b")
    assert [message.text for message in engine.requests[1].messages] == ["a", "It is Paris.", "b"]
    for text, message_id in (("  ", reply.id), ("x", chat.conversation.path()[0].id)):
        with pytest.raises(InvalidRequest):
            reword_reply(chat, message_id, text)


async def test_a_deleted_message_is_hidden_with_what_follows_and_comes_back() -> None:
    chat, engine = chat_with(Reply(["one"]), Reply(["two"]), Reply(["three"]))
    await say(chat, "a")
    await say(chat, "b")
    prompt = chat.conversation.path()[2]
    deletion = delete_message(chat, prompt.id)
    assert said(chat) == ["a", "one"]
    await say(chat, "c")
    assert [message.text for message in engine.requests[2].messages] == ["a", "one", "c"]
    undo_deletion(chat, deletion)
    assert said(chat) == ["a", "one", "b", "two"]
    assert len(chat.conversation.siblings(prompt.id)) == 2


async def test_a_deleted_branch_gives_way_to_the_one_beside_it() -> None:
    chat, _ = chat_with(Reply(["one"]), Reply(["two"]))
    reply = await say(chat, "a")
    chat.retry()
    await chat.wait()
    delete_message(chat, chat.conversation.path()[-1].id)
    assert said(chat) == ["a", "one"]
    delete_message(chat, reply.id)
    assert said(chat) == ["a"]
    delete_message(chat, chat.conversation.path()[0].id)
    assert said(chat) == []
    assert chat.conversation.children(None) == ()


async def test_while_a_reply_is_written_the_tree_stays() -> None:
    chat, _ = chat_with(Reply(["one"]))
    reply = await say(chat, "a")
    chat.send("b")
    for change in (
        lambda: chat.retry(reply.id),
        lambda: chat.go_on(reply.id),
        lambda: reword_reply(chat, reply.id, "x"),
        lambda: select_branch(chat, reply.id),
        lambda: delete_message(chat, reply.id),
        lambda: undo_deletion(chat, Deletion((), None)),
        lambda: continue_from(chat, reply.id, 0, chance("x")),
    ):
        with pytest.raises(InvalidRequest, match="still being written"):
            change()
    await chat.wait()


@pytest.mark.parametrize("failing", [True, False])
async def test_a_branch_that_is_given_up_before_it_begins_leaves_the_chat_as_it_was(failing: bool) -> None:
    pool = FakePool(FakeEngine([Reply(["one"]), Reply(["two"])]))
    chat = Workspace(pool, None, ENTRY).new_chat()
    await say(chat, "a")
    reply = chat.conversation.path()[1]
    await say(chat, "b")
    before, leaf = chat.conversation.messages, chat.conversation.leaf_id

    async def no_engine(*_: object) -> FakeEngine:
        raise ModelNotFound("gone")

    if failing:
        chat._get_engine = no_engine
    events: list[ChatEvent] = []
    chat.subscribe(events.append)
    beginnings: list[Callable[[], None]] = [lambda: chat.go_on(reply.id), lambda: chat.retry(reply.id)]
    for begin in beginnings:
        begin()
        if not failing:
            chat.cancel()
        await chat.wait()
        assert (chat.conversation.messages, chat.conversation.leaf_id) == (before, leaf)
    assert isinstance(events[-1], ChatFailed if failing else TurnEnded)
    if not failing:
        chat.send("c", instead_of=reply.id)
        chat.cancel()
        await chat.wait()
        assert isinstance(events[-1], PromptReturned)
        assert (chat.conversation.messages, chat.conversation.leaf_id) == (before, leaf)


async def test_a_fork_has_said_the_same_and_goes_its_own_way(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    engine = FakeEngine([Reply(["one"]), Reply(["two"]), Reply(["three"])])
    workspace = Workspace(FakePool(engine), Store(path), ENTRY)
    chat = workspace.new_chat(system_prompt="Be brief.")
    reply = await say(chat, "a")
    await say(chat, "b")
    fork = workspace.fork(chat, reply.id)
    await say(fork, "c")
    assert said(fork) == ["a", "one", "c", "three"]
    assert said(chat) == ["a", "one", "b", "two"]
    await workspace.close()
    again = Workspace(FakePool(engine), Store(path), ENTRY)
    resumed = await again.open_chat(fork.conversation.session.id)
    assert said(resumed) == ["a", "one", "c", "three"]
    assert resumed.conversation.session.title == "↳ a"
    assert resumed.conversation.session.system_prompt == "Be brief."
    await again.close()


async def test_branches_and_deletions_are_remembered(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    workspace = Workspace(FakePool(FakeEngine([Reply(["one"]), Reply(["two"]), Reply(["hidden"])])), Store(path), ENTRY)
    chat = workspace.new_chat()
    reply = await say(chat, "a")
    chat.retry()
    await chat.wait()
    other = chat.conversation.path()[-1]
    chat.retry()
    await chat.wait()
    delete_message(chat, chat.conversation.path()[-1].id)
    select_branch(chat, reply.id)
    await workspace.close()
    store = Store(path)
    assert store.search("hidden") == []
    assert len(store.search("two")) == 1
    again = Workspace(FakePool(), store, ENTRY)
    resumed = await again.open_chat(chat.conversation.session.id)
    assert said(resumed) == ["a", "one"]
    assert [message.id for message in resumed.conversation.siblings(reply.id)] == [reply.id, other.id]
    assert len(resumed.conversation) == 4
    await again.close()


async def test_tokens_are_scored_while_they_are_watched() -> None:
    chat, engine = chat_with(Reply(told("The", " sky")), Reply(["plain"]))
    watch_tokens(chat, True)
    reply = await say(chat, "a")
    assert engine.requests[0].sampling.logprobs
    assert engine.requests[0].sampling.top_logprobs > 0
    found = chat.scores.of(reply.id)
    assert found is not None
    assert texts(found.tokens) == ["The", " sky"]
    watch_tokens(chat, False)
    other = await say(chat, "b")
    assert not engine.requests[1].sampling.logprobs
    assert chat.scores.of(other.id) is None


async def test_a_reply_is_written_anew_from_an_alternative() -> None:
    tokens = told("The", scored(" sky", " sea"), " is", " blue", scored("<|end|>", control=True))
    chat, engine = chat_with(Reply(tokens), Reply(told(" is", " wet")))
    watch_tokens(chat, True)
    reply = await say(chat, "a")
    continue_from(chat, reply.id, 1, chance(" sea"))
    await chat.wait()
    assert said(chat) == ["a", "The sea is wet"]
    assert engine.requests[1].continues
    assert engine.requests[1].messages[-1].text == "The sea"
    assert len(chat.conversation.siblings(reply.id)) == 2
    anew = chat.scores.of(chat.conversation.path()[-1].id)
    assert anew is not None
    assert texts(anew.tokens) == ["The", " sea", " is", " wet"]
    with pytest.raises(InvalidRequest, match="not known"):
        continue_from(chat, reply.id, 9, chance("x"))


TREE = st.lists(st.tuples(st.sampled_from(["say", "beside", "delete", "undo", "select"]), st.integers(0, 30)))


@given(TREE)
def test_whatever_is_done_to_the_tree_nothing_is_lost_and_it_can_be_walked(steps: list[tuple[str, int]]) -> None:
    conversation = Conversation()
    deletions: list[tuple[tuple[str, ...], str | None]] = []
    made = 0
    for step, target in steps:
        shown = [message.id for message in conversation.messages if not message.hidden]
        if step == "undo" and deletions:
            hidden, leaf = deletions.pop()
            conversation.show(hidden)
            conversation.select(leaf)
        elif step == "say" or not shown:
            made += 1
            role: Role = "assistant" if made % 2 else "user"
            conversation.append(Message(role, (TextPart(str(made)),)))
        elif step == "beside":
            made += 1
            conversation.select(conversation.parent_id(shown[target % len(shown)]))
            conversation.append(Message("user", (TextPart(str(made)),)))
        elif step == "delete":
            leaf = conversation.leaf_id
            hidden = tuple(message.id for message in conversation.hide(shown[target % len(shown)]))
            deletions.append((hidden, leaf))
        elif step == "select":
            conversation.select(conversation.latest_leaf(shown[target % len(shown)]))
        assert len(conversation) == made
        assert not any(message.hidden for message in conversation.path())
        for message in conversation.path():
            assert message in conversation.siblings(message.id)
    again = Conversation(conversation.session, conversation.messages)
    assert again.messages == conversation.messages
    assert not any(message.hidden for message in again.path())
    while deletions:
        hidden, leaf = deletions.pop()
        conversation.show(hidden)
    assert not any(message.hidden for message in conversation.messages)


@given(TREE, st.integers(0, 30))
def test_a_fork_says_the_same_under_other_names(steps: list[tuple[str, int]], end: int) -> None:
    conversation = Conversation()
    for number, (_, target) in enumerate(steps):
        shown = conversation.messages
        if shown and target % 3 == 0:
            conversation.select(shown[target % len(shown)].id)
        conversation.append(Message("user", (TextPart(str(number)),)))
    if not len(conversation):
        return
    path = conversation.path_to(conversation.messages[end % len(conversation)].id)
    fork = conversation.fork(path[-1].id)
    assert [message.text for message in fork.path()] == [message.text for message in path]
    assert not {message.id for message in fork.messages} & {message.id for message in conversation.messages}
