"""Looking what models there are: at once, then what their files say, and again whenever something has changed."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from mistral_tui.chat.model_library import ModelLibrary, Shelf

_READ: Final = 0.3
"""Seconds for which headers are read before what they say is shown."""


async def looks(library: ModelLibrary) -> AsyncGenerator[Shelf]:
    """Yield what there is, then what the files say, as it comes to be known."""
    shelf = await library.look()
    yield shelf
    left = shelf.unread
    while left:
        shelf = await library.look(_READ)
        yield shelf
        # A file that says something else each time would be read for ever.
        left = shelf.unread if shelf.unread < left else 0


async def has_changed(library: ModelLibrary, shelf: Shelf, looked: bool) -> bool:
    """Return whether other models are loaded now, or may be here, than on a shelf.

    Args:
        library: The models.
        shelf: What there was.
        looked: Whether the models were listed; else only what is loaded counts.
    """
    held = await library.held()
    states = {path: model.state for path, model in held.items()}
    if states != {path: model.state for path, model in shelf.held.items()}:
        return True
    return looked and await library.changed(shelf.listing)


def first_marked(shelf: Shelf, wanted: str | None, current: Path | None) -> str | None:
    """Return the model to begin on: that of the chat, else the first that can be fetched where none is here.

    Args:
        shelf: What there is.
        wanted: The name of the model to begin on, if that is another one.
        current: The file of the model that answers the chat.
    """
    entries = shelf.listing.entries
    path = None if wanted else current
    found = next((each for each in entries if each.name == wanted or each.entry.path == path), None)
    if found is None and not any(entry.entry.downloaded for entry in entries):
        found = next((entry for entry in entries if (entry.entry.source or "").startswith("pypi:")), None)
    return found.name if found else None
