"""What is done with the chat in view."""

from mistral_tui.tui.actions.action import Action

CHAT: tuple[Action, ...] = (
    Action("send", "Send the prompt", ("enter",), "prompt", "Chat", short="send"),
    Action("new_line", "Break the line", ("ctrl+j", "shift+enter", "alt+enter"), "prompt", "Chat", short="new line"),
    Action("stop", "Stop the reply, close, or go back to the prompt", ("escape",), "screen", "Chat", short="stop"),
    Action(
        "retry",
        "Answer the last prompt again",
        ("ctrl+r",),
        "pane",
        "Chat",
        slash=("retry",),
        palette=True,
        short="try again",
    ),
    Action("copy_reply", "Copy the last reply", ("ctrl+y",), "pane", "Chat", slash=("copy",), palette=True),
    Action(
        "context_policy",
        "Another way when the context is full",
        ("alt+g",),
        "parameters",
        "Chat",
        slash=("context",),
        palette=True,
    ),
    Action(
        "thinking",
        "Let the model think first, or not",
        ("ctrl+t",),
        "parameters",
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
        short="copy",
    ),
)
