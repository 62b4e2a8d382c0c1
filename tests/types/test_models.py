import msgspec
import pytest

from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.models import LoadOptions

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_ctx", 0),
        ("n_ctx", -5),
        ("n_ctx", 2**31),
        ("max_seqs", 0),
        ("max_seqs", 1000),
        ("threads", 0),
        ("threads", 10**6),
        ("n_gpu_layers", -1),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_its_range(name: str, value: int) -> None:
    with pytest.raises(InvalidRequest, match=f"{name} is {value}; it must be from"):
        msgspec.structs.replace(LoadOptions(), **{name: value})


def test_the_limits_themselves_are_allowed() -> None:
    LoadOptions(n_ctx=1, max_seqs=256, threads=512, n_gpu_layers=0)
