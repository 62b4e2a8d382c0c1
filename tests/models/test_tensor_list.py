"""The list of a model's tensors."""

from pathlib import Path

import pytest

from mistral_tui.models.tensor_list import write_tensor_list
from tests.stubs.gguf import GgufFile

pytestmark = pytest.mark.core


def test_every_tensor_is_a_line_with_name_shape_and_type(tmp_path: Path) -> None:
    file = GgufFile()
    file.tensors = [("token_embd.weight", (64, 4), 8), ("output\n_norm.weight", (64,), 0)]
    told = write_tensor_list(file.write(tmp_path / "tiny.gguf"), tmp_path)
    assert told == f"its 2 tensors are listed in {tmp_path / 'mistralrs_gguf_tensors.txt'}"
    assert (tmp_path / "mistralrs_gguf_tensors.txt").read_text("utf-8").splitlines() == [
        "name = `token_embd.weight`, shape = [4, 64], dtype = Q8_0",
        "name = `output _norm.weight`, shape = [64], dtype = F32",
    ]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    told = write_tensor_list(GgufFile().write(tmp_path / "tiny.gguf"), tmp_path / "nowhere")
    assert told.startswith(f"the list of tensors cannot be written to {tmp_path / 'nowhere'}")
