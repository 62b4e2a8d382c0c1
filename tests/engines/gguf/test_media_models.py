"""The ways in which models place pictures, each against llama.cpp's own helpers."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mistral_tui.types.messages import ImagePart, Message, TextPart
from tests.engines.gguf.bare_mtmd import bare_reply
from tests.engines.gguf.client import Client, assistant, user
from tests.engines.gguf.conftest import open_engine
from tests.stubs import tiny_qwen
from tests.stubs.media import plain, png, stripes
from tests.stubs.projectors import eyes, gemma_eyes, qwen_eyes

pytestmark = pytest.mark.core

TEMPLATE = "{% for m in messages %}{{ m.content }}{% endfor %}"
DECIDED = 1
"""Tokens of replies that are decided clearly: near ties fall differently when a prompt is computed in other pieces."""
SMOLLM2, GEMMA = 576, 640
"""Widths of their embeddings."""


@dataclass
class Seeing:
    """A model with a projector."""

    model: Path
    projector: Path
    pictures: Path
    client: Client

    def show(self, name: str, text: str) -> Message:
        return Message("user", (ImagePart(str(self.pictures / name), "image/png"), TextPart(text)))

    def bare(self, name: str, text: str, tokens: int) -> str:
        return bare_reply(self.model, self.projector, self.pictures / name, f"<__media__>{text}", tokens)


@pytest.fixture(scope="module", params=["in a row", "at one another", "in a plane"])
def seeing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeing]:
    folder = tmp_path_factory.mktemp("seeing")
    (folder / "stripes.png").write_bytes(png(stripes, 112, 84))
    (folder / "red.png").write_bytes(png(plain((200, 0, 0)), 300, 84))
    match request.param:
        case "in a row":
            model, projector = request.getfixturevalue("smollm2"), eyes(SMOLLM2)
        case "at one another":
            model, projector = request.getfixturevalue("gemma"), gemma_eyes(GEMMA)
        case _:
            model, projector = tiny_qwen.tiny_qwen().write(folder / "qwen.gguf"), qwen_eyes(tiny_qwen.WIDTH)
    file = projector.write(folder / "mmproj.gguf")
    client = open_engine(model, n_ctx=512, max_seqs=2, mmproj=str(file), chat_template=TEMPLATE)
    yield Seeing(model, file, folder, client)
    client.close()


@pytest.mark.parametrize("name", ["stripes.png", "red.png"])
def test_a_reply_about_a_picture_is_the_one_of_llama_cpp(seeing: Seeing, name: str) -> None:
    asked = seeing.client.answer(seeing.show(name, " what is it"), max_tokens=12)
    assert asked.last.error is None
    assert asked.text == seeing.bare(name, " what is it", 12)


def test_what_follows_a_picture_goes_on_from_the_kv_cache_and_says_what_it_says_alone(seeing: Seeing) -> None:
    first = seeing.client.answer(seeing.show("stripes.png", " look"), chat="turns", max_tokens=6)
    history = (seeing.show("stripes.png", " look"), assistant(first.text), user(" and then"))
    second = seeing.client.answer(*history, chat="turns", max_tokens=12)
    assert second.usage.encoded_media == 0
    assert second.text == seeing.client.answer(*history, max_tokens=12).text


def test_an_edit_after_a_picture_keeps_the_picture_and_one_before_it_does_not(seeing: Seeing) -> None:
    told = (user(" first"), assistant(" yes"), seeing.show("red.png", " what is it"))
    seeing.client.answer(*told, chat="edit", max_tokens=4)
    for edited in (
        (*told[:2], seeing.show("red.png", " what was it")),
        (user(" second"), *told[1:]),
        (*told[:2], seeing.show("stripes.png", " what was it")),
    ):
        asked = seeing.client.answer(*edited, chat="edit", max_tokens=DECIDED)
        assert asked.text == seeing.client.answer(*edited, max_tokens=DECIDED).text
    kept = seeing.client.answer(*told, chat="keep", max_tokens=4)
    again = seeing.client.answer(*told[:2], seeing.show("red.png", " what was it"), chat="keep", max_tokens=4)
    assert kept.usage.prompt_tokens - again.usage.cached_tokens < len(" what is it")
