import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_tui.engines.gguf.media.places import MediaRun, Medium, key_of, run_tokens
from mistral_tui.engines.gguf.text.transcript import Transcript
from tests.engines.gguf.fakes import FakeVocabulary, as_vocabulary

pytestmark = pytest.mark.core

WORDS = st.text("abc \n", min_size=1, max_size=12)
TURNS = st.lists(WORDS, min_size=1, max_size=4)


def rendered(turns: list[str], bos: str = "<s>") -> str:
    """Return a prompt whose turns are those of the user and the model by turns."""
    names = ("<|user|>", "<|bot|>")
    said = "".join(f"{names[index % 2]}{text}<|end|>" for index, text in enumerate(turns))
    return f"{bos}{said}<|bot|>"


def answered(transcript: Transcript, reply: str, vocabulary: FakeVocabulary) -> None:
    """Let the model write `reply` in single characters, as it never would be tokenized."""
    for character in reply:
        (token,) = vocabulary.tokenize(character, beginning=False)
        transcript.append(token, character.encode())


@given(TURNS, WORDS, TURNS, st.integers(0, 5), st.sampled_from(["<s>", ""]))
def test_whatever_follows_stands_for_exactly_the_prompt(
    turns: list[str], reply: str, later: list[str], kept: int, bos: str
) -> None:
    vocabulary = FakeVocabulary()
    first, _ = Transcript().followed_by(rendered(turns, bos), as_vocabulary(vocabulary))
    answered(first, reply, vocabulary)
    prompt = rendered(([*turns, reply])[:kept] + later, bos)
    second, shared = first.followed_by(prompt, as_vocabulary(vocabulary))
    assert vocabulary.text(second.tokens) == "<s>" + prompt.removeprefix("<s>")
    assert second.text == prompt
    assert second.tokens[:shared] == first.tokens[:shared]
    third, again = second.followed_by(rendered(turns, bos), as_vocabulary(vocabulary))
    assert vocabulary.text(third.tokens) == "<s>" + rendered(turns, bos).removeprefix("<s>")
    assert third.tokens[:again] == second.tokens[:again]


def test_the_next_turn_shares_prompt_and_reply_and_tokenizes_only_the_rest() -> None:
    vocabulary = FakeVocabulary()
    first, _ = Transcript().followed_by(rendered(["abc abc"]), as_vocabulary(vocabulary))
    answered(first, "abcabc", vocabulary)
    vocabulary.tokenized = 0
    prompt = rendered(["abc abc", "abcabc", "more"])
    second, shared = first.followed_by(prompt, as_vocabulary(vocabulary))
    assert shared == len(first.tokens)
    assert second.tokens[:shared] == first.tokens
    assert vocabulary.tokenized == len(prompt) - len(rendered(["abc abc"]) + "abcabc")


def test_an_edit_shares_everything_before_the_edited_message() -> None:
    vocabulary = FakeVocabulary()
    first, _ = Transcript().followed_by(rendered(["one", "two", "three"]), as_vocabulary(vocabulary))
    second, shared = first.followed_by(rendered(["one", "two", "four"]), as_vocabulary(vocabulary))
    assert vocabulary.text(second.tokens[:shared]).endswith("two<|end|><|user|>")


def test_the_seam_is_at_a_control_token_because_text_may_merge_across_it() -> None:
    vocabulary = FakeVocabulary()
    first, _ = Transcript().followed_by("<s><|user|>ab", as_vocabulary(vocabulary))
    second, _ = first.followed_by("<s><|user|>abc", as_vocabulary(vocabulary))
    assert second.tokens == vocabulary.tokenize("<s><|user|>abc", beginning=True)


def test_a_token_for_the_beginning_that_the_template_leaves_out_is_added_once() -> None:
    vocabulary = FakeVocabulary()
    first, _ = Transcript().followed_by("<|user|>a<|end|>", as_vocabulary(vocabulary))
    assert vocabulary.text(first.tokens) == "<s><|user|>a<|end|>"
    second, shared = first.followed_by("<|user|>a<|end|><|user|>b", as_vocabulary(vocabulary))
    assert vocabulary.text(second.tokens) == "<s><|user|>a<|end|><|user|>b"
    assert shared == len(first.tokens)


def test_nothing_is_shared_with_an_empty_transcript() -> None:
    _, shared = Transcript().followed_by(rendered(["a"]), as_vocabulary(FakeVocabulary()))
    assert shared == 0


MEDIA = {
    key_of(name): Medium(key_of(name), pieces)
    for name, pieces in (
        (b"picture", (MediaRun(run_tokens(key_of(b"picture"), 0, 5), 5, None, whole=False),)),
        (b"framed", ((2, 3), MediaRun(run_tokens(key_of(b"framed"), 0, 4), 4, None, whole=True), (4,))),
        (b"plane", (MediaRun(run_tokens(key_of(b"plane"), 0, 6), 3, ((0, 0, 0),) * 6, whole=False),)),
        (b"cut", (MediaRun(run_tokens(key_of(b"cut"), 0, 2), 2, None, False), (2,)) * 2),
    )
}
SAID = st.lists(st.one_of(WORDS, st.sampled_from([medium.mark for medium in MEDIA.values()])), min_size=1, max_size=4)


@given(st.lists(SAID, min_size=1, max_size=3), WORDS, st.lists(SAID, min_size=1, max_size=3), st.integers(0, 4))
def test_media_take_their_places_whatever_is_around_them(
    turns: list[list[str]], reply: str, later: list[list[str]], kept: int
) -> None:
    vocabulary = FakeVocabulary()
    said = ["".join(words) for words in turns]
    first, _ = Transcript().followed_by(rendered(said), as_vocabulary(vocabulary), MEDIA)
    answered(first, reply, vocabulary)
    prompt = rendered([*said, reply][:kept] + ["".join(words) for words in later])
    second, shared = first.followed_by(prompt, as_vocabulary(vocabulary), MEDIA)
    fresh, _ = Transcript().followed_by(prompt, as_vocabulary(vocabulary), MEDIA)
    assert second.tokens[:shared] == first.tokens[:shared]
    assert [(placed.key, placed.number) for placed in second.placed] == [
        (placed.key, placed.number) for placed in fresh.placed
    ]
    for placed in second.placed:
        assert tuple(second.tokens[placed.begin : placed.end]) == placed.run.tokens
    inside = {place for placed in second.placed for place in range(placed.begin, placed.end)}
    assert {place for place, token in enumerate(second.tokens) if token < 0} == inside
    saved = sum(len(placed.run.tokens) - placed.run.positions for placed in second.placed)
    assert second.position(len(second.tokens)) == len(second.tokens) - saved
    for length in range(len(second.tokens) + 1):
        assert length - second.cut(length) < 6
        assert second.cut(second.cut(length)) == second.cut(length)


def test_another_picture_in_the_same_place_shares_only_what_is_before_it() -> None:
    vocabulary = FakeVocabulary()
    one, other = (MEDIA[key_of(name)] for name in (b"picture", b"plane"))
    first, _ = Transcript().followed_by(rendered([f"a{one.mark}b"]), as_vocabulary(vocabulary), MEDIA)
    _, shared = first.followed_by(rendered([f"a{other.mark}b"]), as_vocabulary(vocabulary), MEDIA)
    assert shared == first.placed[0].begin


def test_a_mark_of_a_picture_that_the_prompt_does_not_have_is_text() -> None:
    vocabulary = FakeVocabulary()
    mark = Medium(key_of(b"unknown"), ()).mark
    transcript, _ = Transcript().followed_by(rendered([mark]), as_vocabulary(vocabulary), MEDIA)
    assert transcript.placed == []
    assert vocabulary.text(transcript.tokens) == rendered([mark])
