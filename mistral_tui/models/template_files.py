"""Chat templates by name: the person's own, and those that ship with the program."""

from pathlib import Path

from mistral_tui.config.resources import data_file
from mistral_tui.config.text_files import read_text
from mistral_tui.types.errors import ConfigError
from mistral_tui.types.text import printable_line

_SUFFIX = ".jinja"


def template_text(name_or_file: str, own: Path) -> str:
    """Return the Jinja text of a chat template.

    Args:
        name_or_file: A file, or the name of one of `templates`.
        own: The person's folder, `Paths.chat_templates`; its templates win over shipped ones of the same name.

    Raises:
        ConfigError: There is no such template, or its file cannot be read.
    """
    known = templates(own)
    if name_or_file in known:
        return read_text(known[name_or_file])
    file = Path(name_or_file).expanduser()
    if len(file.parts) > 1 or file.suffix:
        return read_text(file)
    raise ConfigError(
        f"no chat template is named {printable_line(name_or_file)!r}; there are {', '.join(sorted(known))}"
    )


def templates(own: Path | None) -> dict[str, Path]:
    """Return the files of all templates by their names, in the order of those."""
    folders = [data_file("chat_templates"), *([own] if own is not None else [])]
    files = {file.stem: file for folder in folders for file in folder.glob(f"*{_SUFFIX}")}
    return dict(sorted(files.items()))
