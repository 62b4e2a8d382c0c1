"""What is done in dialogs."""

from mistral_tui.tui.actions.action import Action

DIALOGS: tuple[Action, ...] = (
    Action("dismiss", "Close", ("escape", "ctrl+c"), "dialog", "Dialogs", call="dismiss(None)", short="close"),
    Action("answer", "Answer", ("enter",), "asking", "Dialogs"),
    Action(
        "place_before", "Place before, from the first line; else a line up", ("up", "shift+tab"), "place", "Dialogs"
    ),
    Action("next_place", "Next place, from the last line; else a line down", ("down", "tab"), "place", "Dialogs"),
    Action("line_up", "A line up", ("up",), "reader", "Dialogs", call="scroll(-1)"),
    Action("line_down", "A line down", ("down",), "reader", "Dialogs", call="scroll(1)"),
    Action("text_up", "A page up", ("pageup",), "reader", "Dialogs", call="scroll(-12)"),
    Action("text_down", "A page down", ("pagedown",), "reader", "Dialogs", call="scroll(12)"),
    Action("select", "Choose", ("enter",), "choice", "Dialogs"),
    Action("cursor_up", "Choice above", ("up",), "choice", "Dialogs"),
    Action("cursor_down", "Choice below", ("down",), "choice", "Dialogs"),
    Action("first", "First choice", ("home",), "choice", "Dialogs"),
    Action("last", "Last choice", ("end",), "choice", "Dialogs"),
)
