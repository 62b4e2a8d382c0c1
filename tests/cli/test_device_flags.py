"""Flags and settings about devices: what they load a model with, and what a wrong one is told."""

from pathlib import Path
from typing import Any

import pytest

from mistral_tui.cli import ask
from mistral_tui.cli.flags import ModelFlags
from mistral_tui.cli.main import RootFlags, main
from mistral_tui.cli.setup import Setup
from mistral_tui.types.models import LoadOptions

pytestmark = pytest.mark.core


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    monkeypatch.setenv("MISTRAL_TUI_CONFIG", str(path))
    return path


def options(*arguments: str, before: ModelFlags | None = None) -> LoadOptions:
    call = ask.parse([*arguments, "a prompt"], before or RootFlags())
    return Setup.read(strict=True).load_options(call)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-n", "20"], {"n_gpu_layers": 20}),
        (["--num-device-layers", "0:10; 1:20"], {"device_layers": ((0, 10), (1, 20))}),
        (["-n", "1:7;"], {"device_layers": ((1, 7),)}),
        (["--cpu"], {"cpu": True}),
        (["--tensor-split", "3,1"], {"tensor_split": (3.0, 1.0)}),
        (["--cpu-moe"], {"cpu_moe": -1}),
        (["--n-cpu-moe", "4"], {"cpu_moe": 4}),
        (["--rpc", "10.0.0.2:50052, 10.0.0.3:50052"], {"rpc": ("10.0.0.2:50052", "10.0.0.3:50052")}),
        (["--kv-type", "q8_0", "--flash-attn", "on"], {"kv_type": "q8_0", "flash_attention": "on"}),
        (["--batch-size", "64"], {"batch_tokens": 64}),
    ],
)
def test_each_flag_is_an_option_of_the_load(settings: Path, arguments: list[str], expected: dict[str, Any]) -> None:
    assert options(*arguments) == LoadOptions(**expected)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-n", "many"], "neither a number of layers, as in 20, nor layers for accelerators, as in 0:20;1:12"),
        (["-n", "0:10;20"], "as in 0:20;1:12"),
        (["-n", "0:10;0:5"], "names each accelerator once"),
        (["-n", "-3"], "as in 20"),
        (["--tensor-split", "much,more"], "write them as in 3,1"),
        (["--tensor-split", "0,0"], "tensor_split is shares"),
        (["--tensor-split", "nan,1"], "tensor_split is shares"),
        (["--rpc", "somewhere"], "'somewhere' is no RPC worker; write HOST:PORT"),
        (["--rpc", "::1:50052"], "write HOST:PORT"),
        (["--rpc", "a:1,a:1"], "names each worker once"),
        (["--cpu", "--rpc", "10.0.0.2:50052"], "cpu leaves all accelerators and RPC workers alone"),
        (["--kv-type", "q9"], "invalid choice: 'q9'"),
        (["--kv-type", "q4_0", "--flash-attn", "off"], "a KV cache of type q4_0 needs flash attention"),
        (["--batch-size", "5"], "batch_tokens is 5; it must be from 32 to 8192"),
    ],
)
def test_a_wrong_flag_is_told_what_it_should_look_like(
    arguments: list[str], says: str, settings: Path, smollm2: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments[:1], *arguments[1:], "ask", "-m", str(smollm2), "Hello"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert says in error


def test_settings_name_devices_too(settings: Path) -> None:
    settings.write_text('device_layers = [[0, 5], [1, 6]]\nkv_type = "q8_0"\nbatch_tokens = 256\n', "utf-8")
    assert options() == LoadOptions(device_layers=((0, 5), (1, 6)), kv_type="q8_0", batch_tokens=256)


@pytest.mark.parametrize(
    ("set_to", "arguments", "expected"),
    [
        ("device_layers = [[0, 5]]", ["-n", "3"], {"n_gpu_layers": 3}),
        ("n_gpu_layers = 3", ["-n", "1:9"], {"device_layers": ((1, 9),)}),
        ("cpu = true", ["-n", "3"], {"n_gpu_layers": 3}),
        ('rpc = ["10.0.0.2:50052"]', ["--cpu"], {"cpu": True}),
    ],
)
def test_a_flag_wins_over_what_the_settings_say_of_devices(
    settings: Path, set_to: str, arguments: list[str], expected: dict[str, Any]
) -> None:
    settings.write_text(set_to + "\n", "utf-8")
    assert options(*arguments) == LoadOptions(**expected)


def test_settings_that_contradict_each_other_are_named(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings.write_text('cpu = true\nrpc = ["10.0.0.2:50052"]\n', "utf-8")
    setup = Setup.read(strict=False)
    assert setup.settings.load_options() == LoadOptions(cpu=True)
    assert "line 2, rpc: cpu leaves all accelerators and RPC workers alone" in setup.notices[0]


def test_the_last_word_on_layers_counts(settings: Path) -> None:
    before = RootFlags(device_layers=((0, 5),))
    assert options("-n", "3", before=before) == LoadOptions(n_gpu_layers=3)
