"""Everything that a person can do, in one list.

The bindings of every widget, the footer, the command palette, the slash commands and the help screen are all made
from it; nothing is bound anywhere else. An action is done by the method `action_<id>` of its owner (see `Where`), or
by what `call` says. Each has a key that every terminal can send.
"""

from textual.binding import Binding, BindingType

from mistral_tui.tui.actions.action import Action, Where
from mistral_tui.tui.actions.chat import CHAT
from mistral_tui.tui.actions.chats import CHATS
from mistral_tui.tui.actions.compare import COMPARE
from mistral_tui.tui.actions.dialogs import DIALOGS
from mistral_tui.tui.actions.field import FIELD
from mistral_tui.tui.actions.messages import MESSAGES
from mistral_tui.tui.actions.models import MODELS
from mistral_tui.tui.actions.panes import PANES
from mistral_tui.tui.actions.parameters import PARAMETERS, SETTING
from mistral_tui.tui.actions.picker import PICKER
from mistral_tui.tui.actions.program import PROGRAM
from mistral_tui.tui.actions.reading import READING
from mistral_tui.tui.actions.sessions import SESSIONS
from mistral_tui.tui.actions.tools import TOOLS
from mistral_tui.tui.actions.writing import WRITING
from mistral_tui.types.errors import InvalidRequest

ACTIONS: tuple[Action, ...] = (
    *CHAT,
    *PARAMETERS,
    *CHATS,
    *SESSIONS,
    *READING,
    *MESSAGES,
    *WRITING,
    *FIELD,
    *MODELS,
    *PICKER,
    *PANES,
    *COMPARE,
    *TOOLS,
    *PROGRAM,
    *DIALOGS,
    *SETTING,
)
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
    "selected": (("screen", "interrupt"), *_EVERYWHERE),
    "models": (
        ("models", "use"),
        ("models", "download"),
        ("models", "details"),
        ("models", "make_default"),
        ("models", "close"),
    ),
    "messages": (
        ("message", "edit"),
        ("message", "answer_again"),
        ("message", "go_on"),
        ("message", "copy_message"),
        ("app", "help"),
    ),
    "chats": (
        ("chats", "select"),
        ("sessions", "rename"),
        ("sessions", "pin"),
        ("sessions", "delete"),
        ("app", "help"),
    ),
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
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "minus": "-",
    "plus": "+",
}


def action(where: Where, name: str) -> Action:
    """Return the action of this id."""
    return next(action for action in ACTIONS if action.where == where and action.id == name)


def bindings(*where: Where) -> list[BindingType]:
    """Return the bindings of an owner, and of those for whom it takes the keys."""
    return [
        Binding(
            single_keys(action),
            action.binding_call,
            action.title,
            show=False,
            priority=action.priority,
            id=binding_id(action),
        )
        for action in ACTIONS
        if action.where in where
    ]


def binding_id(action: Action) -> str:
    """Return the name of an action's binding, by which the person's keymap finds it."""
    return f"{action.where}.{action.id}"


def single_keys(action: Action) -> str:
    """Return the keys of an action for its binding; chords are taken by their menu."""
    return ",".join(key for key in action.keys if " " not in key) or no_key(action)


def no_key(action: Action) -> str:
    """Return what stands for the key of an action without one; no terminal sends it."""
    return f"<{action.id}>"


def slash_action(name: str) -> Action | None:
    """Return the action that `/name` does."""
    return next((action for action in ACTIONS if name in action.slash), None)


def key_label(key: str) -> str:
    """Return a key as it is written on screen; a chord as the keys that follow one another."""
    labels = []
    for each in key.split(" "):
        *modifiers, last = each.split("+")
        labels.append("+".join([*modifiers, _KEY_NAMES.get(last, last)]))
    return " ".join(labels)


def key_named(label: str) -> str:
    """Return the key that is written on screen like this."""
    *modifiers, last = label.split("+")
    return "+".join([*modifiers, next((key for key, name in _KEY_NAMES.items() if name == last), last)])


def key_labels(action: Action) -> str:
    """Return all keys of an action as they are written on screen; nothing if it has none."""
    return ", ".join(map(key_label, action.keys))


def slash_hint(text: str) -> str:
    """Return what the command takes with which `text` begins, or what is wrong with the words after it."""
    name, space, words = text[1:].partition(" ")
    found = slash_action(name.lower()) if space and text.startswith(("/", "\\")) else None
    return "" if found is None else argument_hint(found, words)


def argument_hint(action: Action, words: str) -> str:
    """Return what a command takes, or what is wrong with the words after it."""
    if action.argument is None:
        return f"/{action.slash[0]} takes no words" if words.strip() else ""
    wrong = wrong_argument(action, words)
    return wrong or f"/{action.slash[0]} {action.argument.hint}: {action.title}"


def wrong_argument(action: Action, words: str) -> str:
    """Return what is wrong with the words after a command, or nothing."""
    argument = action.argument
    if argument is None:
        return f"/{action.slash[0]} takes no words; begin with a space to send it as it is" if words.strip() else ""
    if not words.strip():
        return f"/{action.slash[0]} needs {argument.hint}" if argument.required else ""
    if argument.check is not None:
        try:
            argument.check(words.strip())
        except InvalidRequest as error:
            return f"/{action.slash[0]} {argument.hint}: {error}"
    return ""
