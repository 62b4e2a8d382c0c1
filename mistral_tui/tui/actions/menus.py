"""What is listed at the mouse where its right button is pressed, by what it points at."""

from typing import Final, Literal

from mistral_tui.tui.actions.action import Action, Where
from mistral_tui.tui.actions.registry import action

Menu = Literal["session", "sessions", "message", "pane", "prompt", "tab", "model"]

_MENUS: Final[dict[Menu, tuple[tuple[Where, str], ...]]] = {
    "session": (
        ("chats", "select"),
        ("sessions", "rename"),
        ("sessions", "tag"),
        ("sessions", "pin"),
        ("sessions", "archive"),
        ("sessions", "fork"),
        ("sessions", "export"),
        ("sessions", "delete"),
        ("sessions", "undelete"),
    ),
    "sessions": (
        ("screen", "new_chat"),
        ("screen", "new_private_chat"),
        ("sessions", "show_archive"),
        ("sessions", "import"),
        ("sessions", "undelete"),
        ("screen", "toggle_chats"),
    ),
    "message": (
        ("message", "copy_message"),
        ("message", "edit"),
        ("message", "answer_again"),
        ("message", "answer_with"),
        ("message", "go_on"),
        ("message", "fork"),
        ("message", "fold"),
        ("message", "source"),
        ("message", "tokens"),
        ("message", "save_code"),
        ("message", "delete"),
        ("message", "undo_delete"),
    ),
    "pane": (
        ("screen", "new_chat"),
        ("model", "models"),
        ("parameters", "parameters"),
        ("parameters", "system"),
        ("panes", "split_right"),
        ("panes", "split_down"),
        ("panes", "new_tab"),
        ("panes", "zoom"),
        ("panes", "broadcast"),
        ("panes", "compare"),
        ("panes", "close_pane"),
    ),
    "prompt": (
        ("prompt", "send"),
        ("box", "attach"),
        ("prompt", "paste"),
        ("prompt", "cut"),
        ("prompt", "select_all"),
        ("prompt", "undo"),
        ("sources", "history"),
        ("sources", "prompt"),
        ("sources", "edit"),
    ),
    "model": (
        ("models", "use"),
        ("models", "download"),
        ("models", "load"),
        ("models", "unload"),
        ("models", "make_default"),
        ("models", "presets"),
        ("models", "add_file"),
        ("models", "look_again"),
        ("models", "remove"),
    ),
    "tab": (("panes", "new_tab"), ("panes", "tab_left"), ("panes", "tab_right"), ("panes", "close_tab")),
}


def menu(name: Menu) -> list[Action]:
    """Return what can be done with what the mouse points at."""
    return [action(where, each) for where, each in _MENUS[name]]
