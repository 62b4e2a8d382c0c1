"""One thing that a person can do."""

from dataclasses import dataclass
from typing import Literal

Where = Literal["app", "screen", "pane", "model", "prompt", "transcript", "chats", "dialog", "reader", "choice"]
"""Who does it: the app, the main screen, the pane in use, its model, the prompt, the transcript, the list of chats,
a dialog, a dialog with a text, or one with a choice."""
Group = Literal["Chat", "Chats", "Reading", "Writing", "Model", "Program", "Dialogs"]


@dataclass(frozen=True)
class Action:
    """One thing that a person can do."""

    id: str
    title: str
    keys: tuple[str, ...]
    where: Where
    group: Group
    call: str = ""
    """What is called, if it is not the method of this name: a method with an argument."""
    slash: tuple[str, ...] = ()
    """Names as a command in the prompt, after `/` or `\\`."""
    palette: bool = False
    """Whether it is in the command palette."""
    short: str = ""
    """Its name in the footer."""
    priority: bool = False
    """Whether its keys work in dialogs too, and before the focused widget sees them."""

    @property
    def binding_call(self) -> str:
        """What Textual calls for the keys."""
        call = self.call or self.id
        match self.where:
            case "app" | "screen":
                return f"{self.where}.{call}"
            case "pane" | "model":
                return f"screen.do('{self.where}', '{call}')"
        return call
