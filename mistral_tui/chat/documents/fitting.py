"""What is given of documents that are too long for the context: a cut, or the passages that fit the question."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal, get_args

from mistral_tui.chat.documents.passages import Passage, passages
from mistral_tui.chat.documents.retrieval import Report, Retrieval
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import Attachment, FilePart

Fit = Literal["whole", "beginning", "ends", "passages"]
"""What is given of a document: all of it, its beginning, its beginning and end, or what fits the question."""
FITS: Final[tuple[Fit, ...]] = get_args(Fit)

Count = Callable[[FilePart], Awaitable[int]]
"""Returns the tokens of a document."""

_FOR_REPLY: Final = 1024
"""Tokens that are left for the reply, in a context that is large enough."""
_MOST_PASSAGES: Final = 2048
"""Tokens of passages: a small model finds less among more, and another question has room for its own."""
_HEAD: Final = 2 / 3
"""Share of the beginning in `ends`."""
_TRIES: Final = 6


def room_for_documents(context_size: int, other_tokens: int = 0) -> int:
    """Return the tokens that documents may have; what else the prompt holds, and a reply, go there too."""
    return max(0, context_size - other_tokens - min(_FOR_REPLY, context_size // 4))


class DocumentTooLong(InvalidRequest):
    """A document does not fit into the context, and nobody has said what is given of it."""

    def __init__(self, name: str, tokens: int, room: int) -> None:
        super().__init__(
            f"{name} has {tokens:,} tokens, and {room:,} are free for it in the context; give its beginning, its ends "
            "or the passages that fit the question (--fit), or make the context larger (--n-ctx)"
        )
        self.name = name
        self.tokens = tokens
        self.room = room


async def fit_documents(
    files: Sequence[tuple[Attachment, Fit | None]],
    question: str,
    room: int,
    count: Count,
    retrieval: Retrieval,
    report: Report = lambda done, total: None,
) -> tuple[Attachment, ...]:
    """Return the files of a prompt, the documents among them shortened so that together they fit into the context.

    Short ones leave what they do not need to long ones.

    Args:
        files: What goes along, and what is given of a document that does not fit; `None`: nobody has said.
        question: What passages are to fit.
        room: Tokens for all of them, as `room_for_documents` says.
        count: Counts the tokens of a document.
        retrieval: Finds passages.
        report: Is told how far a document is read for that.

    Raises:
        DocumentTooLong: One does not fit, and nobody has said what is given of it.
        MistralTuiError: Passages cannot be searched, or tokens not be counted.
    """
    given = [part for part, _ in files]
    sizes = {index: await count(part) for index, part in enumerate(given) if isinstance(part, FilePart)}
    shortest_first = sorted(sizes, key=lambda index: sizes[index])
    for place, index in enumerate(shortest_first):
        part, how = files[index]
        share = room // (len(shortest_first) - place)
        if isinstance(part, FilePart) and sizes[index] > share and how != "whole":
            if how is None:
                raise DocumentTooLong(part.name, sizes[index], share)
            if how == "passages":
                share = min(share, _MOST_PASSAGES)
            order = await retrieval.ranked(part, question, report) if how == "passages" else []
            given[index], sizes[index] = await _shorten(part, how, order, sizes[index], share, count)
        room = max(0, room - sizes[index])
    return tuple(given)


async def _shorten(
    part: FilePart, how: Fit, order: Sequence[Passage], tokens: int, room: int, count: Count
) -> tuple[FilePart, int]:
    size = int(len(part.text) * room / tokens)
    shorter = part
    for _ in range(_TRIES):
        text = _passages(part, order, size) if how == "passages" else _cut(part.text, how, size)
        shorter = FilePart(part.name, text)
        tokens = await count(shorter)
        if tokens <= room:
            break
        size = int(size * min(0.95, 0.98 * room / tokens))
    return shorter, tokens


def _cut(text: str, how: Fit, size: int) -> str:
    """Return about `size` characters of a text, cut at the ends of lines, with a mark for what is left out."""
    head = int(size * (_HEAD if how == "ends" else 1.0))
    begin = _at_line_end(text, head)
    end = len(text)
    if how == "ends":
        end = max(begin, len(text) - (size - head))
        following = text.find("\n", end)
        end = following + 1 if 0 <= following < end + 200 else end
    left_out = f"[… {end - begin:,} characters are left out here …]"
    return "\n".join(filter(None, (text[:begin].rstrip("\n"), left_out, text[end:])))


def _at_line_end(text: str, place: int) -> int:
    line_end = text.rfind("\n", max(0, place - 200), place)
    return line_end + 1 if line_end > 0 else place


def _passages(part: FilePart, order: Sequence[Passage], size: int) -> str:
    """Return the first passages of `order` that fit into `size` characters, as they stand in the document."""
    intro = f"Passages of {part.name} that fit the question, each after its place. Cite the place with what you take."
    chosen: set[Passage] = set()
    used = len(intro)
    for passage in order:
        used += len(part.name) + len(passage.place) + len(passage.text) + 6
        if used > size and chosen:
            break
        chosen.add(passage)
    blocks = [f"[{part.name}, {passage.place}]\n{passage.text}" for passage in passages(part) if passage in chosen]
    return "\n\n".join([intro, *blocks])
