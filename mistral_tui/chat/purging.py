"""Removes deleted sessions for good, with the files that were kept for them."""

import contextlib
import time
from pathlib import Path

from mistral_tui.config.paths import Paths
from mistral_tui.engines.chat_files import chat_files_folder, remove_chat_files
from mistral_tui.store.store import Store

_FRESH = 3600.0
"""Seconds for which a copy of a picture or recording stays: another program may be about to refer to it."""


def purge(store: Store, before: float) -> int:
    """Remove the sessions that were deleted before this time; return how many. Blocks while it works.

    Only our own copies of pictures and recordings are removed, and only those that no other message refers to.

    Raises:
        StoreError: The database cannot be written.
    """
    purged = store.purge(before)
    for session_id in purged.session_ids:
        remove_chat_files(chat_files_folder(), session_id)
    own = Paths.resolve().attachments
    for file in purged.files:
        if file.parent == own and not _is_fresh(file):
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)
    return len(purged.session_ids)


def _is_fresh(file: Path) -> bool:
    try:
        return time.time() - file.stat().st_mtime < _FRESH
    except OSError:
        return True
