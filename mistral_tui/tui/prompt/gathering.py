"""What a prompt is sent with: its words, and all that goes along, as far as it fits."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from textual.app import App

from mistral_tui.chat.attachments import read_attachment
from mistral_tui.chat.documents.fitting import DocumentTooLong
from mistral_tui.chat.media_in_text import take_media
from mistral_tui.chat.prompt_file import PromptFile
from mistral_tui.chat.prompt_files import PromptFiles
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import Attachment

if TYPE_CHECKING:
    from mistral_tui.chat.documents.retrieval import Report


async def gathered(
    app: App[None],
    text: str,
    chosen: tuple[PromptFile, ...],
    files: PromptFiles,
    keep: Path | None,
    *,
    media: bool,
    report: "Report",
) -> tuple[str, tuple[Attachment, ...]]:
    """Return the words of a prompt and what goes along; asks what is given of documents that do not fit.

    A document of which passages are given stays among the files, for the next question.

    Args:
        app: Shows the question; needs a worker if there are documents among the files.
        text: What was typed.
        chosen: The files that were chosen to go along.
        files: Knows what they cost.
        keep: The folder for copies of pictures and recordings; `None`: they stay where they are.
        media: Whether pictures and recordings that the text names by their path go along.
        report: Is told how far a document is read.

    Raises:
        MistralTuiError: One cannot be used, or the person wants to think about it.
    """
    words, paths = take_media(text) if media else (text, [])
    named = [await asyncio.to_thread(read_attachment, path, keep) for path in paths]
    while True:
        try:
            given = await files.fitted(chosen, words, report)
        except DocumentTooLong as too_long:
            from mistral_tui.tui.prompt.fit_choice import FitChoice  # only for long documents

            fit = await app.push_screen_wait(FitChoice(too_long))
            if fit is None:
                raise InvalidRequest(
                    "not sent: choose what is given of the document, or take it away with alt+x"
                ) from None
            chosen = tuple(
                msgspec.structs.replace(file, fit=fit) if file.part.name == too_long.name else file for file in chosen
            )
        else:
            files.keep(
                [file for file, part in zip(chosen, given, strict=True) if file.fit == "passages" and part != file.part]
            )
            return words, (*given, *named)
