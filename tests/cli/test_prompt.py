"""What a one-shot prompt is put together from."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mistral_tui.cli import prompt
from mistral_tui.cli.prompt import gather
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import FilePart

pytestmark = pytest.mark.core


@pytest.fixture
def stdin() -> Iterator[int]:
    """A pipe in the place of standard input; returns its writing end."""
    kept = os.dup(0)
    reading, writing = os.pipe()
    os.dup2(reading, 0)
    os.close(reading)
    yield writing
    os.dup2(kept, 0)
    os.close(kept)


def write(pipe: int, data: bytes) -> None:
    os.write(pipe, data)
    os.close(pipe)


async def test_words_are_the_prompt(stdin: int) -> None:
    write(stdin, b"")
    assert await gather(["what", "is this?"], []) == ("what is this?", ())


async def test_a_pipe_goes_along_with_the_words(stdin: int) -> None:
    write(stdin, b"Dear Ada")
    assert await gather(["summarise"], []) == ("summarise", (FilePart("stdin", "Dear Ada"),))


async def test_a_pipe_alone_is_the_prompt(stdin: int) -> None:
    write(stdin, "\ufeffwho are you?\n".encode())
    assert await gather([], []) == ("who are you?\n", ())


async def test_files_go_along(stdin: int, tmp_path: Path) -> None:
    write(stdin, b"")
    (tmp_path / "a.txt").write_bytes(b"just one \xff in a text")
    assert await gather(["compare"], [str(tmp_path / "a.txt")]) == (
        "compare",
        (FilePart("a.txt", "just one \ufffd in a text"),),
    )


async def test_a_long_pipe_is_read_to_its_end(stdin: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt, "LIMIT", 100_000)
    write(stdin, b"x" * 65_000)
    assert len((await gather([], [])).text) == 65_000


async def test_nothing_to_ask_is_a_wrong_call(stdin: int) -> None:
    write(stdin, b" \n")
    with pytest.raises(InvalidRequest, match="no prompt"):
        await gather([], [])


async def test_a_missing_file_is_named(stdin: int, tmp_path: Path) -> None:
    write(stdin, b"")
    with pytest.raises(InvalidRequest, match=r"nowhere\.txt"):
        await gather(["x"], [str(tmp_path / "nowhere.txt")])


async def test_what_is_no_text_is_declined(stdin: int) -> None:
    write(stdin, b"\x89PNG\0")
    with pytest.raises(InvalidRequest, match="not text"):
        await gather(["x"], [])


async def test_a_pipe_that_does_not_end_is_declined(stdin: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt, "LIMIT", 10)
    os.write(stdin, b"x" * 11)
    with pytest.raises(InvalidRequest, match="larger than"):
        await gather(["x"], [])
    os.close(stdin)


async def test_words_of_another_locale_are_read_as_utf_8(stdin: int) -> None:
    write(stdin, b"")
    typed = os.fsdecode("Grüße ☃".encode())
    assert (await gather([typed], [])).text == "Grüße ☃"
