"""Pictures and recordings, with real text models and projectors of random weights."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mistral_tui.types.messages import AudioPart, ImagePart, Message, TextPart
from tests.engines.gguf.client import Client, assistant, user
from tests.engines.gguf.conftest import open_engine
from tests.stubs.media import bmp, plain, png, stripes, wav
from tests.stubs.projectors import ears, eyes

pytestmark = pytest.mark.core

WIDTH = 576
"""Of SmolLM2's embeddings."""
SIDE = 4
TOKENS = SIDE * SIDE
"""Of a picture."""

Show = Callable[..., Message]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "red.png").write_bytes(png(plain((250, 10, 10))))
    (folder / "red again.png").write_bytes(png(plain((250, 10, 10))))
    (folder / "stripes.png").write_bytes(png(stripes))
    (folder / "stripes.bmp").write_bytes(bmp(stripes))
    (folder / "low.wav").write_bytes(wav(110))
    (folder / "high.wav").write_bytes(wav(1760))
    return folder


@pytest.fixture(scope="module")
def seeing(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    projector = eyes(WIDTH, SIDE).write(tmp_path_factory.mktemp("eyes") / "mmproj.gguf")
    client = open_engine(smollm2, n_ctx=1024, max_seqs=3, mmproj=str(projector))
    yield client
    client.close()


@pytest.fixture(scope="module")
def hearing(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    projector = ears(WIDTH).write(tmp_path_factory.mktemp("ears") / "mmproj.gguf")
    client = open_engine(smollm2, n_ctx=1024, max_seqs=3, mmproj=str(projector))
    yield client
    client.close()


@pytest.fixture
def show(pictures: Path) -> Show:
    """Return a function that makes a prompt of pictures and words."""

    def made(*names: str, text: str = "What is this?") -> Message:
        return Message("user", (*(ImagePart(str(pictures / name), "image/png") for name in names), TextPart(text)))

    return made


@pytest.fixture
def play(pictures: Path) -> Show:
    def made(name: str, text: str = "What is this?") -> Message:
        return Message("user", (AudioPart(str(pictures / name), "audio/wav"), TextPart(text)))

    return made


def test_a_model_with_a_projector_says_what_it_can_do(seeing: Client, hearing: Client, engine: Client) -> None:
    assert (seeing.loop.model.sees, seeing.loop.model.hears) == (True, False)
    assert (hearing.loop.model.sees, hearing.loop.model.hears) == (False, True)
    assert (engine.loop.model.sees, engine.loop.model.hears) == (False, False)


def test_the_same_picture_gives_the_same_reply_and_another_picture_another(seeing: Client, show: Show) -> None:
    red = seeing.answer(show("red.png"), max_tokens=24)
    again = seeing.answer(show("red again.png"), max_tokens=24)
    other = seeing.answer(show("stripes.png"), max_tokens=24)
    blind = seeing.answer(user("What is this?"), max_tokens=24)
    assert red.reason == "length"
    assert red.text == again.text
    assert len({red.text, other.text, blind.text}) == 3
    assert red.usage.prompt_tokens == blind.usage.prompt_tokens + TOKENS


def test_the_format_of_a_file_does_not_matter(seeing: Client, show: Show) -> None:
    assert (
        seeing.answer(show("stripes.png"), max_tokens=24).text == seeing.answer(show("stripes.bmp"), max_tokens=24).text
    )


def test_two_recordings_sound_different(hearing: Client, play: Show) -> None:
    low = hearing.answer(play("low.wav"), max_tokens=24)
    high = hearing.answer(play("high.wav"), max_tokens=24)
    assert low.reason == "length"
    assert low.text != high.text
    assert low.text == hearing.answer(play("low.wav"), max_tokens=24).text


def test_over_three_turns_a_picture_is_encoded_once_and_what_was_computed_is_reused(seeing: Client, show: Show) -> None:
    first = seeing.answer(show("stripes.png", text="first look"), chat="three", max_tokens=8)
    history = [show("stripes.png", text="first look"), assistant(first.text), user("And now?")]
    second = seeing.answer(*history, chat="three", max_tokens=8)
    history += [assistant(second.text), show("red.png", text="And this?")]
    third = seeing.answer(*history, chat="three", max_tokens=8)
    assert second.usage.cached_tokens == first.usage.context_tokens - 1
    assert third.usage.cached_tokens == second.usage.context_tokens - 1
    alone = seeing.answer(*history, max_tokens=8)
    assert alone.text == third.text
    assert [turn.usage.encoded_media for turn in (second, alone)] == [0, 0]
