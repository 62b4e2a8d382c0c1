"""What is done with a session: by key with the one that is highlighted in the list, by command with the one in view."""

from mistral_tui.tui.actions.action import Action, Argument


def _session(
    name: str, title: str, key: str, slash: str = "", *, argument: Argument | None = None, short: str = ""
) -> Action:
    """Return an action; one with a command is in the palette, too."""
    return Action(
        name,
        title,
        (key,),
        "sessions",
        "Chats",
        slash=(slash,) if slash else (),
        argument=argument,
        palette=bool(slash),
        short=short,
    )


SESSIONS: tuple[Action, ...] = (
    Action(
        "search",
        "Search all chats",
        ("alt+h",),
        "screen",
        "Chats",
        slash=("search",),
        argument=Argument("WORDS"),
        palette=True,
        short="search",
    ),
    _session("search_order", "Found: the newest or the best first", "alt+w"),
    _session("rename", "Rename the chat", "alt+r", "rename", argument=Argument("TITLE"), short="rename"),
    _session("suggest_title", "Let the model name the chat", "alt+n", "title"),
    _session("tag", "Tag the chat", "alt+t", "tag", argument=Argument("TAGS")),
    _session("pin", "Pin the chat to the top, or no longer", "alt+k", "pin", short="pin"),
    _session("archive", "Put the chat into the archive, or take it out", "alt+a", "archive"),
    _session("show_archive", "List the archive, or what is not in it", "alt+v", "archived"),
    _session("delete", "Delete the chat", "delete", "delete", short="delete"),
    _session("undelete", "Bring back the chat that was deleted last", "alt+u", "undelete"),
    _session("fork", "Go on in a copy of the chat", "alt+y", "fork"),
    _session("export", "Export the chat", "alt+e", "export", argument=Argument("FILE")),
    _session("import", "Import chats from a file", "alt+i", "import", argument=Argument("FILE")),
)
