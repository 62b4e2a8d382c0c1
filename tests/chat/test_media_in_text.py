from pathlib import Path

import pytest

from mistral_tui.chat.media_in_text import take_media, with_media
from mistral_tui.types.messages import AudioPart, FilePart, ImagePart

pytestmark = pytest.mark.core


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("cat.png", "my cat.jpeg", "meow.wav", "notes.txt"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("prompt", "text", "names"),
    [
        ("{0}/cat.png what is this?", "what is this?", ["cat.png"]),
        ("what is ./cat.png?", "what is ?", ["cat.png"]),
        ("compare ./cat.png and ~/meow.wav please", "compare and please", ["cat.png", "meow.wav"]),
        ("'{0}/my cat.jpeg' who is it", "who is it", ["my cat.jpeg"]),
        ('"./my cat.jpeg"', "", ["my cat.jpeg"]),
        (r"{0}/my\ cat.jpeg and?", "and?", ["my cat.jpeg"]),
        ("file://{0}/my%20cat.jpeg and?", "and?", ["my cat.jpeg"]),
    ],
)
def test_paths_of_pictures_are_taken_out_of_a_prompt(folder: Path, prompt: str, text: str, names: list[str]) -> None:
    rest, found = take_media(prompt.format(folder))
    assert rest == text
    assert [path.name for path in found] == names


@pytest.mark.parametrize(
    "prompt",
    [
        "what is cat.png?",
        "./dog.png is missing",
        "./notes.txt is a text",
        "an address: http://example.org/./cat.png",
        "two  spaces\n\n\tstay",
        "/" * 5000 + ".png",
    ],
)
def test_other_words_stay(folder: Path, prompt: str) -> None:
    assert take_media(prompt) == (prompt, [])


def test_a_prompt_that_comes_back_finds_its_pictures_again(folder: Path) -> None:
    parts = (
        FilePart("notes.txt", ""),
        ImagePart(str(folder / "my cat.jpeg"), "image/jpeg"),
        AudioPart(str(folder / "meow.wav"), "audio/wav"),
    )
    prompt = with_media("who is it?", parts)
    assert take_media(prompt) == ("who is it?", [folder / "my cat.jpeg", folder / "meow.wav"])
    assert with_media("hello", ()) == "hello"
