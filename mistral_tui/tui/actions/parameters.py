"""What is done with the parameters of the chat in view, and in the screens where things are set."""

from mistral_tui.config.schema import typed
from mistral_tui.tui.actions.action import Action, Argument


def _parameter(
    name: str,
    title: str,
    *keys: str,
    slash: tuple[str, ...] = (),
    argument: Argument | None = None,
    palette: bool = True,
) -> Action:
    """Return the action of a command of its own name, unless `slash` says others."""
    return Action(name, title, keys, "parameters", "Chat", slash=slash or (name,), argument=argument, palette=palette)


PARAMETERS: tuple[Action, ...] = (
    _parameter("parameters", "Parameters of this chat", "alt+p", slash=("parameters", "params")),
    _parameter("system", "System prompt of this chat", "alt+s", argument=Argument("TEXT")),
    _parameter("temperature", "Temperature", argument=Argument("0…2", lambda words: typed("temperature", words))),
    _parameter("topk", "How many candidates stay", argument=Argument("N", lambda words: typed("top_k", words))),
    _parameter(
        "topp", "Probability of the candidates together", argument=Argument("0…1", lambda words: typed("top_p", words))
    ),
    _parameter(
        "adapter", "Use a LoRA, or none", argument=Argument("FILE[=SCALE] | none", required=True), palette=False
    ),
    _parameter(
        "tool_choice",
        "Whether the model must call a tool, or none",
        slash=("toolchoice",),
        argument=Argument("auto | none | required | TOOL"),
    ),
    _parameter("preset", "Use a preset", "alt+o", argument=Argument("NAME")),
    _parameter(
        "save_preset",
        "Keep these parameters as a preset",
        slash=("savepreset",),
        argument=Argument("NAME", required=True),
        palette=False,
    ),
)
SETTING: tuple[Action, ...] = (
    Action("edit_field", "Edit the field, or set it", ("enter",), "fields", "Dialogs", call="enter"),
    Action("leave", "Leave it as it is, or close", ("escape", "ctrl+c"), "fields", "Dialogs"),
    Action("field_above", "Field above", ("up",), "fields", "Dialogs", call="move(-1)"),
    Action("field_below", "Field below", ("down",), "fields", "Dialogs", call="move(1)"),
    Action("fields_up", "A page of fields up", ("pageup",), "fields", "Dialogs", call="move(-10)"),
    Action("fields_down", "A page of fields down", ("pagedown",), "fields", "Dialogs", call="move(10)"),
    Action("keep", "Set the system prompt", ("ctrl+s", "f10"), "system_prompt", "Dialogs"),
    Action("next_log", "Another log", ("alt+n",), "logs", "Dialogs"),
    Action("next_level", "Only warnings and errors, only errors, or all", ("alt+w",), "logs", "Dialogs"),
)
