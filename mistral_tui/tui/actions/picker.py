"""What is done in the list of models; letters look for models there."""

from mistral_tui.tui.actions.action import Action

PICKER: tuple[Action, ...] = (
    Action("use", "Let the model answer this chat", ("enter",), "models", "Models", short="use"),
    Action("download", "Fetch the model, pause, or go on", ("f5",), "models", "Models", short="fetch"),
    Action("details", "More of the details, or less", ("ctrl+t",), "models", "Models", short="details"),
    Action("make_default", "Let the model answer new chats", ("ctrl+d",), "models", "Models", short="default"),
    Action("load", "Load the model now", ("ctrl+l",), "models", "Models"),
    Action("unload", "Unload the model", ("f10",), "models", "Models"),
    Action("presets", "Presets of the model: use one, or make one of this chat", ("ctrl+g",), "models", "Models"),
    Action("add_file", "Add a model file by its path", ("ctrl+o",), "models", "Models"),
    Action("remove", "Stop fetching, take from the list, or delete", ("ctrl+x",), "models", "Models"),
    Action("look_again", "Look for models again, also on other servers", ("ctrl+r",), "models", "Models"),
    Action("close", "Look for nothing, or close the list", ("escape", "ctrl+c"), "models", "Models", short="close"),
    Action("model_up", "Model above", ("up",), "models", "Models", call="move(-1)"),
    Action("model_down", "Model below", ("down",), "models", "Models", call="move(1)"),
    Action("models_up", "A page of models up", ("pageup",), "models", "Models", call="move_page(-1)"),
    Action("models_down", "A page of models down", ("pagedown",), "models", "Models", call="move_page(1)"),
    Action("first_model", "First model", ("home",), "models", "Models", call="move_to_end(False)"),
    Action("last_model", "Last model", ("end",), "models", "Models", call="move_to_end(True)"),
    Action("line_up", "A line up, in the focused details", ("up",), "details", "Models", call="scroll(-1)"),
    Action("line_down", "A line down, in the focused details", ("down",), "details", "Models", call="scroll(1)"),
    Action("text_up", "A page up, in the focused details", ("pageup",), "details", "Models", call="scroll(-6)"),
    Action("text_down", "A page down, in the focused details", ("pagedown",), "details", "Models", call="scroll(6)"),
)
