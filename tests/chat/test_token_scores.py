"""Where the text of a reply ends before one of its tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_tui.chat.token_scores import ScoredReply, TokenScores, parts_up_to
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.events import ReplyStarted, TokenChance, TokenScored
from mistral_tui.types.messages import Message, ReasoningPart, TextPart
from tests.stubs.tokens import chance, scored, texts

pytestmark = pytest.mark.core


@given(st.text(min_size=1), st.data())
def test_the_text_before_any_token_is_found(text: str, data: st.DataObject) -> None:
    tokens = [scored(character) for character in text]
    index = data.draw(st.integers(0, len(tokens)))
    reply = Message("assistant", (TextPart(text),))
    assert parts_up_to(reply, ScoredReply(tokens=tokens), index, chance("!")) == (TextPart(text[:index] + "!"),)


THINKING = Message("assistant", (ReasoningPart("I see.", 2.0), TextPart("Yes, it is.")))
MARKED = ["<think>", "\n", "I", " see.", "\n", "</think>", "\n\n", "Yes", ", it", " is.", "<|end|>"]


def test_thoughts_and_answer_are_cut_where_the_token_is() -> None:
    reply = ScoredReply(tokens=[scored(each) for each in MARKED])
    assert parts_up_to(THINKING, reply, 3, chance(" know.")) == (ReasoningPart("I know.", 2.0),)
    assert parts_up_to(THINKING, reply, 8, chance("!")) == (THINKING.parts[0], TextPart("Yes!"))
    assert parts_up_to(THINKING, reply, 10, chance(" Or not.")) == (THINKING.parts[0], TextPart("Yes, it is. Or not."))
    for index in (0, 5, 6):
        with pytest.raises(InvalidRequest, match="no text of the reply ends there"):
            parts_up_to(THINKING, reply, index, chance("x"))


def test_a_mark_and_a_piece_of_a_character_cannot_stand_in_a_text() -> None:
    reply, tokens = Message("assistant", (TextPart("Yes"),)), ScoredReply(tokens=[scored("Yes")])
    with pytest.raises(InvalidRequest, match="is a mark"):
        parts_up_to(reply, tokens, 0, chance("<|end|>", control=True))
    with pytest.raises(InvalidRequest, match="piece of a character"):
        parts_up_to(reply, tokens, 0, TokenChance("\ufffd", b"\xf0\x9f", 1, -1.0))


def test_a_reply_that_goes_on_keeps_its_tokens_but_not_its_end() -> None:
    scores = TokenScores()
    reply = Message("assistant", (TextPart("Yes"),))
    scores.follow(ReplyStarted(Message("assistant", (), id=reply.id)))
    for token in ("Yes", "<|end|>"):
        scores.follow(scored(token))
    scores.follow(ReplyStarted(reply))
    scores.follow(scored(" sir"))
    found = scores.of(reply.id)
    assert found is not None
    assert texts(found.tokens) == ["Yes", " sir"]


def test_what_was_written_unwatched_leads() -> None:
    scores = TokenScores()
    reply = Message("assistant", (TextPart("Yes"),))
    scores.follow(ReplyStarted(reply))
    scores.follow(scored(" sir", " madam"))
    found = scores.of(reply.id)
    assert found is not None
    assert found.lead == "Yes"
    whole = Message("assistant", (TextPart("Yes sir"),))
    assert parts_up_to(whole, found, 0, chance(" madam")) == (TextPart("Yes madam"),)


def test_tokens_that_belong_to_no_reply_are_let_go() -> None:
    scores = TokenScores()
    scores.follow(TokenScored(chance("x"), ()))
    assert scores.of("x") is None
