"""What stands above the list of models: how many there are, what is going on, and what to do where there is none."""

from textual.content import Content

from mistral_tui.chat.model_library import Shelf
from mistral_tui.models.hub.reference import HubReference, is_reference
from mistral_tui.tui.models.loading import size_words
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.text import printable_line


def headline(shelf: Shelf, fetching: int, count: int, width: int) -> Content:
    """Return the title of the list.

    Args:
        shelf: What there is.
        fetching: How many models are being fetched.
        count: How many models are shown.
        width: Columns that it takes.
    """
    left = Content.assemble(("models", "bold $accent"), (f"  {count}", "$text-disabled"))
    words = [f"{fetching} being fetched"] if fetching else []
    if shelf.unread:
        words.append(f"reading {shelf.unread} files")
    words.append(f"{size_words(shelf.free_bytes)} of memory free")
    right = Content.styled(" · ".join(words), "$text-muted")
    return left + " " * max(2, width - left.cell_length - right.cell_length) + right


def reference_in(query: str) -> HubReference | None:
    """Return what is meant on the hub, if this can be the name of something there."""
    if not is_reference(query):
        return None
    try:
        return HubReference.parse(query)
    except InvalidRequest:
        return None


def nothing_words(shelf: Shelf, query: str, found: bool) -> str:
    """Return what to do where there is nothing to choose, or where more can be fetched; else nothing.

    Args:
        shelf: What there is.
        query: What is looked for.
        found: Whether anything is like it.
    """
    entries = shelf.listing.entries
    if (reference := reference_in(query)) is not None:
        name = str(reference).removeprefix("hf:")
        if not found:
            return f"{name} is not here. enter looks for it on Hugging Face, to fetch it. esc shows all."
        return f"hf:{name} looks for it on Hugging Face, to fetch it."
    if query.strip() and not found:
        return f"Nothing is like “{printable_line(query)}”. esc shows all."
    if not entries:
        return "No model is here. Type OWNER/NAME to fetch one from Hugging Face; ctrl+o adds a file."
    if not any(entry.entry.downloaded for entry in entries):
        return "None of these is on this machine yet. f5 fetches the one that is marked."
    return ""
