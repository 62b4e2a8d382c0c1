"""A question that comes while the person may be typing.

What is typed then goes on into the prompt, and nothing is an answer before the keys have rested for a moment.
"""

from collections.abc import Callable
from typing import ClassVar, Final, Generic

from textual import events
from textual.screen import ScreenResultType
from textual.timer import Timer

from mistral_tui.tui.dialog import Dialog

REST: Final = 0.5
"""Seconds without a key before an answer counts."""
RESTING: Final = "what you type goes on into the prompt · then you can answer"


class RestingDialog(Dialog[ScreenResultType], Generic[ScreenResultType], inherit_bindings=False):
    """A dialog without a focus until the keys have rested.

    Args:
        typed: Takes what is typed before an answer counts: it is meant for the prompt.
    """

    AUTO_FOCUS: ClassVar[str | None] = ""

    def __init__(self, typed: Callable[[events.Key | events.Paste], None]) -> None:
        super().__init__()
        self._typed = typed
        self.counts = False
        """Whether an answer counts now."""
        self._resting: Timer | None = None

    def on_mount(self) -> None:
        """Let the keys rest first."""
        self._rest()

    def on_key(self, event: events.Key) -> None:
        """Let what is typed go where it was meant to go, as long as the keys have not rested."""
        if self.counts:
            return
        event.stop()
        event.prevent_default()
        if event.is_printable or event.key == "backspace":
            self._typed(events.Key(event.key, event.character))
        self._rest()

    def on_paste(self, event: events.Paste) -> None:
        """Do the same with what is pasted."""
        if not self.counts:
            event.stop()
            self._typed(events.Paste(event.text))
            self._rest()

    def show_waiting(self, waiting: int) -> None:
        """Say how many more questions wait."""
        raise NotImplementedError

    def begin_rest(self) -> None:
        """Show that no answer counts yet."""
        raise NotImplementedError

    def end_rest(self) -> None:
        """Show that answers count, and give the focus to what takes them."""
        raise NotImplementedError

    def _rest(self) -> None:
        """Let no answer count until the keys have rested."""
        if self._resting is not None:
            self._resting.stop()
        self.counts = False
        self._resting = self.set_timer(REST, self._rested)
        self.begin_rest()

    def _rested(self) -> None:
        self.counts = True
        self.end_rest()
