import pytest

from mistral_tui.models.context_size import LEAST_CHATS, MOST_CHATS, chats_at_once

pytestmark = pytest.mark.core

GB = 10**9


@pytest.mark.parametrize(
    ("of_one", "free", "expected"),
    [
        (GB, 100 * GB, MOST_CHATS),
        (GB, 14 * GB, 7),
        (GB, GB, LEAST_CHATS),
        (0, 100 * GB, LEAST_CHATS),
    ],
)
def test_how_many_chats_there_may_be_depends_on_the_memory(of_one: int, free: int, expected: int) -> None:
    assert chats_at_once(None, of_one, free) == expected


def test_what_the_person_asks_for_counts() -> None:
    assert chats_at_once(2, GB, 100 * GB) == 2
