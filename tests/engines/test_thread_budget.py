"""The cores of the machine, shared by the models that compute."""

import pytest

from mistral_tui.engines.thread_budget import divide

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("cores", "fixed", "shares"),
    [
        (2, [None], [2]),
        (2, [None, None], [1, 1]),
        (2, [None, None, None], [1, 1, 1]),
        (8, [None, None, None], [3, 3, 2]),
        (8, [None, 5, None], [2, 5, 1]),
        (4, [6, None], [6, 1]),
        (4, [3, 4], [3, 4]),
        (4, [], []),
    ],
)
def test_what_is_not_given_away_is_shared_evenly(cores: int, fixed: list[int | None], shares: list[int]) -> None:
    assert divide(cores, fixed) == shares
