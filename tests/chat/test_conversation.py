import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_tui.chat.conversation import Conversation
from mistral_tui.types.messages import FilePart, Message, Role, TextPart
from mistral_tui.types.sessions import TITLE_LENGTH, Session, title_from
from mistral_tui.types.text import printable_line

pytestmark = pytest.mark.core


def message(words: str, role: Role = "user", **fields: str | None) -> Message:
    return msgspec.structs.replace(Message(role, (TextPart(words),), id=words), **fields)


def ids(messages: tuple[Message, ...]) -> list[str]:
    return [message.id for message in messages]


def test_branches_are_added_and_nothing_is_destroyed() -> None:
    conversation = Conversation()
    for words in ("a", "b", "c"):
        conversation.append(message(words))
    conversation.select("a")
    conversation.append(message("b2"))
    assert ids(conversation.path()) == ["a", "b2"]
    assert ids(conversation.siblings("b")) == ids(conversation.siblings("b2")) == ["b", "b2"]
    assert ids(conversation.children("b")) == ["c"]
    conversation.select(conversation.latest_leaf("b"))
    assert ids(conversation.path()) == ["a", "b", "c"]
    conversation.select(None)
    conversation.append(message("a2"))
    assert ids(conversation.path()) == ["a2"]
    assert ids(conversation.siblings("a")) == ["a", "a2"]
    assert len(conversation) == 5


def test_a_message_that_nothing_follows_can_be_taken_back() -> None:
    conversation = Conversation()
    conversation.append(message("a"))
    conversation.append(message("b"))
    with pytest.raises(ValueError, match="answered"):
        conversation.remove("a")
    conversation.remove("b")
    assert ids(conversation.path()) == ["a"]
    assert conversation.session.title == "a"
    conversation.remove("a")
    assert conversation.path() == ()
    assert conversation.session.title == ""


def test_a_session_that_begins_with_a_file_is_named_after_it() -> None:
    conversation = Conversation()
    conversation.append(Message("user", (FilePart("notes.txt", "content"),)))
    assert conversation.session.title == "notes.txt"


def test_a_replaced_message_keeps_its_place() -> None:
    conversation = Conversation()
    conversation.append(message("a"))
    conversation.append(message("b"))
    conversation.replace(msgspec.structs.replace(conversation["b"], parts=(), parent_id="elsewhere"))
    assert conversation.path()[1].parent_id == "a"
    assert conversation.path()[1].parts == ()


def test_the_stored_leaf_decides_which_branch_is_active() -> None:
    messages = [message("a"), message("b", parent_id="a"), message("b2", parent_id="a")]
    assert ids(Conversation(Session(leaf_id="b"), messages).path()) == ["a", "b"]
    assert ids(Conversation(Session(leaf_id="lost"), messages).path()) == ["a", "b2"]


parents = st.lists(st.integers(min_value=-2, max_value=12), max_size=12)


@given(parents, st.integers(min_value=-1, max_value=12))
def test_any_damaged_tree_can_be_walked(parent_of: list[int], leaf: int) -> None:
    messages = [message(str(index), parent_id=str(parent)) for index, parent in enumerate(parent_of)]
    conversation = Conversation(Session(leaf_id=str(leaf)), messages)
    reached: list[str] = []
    waiting = list(conversation.children(None))
    while waiting:
        current = waiting.pop()
        reached.append(current.id)
        waiting += conversation.children(current.id)
    assert sorted(reached) == sorted(conversation_message.id for conversation_message in messages)
    for each in messages:
        conversation.select(each.id)
        assert conversation.path()[-1] == each
        assert conversation.latest_leaf(each.id) in conversation
        assert each in conversation.siblings(each.id)


@given(st.lists(st.tuples(st.sampled_from(["append", "select", "remove"]), st.integers(min_value=0, max_value=20))))
def test_a_conversation_that_is_stored_and_read_again_is_the_same(steps: list[tuple[str, int]]) -> None:
    conversation = Conversation()
    for number, (step, target) in enumerate(steps):
        existing = ids(conversation.messages)
        if step == "append" or not existing:
            conversation.append(message(str(number)))
        elif step == "select":
            conversation.select(existing[target % len(existing)])
        else:
            conversation.remove(conversation.latest_leaf(existing[target % len(existing)]))
    again = Conversation(conversation.session, conversation.messages)
    assert again.messages == conversation.messages
    if conversation.leaf_id is not None:
        assert again.path() == conversation.path()
    for message_id in ids(conversation.messages):
        assert again.siblings(message_id) == conversation.siblings(message_id)


@given(st.text())
def test_a_title_is_one_short_harmless_line(prompt: str) -> None:
    title = title_from(prompt)
    assert len(title) <= TITLE_LENGTH
    assert title == printable_line(title)


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        ("\n  Two\twords \nmore", "Two words"),
        ("\x1b[31mred\x1b]0;x\x07 rose", "red rose"),
        ("word " * 30, "word word word word word word word word word word word word…"),
        ("x" * 100, "x" * 59 + "…"),
        ("a\ud800b", "a\ufffdb"),
    ],
)
def test_titles(prompt: str, title: str) -> None:
    assert title_from(prompt) == title
