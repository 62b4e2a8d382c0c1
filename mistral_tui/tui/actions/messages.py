"""What is done with one message: the chosen one, else the last."""

from mistral_tui.tui.actions.action import Action

MESSAGES: tuple[Action, ...] = (
    Action(
        "messages",
        "Go to the messages of the chat",
        ("alt+m",),
        "pane",
        "Messages",
        slash=("messages",),
        palette=True,
        short="messages",
    ),
    Action("message_up", "Message above", ("up", "k"), "transcript", "Messages"),
    Action("message_down", "Message below", ("down", "j"), "transcript", "Messages"),
    Action("first_message", "First message", ("home",), "transcript", "Messages"),
    Action("last_message", "Last message", ("end",), "transcript", "Messages"),
    Action(
        "edit",
        "Edit it: a branch of its own",
        ("e",),
        "message",
        "Messages",
        slash=("revise",),
        palette=True,
        short="edit",
    ),
    Action("answer_again", "Answer it again", ("r",), "message", "Messages", palette=True, short="again"),
    Action("answer_with", "Answer it again with another model", ("m",), "message", "Messages", palette=True),
    Action(
        "go_on", "Let the reply go on", ("g",), "message", "Messages", slash=("continue",), palette=True, short="go on"
    ),
    Action("fork", "Fork: a new chat from here", ("f",), "message", "Messages", slash=("forkhere",), palette=True),
    Action("branch_before", "Branch before", ("left", "h"), "message", "Messages"),
    Action("branch_after", "Next branch", ("right", "l"), "message", "Messages"),
    Action("copy_message", "Copy it", ("c", "y"), "message", "Messages", short="copy"),
    *(
        Action(
            f"copy_code_{number}",
            f"Copy code block {number}",
            (str(number),),
            "message",
            "Messages",
            call=f"copy_code({number})",
        )
        for number in range(1, 10)
    ),
    Action("save_code", "Save a code block as a file", ("s",), "message", "Messages", slash=("save",), palette=True),
    Action(
        "delete", "Delete it with what follows", ("delete", "x"), "message", "Messages", slash=("remove",), palette=True
    ),
    Action("undo_delete", "Undo the deletion", ("u",), "message", "Messages", slash=("restore",), palette=True),
    Action("source", "Show the source, or not", ("v",), "message", "Messages", slash=("raw",), palette=True),
    Action("fold", "Fold or unfold it", ("space",), "message", "Messages"),
    Action("open_thoughts", "Open or fold what was thought, and the calls", ("o",), "message", "Messages"),
    Action("tokens", "Its tokens and their alternatives", ("t",), "message", "Messages", palette=True),
    Action(
        "watch_tokens",
        "Show how likely each token is, or not",
        ("alt+t",),
        "pane",
        "Messages",
        call="watch_tokens",
        slash=("tokens",),
        palette=True,
    ),
    Action("token_left", "Token before", ("left", "h"), "tokens", "Messages", call="move(-1)"),
    Action("token_right", "Next token", ("right", "l"), "tokens", "Messages", call="move(1)"),
    Action("first_token", "First token", ("home",), "tokens", "Messages", call="move(-1000000)"),
    Action("last_token", "Last token", ("end",), "tokens", "Messages", call="move(1000000)"),
    Action("unlikely_before", "Unlikely token before", ("shift+left", "b"), "tokens", "Messages", call="unlikely(-1)"),
    Action("unlikely_after", "Next unlikely token", ("shift+right", "w"), "tokens", "Messages", call="unlikely(1)"),
    Action("alternative_up", "Likelier alternative", ("up", "k"), "tokens", "Messages", call="pick(-1)"),
    Action("alternative_down", "Less likely alternative", ("down", "j"), "tokens", "Messages", call="pick(1)"),
    Action("take", "Go on from the alternative", ("enter",), "tokens", "Messages"),
    Action("close", "Back to the messages", ("escape", "t", "q"), "tokens", "Messages"),
)
