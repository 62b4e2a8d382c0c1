"""Quantizing a real model, in its child process."""

import asyncio
import struct
from pathlib import Path

import pytest

from mistral_tui.engines.gguf.imatrix import read_imatrix
from mistral_tui.engines.jobs.quantization import Quantization, QuantizeProgress, quantize
from mistral_tui.models.gguf_header import read_header
from mistral_tui.models.gguf_reader import read_raw
from mistral_tui.types.errors import BadModelFile, InvalidRequest, ModelError
from tests.engines.gguf.client import user
from tests.engines.gguf.conftest import open_engine
from tests.stubs.gguf import GgufFile

pytestmark = pytest.mark.quant


def ignore(progress: QuantizeProgress) -> None:
    pass


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def imatrix(path: Path, **sizes: int) -> Path:
    """Write an importance matrix of zeros: every input counts the same."""
    file = GgufFile(metadata={}, tensors=[])
    for name, size in sizes.items():
        file.tensors += [(f"{name}.in_sum2", (size,), 0), (f"{name}.counts", (1,), 0)]
    return file.write(path)


async def test_a_quantized_model_answers(smollm2: Path, tmp_path: Path) -> None:
    seen: list[QuantizeProgress] = []
    work = Quantization(smollm2, tmp_path / "new folder" / "small.gguf", "8", requantize=True, threads=2)
    assert await quantize(work, seen.append) == work.target
    assert [progress.done for progress in seen] == list(range(1, seen[0].total + 1))
    assert read_header(work.target).quantization == "Q8_0"
    assert files(work.target.parent) == [work.target]
    engine = open_engine(work.target, n_ctx=256, max_seqs=1)
    assert "Tokyo" in engine.answer(user("What is the capital of Japan?"), max_tokens=24).text
    engine.close()


async def test_a_stopped_job_leaves_nothing(smollm2: Path, tmp_path: Path) -> None:
    begun = asyncio.Event()
    work = Quantization(smollm2, tmp_path / "small.gguf", "IQ4_XS", requantize=True, threads=1)
    job = asyncio.create_task(quantize(work, lambda progress: begun.set()))
    await begun.wait()
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert files(tmp_path) == []


async def test_a_target_stays_as_it_is_when_the_job_fails(smollm2: Path, tmp_path: Path) -> None:
    target = tmp_path / "small.gguf"
    target.write_text("precious")
    with pytest.raises(ModelError, match="importance matrix; give one with --imatrix"):
        await quantize(Quantization(smollm2, target, "IQ2_XXS", requantize=True), ignore)
    assert target.read_text() == "precious"
    assert files(tmp_path) == [target]


async def test_what_is_quantized_already_is_refused(smollm2: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"quantized already \(Q4_1\).*--allow-requantize"):
        await quantize(Quantization(smollm2, tmp_path / "small.gguf", "Q4_0"), ignore)


async def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "letter.gguf"
    source.write_text("Dear all")
    with pytest.raises(BadModelFile):
        await quantize(Quantization(source, tmp_path / "small.gguf", "Q4_0"), ignore)


async def test_a_place_that_cannot_be_written_is_named(smollm2: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="name another place"):
        await quantize(Quantization(smollm2, tmp_path / "file" / "x.gguf", "Q4_0", requantize=True), ignore)


def test_types_have_the_names_that_people_know(tmp_path: Path) -> None:
    source = tmp_path / "a.gguf"
    names = {
        name: Quantization(source, tmp_path / "b", name).file_type for name in ("q4_k_m", "Q4K", "4", "8", "iq4-xs")
    }
    assert names == {"q4_k_m": "Q4_K_M", "Q4K": "Q4_K_M", "4": "Q4_K_M", "8": "Q8_0", "iq4-xs": "IQ4_XS"}
    with pytest.raises(InvalidRequest, match="there is no type 'Q9'; there are BF16"):
        Quantization(source, tmp_path / "b", "Q9")


def test_a_model_is_not_written_over_itself(tmp_path: Path) -> None:
    source = tmp_path / "a.gguf"
    source.touch()
    with pytest.raises(InvalidRequest, match="replace the one it is made of"):
        Quantization(source, tmp_path / "." / "a.gguf", "Q4_0")


async def test_an_importance_matrix_is_used(smollm2: Path, tmp_path: Path) -> None:
    weights = [tensor.name for tensor in read_raw(smollm2).tensors if tensor.name.endswith("weight")]
    matrices = [name for name in weights if "norm" not in name]
    inputs = {name: 1536 if "ffn_down" in name else 576 for name in matrices}
    matrix = imatrix(tmp_path / "imatrix.gguf", **inputs)
    work = Quantization(smollm2, tmp_path / "small.gguf", "Q2_K_S", matrix, requantize=True)
    await quantize(work, ignore)
    assert read_header(work.target).quantization == "Q2_K_S"


async def test_an_importance_matrix_of_another_model_is_refused(smollm2: Path, tmp_path: Path) -> None:
    names = [f"blk.{layer}.attn_q.weight" for layer in range(30)]
    matrix = imatrix(tmp_path / "imatrix.gguf", **dict.fromkeys(names, 64))
    with pytest.raises(ModelError, match="cannot be quantized"):
        await quantize(Quantization(smollm2, tmp_path / "x.gguf", "Q4_K_M", matrix, requantize=True), ignore)


def test_importance_is_a_mean(tmp_path: Path) -> None:
    path = GgufFile(metadata={}, tensors=[("a.in_sum2", (2, 2), 0), ("a.counts", (1, 2), 0)]).write(tmp_path / "m.gguf")
    data = path.read_bytes()
    # Two experts; the second was never asked. Each tensor begins at a multiple of 32 bytes.
    sums = struct.pack("<4f", 8, 2, 0, 0)
    path.write_bytes(data[:-64] + sums + bytes(16) + struct.pack("<2f", 4, 0) + bytes(24))
    assert list(read_imatrix(path)["a"]) == [2, 0.5, 1, 1]


@pytest.mark.parametrize(
    ("tensors", "complaint"),
    [
        ([("a.weight", (4,), 0)], "holds no importance matrix"),
        ([("a.in_sum2", (4,), 0)], "incomplete"),
        ([("a.in_sum2", (5,), 0), ("a.counts", (2,), 0)], "do not match"),
        ([("a.in_sum2", (32,), 8), ("a.counts", (1,), 0)], "not of type F32"),
    ],
)
def test_a_damaged_importance_matrix_is_refused(
    tmp_path: Path, tensors: list[tuple[str, tuple[int, ...], int]], complaint: str
) -> None:
    with pytest.raises(BadModelFile, match=complaint):
        read_imatrix(GgufFile(metadata={}, tensors=tensors).write(tmp_path / "m.gguf"))
