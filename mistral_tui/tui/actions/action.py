"""One thing that a person can do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Where = Literal[
    "app", "screen", "pane", "model", "parameters", "panes", "message", "prompt", "box", "completion", "sources",
    "transcript", "tokens", "chats", "sessions", "dialog", "reader", "choice", "fields", "system_prompt", "models",
    "details", "field", "asking", "place", "compare", "logs", "approval",
    "calls", "servers", "try_tool", "server_question", "form",
]  # fmt: skip
"""Who does it: the app, the main screen, the pane in use, its model, its parameters, all panes, the chosen message,
the prompt, its box with the files, its list of completions, where else prompts come from, the transcript, the panel
of tokens, the list of chats, what is done with its sessions, a dialog, one with a text, one with a choice, one with
fields, the one of the system prompt, the list of models, its details, a line of text, a dialog with one, a place of a
prompt template, several answers, logs, the question whether a call may be made, the pane of calls, the servers, the
form of a tool, what a server asks, or the lines of a form."""
Group = Literal[
    "Chat", "Chats", "Reading", "Messages", "Writing", "Model", "Models", "Panes", "Tools", "Program", "Dialogs"
]


_OF_THE_SCREEN: tuple[Where, ...] = ("pane", "model", "parameters", "panes", "box", "sources")
_OF_DIALOGS: tuple[Where, ...] = (
    "dialog", "reader", "choice", "fields", "system_prompt", "models", "details", "field", "asking", "place",
    "compare", "logs", "approval", "servers", "try_tool", "server_question", "form",
)  # fmt: skip


@dataclass(frozen=True)
class Argument:
    """What may follow a command, as in `/temperature 0.7`."""

    hint: str
    """What it is, in a word or two."""
    check: Callable[[str], object] | None = None
    """Raises `InvalidRequest` for what makes no sense."""
    required: bool = False
    """Whether the command does nothing without one; otherwise it asks, or shows how it is now."""


@dataclass(eq=False)
class Action:
    """One thing that a person can do."""

    id: str
    title: str
    keys: tuple[str, ...]
    """The keys that do it: those that ship, unless the person has a keymap.

    Two with a blank between them are a chord: one key, then the other.
    """
    where: Where
    group: Group
    call: str = ""
    """What is called, if it is not the method of this name: a method with an argument."""
    slash: tuple[str, ...] = ()
    """Names as a command in the prompt, after `/` or `\\`."""
    argument: Argument | None = None
    """What the command takes; it is given to the method as text, without one the empty text."""
    palette: bool = False
    """Whether it is in the command palette."""
    short: str = ""
    """Its name in the footer."""
    priority: bool = False
    """Whether its keys work in dialogs too, and before the focused widget sees them."""
    shipped_keys: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.shipped_keys = self.keys

    @property
    def everywhere(self) -> bool:
        """Whether its keys work wherever the person is on the main screen."""
        return self.where in ("app", "screen", *_OF_THE_SCREEN)

    @property
    def modal(self) -> bool:
        """Whether it is of a dialog, where no other keys work."""
        return self.where in _OF_DIALOGS

    @property
    def binding_call(self) -> str:
        """What Textual calls for the keys."""
        return self.call_with("")

    def owner_call(self, argument: str = "") -> str:
        """Return what is called of its owner."""
        return self.call or (self.id if self.argument is None else f"{self.id}({argument!r})")

    def call_with(self, argument: str) -> str:
        """Return what Textual calls for the command with an argument."""
        call = self.owner_call(argument)
        if self.where in ("app", "screen"):
            return f"{self.where}.{call}"
        if self.where == "form":
            return f"app.{call}"
        if self.where == "models":
            return f"screen.{call}"
        if self.where in (*_OF_THE_SCREEN, "sessions", "message"):
            return f"screen.do({self.where!r}, {call!r})"
        return call
