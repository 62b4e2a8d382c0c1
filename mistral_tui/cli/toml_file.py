"""`mistral-tui toml -f FILE`: the interface as a TOML file in mistral.rs's form says.

    [model]
    quantized_model_id = "models"           # a folder, with quantized_filename; or model_id: a name or a file
    quantized_filename = "large.gguf"

    [speculative]
    gamma = 16

    [speculative.draft_model]
    model_id = "small.gguf"

Paths are relative to the file.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from mistral_tui.cli.flags import ArgumentParser, ModelFlags, SamplingFlags, add_model_flags, add_sampling_flags
from mistral_tui.cli.gguf import find_file
from mistral_tui.config.text_files import read_text
from mistral_tui.types.errors import ConfigError


class TomlFlags(SamplingFlags):
    """Which file."""

    file: str


class ModelTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which model. Keys that say how mistral.rs is to read it have no meaning for a GGUF file."""

    model_id: str | None = None
    quantized_model_id: str | None = None
    quantized_filename: str | None = None
    tok_model_id: str | None = None
    arch: str | None = None
    dtype: str | None = None


class SpeculativeTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which model guesses, and how far."""

    draft_model: ModelTable
    gamma: int = 16


class TomlFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    model: ModelTable
    speculative: SpeculativeTable | None = None


def toml(arguments: Sequence[str], flags: ModelFlags) -> int:
    """Open the interface and return the exit status."""
    parser = ArgumentParser("mistral-tui toml", "Open the interface as a TOML file of mistral.rs says.")
    parser.add_argument("-f", "--file", required=True, metavar="FILE", help="with [model] and perhaps [speculative]")
    add_model_flags(parser)
    add_sampling_flags(parser, shown=False)
    call = parser.parse_args(arguments, namespace=TomlFlags(**vars(flags)))
    apply(Path(call.file).expanduser(), call)
    # Only now: Textual is not needed to say what is wrong with the call.
    from mistral_tui.cli.interface import open_interface

    return open_interface(call)


def apply(path: Path, flags: ModelFlags) -> None:
    """Set what the file says; flags that were given win.

    Raises:
        ConfigError: The file cannot be read or used; names the key.
        ModelNotFound: A folder that it names does not have the model.
    """
    try:
        table: dict[str, Any] = tomllib.loads(read_text(path))
        content = msgspec.convert(table, TomlFile)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}; [model] and [speculative] are what this program knows") from None
    flags.model = flags.model or _model(content.model, path)
    if content.speculative is not None:
        flags.draft = flags.draft or _model(content.speculative.draft_model, path)
        flags.gamma = flags.gamma or content.speculative.gamma


def _model(table: ModelTable, file: Path) -> str:
    if table.quantized_model_id is not None:
        folder = file.parent / Path(table.quantized_model_id).expanduser()
        return str(find_file(folder, [table.quantized_filename] if table.quantized_filename else []).absolute())
    if table.model_id is None:
        raise ConfigError(f"{file}: a model needs a model_id, or a quantized_model_id and a quantized_filename")
    path = file.parent / Path(table.model_id).expanduser()
    return str(path.absolute()) if path.exists() else table.model_id
