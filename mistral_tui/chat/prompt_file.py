"""A file that is to go along with a prompt."""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mistral_tui.chat.token_count import TokenCount
from mistral_tui.types.messages import Attachment

if TYPE_CHECKING:
    from mistral_tui.chat.documents.fitting import Fit


class PromptFile(msgspec.Struct, frozen=True):
    """One file that goes along."""

    part: Attachment
    size: int
    """Bytes of the file; 0: it was in a prompt before."""
    tokens: TokenCount | None = None
    """What it adds to the prompt; `None`: that is not known, as for pictures."""
    fit: "Fit | None" = None
    """What is given of a document that does not fit; `None`: nobody has said."""
    path: Path | None = None
    """The person's own file; `None`: it was in a prompt before."""
    problem: str = ""
    """Why it cannot go along, in a word or two: `gone`, say. No prompt is sent with it."""
