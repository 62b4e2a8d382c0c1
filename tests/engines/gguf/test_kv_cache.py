import pytest

from mistral_tui.engines.gguf.kv_cache import KvCache, Sequence
from tests.engines.gguf.fakes import FakeContext, as_context

pytestmark = pytest.mark.core


def used(cache: KvCache, chat: str, tokens: int) -> Sequence:
    """Let a request of `chat` come and go and leave so many tokens."""
    sequence = cache.claim(chat)
    assert sequence is not None
    sequence.transcript.tokens[:] = range(tokens)
    sequence.computed = tokens
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
    claimed = cache.claim("c")
    assert claimed is first
    assert claimed.computed == 0


def test_busy_sequences_are_never_given_away() -> None:
    cache = KvCache(as_context(FakeContext()), 1)
    assert cache.claim("a") is not None
    assert cache.claim("b") is None
    assert cache.claim("a") is None


def test_room_is_made_from_idle_chats_only_as_far_as_needed() -> None:
    cache = KvCache(as_context(FakeContext(cells=100)), 3)
    used(cache, "a", 40)
    kept = used(cache, "b", 40)
    assert cache.make_room(50)
    assert cache.free_cells == 60
    assert kept.computed == 40
    busy = cache.claim("b")
    assert busy is not None
    assert not cache.make_room(90)


def test_a_request_without_a_chat_leaves_nothing() -> None:
    cache = KvCache(as_context(FakeContext()), 1)
    assert used(cache, "", 10).computed == 0


def test_a_forgotten_chat_is_gone_when_its_request_is_done() -> None:
    cache = KvCache(as_context(FakeContext()), 2)
    sequence = cache.claim("a")
    assert sequence is not None
    sequence.computed = 10
    cache.forget("a")
    assert sequence.computed == 10
    cache.release(sequence)
    assert sequence.computed == 0


def test_two_requests_of_one_chat_leave_one_sequence() -> None:
    cache = KvCache(as_context(FakeContext()), 2)
    first, second = cache.claim("a"), cache.claim("a")
    assert first is not None and second is not None and first is not second
    first.computed = second.computed = 10
    cache.release(first)
    cache.release(second)
    assert (first.computed, second.computed) == (0, 10)


def test_a_model_that_cannot_give_up_a_part_gives_up_all() -> None:
    cache = KvCache(as_context(FakeContext(parts=False)), 1)
    sequence = used(cache, "a", 10)
    cache.keep(sequence, 5)
    assert sequence.computed == 0
