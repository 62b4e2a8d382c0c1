"""Which preset a chat is to use."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mistral_tui.config.presets import Preset
from mistral_tui.config.schema import in_words
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.models.template_choice import Choices
from mistral_tui.types.text import printable_line


class PresetChoice(Dialog[Preset | None], inherit_bindings=False):
    """Asks for a preset; closes with it, or with `None`."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(self, presets: Sequence[Preset]) -> None:
        super().__init__()
        self._presets = presets

    def compose(self) -> ComposeResult:
        """Lay out the choices."""
        with Vertical(classes="dialog", id="preset-choice"):
            yield Static("presets", classes="dialog-title", markup=False)
            if not self._presets:
                yield Static(
                    "There are none yet. Set this chat as you like it, with /parameters and /system, then keep it with "
                    "/savepreset NAME.",
                    markup=False,
                )
            else:
                yield Choices(*(Option(preset_words(each)) for each in self._presets), markup=False)
            hint = "enter uses it in this chat · esc closes" if self._presets else "esc closes"
            yield KeyHint(hint)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._presets[event.option_index])


def preset_words(preset: Preset) -> Content:
    """Return what a preset is, on a line."""
    told = [f"{name} {in_words(value)}" for name, value in preset.parameters.items()]
    if preset.system_prompt:
        told.append(f"“{preset.system_prompt}”")
    return Content(f"{printable_line(preset.name)}  ") + Content.styled(printable_line(" · ".join(told)), "$text-muted")
