"""Themes: TOML files that name the colours.

name = "mistral-dark"
dark = true
[colors]       # of Textual's theme: primary, accent, foreground, background, surface, panel, …
[variables]    # of the style sheets: text-muted, text-disabled, code-background, …
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from textual.color import Color, ColorParseError
from textual.theme import Theme

from mistral_tui.config.resources import data_file
from mistral_tui.types.errors import ConfigError

DEFAULT = "mistral-dark"

_COLORS = (
    "primary", "secondary", "accent", "foreground", "background", "surface", "panel", "boost",
    "success", "warning", "error",
)  # fmt: skip


def find_theme(name: str, own: Path | None = None) -> Path:
    """Return the file of a theme: the person's own, else the one that ships with the program.

    Raises:
        ConfigError: There is none of this name.
    """
    for folder in [*([own] if own is not None else []), data_file("themes")]:
        path = folder / f"{name}.toml"
        if Path(name).name == name and path.is_file():
            return path
    raise ConfigError(f"there is no theme {name!r}; `/theme` lists them")


def theme_files(own: Path | None = None) -> Iterator[Path]:
    """Yield the files of all themes, those of the person last."""
    for folder in [data_file("themes"), own]:
        if folder is not None and folder.is_dir():
            yield from sorted(folder.glob("*.toml"))


def read_theme(path: Path) -> Theme:
    """Read a theme.

    Raises:
        ConfigError: The file cannot be read, or a value is not a colour; names file and key.
    """
    import tomllib

    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: the theme cannot be read: {error}") from error
    colors = _table(values, "colors", path)
    variables = _table(values, "variables", path)
    unknown = [name for name in colors if name not in _COLORS]
    if unknown:
        raise ConfigError(f"{path}: colors.{unknown[0]} is not a colour of a theme; use one of {', '.join(_COLORS)}")
    if "primary" not in colors:
        raise ConfigError(f"{path}: colors.primary is missing")
    for table, entries in (("colors", colors), ("variables", variables)):
        for name, value in entries.items():
            _check_color(f"{table}.{name}", value, path)
    theme = Theme(name=str(values.get("name", path.stem)), primary=colors["primary"], variables=variables)
    theme.dark = bool(values.get("dark", True))
    for name, value in colors.items():
        setattr(theme, name, value)
    return theme


def _table(values: dict[str, Any], name: str, path: Path) -> dict[str, str]:
    table = values.get(name, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: {name} must be a table")
    return table


def _check_color(key: str, value: object, path: Path) -> None:
    try:
        Color.parse(str(value))
    except ColorParseError as error:
        raise ConfigError(f"{path}: {key} is {value!r}, which is not a colour; write #rrggbb") from error


def missing_variables(theme: Theme) -> dict[str, str]:
    """Return what our style sheets need and a theme from elsewhere does not name."""
    step, line, quiet = ("#222222", "#444444", "#c0c0c0") if theme.dark else ("#e4e4e4", "#c0c0c0", "#404040")
    return {
        "rule": line,
        "rule-focus": "#808080",
        "selected": step,
        "heading": theme.primary,
        "code-background": step,
        "code-foreground": quiet,
    }
