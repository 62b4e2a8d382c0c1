"""What is done with the calls of tools, and with the servers that have them."""

from mistral_tui.tui.actions.action import Action

TOOLS: tuple[Action, ...] = (
    Action("allow_once", "Allow the call this once", ("o",), "approval", "Tools", call="choose('once')"),
    Action("allow_session", "Allow the tool in this chat", ("s",), "approval", "Tools", call="choose('session')"),
    Action("allow_always", "Allow the tool always", ("a",), "approval", "Tools", call="choose('always')"),
    Action("deny", "Do not allow the call", ("d",), "approval", "Tools", call="choose('deny')"),
    Action("deny_why", "Do not allow it, and tell the model why", ("w",), "approval", "Tools", call="choose('why')"),
    Action("answer", "Tell the model why", ("enter",), "approval", "Tools"),
    Action("text_up", "A page of the call up", ("pageup",), "approval", "Tools", call="scroll(-8)"),
    Action("text_down", "A page of the call down", ("pagedown",), "approval", "Tools", call="scroll(8)"),
)
