"""What is done with the program."""

from mistral_tui.tui.actions.action import Action

PROGRAM: tuple[Action, ...] = (
    Action("command_palette", "All commands", ("ctrl+p",), "app", "Program", short="commands"),
    Action("help", "Help: all keys", ("f1",), "app", "Program", slash=("help",), palette=True, short="help"),
    Action("theme", "Change the colours", ("f9",), "app", "Program", slash=("theme",), palette=True),
    Action("settings", "Settings", ("alt+c",), "app", "Program", slash=("settings",), palette=True),
    Action("metrics", "Speed, context, memory", ("alt+i",), "screen", "Program", slash=("metrics",), palette=True),
    Action("logs", "Logs of models and program", ("alt+j",), "app", "Program", slash=("logs",), palette=True),
    Action("suspend", "Rest: fg in the shell comes back", (), "app", "Program", slash=("suspend",), palette=True),
    Action("focus_next", "Next part of the screen", ("tab",), "app", "Program"),
    Action("focus_previous", "Part of the screen before", ("shift+tab",), "app", "Program"),
    Action(
        "quit", "Quit", ("ctrl+q",), "app", "Program", slash=("exit", "quit"), palette=True, short="quit", priority=True
    ),
)
