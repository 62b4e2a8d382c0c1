"""Reading the person's settings: the file, and the environment over it.

A variable `MISTRAL_TUI_<NAME>`, such as `MISTRAL_TUI_TEMPERATURE`, stands for the setting of that name.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mistral_tui.config.endpoints import SECTION as ENDPOINTS
from mistral_tui.config.endpoints import read_endpoints
from mistral_tui.config.schema import checked, similar, typed
from mistral_tui.config.settings import Settings
from mistral_tui.config.toml_files import TomlFile, read_toml
from mistral_tui.types.endpoints import Endpoint
from mistral_tui.types.errors import ConfigError, InvalidRequest
from mistral_tui.types.text import printable_line

Source = Literal["default", "file", "environment", "flag"]


class Reading(NamedTuple):
    """What was read."""

    settings: Settings
    notices: tuple[str, ...] = ()
    """One line for each thing that was ignored, with file, line and key."""
    sources: Mapping[str, Source] = {}
    """Where each setting comes from that is set."""
    endpoints: tuple[Endpoint, ...] = ()
    """Servers elsewhere whose models can be used."""


def read_settings(path: Path, *, strict: bool = False) -> Reading:
    """Read the settings; without a file and variables nothing is set.

    Args:
        path: The TOML file.
        strict: Whether a file or a value that cannot be used is an error. If not, it is ignored.

    Raises:
        ConfigError: The file or a value cannot be used; names file, line and key. Never if not `strict`.
    """
    notices: list[str] = []

    def refuse(problem: str, ignored: str) -> None:
        if strict:
            raise ConfigError(printable_line(problem))
        notices.append(printable_line(f"{problem}; {ignored}"))

    try:
        file = read_toml(path)
    except ConfigError as error:
        refuse(str(error), "all settings are ignored")
        file = TomlFile(path)
    values: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    endpoints: tuple[Endpoint, ...] = ()
    for key, value in file.table.items():
        if key == ENDPOINTS:
            endpoints = read_endpoints(file, value, refuse)
            continue
        if key not in Settings.__struct_fields__:
            unknown = f"{file.place(key)}: there is no such setting{similar(key)}; it is ignored"
            notices.append(printable_line(unknown))
            continue
        try:
            values[key] = checked(key, value, values)
            sources[key] = "file"
        except InvalidRequest as error:
            refuse(f"{file.place(key)}: {error}", "it is ignored")
    for key in Settings.__struct_fields__:
        if not (text := os.environ.get(variable(key))):
            continue
        try:
            values[key] = checked(key, typed(key, text), {name: values[name] for name in values if name != key})
            sources[key] = "environment"
        except InvalidRequest as error:
            refuse(f"the environment's {variable(key)}: {error}", "it is ignored")
    return Reading(Settings(**values), tuple(notices), sources, endpoints)


def variable(name: str) -> str:
    """Return the variable of the environment that stands for a setting."""
    return f"MISTRAL_TUI_{name.upper()}"
