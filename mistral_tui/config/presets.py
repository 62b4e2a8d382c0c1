"""Presets: parameters under a name, perhaps with a system prompt and a model, in `presets.toml`.

`[poet]` is a table of parameters, such as `temperature = 1.2`, and `system_prompt` and `model`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mistral_tui.config.schema import checked, similar
from mistral_tui.config.settings import Settings
from mistral_tui.config.toml_edits import edit_toml
from mistral_tui.config.toml_files import read_toml
from mistral_tui.types.errors import ConfigError, InvalidRequest
from mistral_tui.types.requests import SamplingParams
from mistral_tui.types.text import printable_line

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
PARAMETERS = tuple(name for name in Settings.__struct_fields__ if name in SamplingParams.__struct_fields__)
"""How tokens are chosen, as far as a person can set it."""


class Preset(msgspec.Struct, frozen=True):
    """How to answer, under a name."""

    name: str
    parameters: dict[str, Any] = {}
    """Fields of `SamplingParams`; all others are as for new chats."""
    system_prompt: str | None = None
    model: str | None = None
    """`None`: whichever the chat has."""


def read_presets(path: Path) -> tuple[tuple[Preset, ...], tuple[str, ...]]:
    """Return the presets of a file, and one line for each thing that was ignored; without a file: nothing."""
    try:
        file = read_toml(path)
    except ConfigError as error:
        return (), (f"{error}; there are no presets",)
    presets: list[Preset] = []
    notices: list[str] = []
    for name, table in file.table.items():
        if not isinstance(table, dict):
            notices.append(printable_line(f"{file.place(name)}: it must be a table, [{name}]; it is ignored"))
            continue
        values: dict[str, Any] = {}
        for key, value in table.items():
            try:
                values[key] = _checked(key, value)
            except InvalidRequest as error:
                notices.append(printable_line(f"{file.place(key, name)}: {error}; it is ignored"))
        system_prompt, model = values.pop("system_prompt", None), values.pop("model", None)
        presets.append(Preset(name, values, system_prompt, model))
    return tuple(presets), tuple(notices)


def save_preset(path: Path, preset: Preset) -> None:
    """Add a preset to the file, or replace the one of this name.

    Raises:
        InvalidRequest: The name is empty.
        ConfigError: The file is damaged, or cannot be written.
    """
    name = printable_line(preset.name)
    if not name:
        raise InvalidRequest("the preset has no name; give it one")
    values = {key: list(value) if isinstance(value, tuple) else value for key, value in preset.parameters.items()}
    values |= {key: value for key in ("system_prompt", "model") if (value := getattr(preset, key)) is not None}

    def change(document: "TOMLDocument") -> None:
        document[name] = values

    edit_toml(path, change)


def parameters_of(sampling: SamplingParams) -> dict[str, Any]:
    """Return what is set, for a preset: those of the parameters that a person can set."""
    usual = SamplingParams()
    every = msgspec.structs.asdict(sampling)
    return {key: value for key, value in every.items() if key in PARAMETERS and value != getattr(usual, key)}


def _checked(key: str, value: Any) -> Any:
    if key in ("system_prompt", "model"):
        if not isinstance(value, str):
            raise InvalidRequest("expected text in quotes")
        return value
    if key not in PARAMETERS:
        raise InvalidRequest(f"there is no such parameter{similar(key)}")
    return checked(key, value)
