"""Every flag of sampling reaches the engine; settings and flags before the command are the defaults."""

from pathlib import Path

import pytest

from mistral_tui.cli.ask import parse
from mistral_tui.cli.flags import ModelFlags, SamplingFlags
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.requests import SamplingParams
from tests.cli.ask.asking import ask, write_settings
from tests.stubs.engines import FakePool

pytestmark = pytest.mark.core


async def test_flags_reach_the_engine(model: Path) -> None:
    pool = FakePool()
    options = "--temperature 0.5 --top-k 3 --top-p 0.9 --min-p 0.1 --seed 7 --max-tokens 9 --repetition-penalty 1.1"
    await ask(pool, *options.split(), "--stop", "END", "-m", str(model), "Hi")
    sampling = pool.engine.requests[0].sampling
    assert (sampling.temperature, sampling.top_k, sampling.top_p, sampling.min_p) == (0.5, 3, 0.9, 0.1)
    assert (sampling.seed, sampling.max_tokens, sampling.repetition_penalty) == (7, 9, 1.1)
    assert sampling.stop == ("END",)
    assert pool.loads[0].path == model


async def test_every_sampling_flag_reaches_the_engine(model: Path) -> None:
    pool = FakePool()
    flags = (
        "--dynatemp-range 0.1 --dynatemp-exponent 2 --typical-p 0.9 --top-n-sigma 1.5 --xtc-probability 0.2"
        " --xtc-threshold 0.3 --dry-multiplier 0.8 --dry-base 2 --dry-allowed-length 3 --dry-penalty-window 99"
        " --dry-sequence-breaker a --dry-sequence-breaker b --mirostat 2 --mirostat-tau 4 --mirostat-eta 0.2"
        " --penalty-window 9 --frequency-penalty 0.5 --presence-penalty 0.6 --logit-bias a=b=-1 --logit-bias x=2"
    )
    await ask(pool, *flags.split(), "-m", str(model), "Hi")
    assert pool.engine.requests[0].sampling == SamplingParams(
        dynatemp_range=0.1,
        dynatemp_exponent=2.0,
        typical_p=0.9,
        top_n_sigma=1.5,
        xtc_probability=0.2,
        xtc_threshold=0.3,
        dry_multiplier=0.8,
        dry_base=2.0,
        dry_allowed_length=3,
        dry_penalty_window=99,
        dry_sequence_breakers=("a", "b"),
        mirostat=2,
        mirostat_tau=4.0,
        mirostat_eta=0.2,
        penalty_window=9,
        frequency_penalty=0.5,
        presence_penalty=0.6,
        logit_bias={"a=b": -1.0, "x": 2.0},
    )


async def test_settings_are_the_defaults_of_flags(model: Path) -> None:
    write_settings(f'default_model = "{model}"\ntemperature = 0.25\ntop_k = 5\n')
    pool = FakePool()
    await ask(pool, "--top-k", "6", "Hi")
    sampling = pool.engine.requests[0].sampling
    assert (sampling.temperature, sampling.top_k) == (0.25, 6)
    assert pool.loads[0].path == model


@pytest.mark.parametrize("bias", ["Paris", "=5", "Paris=much"])
def test_a_bias_is_a_text_and_a_number(bias: str) -> None:
    with pytest.raises(InvalidRequest, match=r"is not TEXT=NUMBER, such as ' Paris=-5'"):
        parse(("--logit-bias", bias, "Hi"), ModelFlags())


def test_sampling_flags_may_stand_before_the_command() -> None:
    flags = SamplingFlags(temperature=0.5, top_k=3)
    call = parse(("--top-k", "4", "Hi"), flags)
    assert (call.temperature, call.top_k) == (0.5, 4)


def test_flags_before_the_command_are_defaults() -> None:
    flags = ModelFlags(model="outer", seed=1)
    assert parse(("--seed", "2", "Hi"), flags).seed == 2
    assert parse(("Hi",), flags).model == "outer"
