"""Themes: TOML files that name the colours. The file's name is the theme's.

dark = true
[colors]       # of Textual's theme: primary, accent, foreground, background, surface, panel, …
[variables]    # of the style sheets: text-muted, text-disabled, code-background, …

A theme whose background is a colour of the terminal, such as ansi_default, is drawn in the terminal's own colours.
"""

from collections.abc import Iterator
from pathlib import Path

from textual.color import Color, ColorParseError
from textual.theme import Theme

from mistral_tui.config.resources import data_file
from mistral_tui.config.toml_files import TomlFile, read_toml
from mistral_tui.types.errors import ConfigError

DEFAULT = "mistral-dark"
FEW_COLOURS = "terminal"
"""Where the terminal has 16 colours, or is to show none."""

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
    """Read a theme; its name is that of the file.

    Raises:
        ConfigError: The file cannot be read, or a value is not a colour; names file, line and key.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: the theme is not there any more")
    file = read_toml(path)
    colors = _table(file, "colors")
    variables = _table(file, "variables")
    for name in colors:
        if name not in _COLORS:
            raise ConfigError(f"{file.place(name, 'colors')} is no colour of a theme; use one of {', '.join(_COLORS)}")
    if "primary" not in colors:
        raise ConfigError(f"{path}: colors.primary is missing; add the theme's main colour")
    for section, entries in (("colors", colors), ("variables", variables)):
        for name, value in entries.items():
            _check_color(file, section, name, value)
    theme = Theme(name=path.stem, primary=colors["primary"], variables=variables)
    dark = file.table.get("dark", True)
    if not isinstance(dark, bool):
        raise ConfigError(f"{file.place('dark')} must be true or false")
    theme.dark = dark
    theme.ansi = colors.get("background", "").startswith("ansi_")
    for name, value in colors.items():
        setattr(theme, name, value)
    return theme


def _table(file: TomlFile, section: str) -> dict[str, str]:
    table = file.table.get(section, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{file.place(section)} must be a table, [{section}]")
    return table


def _check_color(file: TomlFile, section: str, name: str, value: object) -> None:
    try:
        Color.parse(str(value))
    except ColorParseError:
        place = file.place(name, section)
        raise ConfigError(f"{place} is {value!r:.40}, which is not a colour; write #rrggbb or ansi_red") from None


def missing_variables(theme: Theme) -> dict[str, str]:
    """Return what our style sheets, or those of Textual, need and a theme from elsewhere does not name."""
    if theme.ansi:
        own, grey = "ansi_default", "ansi_bright_black"
        textuals = {
            "ansi-background": own,
            "ansi-foreground": own,
            "foreground-disabled": grey,
            "surface-active": own,
        }
        return {**_ours(theme, step=grey, line=grey, bright=own, quiet=own), **textuals}
    if theme.dark:
        return _ours(theme, step="#222222", line="#444444", bright="#808080", quiet="#c0c0c0")
    return _ours(theme, step="#e4e4e4", line="#c0c0c0", bright="#808080", quiet="#404040")


def _ours(theme: Theme, *, step: str, line: str, bright: str, quiet: str) -> dict[str, str]:
    return {
        "rule": line,
        "rule-focus": bright,
        "selected": step,
        "heading": theme.primary,
        "code-background": step,
        "code-foreground": quiet,
    }
