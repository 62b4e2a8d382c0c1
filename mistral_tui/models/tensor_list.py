"""The list of a model's tensors as a file, for whoever looks into a model that misbehaves."""

from pathlib import Path

from mistral_tui.models.files import split_parts
from mistral_tui.models.gguf_reader import read_raw
from mistral_tui.types.text import printable_line

FILE_NAME = "mistralrs_gguf_tensors.txt"
"""As mistral.rs calls it."""


def write_tensor_list(model: Path, folder: Path) -> str:
    """Write name, shape (rows last) and type of every tensor of a GGUF file, one a line, in mistral.rs's form.

    Args:
        model: The file; of a split one its first part.
        folder: Where the list goes.

    Returns:
        What the person should know: where the list is, or why it could not be written.

    Raises:
        BadModelFile: The file cannot be read.
    """
    tensors = [tensor for part in split_parts(model) for tensor in read_raw(part).tensors]
    lines = [
        f"name = `{printable_line(tensor.name)}`, shape = {list(reversed(tensor.shape))}, dtype = {tensor.type.name}\n"
        for tensor in tensors
    ]
    path = folder / FILE_NAME
    try:
        path.write_text("".join(lines), "utf-8")
    except OSError as error:
        return f"the list of tensors cannot be written to {path}: {error.strerror or error}"
    return f"its {len(lines)} tensors are listed in {path}"
