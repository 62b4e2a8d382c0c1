"""Importance matrices: how much each input of a tensor counts, as llama.cpp's `llama-imatrix` writes them.

Format: a GGUF file with two F32 tensors for each tensor of the model, `NAME.in_sum2` (sums of squared inputs, one row
for each expert) and `NAME.counts` (how many were added up, for each expert).
Source: `tools/imatrix/README.md` and `common/imatrix-loader.cpp` of llama.cpp, October 2026.
"""

import sys
from array import array
from pathlib import Path
from typing import BinaryIO

from mistral_tui.models.gguf_reader import Tensor, read_raw
from mistral_tui.types.errors import BadModelFile

_SUMS, _COUNTS = ".in_sum2", ".counts"


def read_imatrix(path: Path) -> "dict[str, array[float]]":
    """Return the mean importance of the inputs of each tensor, by the tensor's name.

    Raises:
        BadModelFile: The file is none, or it is damaged.
    """
    tensors = {tensor.name: tensor for tensor in read_raw(path).tensors}
    names = [name.removesuffix(_SUMS) for name in tensors if name.endswith(_SUMS)]
    if not names:
        raise BadModelFile(f"{path}: it holds no importance matrix; make one with llama-imatrix, in its GGUF format")
    with path.open("rb") as file:
        return {name: _means(path, file, tensors, name) for name in names}


def _means(path: Path, file: BinaryIO, tensors: dict[str, Tensor], name: str) -> "array[float]":
    if name + _COUNTS not in tensors:
        raise BadModelFile(f"{path}: the importance matrix is incomplete: {name} has sums and no counts")
    sums, counts = (_floats(path, file, tensors[name + suffix]) for suffix in (_SUMS, _COUNTS))
    if len(sums) % len(counts):
        raise BadModelFile(f"{path}: the importance matrix is damaged: the sums and counts of {name} do not match")
    inputs = len(sums) // len(counts)
    means = array("f", bytes(4 * len(sums)))
    for expert, count in enumerate(counts):
        row = slice(expert * inputs, (expert + 1) * inputs)
        # An expert that was never asked: all of its inputs count the same.
        means[row] = array("f", (value / count for value in sums[row]) if count > 0 else [1.0] * inputs)
    return means


def _floats(path: Path, file: BinaryIO, tensor: Tensor) -> "array[float]":
    if tensor.type.name != "F32":
        raise BadModelFile(f"{path}: the importance matrix is damaged: {tensor.name} is not of type F32")
    values = array("f")
    file.seek(tensor.offset)
    values.frombytes(file.read(tensor.size))
    if sys.byteorder == "big":
        values.byteswap()
    return values
