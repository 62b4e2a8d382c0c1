"""How a chat is read."""

from mistral_tui.tui.actions.action import Action

READING: tuple[Action, ...] = (
    Action("read_up", "A page up", ("pageup",), "pane", "Reading"),
    Action("read_down", "A page down", ("pagedown",), "pane", "Reading"),
    Action("read_start", "The first message", ("ctrl+home", "f3"), "pane", "Reading", palette=True),
    Action("read_end", "The end, and follow it", ("ctrl+end", "f4"), "pane", "Reading", palette=True, short="the end"),
    Action(
        "thoughts",
        "Open or fold what models thought",
        ("ctrl+o",),
        "pane",
        "Reading",
        slash=("thoughts",),
        palette=True,
    ),
)
