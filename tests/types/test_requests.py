import math
from typing import Any

import msgspec
import pytest

from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.models import SamplingDefaults
from mistral_tui.types.requests import SamplingParams

pytestmark = pytest.mark.core

HUGE = 10**5000
NUMBERS = [
    name
    for name, field in ((field.name, field) for field in msgspec.structs.fields(SamplingParams))
    if field.type in (int, float, int | None, float | None)
]


@pytest.mark.parametrize("name", [*NUMBERS, "mirostat"])
@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, -1e300, HUGE, -HUGE, "1", True, [HUGE], b"1"], ids=range(10)
)
def test_no_number_takes_what_makes_no_sense(name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest, match=rf"^{name} is .*; it must be"):
        SamplingParams(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("temperature", 2.1, "temperature is 2.1; it must be from 0 to 2"),
        ("top_k", 1.5, "top_k is of type float; it must be a whole number"),
        ("top_p", 0.0, "top_p must be above 0"),
        ("typical_p", 0, "typical_p must be above 0"),
        ("repetition_penalty", 1e-9, "must be from 0.01 to 2"),
        ("dry_base", 0.5, "must be from 1 to 10"),
        ("seed", 2**32 - 1, "seed is 4294967295; it must be from 0 to 4294967294"),
        ("top_logprobs", 21, "from 0 to 20"),
        ("top_logprobs", 5, "ask for them with logprobs, too"),
        ("stop", "END", "stop is of type str; it must be a list of texts"),
        ("stop", ("",), "a text of stop is empty"),
        ("stop", ("x" * 1025,), "longer than 1024 bytes"),
        ("stop", ("x",) * 257, "stop has 257 texts; at most 256"),
        ("dry_sequence_breakers", ("x",) * 10**6, "has 1000000 texts; at most 16"),
        ("dry_sequence_breakers", ("\0",), "is empty or holds a NUL"),
        ("dry_sequence_breakers", ("ü" * 21,), "longer than 40 bytes"),
        ("dry_sequence_breakers", (1,), "must be a list of texts"),
        ("logit_bias", {-1: 1.0}, "a token of logit_bias is -1"),
        ("logit_bias", {1.5: 1.0}, "a token of logit_bias is of type float; it must be a whole number"),
        ("logit_bias", {1: 101}, "the logit_bias of 1 is 101; it must be from -100 to 100"),
        ("logit_bias", {1: math.nan}, "the logit_bias of 1 is nan"),
        ("logit_bias", {"": 1}, "a text of logit_bias is empty"),
        ("logit_bias", dict.fromkeys(range(1025), 1.0), "has 1025 tokens; at most 1024"),
        ("logit_bias", [(1, 1)], "it must be pairs"),
    ],
)
def test_what_is_refused_is_told_in_one_line(name: str, value: Any, reason: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        SamplingParams(**{name: value})
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 200


def test_what_is_left_open_is_up_to_the_model() -> None:
    defaults = SamplingDefaults(temperature=0.6, top_k=20, mirostat=2)
    chosen = SamplingParams(temperature=0.0, min_p=0.0).over(defaults)
    assert chosen == SamplingDefaults(temperature=0.0, top_k=20, min_p=0.0, mirostat=2)
    assert SamplingParams().over(SamplingDefaults()) == SamplingDefaults()
