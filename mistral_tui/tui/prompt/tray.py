"""The files that go along with a prompt, as chips above it."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import RenderResult
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.style import Style
from textual.widget import Widget

from mistral_tui.chat.prompt_file import PromptFile
from mistral_tui.tui.actions import action
from mistral_tui.tui.clickable import Clickable
from mistral_tui.tui.media.words import extent_of, glyph_of, name_of, size_words

_ATTACH = action("box", "attach")
_NAME = 32
"""Characters of a name that are shown."""
FIT_WORDS = {
    "whole": "all of it",
    "beginning": "the beginning",
    "ends": "both ends",
    "passages": "passages for each question",
}


class AttachmentTray(Widget):
    """One chip a file, with its size and what it costs in tokens; a click on the cross takes it away."""

    DEFAULT_CSS = """
    AttachmentTray {
        height: auto; max-height: 4; width: 1fr; padding: 0 3; display: none; color: $text-muted;
        link-style: none; link-color: $text-muted; link-background-hover: $background;
        link-style-hover: none; link-color-hover: $accent;
    }
    """

    @dataclass
    class Removed(Message):
        """A file is not to go along."""

        tray: "AttachmentTray"
        index: int

        @property
        def control(self) -> "AttachmentTray":
            """The tray that sent this message."""
            return self.tray

    @dataclass
    class Opened(Message):
        """A file is to be looked at."""

        tray: "AttachmentTray"
        index: int

        @property
        def control(self) -> "AttachmentTray":
            """The tray that sent this message."""
            return self.tray

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.files: tuple[PromptFile, ...] = ()
        self._room: int | None = None

    def show(self, files: Sequence[PromptFile], room: int | None) -> None:
        """Show these files; `room` is how many tokens the context can hold of them, if that is known."""
        self.files, self._room = tuple(files), room
        self.display = bool(files)
        self.refresh(layout=True)

    def action_remove(self, index: int) -> None:
        """Take a file away."""
        self.post_message(self.Removed(self, index))

    def action_open(self, index: int) -> None:
        """Look at a file."""
        self.post_message(self.Opened(self, index))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the number of lines that the chips need."""
        return len(self._lines(width))

    def render(self) -> RenderResult:
        """Return the chips, none of them broken."""
        return Content("\n").join(self._lines(self.content_size.width))

    def _lines(self, width: int) -> list[Content]:
        lines = [Content("")]
        for index, file in enumerate(self.files):
            chip = self._chip(index, file)
            if not lines[-1]:
                lines[-1] = chip
            elif lines[-1].cell_length + 3 + chip.cell_length <= width:
                lines[-1] += Content("   ") + chip
            else:
                lines.append(chip)
        return [line.truncate(width, ellipsis=True) for line in lines]

    def _chip(self, index: int, file: PromptFile) -> Content:
        glyph, name, details = describe(file)
        too_long = self._room is not None and file.tokens is not None and file.tokens.tokens > self._room
        if too_long:
            details.append(FIT_WORDS[file.fit] if file.fit else "too long")
        name = name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
        look = Style.from_meta({"@click": f"open({index})"})
        chip = Content.assemble(
            (f"{glyph} ", "$accent"), (name, "$foreground"), (f" {' · '.join(details)}", "$text-muted")
        ).stylize(look)
        if file.problem or (too_long and not file.fit):
            chip = chip.stylize("$text-warning")
        return chip + Content(" ✕").stylize(Style.from_meta({"@click": f"remove({index})"}))


class AttachLink(Clickable):
    """A click asks for a file to go along."""

    DEFAULT_CSS = "AttachLink { width: 7; height: 1; color: $text-disabled; }"

    def render(self) -> RenderResult:
        """Return the words."""
        return self.link_to(_ATTACH, Content(" + file"))


def describe(file: PromptFile) -> tuple[str, str, list[str]]:
    """Return the glyph of a file, its name, and what there is to say of it."""
    part, details = file.part, extent_of(file.part)
    if file.problem:
        return glyph_of(part), name_of(part), [file.problem]
    if file.size:
        details.append(size_words(file.size))
    if file.tokens is not None:
        details.append(f"{file.tokens} tokens")
    return glyph_of(part), name_of(part), details
