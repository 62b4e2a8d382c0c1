"""What is given of documents that are too long: a cut, or the passages that fit the question."""

from collections.abc import Sequence

import pytest

from mistral_tui.chat.documents.fitting import DocumentTooLong, Fit, fit_documents, room_for_documents
from mistral_tui.chat.documents.passages import PASSAGE, passages
from mistral_tui.chat.documents.retrieval import MOST_PASSAGES, Retrieval
from mistral_tui.types.errors import EngineError, InvalidRequest
from mistral_tui.types.messages import Attachment, FilePart, ImagePart
from mistral_tui.types.queries import Embed, Embeddings
from tests.stubs.queries import understanding

pytestmark = pytest.mark.core

FILLER = "Nothing of interest is said in this line, which is here to fill the page.\n" * 7
BOOK = FilePart(
    "book.pdf",
    "\n".join(
        f"[page {number}]\n{line}\n{FILLER}"
        for number, line in enumerate(
            ["On bread.", "The moon pulls the sea twice a day.", "On music.", "The moon is far away."], start=1
        )
    ),
)


class Embedder:
    """Makes vectors, and remembers of what."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def __call__(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        self.texts += texts
        answer = understanding(Embed(tuple(texts)))
        assert isinstance(answer, Embeddings)
        return answer.vectors


async def words(part: FilePart) -> int:
    return len(part.text.split())


async def fitted(part: FilePart, how: Fit | None, room: int, question: str = "") -> str:
    (given,) = await fit_documents([(part, how)], question, room, words, Retrieval(Embedder()))
    assert isinstance(given, FilePart)
    assert given.name == part.name
    return given.text


async def test_what_fits_is_given_whole_whatever_was_chosen() -> None:
    for how in ("whole", "beginning", "ends", "passages", None):
        assert await fitted(BOOK, how, 1000) == BOOK.text


async def test_what_does_not_fit_is_not_cut_unless_somebody_says_so() -> None:
    with pytest.raises(DocumentTooLong, match="445 tokens, and 100 are free") as raised:
        await fitted(BOOK, None, 100)
    assert (raised.value.name, raised.value.room) == ("book.pdf", 100)
    assert await fitted(BOOK, "whole", 100) == BOOK.text


async def test_the_beginning_is_cut_at_the_end_of_a_line() -> None:
    text = await fitted(BOOK, "beginning", 100)
    assert text.startswith("[page 1]\nOn bread.\n")
    assert len(text.split()) in range(60, 101)
    *lines, last = text.splitlines()
    assert "characters are left out here" in last
    assert set(lines) <= set(BOOK.text.splitlines())


async def test_beginning_and_end_are_both_given() -> None:
    text = await fitted(BOOK, "ends", 150)
    assert text.startswith("[page 1]")
    assert "characters are left out here" in text
    assert text.endswith(BOOK.text[-100:])
    assert len(text.split()) in range(90, 151)


async def test_a_document_of_one_long_line_is_cut_too() -> None:
    text = await fitted(FilePart("line.txt", "word " * 10_000), "ends", 300)
    assert len(text.split()) in range(200, 301)


async def test_passages_fit_the_question_and_say_where_they_stand() -> None:
    text = await fitted(BOOK, "passages", 280, "How does the moon move the sea?")
    assert "[book.pdf, page 2]\nThe moon pulls the sea" in text
    assert text.index("page 2") < text.index("page 4")
    assert "[book.pdf, page 3]" not in text
    assert "Cite the place" in text
    assert len(text.split()) <= 280
    assert text == await fitted(BOOK, "passages", 280, "How does the moon move the sea?")


async def test_short_documents_leave_their_room_to_long_ones() -> None:
    note = FilePart("note.txt", "On the sea.")
    picture = ImagePart("/cat.png", "image/png")
    files: list[tuple[Attachment, Fit | None]] = [(BOOK, "beginning"), (note, None), (picture, None)]
    book, *others = await fit_documents(files, "", 300, words, Retrieval(Embedder()))
    assert others == [note, picture]
    assert isinstance(book, FilePart)
    assert len(book.text.split()) in range(200, 298)


def test_a_reply_and_the_rest_of_the_prompt_keep_their_room() -> None:
    assert room_for_documents(8192, 100) == 8192 - 100 - 1024
    assert room_for_documents(512, 100) == 512 - 100 - 128
    assert room_for_documents(512, 600) == 0


def test_passages_are_whole_lines_with_their_numbers() -> None:
    text = FilePart("notes.txt", "first\n\nsecond\n\n" + "x" * 590 + "\nlast\n")
    assert [(passage.place, len(passage.text)) for passage in passages(text)] == [("lines 1-3", 13), ("lines 5-6", 595)]
    (long, rest) = passages(FilePart("line", "a b " * (PASSAGE // 4) + "end"))
    assert (long.place, rest.text) == ("line 1", "end")
    assert passages(FilePart("empty", " \n\n")) == ()


async def test_a_document_is_turned_into_vectors_once() -> None:
    embed = Embedder()
    retrieval = Retrieval(embed)
    first = await retrieval.ranked(BOOK, "the moon")
    count = len(embed.texts)
    assert (await retrieval.ranked(BOOK, "bread"))[0].text.startswith("On bread")
    assert embed.texts[count:] == ["bread"]
    assert first[0].text.startswith("The moon")


async def test_of_a_long_document_what_shares_words_is_compared_and_a_cancel_loses_nothing() -> None:
    embed, told = Embedder(), list[tuple[int, int]]()
    pages = [f"{number} bread\n\n{'x ' * 290}\n\n" for number in range(1_000)]
    pages[700] = f"Alcyone, the ferry, sank\n\n{'x ' * 290}\n\n"
    retrieval = Retrieval(embed)
    long = FilePart("chronicle.txt", "".join(pages))
    ranked = await retrieval.ranked(long, "the Alcyone?", lambda done, total: told.append((done, total)))
    assert ranked[0].text.startswith("Alcyone")
    assert told == [(done, 64) for done in range(0, 64, 16)]
    assert len(embed.texts) == 64 + 1
    await retrieval.ranked(long, "the Alcyone and her crew?")
    assert len(embed.texts) == 64 + 2


async def test_words_decide_where_vectors_say_nothing() -> None:
    async def blind(texts: Sequence[str]) -> Sequence[Sequence[float]]:
        return [(1.0, 0.0)] * len(texts)

    ranked = await Retrieval(blind).ranked(BOOK, "music?")
    assert ranked[0].text.startswith("On music")


async def test_passages_are_shortened_for_a_model_that_takes_no_more() -> None:
    async def small(texts: Sequence[str]) -> Sequence[Sequence[float]]:
        if max(map(len, texts)) > 250:
            raise InvalidRequest("text 1 has too many tokens")
        return [(1.0,)] * len(texts)

    assert len(await Retrieval(small).ranked(BOOK, "music?")) == len(passages(BOOK))


async def test_without_a_model_the_reason_is_told() -> None:
    async def none(texts: Sequence[str]) -> Sequence[Sequence[float]]:
        raise EngineError("it died")

    with pytest.raises(EngineError, match="it died"):
        await fit_documents([(BOOK, "passages")], "?", 100, words, Retrieval(none))


async def test_a_library_is_not_searched() -> None:
    library = FilePart("library.txt", f"{'x' * PASSAGE}\n" * (MOST_PASSAGES + 1))
    with pytest.raises(InvalidRequest, match="at most 10,000 are searched"):
        await Retrieval(Embedder()).ranked(library, "?")
