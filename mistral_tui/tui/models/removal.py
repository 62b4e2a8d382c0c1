"""Doing away with a model: its download, its entry, its file; never without asking."""

from textual.app import App

from mistral_tui.chat.model_library import ModelLibrary
from mistral_tui.tui.models.questions import Question
from mistral_tui.tui.models.rows import ModelRow


async def ask_and_remove(app: App[object], library: ModelLibrary, row: ModelRow) -> str:
    """Ask what to do away with, and return what was done; empty: nothing.

    Args:
        app: Where to ask; only a worker can wait for the answer.
        library: The models.
        row: The model.

    Raises:
        MistralTuiError: It cannot be removed; says why.
    """
    answers = await library.ways_to_remove(row.entry)
    if len(answers) < 2:
        return f"there is nothing of {row.name} on this machine to remove"
    answer = await app.push_screen_wait(Question(f"remove {row.name}", str(row.entry.entry.path), answers))
    return "" if answer is None else await library.remove(row.entry, answer)
