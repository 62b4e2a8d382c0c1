"""What is to be given of a document that does not fit into the context."""

from typing import ClassVar, Final, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mistral_tui.chat.documents.fitting import DocumentTooLong, Fit
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.models.template_choice import Choices
from mistral_tui.types.text import printable_line

_CHOICES: Final[tuple[tuple[Fit, str, str], ...]] = (
    ("passages", "the passages that fit the question", "found by meaning; takes a while"),
    ("beginning", "the beginning", "as much as there is room for"),
    ("ends", "the beginning and the end", "what is between is left out"),
    ("whole", "all of it", "the context will be full"),
)


class FitChoice(Dialog[Fit | None], inherit_bindings=False):
    """Asks what is given of a document; closes with that, or with `None`: the prompt is not sent."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(self, problem: DocumentTooLong) -> None:
        super().__init__()
        self._problem = problem

    def compose(self) -> ComposeResult:
        """Lay out the question and the choices."""
        problem = self._problem
        with Vertical(classes="dialog", id="fit-choice"):
            yield Static("a long document", classes="dialog-title", markup=False)
            yield Static(
                f"{printable_line(problem.name)} has {problem.tokens:,} tokens, and there is room for "
                f"{problem.room:,}. What should the model read of it?",
                markup=False,
            )
            width = max(len(title) for _, title, _ in _CHOICES)
            yield Choices(
                *(
                    Option(Content(f"{title:<{width}}  ") + Content.styled(detail, "$text-muted"), id=fit)
                    for fit, title, detail in _CHOICES
                ),
                markup=False,
            )
            yield KeyHint("enter chooses · esc sends nothing")

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(cast("Fit", event.option_id))
