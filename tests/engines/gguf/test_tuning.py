"""What `tune` chooses, what it leaves alone, and that a load takes what was chosen."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mistral_tui.engines.gguf import tuning
from mistral_tui.engines.gguf.library import log
from mistral_tui.engines.gguf.machine import machine
from mistral_tui.engines.gguf.model import Model
from mistral_tui.engines.gguf.placement import Placement
from mistral_tui.engines.gguf.tuning import Rates, Tuner
from mistral_tui.engines.jobs import tuned as kept
from mistral_tui.engines.jobs.tuned import Tuned, key_of, read_tuned, tuned_file, with_tuned, write_tuned
from mistral_tui.types.choices import KvType
from mistral_tui.types.errors import ModelError
from mistral_tui.types.models import LoadOptions
from tests.engines.gguf.conftest import open_engine
from tests.engines.gguf.tiny_experts import write_experts

pytestmark = pytest.mark.core

Speed = Callable[[LoadOptions], float]


@pytest.fixture
def model(tmp_path: Path) -> Iterator[Model]:
    path = write_experts(tmp_path / "tiny.gguf")
    model = Model(str(path), "tiny", Placement(), False, lambda fraction: None, lambda: False)
    yield model
    model.close()


@pytest.fixture
def chosen(model: Model, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Tuned]:
    """Return a function that tells what is chosen on a machine with four cores and this speed."""
    monkeypatch.setattr(tuning, "usable_cores", lambda: 4)

    def choose(speed: Speed, take_kv_type: bool = False, **options: Any) -> Tuned:
        def measure(model: Model, options: LoadOptions, prompt: int, reply: int) -> Rates:
            times = speed(options)
            return Rates(1000 * times, 100 * times)

        monkeypatch.setattr(tuning, "_measure", measure)
        kv_types: tuple[KvType, ...] = ("f16", "q8_0")
        tuner = Tuner(model, LoadOptions(**options), lambda step: None)
        found = tuner.run(kv_types, take_kv_type=take_kv_type)
        for setting in ("threads", "flash attention", "batch", "KV cache"):
            assert sum(trial.chosen for trial in tuner.trials if trial.setting == setting) <= 1
        return found

    return choose


def test_where_all_is_alike_nothing_is_chosen(chosen: Callable[..., Tuned]) -> None:
    assert chosen(lambda options: 1.0) == Tuned()


def test_what_is_a_little_better_is_not_chosen_and_what_is_clearly_better_is(chosen: Callable[..., Tuned]) -> None:
    assert chosen(lambda options: 1.04 if options.flash_attention == "on" else 1.0) == Tuned()
    found = chosen(lambda options: 1.06 if options.flash_attention == "on" else 1.0)
    assert found == Tuned(flash_attention="on")


def test_each_setting_is_found(chosen: Callable[..., Tuned]) -> None:
    assert chosen(lambda options: 2.0 if options.threads == 2 else 1.0) == Tuned(threads=2)
    assert chosen(lambda options: 2.0 if options.batch_tokens == 128 else 1.0) == Tuned(batch_tokens=128)


def test_what_was_better_only_once_is_not_chosen(chosen: Callable[..., Tuned]) -> None:
    measured = iter([2.0, 1.0] * 20)
    assert chosen(lambda options: next(measured) if options.threads == 1 else 1.0).threads is None


def test_a_less_precise_kv_cache_is_named_only_by_the_fast_profile(chosen: Callable[..., Tuned]) -> None:
    def speed(options: LoadOptions) -> float:
        return 2.0 if options.kv_type == "q8_0" else 1.0

    assert chosen(speed) == Tuned()
    assert chosen(speed, take_kv_type=True) == Tuned(kv_type="q8_0")


def test_what_is_fixed_is_not_measured(chosen: Callable[..., Tuned]) -> None:
    def speed(options: LoadOptions) -> float:
        assert (options.threads, options.flash_attention, options.batch_tokens) == (3, "off", 64)
        return 1.0

    assert chosen(speed, threads=3, flash_attention="off", batch_tokens=64, kv_type="bf16") == Tuned()


def test_what_the_model_cannot_have_is_left_out(chosen: Callable[..., Tuned]) -> None:
    def speed(options: LoadOptions) -> float:
        if options.kv_type == "q8_0":
            raise ModelError("its heads do not suit")
        return 1.0

    assert chosen(speed, take_kv_type=True) == Tuned()


# What was chosen is kept, and a load takes it.


def loaded_with(path: Path, **options: Any) -> tuple[str, str]:
    """Return flash attention and batch as llama.cpp names them."""
    client = open_engine(path, n_ctx=256, max_seqs=1, **options)
    said = {name.split()[1]: value for name, _, value in (line.partition("= ") for line in log().lines) if value}
    client.close()
    return said["flash_attn"], said["n_batch"]


def test_a_load_takes_what_was_chosen_where_nothing_was_asked_for(smollm2: Path) -> None:
    write_tuned(tuned_file(), key_of(smollm2, machine(Placement())), Tuned(1, "on", 128))
    assert loaded_with(smollm2) == ("enabled", "128")
    assert loaded_with(smollm2, flash_attention="off", batch_tokens=64) == ("disabled", "64")


def test_flash_attention_that_a_kv_type_needs_stays_on() -> None:
    options = LoadOptions(kv_type="q8_0")
    assert with_tuned(options, Tuned(flash_attention="off")) == options


def test_a_changed_file_another_machine_and_an_unknown_model_have_no_choice(tmp_path: Path) -> None:
    model, file = tmp_path / "m.gguf", tmp_path / "cache" / "tune.json"
    model.write_bytes(b"GGUF")
    write_tuned(file, key_of(model, "here"), Tuned(threads=3))
    assert read_tuned(file, key_of(model, "here")) == Tuned(threads=3)
    assert read_tuned(file, key_of(model, "there")) is None
    model.write_bytes(b"GGUF, changed")
    assert read_tuned(file, key_of(model, "here")) is None
    assert read_tuned(file, key_of(tmp_path / "nowhere", "here")) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not JSON",
        b"[]",
        b'{"choices": {"k": {"threads": "many"}}}',
        b'{"schema_version": 9, "choices": {"k": {}}}',
    ],
)
def test_a_damaged_file_is_ignored_and_written_anew(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "tune.json"
    file.write_bytes(content)
    assert read_tuned(file, "k") is None
    write_tuned(file, "k", Tuned(threads=2))
    assert read_tuned(file, "k") == Tuned(threads=2)


def test_the_file_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_MOST_CHOICES", 2)
    file = tmp_path / "tune.json"
    for key in ("old", "newer", "newest"):
        write_tuned(file, key, Tuned(threads=1))
    assert list(json.loads(file.read_text("utf-8"))["choices"]) == ["newer", "newest"]
