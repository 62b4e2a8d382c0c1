"""What is done with several answers to one prompt."""

from mistral_tui.tui.actions.action import Action, Argument

COMPARE: tuple[Action, ...] = (
    Action(
        "compare",
        "Several models, or settings, answer a prompt",
        ("ctrl+s c",),
        "panes",
        "Panes",
        slash=("compare",),
        argument=Argument("[PROMPT]"),
        palette=True,
        short="compare",
    ),
    Action("next_answer", "Next answer", ("right", "l"), "compare", "Panes", call="turn(1)"),
    Action("previous_answer", "Answer before", ("left", "h"), "compare", "Panes", call="turn(-1)"),
    Action("keep", "Keep this answer; the others stay as branches", ("enter",), "compare", "Panes"),
    Action("answer_up", "A line up", ("up", "k"), "compare", "Panes", call="scroll(-1)"),
    Action("answer_down", "A line down", ("down", "j"), "compare", "Panes", call="scroll(1)"),
    Action("answer_page_up", "A page up", ("pageup",), "compare", "Panes", call="scroll(-12)"),
    Action("answer_page_down", "A page down", ("pagedown", "space"), "compare", "Panes", call="scroll(12)"),
    Action("leave", "Stop what is written; then close", ("escape", "ctrl+c"), "compare", "Panes"),
)
