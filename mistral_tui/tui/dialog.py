"""What all dialogs have in common: they are answered once, and then closed."""

from typing import ClassVar, Generic

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, Screen, ScreenResultType


class AnsweredScreen(Screen[ScreenResultType], Generic[ScreenResultType], inherit_bindings=False):
    """A screen that is closed by an answer.

    Textual's `dismiss` closes whatever is on top. A key that was pressed twice on a busy machine reaches a screen that
    is closed already, and would take the one below with it, or end the program where there is none.
    """

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Close the screen with its answer, unless it is closed already or another is over it."""
        return super().dismiss(result) if self.is_active else AwaitComplete()


class Dialog(ModalScreen[ScreenResultType], AnsweredScreen[ScreenResultType], inherit_bindings=False):
    """Such a screen that leaves what is below it in view.

    The style sheets know it as a modal screen, which is why that comes first: Textual looks at the first base only.
    """

    TAKES_QUESTIONS: ClassVar[bool] = False
    """Whether what a server asks may come over it: it makes calls itself, and ends them when it is closed."""
