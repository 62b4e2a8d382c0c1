"""Which colours: a list that shows each as it is marked."""

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
from mistral_tui.tui.settings.colours import Colours
from mistral_tui.types.text import printable_line


class ThemeChoice(Dialog[str | None], inherit_bindings=False):
    """Lets the person look and choose; closes with the name, or with `None` after the first colours are back."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(self, colours: Colours, current: str) -> None:
        super().__init__()
        self._colours = colours
        self._before = current
        self._names = colours.names()

    def compose(self) -> ComposeResult:
        """Lay out the names."""
        with Vertical(classes="dialog", id="theme-choice"):
            yield Static("colours", classes="dialog-title", markup=False)
            yield Choices(*(Option(printable_line(name)) for name in self._names), markup=False)
            yield Static(id="theme-problem", markup=False)
            yield Static(id="theme-sample", markup=False)
            yield KeyHint("enter keeps them · esc: as before")

    def on_mount(self) -> None:
        """Mark the theme in use."""
        if self._before in self._names:
            self.query_one(Choices).highlighted = self._names.index(self._before)

    async def action_dismiss(self, result: str | None = None) -> None:
        """Close; the colours are as before."""
        self._colours.use(self._before)
        self.dismiss(None)

    @on(OptionList.OptionHighlighted)
    def _marked(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        problem = self._colours.use(self._names[event.option_index])
        self.query_one("#theme-problem", Static).update(problem or "")
        self._show_sample()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        name = self._names[event.option_index]
        if self._colours.use(name) is None:
            self.dismiss(name)

    def _show_sample(self) -> None:
        words = [
            ("text  ", "$foreground"),
            ("muted  ", "$text-muted"),
            ("dim  ", "$text-disabled"),
            ("accent  ", "bold $accent"),
            ("good  ", "$text-success"),
            ("careful  ", "$text-warning"),
            ("wrong", "$text-error"),
        ]
        self.query_one("#theme-sample", Static).update(Content.assemble(*words))
