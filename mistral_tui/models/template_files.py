"""Chat templates by name: the person's own, and those that ship with the program. And how their files are read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mistral_tui.config.resources import data_file
from mistral_tui.config.text_files import read_text
from mistral_tui.types.errors import ConfigError
from mistral_tui.types.text import printable_line

_SUFFIXES = (".json", ".jinja")


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
        return read_template(known[name_or_file])
    file = Path(name_or_file).expanduser()
    if len(file.parts) > 1 or file.suffix:
        return read_template(file)
    raise ConfigError(
        f"no chat template is named {printable_line(name_or_file)!r}; there are {', '.join(sorted(known))}"
    )


def templates(own: Path | None) -> dict[str, Path]:
    """Return the files of all templates by their names, in the order of those."""
    folders = [data_file("chat_templates"), *([own] if own is not None else [])]
    files = {file.stem: file for folder in folders for suffix in _SUFFIXES for file in folder.glob(f"*{suffix}")}
    return dict(sorted(files.items()))


def read_template(file: Path) -> str:
    """Return the Jinja text that a file holds.

    It is the text itself, or JSON with it under `chat_template`, as in mistral.rs's files and in a
    `tokenizer_config.json`; there it may be a list of templates with names.

    Raises:
        ConfigError: The file cannot be read, or is JSON without a template.
    """
    text = read_text(file)
    if file.suffix.lower() != ".json":
        return text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else "nested too deeply"
        raise ConfigError(f"{file}: not valid JSON: {reason}") from None
    template = found.get("chat_template") if isinstance(found, dict) else None
    if isinstance(template, list):
        template = one_of_named({str(entry.get("name")): entry.get("template") for entry in map(_as_table, template)})
    if not isinstance(template, str):
        raise ConfigError(f"{file}: there is no chat template under the key chat_template; name another file")
    return template


def one_of_named(named: Mapping[str, Any]) -> str | None:
    """Return one template that does what several do: `tool_use` for requests with tools, `default` for others."""
    default, tool_use = (named.get(name) for name in ("default", "tool_use"))
    if not isinstance(default, str) or not isinstance(tool_use, str):
        return default or tool_use
    return f"{{% if tools %}}{tool_use.removesuffix(chr(10))}{{% else %}}{default.removesuffix(chr(10))}{{% endif %}}"


def _as_table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
