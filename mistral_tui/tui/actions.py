"""Everything that a person can do, in one list.

The bindings of every widget, the footer, the command palette, the slash commands and the help screen are all made
from it; nothing is bound anywhere else. An action is done by the method `action_<id>` of its owner (see `Where`), or
by what `call` says. Each has a key that every terminal can send.
"""

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

Where = Literal["app", "screen", "prompt", "transcript", "chats", "dialog", "reader", "choice"]
"""Who does it: the app, the main screen, the prompt, the transcript, the list of chats, a dialog, a
dialog with a text, or one with a choice."""
Group = Literal["Chat", "Chats", "Reading", "Writing", "Program", "Dialogs"]


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
        return f"{self.where}.{call}" if self.where in ("app", "screen") else call


ACTIONS: tuple[Action, ...] = (
    # The chat
    Action("send", "Send the prompt", ("enter",), "prompt", "Chat", short="send"),
    Action("new_line", "Break the line", ("ctrl+j", "shift+enter"), "prompt", "Chat", short="new line"),
    Action("stop", "Stop the reply, close, or go back to the prompt", ("escape",), "screen", "Chat", short="stop"),
    Action(
        "retry",
        "Answer the last prompt again",
        ("ctrl+r",),
        "screen",
        "Chat",
        slash=("retry",),
        palette=True,
        short="try again",
    ),
    Action("copy_reply", "Copy the last reply", ("ctrl+y",), "screen", "Chat", slash=("copy",), palette=True),
    Action(
        "context_policy",
        "Another way when the context is full",
        ("ctrl+g",),
        "screen",
        "Chat",
        slash=("context",),
        palette=True,
    ),
    Action(
        "thinking",
        "Let the model think first, or not",
        ("ctrl+t",),
        "screen",
        "Chat",
        slash=("thinking",),
        palette=True,
    ),
    Action(
        "interrupt",
        "Copy the selection, else stop; twice: quit",
        ("ctrl+c",),
        "screen",
        "Chat",
    ),
    # Chats
    Action(
        "new_chat", "New chat", ("ctrl+n",), "screen", "Chats", slash=("new", "clear"), palette=True, short="new chat"
    ),
    Action(
        "new_private_chat",
        "New private chat, never stored",
        ("f8",),
        "screen",
        "Chats",
        slash=("private",),
        palette=True,
    ),
    Action(
        "toggle_chats",
        "Go to the list of chats, or fold it",
        ("ctrl+b", "f2"),
        "screen",
        "Chats",
        slash=("chats",),
        palette=True,
        short="chats",
    ),
    Action("select", "Open the chat", ("enter",), "chats", "Chats", short="open"),
    Action("cursor_up", "Chat above", ("up",), "chats", "Chats"),
    Action("cursor_down", "Chat below", ("down",), "chats", "Chats"),
    Action("page_up", "A page of chats up", ("pageup",), "chats", "Chats"),
    Action("page_down", "A page of chats down", ("pagedown",), "chats", "Chats"),
    Action("first", "Newest chat", ("home",), "chats", "Chats"),
    Action("last", "Oldest chat of the list", ("end",), "chats", "Chats"),
    # Reading
    Action("read_up", "A page up", ("pageup",), "screen", "Reading"),
    Action("read_down", "A page down", ("pagedown",), "screen", "Reading"),
    Action("read_start", "The first message", ("ctrl+home", "f3"), "screen", "Reading", palette=True),
    Action(
        "read_end", "The end, and follow it", ("ctrl+end", "f4"), "screen", "Reading", palette=True, short="the end"
    ),
    Action(
        "thoughts",
        "Open or fold what models thought",
        ("ctrl+o",),
        "screen",
        "Reading",
        slash=("thoughts",),
        palette=True,
    ),
    Action("scroll_up", "A line up, in the focused chat", ("up",), "transcript", "Reading"),
    Action("scroll_down", "A line down, in the focused chat", ("down",), "transcript", "Reading"),
    # Writing
    Action("older", "Older prompt, from the first line; else a line up", ("up",), "prompt", "Writing"),
    Action("newer", "Newer prompt, from the last line; else a line down", ("down",), "prompt", "Writing"),
    Action("cursor_left", "Left", ("left",), "prompt", "Writing"),
    Action("cursor_right", "Right", ("right",), "prompt", "Writing"),
    Action("cursor_word_left", "A word left", ("ctrl+left", "alt+b"), "prompt", "Writing"),
    Action("cursor_word_right", "A word right", ("ctrl+right", "alt+f"), "prompt", "Writing"),
    Action("cursor_line_start", "Start of the line", ("home", "ctrl+a"), "prompt", "Writing"),
    Action("cursor_line_end", "End of the line", ("end", "ctrl+e"), "prompt", "Writing"),
    Action("select_left", "Select left", ("shift+left",), "prompt", "Writing", call="cursor_left(True)"),
    Action("select_right", "Select right", ("shift+right",), "prompt", "Writing", call="cursor_right(True)"),
    Action("select_up", "Select up", ("shift+up",), "prompt", "Writing", call="cursor_up(True)"),
    Action("select_down", "Select down", ("shift+down",), "prompt", "Writing", call="cursor_down(True)"),
    Action(
        "select_word_left",
        "Select a word left",
        ("ctrl+shift+left", "alt+B"),
        "prompt",
        "Writing",
        call="cursor_word_left(True)",
    ),
    Action(
        "select_word_right",
        "Select a word right",
        ("ctrl+shift+right", "alt+F"),
        "prompt",
        "Writing",
        call="cursor_word_right(True)",
    ),
    Action("select_all", "Select all", ("f7",), "prompt", "Writing"),
    Action("delete_left", "Delete left", ("backspace",), "prompt", "Writing"),
    Action("delete_right", "Delete right", ("delete", "ctrl+d"), "prompt", "Writing"),
    Action("delete_word_left", "Delete the word left", ("ctrl+w", "alt+backspace"), "prompt", "Writing"),
    Action("delete_word_right", "Delete the word right", ("ctrl+f", "alt+d"), "prompt", "Writing"),
    Action("delete_to_start_of_line", "Delete to the start of the line", ("ctrl+u",), "prompt", "Writing"),
    Action("delete_to_end_of_line_or_delete_line", "Delete to the end of the line", ("ctrl+k",), "prompt", "Writing"),
    Action("cut", "Cut", ("ctrl+x",), "prompt", "Writing"),
    Action("paste", "Paste what was cut or copied here", ("ctrl+v",), "prompt", "Writing"),
    Action("undo", "Undo", ("ctrl+z",), "prompt", "Writing"),
    Action("redo", "Redo", ("alt+z", "ctrl+shift+z"), "prompt", "Writing"),
    # The program
    Action("command_palette", "All commands", ("ctrl+p",), "app", "Program", short="commands"),
    Action("help", "Help: all keys", ("f1",), "app", "Program", slash=("help",), palette=True, short="help"),
    Action(
        "fetch_starter", "Fetch the starter model, where there is no other", ("f5",), "app", "Program", palette=True
    ),
    Action(
        "choose_template",
        "Choose a chat template for the model",
        ("f6",),
        "app",
        "Program",
        slash=("template",),
        palette=True,
    ),
    Action(
        "choose_loras",
        "Choose the LoRAs of this chat",
        ("ctrl+l",),
        "app",
        "Program",
        slash=("lora",),
        palette=True,
    ),
    Action("unload_model", "Unload the model", ("f10",), "app", "Program", slash=("unload",), palette=True),
    Action("theme", "Change the colours", ("f9",), "app", "Program", slash=("theme",), palette=True),
    Action("focus_next", "Next part of the screen", ("tab",), "app", "Program"),
    Action("focus_previous", "Part of the screen before", ("shift+tab",), "app", "Program"),
    Action(
        "quit", "Quit", ("ctrl+q",), "app", "Program", slash=("exit", "quit"), palette=True, short="quit", priority=True
    ),
    # Dialogs
    Action("dismiss", "Close", ("escape", "ctrl+c"), "dialog", "Dialogs", call="dismiss(None)", short="close"),
    Action("line_up", "A line up", ("up", "k"), "reader", "Dialogs", call="scroll(-1)"),
    Action("line_down", "A line down", ("down", "j"), "reader", "Dialogs", call="scroll(1)"),
    Action("text_up", "A page up", ("pageup",), "reader", "Dialogs", call="scroll(-12)"),
    Action("text_down", "A page down", ("pagedown", "space"), "reader", "Dialogs", call="scroll(12)"),
    Action("select", "Choose", ("enter",), "choice", "Dialogs"),
    Action("cursor_up", "Choice above", ("up",), "choice", "Dialogs"),
    Action("cursor_down", "Choice below", ("down",), "choice", "Dialogs"),
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
    "failed": (("screen", "retry"), *_EVERYWHERE),
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


def bindings(where: Where) -> list[BindingType]:
    """Return the bindings of an owner."""
    return [
        Binding(",".join(action.keys), action.binding_call, action.title, show=False, priority=action.priority)
        for action in ACTIONS
        if action.where == where
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
