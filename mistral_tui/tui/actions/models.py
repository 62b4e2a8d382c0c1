"""What is done with the model of the chat in view."""

from mistral_tui.tui.actions.action import Action, Argument

MODELS: tuple[Action, ...] = (
    Action(
        "models",
        "Choose the model of this chat, or fetch one",
        ("alt+l", "f11"),
        "model",
        "Model",
        slash=("model", "models"),
        argument=Argument("[NAME]"),
        palette=True,
    ),
    Action("fetch_starter", "Fetch the starter model, if there is no other", ("f5",), "model", "Model", palette=True),
    Action(
        "choose_template",
        "Choose a chat template for the model",
        ("f6",),
        "model",
        "Model",
        slash=("template",),
        palette=True,
    ),
    Action(
        "choose_loras",
        "Choose the LoRAs of this chat",
        ("ctrl+l",),
        "model",
        "Model",
        slash=("lora",),
        palette=True,
    ),
    Action("unload_model", "Unload the model", ("f10",), "model", "Model", slash=("unload",), palette=True),
)
