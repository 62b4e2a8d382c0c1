"""What is done with the list of chats."""

from mistral_tui.tui.actions.action import Action

CHATS: tuple[Action, ...] = (
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
)
