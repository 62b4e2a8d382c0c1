"""Prompts that a person keeps as files, with places to fill in.

A template is a Markdown file in the person's folder. `{{name}}` is a place to fill in, `{{name:default}}` one that may
be left. A block of `title: …` between lines of `---` at the beginning names it.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from mistral_tui.config.text_files import read_text
from mistral_tui.types.errors import ConfigError, InvalidRequest
from mistral_tui.types.text import printable, printable_line

_PLACE: Final = re.compile(r"\{\{\s*([\w-]{1,50})\s*(?::([^{}]*))?\}\}")
_FRONT: Final = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_TITLE: Final = re.compile(r"^title:[ \t]*(.*)$", re.MULTILINE)
_LONGEST: Final = 200_000
"""Characters of a template."""


class PromptTemplate(msgspec.Struct, frozen=True):
    """A prompt with places to fill in."""

    name: str
    """The file's name without its ending."""
    title: str
    text: str

    @property
    def variables(self) -> dict[str, str]:
        """The places to fill in, in their order, each with its default; empty: it has none."""
        found: dict[str, str] = {}
        for match in _PLACE.finditer(self.text):
            found[match[1]] = found.get(match[1]) or (match[2] or "").strip()
        return found

    def filled(self, values: Mapping[str, str]) -> str:
        """Return the prompt with these values in its places; a default stands where none, or an empty one, is given.

        Raises:
            InvalidRequest: A place has neither, or the template has no place of a name.
        """
        usual = self.variables
        if unknown := next((name for name in values if name not in usual), None):
            known = ", ".join(usual) or "none"
            raise InvalidRequest(f"the template {self.name} has no variable {unknown!r:.60}; it has {known}")
        whole = {name: values.get(name) or default for name, default in usual.items()}
        if missing := next((name for name, value in whole.items() if not value), None):
            raise InvalidRequest(f"the template {self.name} needs a value for {missing}; give one")
        return _PLACE.sub(lambda match: whole[match[1]], self.text)


def prompt_templates(folder: Path) -> tuple[tuple[PromptTemplate, ...], tuple[str, ...]]:
    """Return the templates of a folder by their titles, and a line for each file that cannot be used. Blocks.

    A folder that is not there has none.
    """
    found: list[PromptTemplate] = []
    problems: list[str] = []
    try:
        files = sorted(folder.glob("*.md"))
    except OSError as error:
        return (), (printable_line(f"{folder} cannot be read: {error.strerror or error}"),)
    for file in files:
        try:
            found.append(read_prompt_template(file))
        except ConfigError as error:
            problems.append(str(error))
    return tuple(sorted(found, key=lambda template: template.title.casefold())), tuple(problems)


def prompt_template(name: str, folder: Path) -> PromptTemplate:
    """Return the template of this name, or in this file.

    Raises:
        ConfigError: There is none, or it cannot be read.
    """
    file = Path(name).expanduser()
    if len(file.parts) == 1 and not file.suffix:
        file = folder / f"{name}.md"
        if not file.exists():
            known = ", ".join(sorted(path.stem for path in folder.glob("*.md"))) or "none yet"
            raise ConfigError(f"no prompt template is named {name!r:.60}; in {folder} there are: {known}")
    return read_prompt_template(file)


def read_prompt_template(file: Path) -> PromptTemplate:
    """Read one template.

    Raises:
        ConfigError: It cannot be read, is no text, empty, or too long.
    """
    text = printable(read_text(file))
    if len(text) > _LONGEST:
        raise ConfigError(f"{file}: it has more than {_LONGEST:,} characters; make it shorter")
    name = printable_line(file.stem)
    front = _FRONT.match(text)
    title = _TITLE.search(front[1]) if front else None
    body = (text[front.end() :] if front else text).strip("\n")
    if not body.strip():
        raise ConfigError(f"{file}: there is no prompt in it; write one")
    return PromptTemplate(name, (printable_line(title[1]).strip("\"' ") if title else "") or name, body)
