"""Fetching a model from the list: one key begins, pauses and goes on."""

from mistral_tui.models.downloads import Downloads
from mistral_tui.tui.models.rows import ModelRow


def fetch_or_pause(downloads: Downloads, row: ModelRow) -> str:
    """Fetch a model, pause that, or go on with it; returns what was done, in words."""
    download = downloads.of(row.key)
    if download is not None and download.state in ("running", "waiting"):
        downloads.pause(row.key)
        return f"{row.name} is paused; f5 goes on"
    if row.entry.entry.downloaded:
        return f"{row.name} is here already; enter uses it"
    downloads.begin(row.entry.entry)
    return f"{row.name} is being fetched, also when this list is closed; f5 pauses"
