"""Whether a model fits: the estimate against llama.cpp's own figures, and what a person is told."""

from pathlib import Path

import pytest

from mistral_tui.models import memory_fit
from mistral_tui.models.gguf_header import GgufHeader, read_header
from mistral_tui.models.memory_fit import check_fit, estimate, free_memory
from mistral_tui.types.errors import ModelError, NotEnoughMemory
from mistral_tui.types.models import LoadOptions
from tests.engines.gguf.tiny_experts import EXPERT_BYTES, LAYERS, write_experts

pytestmark = pytest.mark.core
MB = 2**20


@pytest.fixture
def header(smollm2: Path) -> GgufHeader:
    return read_header(smollm2)


@pytest.mark.parametrize(("cells", "kv", "compute"), [(4096, 90, 99), (32768, 720, 646)])
def test_the_estimate_is_what_llama_cpp_reserves(header: GgufHeader, cells: int, kv: int, compute: int) -> None:
    needed = estimate(header, cells)
    assert needed.kv_cache == kv * MB
    assert needed.weights == pytest.approx(92.1 * MB, rel=0.01)
    assert compute * 0.98 * MB <= needed.compute <= compute * 1.15 * MB


def test_what_fits_is_let_through(header: GgufHeader) -> None:
    assert check_fit(header, LoadOptions(), 2**40).total < 2**30


def test_what_does_not_fit_is_refused_with_the_numbers_and_a_context_that_fits(header: GgufHeader) -> None:
    options = LoadOptions(n_ctx=8192, max_seqs=1)
    free = check_fit(header, options, 2**40).total - 1
    with pytest.raises(NotEnoughMemory, match=r"needs about 0\.56 GB of memory and 0\.56 GB are free") as caught:
        check_fit(header, options, free)
    fitting = int(str(caught.value).split("--n-ctx ")[1].split(")")[0])
    assert 4096 < fitting < 8192
    check_fit(header, LoadOptions(n_ctx=fitting, max_seqs=1), free)
    with pytest.raises(NotEnoughMemory):
        check_fit(header, LoadOptions(n_ctx=fitting + 256, max_seqs=1), free)


def test_an_enormous_context_is_refused(header: GgufHeader) -> None:
    with pytest.raises(NotEnoughMemory, match="fits with a context of"):
        check_fit(header, LoadOptions(n_ctx=2**31 - 1), 2**33)


def test_without_any_context_that_fits_the_size_of_a_model_is_named(header: GgufHeader) -> None:
    with pytest.raises(NotEnoughMemory, match=r"a model of up to 0\.\d\d GB fits; --force loads it anyway"):
        check_fit(header, LoadOptions(), 300 * 10**6)


def test_force_overrides(header: GgufHeader) -> None:
    assert check_fit(header, LoadOptions(force=True), 1).total > 1


def test_the_limit_of_a_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_fit, "_CGROUP", tmp_path)
    everything = free_memory()
    (tmp_path / "memory.max").write_text("400000000\n", "ascii")
    (tmp_path / "memory.current").write_text("350000000\n", "ascii")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 40000000\n", "ascii")
    if Path("/proc/self/cgroup").exists():
        assert free_memory() == 90_000_000
    (tmp_path / "memory.max").write_text("max\n", "ascii")
    assert free_memory() == pytest.approx(everything, rel=0.5)


def test_what_goes_to_other_devices_is_left_out_and_counted_there(header: GgufHeader) -> None:
    everything = estimate(header, 4096)
    half = estimate(header, 4096, LoadOptions(n_gpu_layers=15), accelerated=True)
    assert half.kv_cache == everything.kv_cache * 16 // 30  # the output is the 15th layer, and has none
    assert half.weights + half.kv_cache + half.on_devices == everything.weights + everything.kv_cache
    remote = estimate(header, 4096, LoadOptions(rpc=("127.0.0.1:1",)))
    assert (remote.kv_cache, remote.weights) == (0, header.input_bytes)
    for options in (LoadOptions(n_gpu_layers=15), LoadOptions(cpu=True), LoadOptions()):
        assert estimate(header, 4096, options).on_devices == 0
    assert estimate(header, 4096, LoadOptions(cpu=True), accelerated=True).on_devices == 0


def test_experts_that_stay_are_counted_here(tmp_path: Path) -> None:
    mixture = read_header(write_experts(tmp_path / "tiny.gguf"))
    assert mixture.expert_bytes == LAYERS * EXPERT_BYTES

    def weights(cpu_moe: int) -> int:
        return estimate(mixture, 256, LoadOptions(cpu_moe=cpu_moe), accelerated=True).weights

    assert [weights(layers) for layers in (0, 1, LAYERS, -1)] == [
        mixture.input_bytes + layers * EXPERT_BYTES for layers in (0, 1, LAYERS, LAYERS)
    ]


def test_a_kv_type_that_does_not_suit_the_heads_is_refused(tmp_path: Path) -> None:
    tiny = read_header(write_experts(tmp_path / "tiny.gguf"))
    with pytest.raises(ModelError, match="its heads have 16 values, no multiple of 32; take f16 or bf16"):
        check_fit(tiny, LoadOptions(kv_type="q8_0"), 2**40)
    check_fit(tiny, LoadOptions(kv_type="bf16"), 2**40)
