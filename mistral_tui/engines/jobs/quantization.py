"""Making a smaller model file of a larger one, in a child process that can be stopped."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from mistral_tui.engines.jobs.child_job import run_job
from mistral_tui.models.gguf_header import read_header
from mistral_tui.models.gguf_reader import read_raw
from mistral_tui.models.gguf_types import FILE_TYPE_NUMBERS, ISQ_NAMES
from mistral_tui.types.errors import InvalidRequest, ModelError

_CHILD: Final = "mistral_tui.engines.gguf.quantizing"
_FULL: Final = ("F32", "F16", "BF16")


class QuantizeProgress(msgspec.Struct, frozen=True):
    """How many of the tensors are done."""

    done: int
    total: int
    tensor: str
    """The one that is being done."""


@dataclass(frozen=True)
class Quantization:
    """What is to be made of what.

    Raises:
        InvalidRequest: There is no such type, or the target is the source.
    """

    source: Path
    target: Path
    type: str
    """A file type of llama.cpp such as `Q4_K_M`, or a name of mistral.rs's in-situ quantization such as `Q4K`."""
    imatrix: Path | None = None
    requantize: bool = False
    """Whether a model that is quantized already may be quantized again, at a loss."""
    threads: int = 0
    """0: all cores."""

    def __post_init__(self) -> None:
        if self.file_type not in FILE_TYPE_NUMBERS:
            raise InvalidRequest(f"there is no type {self.type!r}; there are {', '.join(sorted(FILE_TYPE_NUMBERS))}")
        if self.target.exists() and self.target.samefile(self.source):
            raise InvalidRequest("the new file would replace the one it is made of; name another")

    @property
    def file_type(self) -> str:
        """The name of the type as llama.cpp writes it."""
        name = self.type.upper().replace("-", "_")
        return ISQ_NAMES.get(name, name)


async def quantize(work: Quantization, on_progress: Callable[[QuantizeProgress], None]) -> Path:
    """Write the quantized model and return its path; cancelling stops it and leaves nothing behind.

    Args:
        work: What is to be done. An existing target is replaced when the new one is complete.
        on_progress: Called on the event loop, once a tensor.

    Raises:
        ModelError: The source cannot be read or quantized, or the target cannot be written.
    """
    _check_source(work)
    part = work.target.with_name(work.target.name + ".part")
    try:
        work.target.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    except OSError as error:
        raise ModelError(f"{work.target} cannot be written: {error.strerror or error}; name another place") from None
    try:
        await _run(work, part, on_progress)
        read_raw(part)  # complete, as far as its header tells
        part.replace(work.target)
    finally:
        part.unlink(missing_ok=True)
    return work.target


def _check_source(work: Quantization) -> None:
    header = read_header(work.source)
    if len(header.parts) > 1:
        raise ModelError(f"{work.source.name} is in {len(header.parts)} pieces; join them with llama-gguf-split first")
    if not work.requantize and header.quantization not in _FULL:
        raise ModelError(
            f"{work.source.name} is quantized already ({header.quantization}), and doing it again costs quality; "
            "take the original, or say --allow-requantize"
        )


async def _run(work: Quantization, part: Path, on_progress: Callable[[QuantizeProgress], None]) -> None:
    job = {
        "source": str(work.source),
        "target": str(part),
        "file_type": FILE_TYPE_NUMBERS[work.file_type],
        "imatrix": str(work.imatrix) if work.imatrix is not None else None,
        "threads": work.threads,
        "requantize": work.requantize,
    }
    reason = await run_job(_CHILD, job, lambda message: on_progress(msgspec.convert(message, QuantizeProgress)))
    if reason is not None:
        raise ModelError(f"{work.source.name} cannot be quantized: {reason}")
