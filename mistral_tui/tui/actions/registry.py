"""Everything that a person can do, in one list.

The bindings of every widget, the footer, the command palette, the slash commands and the help screen are all made
from it; nothing is bound anywhere else. An action is done by the method `action_<id>` of its owner (see `Where`), or
by what `call` says. Each has a key that every terminal can send.
"""

from textual.binding import Binding, BindingType

from mistral_tui.tui.actions.action import Action, Where
from mistral_tui.tui.actions.chat import CHAT
from mistral_tui.tui.actions.chats import CHATS
from mistral_tui.tui.actions.dialogs import DIALOGS
from mistral_tui.tui.actions.models import MODELS
from mistral_tui.tui.actions.program import PROGRAM
from mistral_tui.tui.actions.reading import READING
from mistral_tui.tui.actions.writing import WRITING

ACTIONS: tuple[Action, ...] = (*CHAT, *CHATS, *READING, *WRITING, *MODELS, *PROGRAM, *DIALOGS)
_EVERYWHERE: tuple[tuple[Where, str], ...] = (
    ("screen", "new_chat"),
    ("screen", "toggle_chats"),
    ("app", "command_palette"),
    ("app", "help"),
)
FOOTERS: dict[str, tuple[tuple[Where, str], ...]] = {
    "idle": (("prompt", "send"), *_EVERYWHERE),
    "busy": (("screen", "stop"), *_EVERYWHERE),
    "failed": (("pane", "retry"), *_EVERYWHERE),
    "chats": (("chats", "select"), *_EVERYWHERE),
}
"""The five keys that matter, by what is going on."""


_KEY_NAMES = {
    "escape": "esc",
    "pageup": "page up",
    "pagedown": "page down",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}


def action(where: Where, name: str) -> Action:
    """Return the action of this id."""
    return next(action for action in ACTIONS if action.where == where and action.id == name)


def bindings(*where: Where) -> list[BindingType]:
    """Return the bindings of an owner, and of those for whom it takes the keys."""
    return [
        Binding(",".join(action.keys), action.binding_call, action.title, show=False, priority=action.priority)
        for action in ACTIONS
        if action.where in where
    ]


def slash_action(name: str) -> Action | None:
    """Return the action that `/name` does."""
    return next((action for action in ACTIONS if name in action.slash), None)


def key_label(key: str) -> str:
    """Return a key as it is written on screen."""
    *modifiers, last = key.split("+")
    return "+".join([*modifiers, _KEY_NAMES.get(last, last)])


def slash_hint(text: str) -> str:
    """Return the commands that `text` may become, if it begins like one."""
    if not text.startswith("/") or (not text[1:].isalpha() and text != "/"):
        return ""
    return "  ".join(f"/{name}" for action in ACTIONS for name in action.slash if name.startswith(text[1:]))
