"""What is going along with the prompt that is being written."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec

from mistral_tui.chat.attachments import read_attachment
from mistral_tui.chat.documents.fitting import fit_documents, room_for_documents
from mistral_tui.chat.documents.retrieval import Report
from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.prompt_file import PromptFile
from mistral_tui.chat.token_count import TokenCount, count_parts, estimate
from mistral_tui.chat.workspace import Workspace
from mistral_tui.config.paths import Paths
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import Attachment, FilePart, TextPart

MOST_FILES = 50
"""Files of one prompt."""


class PromptFiles:
    """The files of the prompt of one chat, in their order.

    Args:
        workspace: Knows the models.
        chat: The chat that the prompt belongs to.
    """

    def __init__(self, workspace: Workspace, chat: LiveChat) -> None:
        self._workspace = workspace
        self._chat = chat
        self._files: list[PromptFile] = []

    @property
    def files(self) -> tuple[PromptFile, ...]:
        """What goes along."""
        return tuple(self._files)

    async def add(self, path: Path, *, media: bool = True) -> PromptFile:
        """Read a file and let it go along; one that does so already is taken once.

        Args:
            path: The file.
            media: Whether the model takes pictures and recordings.

        Raises:
            InvalidRequest: It cannot be used.
        """
        if len(self._files) >= MOST_FILES:
            raise InvalidRequest(f"at most {MOST_FILES} files go along with a prompt; take one away first")
        read = await self._read(path)
        part = read.part
        if not media and not isinstance(part, FilePart):
            raise InvalidRequest(f"{part.name}: this model takes neither pictures nor recordings; choose one that does")
        known = next((file for file in self._files if file.part == part), None)
        if known is not None:
            return known
        self._files.append(read)
        return read

    async def read_again(self, file: PromptFile) -> None:
        """Read a file of a draft of an earlier run; one that is gone stays among the files, and says so."""
        assert file.path is not None
        try:
            read = msgspec.structs.replace(await self._read(file.path), fit=file.fit)
        except InvalidRequest:
            copy = None if isinstance(file.part, FilePart) else Path(file.part.path)
            there = await asyncio.to_thread(lambda: [path and path.exists() for path in (file.path, copy)])
            problem = "" if there[1] else "not readable" if there[0] else "gone"
            read = msgspec.structs.replace(file, problem=problem)
        self._files = [read if each is file else each for each in self._files]

    def remove(self, index: int) -> PromptFile:
        """Take a file away; negative numbers count from the end."""
        return self._files.pop(index)

    def take(self) -> tuple[PromptFile, ...]:
        """Return all files, which go along no more: the prompt is sent."""
        taken, self._files = tuple(self._files), []
        return taken

    def keep(self, files: Sequence[PromptFile]) -> None:
        """Let documents whose passages were sent go along with the next prompt too: another question finds others."""
        self._files = [*files, *(file for file in self._files if file.part not in [each.part for each in files])]

    def put_back(self, files: Sequence[PromptFile] | Sequence[Attachment]) -> None:
        """Let files go along again, before what was added since; passages do not of a document that does itself."""
        searched = {file.part.name for file in self._files if file.fit == "passages"}
        back = [file if isinstance(file, PromptFile) else _unsized(file) for file in files]
        back = [file for file in back if not (isinstance(file.part, FilePart) and file.part.name in searched)]
        parts = [file.part for file in back]
        self._files = [*back, *(file for file in self._files if file.part not in parts)]

    @property
    def room(self) -> int | None:
        """How many tokens of documents the context can hold; `None`: the model is not loaded."""
        engine = self._workspace.loaded_engine(self._chat)
        return None if engine is None else room_for_documents(engine.model.n_ctx)

    async def fitted(self, files: tuple[PromptFile, ...], question: str, report: Report) -> tuple[Attachment, ...]:
        """Return what is given of files, so that it fits into the context.

        Args:
            files: What goes along.
            question: What passages are to fit.
            report: Is told how far a document is read for that.

        Raises:
            InvalidRequest: One is gone.
            DocumentTooLong: One does not fit, and nobody has said what is given of it.
            MistralTuiError: Its passages cannot be searched.
        """
        for file in files:
            if file.problem:
                raise InvalidRequest(f"not sent: {file.part.name} is {file.problem}; alt+x takes files away")
        parts = tuple(file.part for file in files)
        engine = self._workspace.loaded_engine(self._chat)
        if engine is None or not any(isinstance(part, FilePart) for part in parts):
            return parts
        other = (await count_parts(engine, self._chat.request, TextPart(question))).tokens

        async def count(part: FilePart) -> int:
            return (await self._count(part)).tokens

        return await fit_documents(
            [(file.part, file.fit) for file in files],
            question,
            room_for_documents(engine.model.n_ctx, other),
            count,
            self._workspace.retrieval(self._chat),
            report,
        )

    async def count_text(self, text: str) -> TokenCount:
        """Return how many tokens a text adds to a prompt."""
        return await self._count(TextPart(text))

    async def _read(self, path: Path) -> PromptFile:
        keep = None if self._chat.conversation.session.private else Paths.resolve().attachments
        part = await asyncio.to_thread(read_attachment, path, keep)
        tokens = await self._count(part) if isinstance(part, FilePart) else None
        own, size = await asyncio.to_thread(lambda: (path.absolute(), _size(path)))
        return PromptFile(part, size, tokens, path=own)

    async def _count(self, part: FilePart | TextPart) -> TokenCount:
        return await count_parts(self._workspace.loaded_engine(self._chat), self._chat.request, part)


def _unsized(part: Attachment) -> PromptFile:
    return PromptFile(part, 0, estimate(part) if isinstance(part, FilePart) else None)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
