import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_tui.engines.gguf.kv.cache import KvCache, Sequence
from mistral_tui.engines.gguf.text.transcript import Transcript
from mistral_tui.types.models import Adapter
from tests.engines.gguf.fakes import CellsOfSequences, FakeContext, as_context

pytestmark = pytest.mark.core

END = -1
"""A token that comes after all others."""


def begun(cache: KvCache, chat: str, tokens: list[int]) -> Sequence:
    """Let a request of `chat` compute these tokens, or take them over."""
    prefixes = cache.prefixes([*tokens, END], ())
    best = max(prefixes, key=lambda prefix: prefix.ready)
    sequence = cache.claim(chat, spare=best.sequence)
    cache.begin_with(sequence, best, ())
    sequence.transcript = Transcript(list(tokens))
    sequence.computed = len(tokens)
    return sequence


def used(cache: KvCache, chat: str, tokens: int) -> Sequence:
    """Let a request of `chat` come and go and leave so many tokens that no other chat has."""
    sequence = begun(cache, chat, [ord(chat[:1] or "?") * 1000 + number for number in range(tokens)])
    cache.release(sequence)
    return sequence


def test_a_chat_gets_its_own_sequence_back() -> None:
    cache = KvCache(as_context(FakeContext()), 3)
    first = used(cache, "a", 10)
    used(cache, "b", 10)
    assert cache.claim("a") is first
    assert first.computed == 10


def test_the_longest_unused_chat_makes_way() -> None:
    cache = KvCache(as_context(FakeContext()), 2)
    first = used(cache, "a", 10)
    used(cache, "b", 10)
    assert used(cache, "c", 5) is first
    assert first.computed == 5


def test_busy_sequences_are_not_idle() -> None:
    cache = KvCache(as_context(FakeContext()), 1)
    cache.claim("a")
    assert cache.own("a") is None
    assert not cache.has_idle


def test_room_is_made_from_idle_chats_only_as_far_as_needed() -> None:
    cache = KvCache(as_context(FakeContext(cells=100)), 3)
    used(cache, "a", 40)
    kept = used(cache, "b", 40)
    assert cache.make_room(50)
    assert cache.free_cells == 60
    assert kept.computed == 40
    assert cache.claim("b") is kept
    assert not cache.make_room(90)


def test_a_request_without_a_chat_leaves_nothing() -> None:
    cache = KvCache(as_context(FakeContext()), 1)
    assert used(cache, "", 10).computed == 0


def test_a_forgotten_chat_is_gone_when_its_request_is_done() -> None:
    cache = KvCache(as_context(FakeContext()), 2)
    sequence = begun(cache, "a", list(range(10)))
    cache.forget("a")
    assert sequence.computed == 10
    cache.release(sequence)
    assert sequence.computed == 0


def test_two_requests_of_one_chat_leave_one_sequence() -> None:
    cache = KvCache(as_context(FakeContext()), 2)
    first, second = begun(cache, "a", list(range(10))), begun(cache, "a", list(range(20, 30)))
    assert first is not second
    cache.release(first)
    cache.release(second)
    assert (first.computed, second.computed) == (0, 10)


def test_a_model_that_cannot_give_up_a_part_gives_up_all() -> None:
    cache = KvCache(as_context(FakeContext(parts=False)), 1)
    sequence = used(cache, "a", 10)
    cache.keep(sequence, 5)
    assert sequence.computed == 0


def test_what_two_chats_begin_with_takes_its_cells_once() -> None:
    context = FakeContext(cells=100)
    cache = KvCache(as_context(context), 3)
    first = begun(cache, "a", [1, 2, 3, 4, 5])
    second = begun(cache, "b", [1, 2, 3, 8, 9])
    assert context.copied == [(first.number, second.number, 3)]
    assert cache.free_cells == 100 - 5 - 2
    third = begun(cache, "c", [1, 2, 3, 8, 7])
    assert context.copied[1:] == [(second.number, third.number, 4)]
    assert cache.free_cells == 100 - 5 - 2 - 1


def test_cells_are_free_when_the_last_that_shares_them_has_gone() -> None:
    cache = KvCache(as_context(FakeContext(cells=100)), 3)
    chats = [begun(cache, chat, [1, 2, 3, 4, number]) for number, chat in enumerate("abc")]
    assert cache.free_cells == 100 - 7
    cache.keep(chats[0], 2)
    assert cache.free_cells == 100 - 6
    cache.clear(chats[1])
    assert cache.free_cells == 100 - 5
    cache.clear(chats[2])
    assert cache.free_cells == 100 - 2


def test_only_what_was_computed_with_the_same_adapters_is_shared() -> None:
    cache = KvCache(as_context(FakeContext()), 2)
    begun(cache, "a", [1, 2, 3])
    assert max(prefix.ready for prefix in cache.prefixes([1, 2, 3, 4], ())) == 3
    assert cache.prefixes([1, 2, 3, 4], (Adapter("one.gguf"),)) == []


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.lists(st.integers(0, 2), max_size=8)), max_size=30))
def test_free_cells_are_those_that_no_sequence_has(steps: list[tuple[str, list[int]]]) -> None:
    context = CellsOfSequences()
    cache = KvCache(as_context(context), 3)
    for chat, tokens in steps:
        sequence = begun(cache, chat, tokens)
        context.compute(sequence.number, len(tokens))
        assert cache.free_cells == context.cells - context.used
        cache.release(sequence)
        assert cache.free_cells == context.cells - context.used
