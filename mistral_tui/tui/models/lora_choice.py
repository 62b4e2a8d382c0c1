"""Which LoRAs count for the replies of a chat."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mistral_tui.tui.actions import bindings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.models.template_choice import Choices
from mistral_tui.types.models import Adapter
from mistral_tui.types.text import printable_line


class LoraChoice(Dialog[None], inherit_bindings=False):
    """Lets the person switch LoRAs on and off.

    Args:
        known: All there are.
        chosen: Those of them that are on.
        on_change: Called with those that are on, whenever one is switched.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(
        self,
        known: Sequence[Adapter],
        chosen: Sequence[Adapter],
        on_change: Callable[[tuple[Adapter, ...]], None],
    ) -> None:
        super().__init__()
        self._known = known
        self._chosen = list(chosen)
        self._on_change = on_change

    def compose(self) -> ComposeResult:
        """Lay out the question and the choices."""
        with Vertical(classes="dialog", id="lora-choice"):
            yield Static("LoRAs of this chat", classes="dialog-title", markup=False)
            yield Static("They count from the next reply on, which then reads the whole chat anew.", markup=False)
            yield Choices(*map(self._option, self._known), markup=False)
            yield KeyHint("enter switches on or off · esc closes")

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        adapter = self._known[event.option_index]
        if adapter in self._chosen:
            self._chosen.remove(adapter)
        else:
            self._chosen.append(adapter)
        self._on_change(tuple(self._chosen))
        event.option_list.replace_option_prompt_at_index(event.option_index, self._prompt(adapter))

    def _option(self, adapter: Adapter) -> Option:
        return Option(self._prompt(adapter))

    def _prompt(self, adapter: Adapter) -> Content:
        mark = "[x]" if adapter in self._chosen else "[ ]"
        path = Path(adapter.path)
        name = Content(f"{mark} {printable_line(path.stem)}")
        return name + Content.styled(f"  scale {adapter.scale:g}  {printable_line(str(path.parent))}", "$text-muted")
