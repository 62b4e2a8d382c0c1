"""`mistral-tui gguf -m DIR -f FILE`: the interface on a model file, as mistral.rs names it; `lora-gguf` with LoRAs."""

from collections.abc import Sequence
from pathlib import Path

from mistral_tui.cli.flags import (
    AddAdapter,
    ArgumentParser,
    ModelFlags,
    SamplingFlags,
    add_model_flags,
    add_sampling_flags,
)
from mistral_tui.types.errors import InvalidRequest, ModelNotFound


class GgufFlags(SamplingFlags):
    """Where the model is."""

    file: list[str] | None = None


def gguf(arguments: Sequence[str], flags: ModelFlags) -> int:
    """Open the interface on a GGUF file and return the exit status."""
    return _open(_parser("mistral-tui gguf", "Open the interface on a GGUF file."), arguments, flags)


def lora_gguf(arguments: Sequence[str], flags: ModelFlags) -> int:
    """Open the interface on a GGUF file with LoRAs over it and return the exit status."""
    parser = _parser("mistral-tui lora-gguf", "Open the interface on a GGUF file with LoRAs over it.")
    parser.add_argument(
        "-a",
        "--adapters-model-id",
        dest="adapters",
        nargs="+",
        action=AddAdapter,
        metavar="FILE[=SCALE]",
        help="the LoRAs (GGUF), each with how strongly it counts",
    )
    return _open(parser, arguments, flags, needs_adapter=True)


def _open(parser: ArgumentParser, arguments: Sequence[str], flags: ModelFlags, *, needs_adapter: bool = False) -> int:
    call = parser.parse_args(arguments, namespace=GgufFlags(**vars(flags)))
    if needs_adapter and not call.adapters:
        raise InvalidRequest("name a LoRA with -a; `mistral-tui gguf` opens a model without one")
    if call.model is None:
        raise InvalidRequest("name the folder of the model with -m, and its file with -f")
    call.model = str(find_file(Path(call.model).expanduser(), call.file or []))
    # Only now: Textual is not needed to say what is wrong with the call.
    from mistral_tui.cli.interface import open_interface

    return open_interface(call)


def find_file(place: Path, names: Sequence[str]) -> Path:
    """Return the model file that `-m place -f names…` means.

    Args:
        place: A folder, or the file itself.
        names: Files in the folder; of a model in several pieces the first one is returned. None of them: the
            only model of the folder.

    Raises:
        ModelNotFound: There is no such file, or it is not clear which one is meant.
    """
    if place.is_file() and not names:
        return place
    if not place.is_dir():
        raise ModelNotFound(f"there is no folder {place}; -m names the folder that holds the model file")
    if names:
        path = place / min(names)
        if not path.is_file():
            raise ModelNotFound(f"there is no file {path}; -f names a file in the folder that -m names")
        return path
    # A model in pieces (…-00001-of-00003.gguf) is opened by its first one.
    found = sorted(
        path
        for path in place.glob("*.gguf")
        if "-of-" not in path.stem or path.stem.partition("-of-")[0].endswith("-00001")
    )
    if len(found) != 1:
        listed = ", ".join(path.name for path in found) or "none"
        raise ModelNotFound(f"which model of {place}? Name it with -f; there is: {listed}")
    return found[0]


def _parser(program: str, description: str) -> ArgumentParser:
    parser = ArgumentParser(program, description)
    parser.add_argument(
        "-f",
        "--quantized-filename",
        dest="file",
        nargs="+",
        action="extend",
        metavar="FILE",
        help="the model file in the folder that -m names",
    )
    add_model_flags(parser)
    add_sampling_flags(parser, shown=False)
    return parser
