"""Where chats go that the database did not take until the program ended."""

import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mistral_tui.chat.conversation import Conversation
from mistral_tui.config.paths import Paths, make_private_folder
from mistral_tui.types.errors import InvalidRequest


def rescue(conversations: Sequence[Conversation]) -> str:
    """Write chats into a file, wherever there is room for one; return a line that says where they are. Blocks."""
    from mistral_tui.chat.export.formats import exported, write_export  # seldom needed

    chats, them = ("1 chat", "it") if len(conversations) == 1 else (f"{len(conversations)} chats", "them")
    reasons = []
    state = Paths.resolve().state
    with suppress(OSError):
        make_private_folder(state)
    for folder in (state, Path.home(), Path(tempfile.gettempdir())):
        path = folder / f"mistral-tui-unsaved-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.json"
        try:
            write_export(path, exported(conversations, "json"))
        except InvalidRequest as error:
            reasons.append(str(error))
        else:
            return f"{chats} could not be saved and went into {path}; `mistral-tui sessions import {path}` adds {them}"
    return f"{chats} could not be saved, and there was no room for {them} elsewhere: {'; '.join(reasons)}"
