"""How a line of text is written."""

from mistral_tui.tui.actions.action import Action

FIELD: tuple[Action, ...] = (
    Action("cursor_left", "Left, in a line", ("left",), "field", "Writing"),
    Action("cursor_right", "Right, in a line", ("right",), "field", "Writing"),
    Action("cursor_left_word", "A word left, in a line", ("ctrl+left", "alt+b"), "field", "Writing"),
    Action("cursor_right_word", "A word right, in a line", ("ctrl+right", "alt+f"), "field", "Writing"),
    Action("home", "Start, in a line", ("ctrl+a",), "field", "Writing"),
    Action("end", "End, in a line", ("ctrl+e",), "field", "Writing"),
    Action("delete_left", "Delete left, in a line", ("backspace",), "field", "Writing"),
    Action("delete_right", "Delete right, in a line", ("delete",), "field", "Writing"),
    Action(
        "delete_left_word",
        "Delete the word left, in a line",
        ("ctrl+w", "alt+backspace", "ctrl+backspace"),
        "field",
        "Writing",
    ),
    Action("delete_left_all", "Delete to the start, in a line", ("ctrl+u",), "field", "Writing"),
    Action("delete_right_all", "Delete to the end, in a line", ("ctrl+k",), "field", "Writing"),
    Action("paste", "Paste what was copied here, in a line", ("ctrl+v",), "field", "Writing"),
)
