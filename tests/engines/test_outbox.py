import pytest

from mistral_tui.engines.worker.outbox import Outbox
from mistral_tui.types.events import (
    Finished,
    PromptProgress,
    ReasoningDelta,
    TextDelta,
    TokenChance,
    TokenScored,
    ToolCallDelta,
)
from mistral_tui.types.messages import Usage

pytestmark = pytest.mark.core


def test_adjacent_text_is_merged_and_counts_its_tokens() -> None:
    outbox = Outbox()
    for text in ("Hel", "lo", " there"):
        outbox.put(TextDelta(text))
    assert outbox.take() == (TextDelta("Hello there", tokens=3),)
    assert outbox.empty


def test_reasoning_text_and_calls_are_merged_each_for_itself() -> None:
    outbox = Outbox()
    for event in (
        *(ReasoningDelta("I "), ReasoningDelta("think"), TextDelta("So", 0), TextDelta(".")),
        *(ToolCallDelta(0, "x", "look"), ToolCallDelta(0, arguments='{"a":'), ToolCallDelta(0, arguments=" 1}")),
        *(ToolCallDelta(1, "y", "see"), ToolCallDelta(1, arguments="{}")),
    ):
        outbox.put(event)
    assert outbox.take() == (
        ReasoningDelta("I think", 2),
        TextDelta("So.", 1),
        ToolCallDelta(0, "x", "look", '{"a": 1}', 3),
        ToolCallDelta(1, "y", "see", "{}", 2),
    )


def test_newer_progress_replaces_older() -> None:
    outbox = Outbox()
    for done in range(5):
        outbox.put(PromptProgress(done, 5))
    outbox.put(TextDelta("a"))
    assert outbox.take() == (PromptProgress(4, 5), TextDelta("a"))


def test_nothing_follows_the_last_event() -> None:
    outbox = Outbox()
    end = Finished("stop", Usage())
    outbox.put(end)
    outbox.put(TextDelta("late"))
    outbox.put(Finished("cancelled", Usage()))
    assert outbox.take() == (end,)


def test_a_full_outbox_tells_the_engine_when_it_has_room_again() -> None:
    outbox = Outbox(text_limit=4)
    seen: list[str] = []
    outbox.on_writable = lambda: seen.append("woken, still full" if outbox.full else "woken")
    for text in ("abc", "abcd"):
        outbox.put(TextDelta(text))
        seen.append(f"{text}: {'full' if outbox.full else 'room'}")
        outbox.take()
    assert seen == ["abc: room", "abcd: full", "woken"]


def test_the_reader_is_woken_by_the_first_event_the_first_text_and_the_end_only() -> None:
    woken: list[str] = []
    outbox = Outbox(on_filled=lambda: woken.append(state))
    state = "progress"
    outbox.put(PromptProgress(1, 2))
    outbox.put(PromptProgress(2, 2))
    state = "first text"
    outbox.put(TextDelta("a"))
    state = "more text"
    outbox.put(TextDelta("b"))
    outbox.take()
    state = "after taking"
    outbox.put(TextDelta("c"))
    outbox.put(TextDelta("d"))
    state = "end"
    outbox.put(Finished("stop", Usage()))
    assert woken == ["progress", "first text", "after taking", "end"]


def test_scores_stay_in_their_place_and_count_as_text() -> None:
    outbox = Outbox(text_limit=500)
    scored = TokenScored(TokenChance("a", b"a", 1, -0.5), (TokenChance("b", b"b", 2, -0.1),))
    for event in (TextDelta("x"), scored, TextDelta("a"), TextDelta("b")):
        outbox.put(event)
    assert outbox.take() == (TextDelta("x"), scored, TextDelta("ab", tokens=2))
    for _ in range(5):
        assert not outbox.full
        outbox.put(scored)
    assert outbox.full
    outbox.take()
    assert not outbox.full
