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


def test_several_pictures_in_one_message_are_seen_in_their_order(seeing: Client, show: Show) -> None:
    both = seeing.answer(show("red.png", "stripes.png"), max_tokens=24)
    turned = seeing.answer(show("stripes.png", "red.png"), max_tokens=24)
    twice = seeing.answer(show("red.png", "red again.png"), max_tokens=24)
    assert len({both.text, turned.text, twice.text}) == 3
    assert both.usage.prompt_tokens == seeing.answer(show("red.png"), max_tokens=1).usage.prompt_tokens + TOKENS


def test_a_retry_in_another_chat_encodes_nothing_and_computes_only_the_end(seeing: Client, show: Show) -> None:
    first = seeing.answer(show("stripes.png", text="Tell me of it"), chat="one", max_tokens=8)
    fork = seeing.answer(show("stripes.png", text="Tell me of it"), chat="two", max_tokens=8)
    assert fork.text == first.text
    assert fork.usage.encoded_media == 0
    assert fork.usage.cached_tokens == fork.usage.prompt_tokens - 1


def test_chats_of_text_are_not_harmed_by_pictures_beside_them(seeing: Client, show: Show) -> None:
    prompt = user("Name the days of the week.")
    alone = seeing.answer(prompt, max_tokens=20)
    chats = [seeing.ask(prompt, max_tokens=20), seeing.ask(show("red.png", "stripes.png"), max_tokens=20)]
    assert chats[0].end().text == alone.text
    assert chats[1].end().reason == "length"


def test_a_chat_that_lost_its_place_computes_its_pictures_again(seeing: Client, show: Show) -> None:
    prompt = show("stripes.png", text="Look at this once more")
    before = seeing.answer(prompt, chat="lost", max_tokens=8)
    for other in range(3):  # as many as there are sequences
        seeing.answer(user(f"I am number {other}, and I take a place"), chat=f"other {other}", max_tokens=2)
    seeing.loop.forget("lost")
    again = seeing.answer(prompt, chat="lost", max_tokens=8)
    assert again.text == before.text
    assert again.usage.encoded_media == 0


@pytest.fixture
def slow(smollm2: Path, tmp_path: Path) -> Iterator[Client]:
    """Return a model that takes many seconds to encode a picture."""
    projector = eyes(WIDTH, side=64, layers=120).write(tmp_path / "mmproj.gguf")
    client = open_engine(smollm2, n_ctx=4352, max_seqs=2, mmproj=str(projector))
    yield client
    client.close()


def test_while_a_picture_is_encoded_others_are_answered_and_it_can_be_cancelled(slow: Client, show: Show) -> None:
    seen = slow.ask(show("stripes.png"))
    assert slow.answer(user("Hello"), max_tokens=4).reason != "failed"
    assert not seen.outbox.take()
    slow.loop.cancel(seen.request.id)
    assert seen.end().reason == "cancelled"
    waiting = slow.ask(show("red.png"))
    slow.loop.cancel(waiting.request.id)
    assert waiting.end().reason == "cancelled"
    assert slow.answer(user("Hello again"), max_tokens=4).reason != "failed"


def test_an_engine_ends_in_the_middle_of_a_picture(slow: Client, show: Show) -> None:
    seen = slow.ask(show("stripes.png"))
    slow.answer(user("Hello"), max_tokens=1)
    slow.loop.stop()
    assert seen.end().reason == "cancelled"


def test_a_chat_that_comes_back_in_a_new_process_encodes_nothing_unless_the_projector_is_another(
    smollm2: Path, tmp_path: Path, show: Show
) -> None:
    def opened(seed: int) -> Client:
        projector = eyes(WIDTH, SIDE)
        projector.seed = seed
        file = projector.write(tmp_path / f"mmproj {seed}.gguf")
        return open_engine(smollm2, n_ctx=512, max_seqs=2, mmproj=str(file), spill_mb=64)

    client = opened(1)
    first = client.answer(show("stripes.png"), chat="back", max_tokens=8)
    client.close()
    history = (show("stripes.png"), assistant(first.text), user("And what else?"))
    same = opened(1)
    again = same.answer(*history, chat="back", max_tokens=8)
    assert again.usage.encoded_media == 0
    assert again.usage.cached_tokens >= first.usage.context_tokens - 1
    assert again.text == same.answer(*history, max_tokens=8).text
    same.close()
    other = opened(2)
    seen_anew = other.answer(*history, chat="back", max_tokens=8)
    assert seen_anew.usage.encoded_media == 1
    other.close()
