"""The presets of one model: which of them the chat is to have, or one made of the chat."""

from textual.app import App
from textual.content import Content

from mistral_tui.chat.model_library import ModelLibrary
from mistral_tui.config.presets import Preset
from mistral_tui.tui.models.questions import Question
from mistral_tui.tui.models.rows import ModelRow
from mistral_tui.tui.settings.preset_choice import preset_words

_ABOUT = "What is called like the model counts whenever it is chosen for a chat that has not begun."


async def choose_preset(app: App[object], library: ModelLibrary, row: ModelRow, chat: Preset) -> Preset | str:
    """Ask which preset of a model to use, or make one of the chat.

    Args:
        app: Where to ask; only a worker can wait for the answer.
        library: The models.
        row: The model.
        chat: What the chat is answered with now.

    Returns:
        The preset with which the model is to answer; else words that say what was done, which may be none.

    Raises:
        ConfigError: The preset cannot be kept.
    """
    presets = await library.presets_of(row.entry)
    answers: dict[str, str | Content] = {"keep": "leave it as it is"}
    answers |= {f"use {number}": preset_words(preset) for number, preset in enumerate(presets)}
    answers["save"] = "let chats with it begin as this chat is: parameters and system prompt"
    answer = await app.push_screen_wait(Question(f"presets of {row.name}", _ABOUT, answers))
    if answer == "save":
        await library.keep_preset(row.entry.entry, chat)
        return f"chats with {row.name} begin as this one is from now on"
    if answer is None or not answer.startswith("use "):
        return ""
    if not row.entry.entry.downloaded or row.entry.problem:
        return f"{row.name} is not here, or damaged"
    return presets[int(answer.removeprefix("use "))]
