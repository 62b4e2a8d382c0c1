"""`mistral-tui gguf -m DIR -f FILE`: the interface on a model file, as mistral.rs names it."""

from collections.abc import Sequence
from pathlib import Path

from mistral_tui.cli.flags import ArgumentParser, ModelFlags, SamplingFlags, add_model_flags, add_sampling_flags
from mistral_tui.types.errors import InvalidRequest, ModelNotFound


class GgufFlags(SamplingFlags):
    """Where the model is."""

    file: list[str] | None = None


def gguf(arguments: Sequence[str], flags: ModelFlags) -> int:
    """Open the interface on a GGUF file and return the exit status."""
    call = _parser().parse_args(arguments, namespace=GgufFlags(**vars(flags)))
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


def _parser() -> ArgumentParser:
    parser = ArgumentParser("mistral-tui gguf", "Open the interface on a GGUF file.")
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
