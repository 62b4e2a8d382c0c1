"""How a prompt is written."""

from mistral_tui.tui.actions.action import Action, Argument

WRITING: tuple[Action, ...] = (
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
        ("ctrl+shift+left", "alt+shift+b"),
        "prompt",
        "Writing",
        call="cursor_word_left(True)",
    ),
    Action(
        "select_word_right",
        "Select a word right",
        ("ctrl+shift+right", "alt+shift+f"),
        "prompt",
        "Writing",
        call="cursor_word_right(True)",
    ),
    Action("select_all", "Select all", ("f7",), "prompt", "Writing"),
    Action("delete_left", "Delete left", ("backspace",), "prompt", "Writing"),
    Action("delete_right", "Delete right", ("delete", "ctrl+d"), "prompt", "Writing"),
    Action(
        "delete_word_left", "Delete the word left", ("ctrl+w", "alt+backspace", "ctrl+backspace"), "prompt", "Writing"
    ),
    Action("delete_word_right", "Delete the word right", ("ctrl+f", "alt+d", "ctrl+delete"), "prompt", "Writing"),
    Action("delete_to_start_of_line", "Delete to the start of the line", ("ctrl+u",), "prompt", "Writing"),
    Action("delete_to_end_of_line_or_delete_line", "Delete to the end of the line", ("ctrl+k",), "prompt", "Writing"),
    Action("cut", "Cut", ("ctrl+x",), "prompt", "Writing"),
    Action("paste", "Paste what was cut or copied here", ("ctrl+v",), "prompt", "Writing"),
    Action("undo", "Undo", ("ctrl+z",), "prompt", "Writing"),
    Action("redo", "Redo", ("alt+z", "ctrl+shift+z"), "prompt", "Writing"),
    # While the list of completions is open
    Action("completion_up", "Completion above", ("up",), "completion", "Writing"),
    Action("completion_down", "Completion below", ("down",), "completion", "Writing"),
    Action("completion_take", "Take the completion", ("tab",), "completion", "Writing"),
    Action("completion_send", "Take the completion of a command and run it", ("enter",), "completion", "Writing"),
    Action("completion_close", "No completion", ("escape",), "completion", "Writing"),
    # What goes along
    Action(
        "attach",
        "Attach a file: type its name after @",
        ("alt+a",),
        "box",
        "Writing",
        slash=("attach",),
        argument=Argument("PATH"),
        palette=True,
    ),
    Action("detach", "Take the last attached file away", ("alt+x",), "box", "Writing", slash=("detach",), palette=True),
    Action("preview", "Look at the last attached file", (), "box", "Writing", slash=("preview",), palette=True),
    # Where a prompt may come from
    Action(
        "edit", "Write the prompt in your editor", ("ctrl+g",), "sources", "Writing", slash=("editor",), palette=True
    ),
    Action("history", "Search older prompts", ("alt+q",), "sources", "Writing", slash=("history",), palette=True),
    Action(
        "prompt",
        "Fill in a prompt template",
        (),
        "sources",
        "Writing",
        slash=("prompt",),
        argument=Argument("NAME"),
        palette=True,
    ),
)
