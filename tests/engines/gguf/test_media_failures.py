"""Files that are no projectors, no pictures, or worse: an error each, and the engine goes on."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mistral_tui.engines.gguf.context import Context, Decoded
from mistral_tui.types.errors import BadModelFile
from mistral_tui.types.messages import AudioPart, ImagePart, Message, TextPart
from tests.engines.gguf.client import Client, assistant, user
from tests.engines.gguf.conftest import open_engine
from tests.stubs.gguf import STRING, U32
from tests.stubs.media import png, png_of, stripes, wav, wav_of
from tests.stubs.projectors import ears, eyes, gemma_eyes
from tests.stubs.random_gguf import RandomGguf

pytestmark = pytest.mark.core

WIDTH = 576


@pytest.fixture(scope="module")
def seeing(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    projector = eyes(WIDTH).write(tmp_path_factory.mktemp("eyes") / "mmproj.gguf")
    client = open_engine(smollm2, n_ctx=512, max_seqs=2, mmproj=str(projector))
    yield client
    client.close()


@pytest.fixture(scope="module")
def hearing(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    projector = ears(WIDTH).write(tmp_path_factory.mktemp("ears") / "mmproj.gguf")
    client = open_engine(smollm2, n_ctx=512, max_seqs=2, mmproj=str(projector))
    yield client
    client.close()


def picture(path: Path) -> Message:
    return Message("user", (ImagePart(str(path), "image/png"), TextPart("What is this?")))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"this is a text", "is no picture"),
        (png(stripes)[:60], "damaged"),
        (png(stripes)[:-40], "damaged"),
        (png_of(b"", 10_000, 10_000), "10,000 by 10,000 pixels"),
        (png_of(bytes(40 << 20), 16, 16), "more than its pixels"),
        (png_of(bytes(10), 64, 48), "cannot be decoded as PNG"),
        (b"\xff\xd8\xff\xc0\x00\x11\x08\x01\xe0\x02\x80" + bytes(60), "cannot be decoded as JPEG"),
        (b"GIF89a\x40\0\x40\0" + bytes(200), "cannot be decoded as GIF"),
        (b"RIFF\x40\0\0\0WEBPVP8X" + bytes(60), "needs the program ffmpeg"),
        (wav(440), "can't hear"),
        (b"OggS" + bytes(100), "can't hear"),
    ],
)
def test_a_picture_that_cannot_be_used_fails_its_own_request_only(
    seeing: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, reason: str
) -> None:
    monkeypatch.setenv("PATH", "")
    (tmp_path / "picture.png").write_bytes(content)
    asked = seeing.answer(picture(tmp_path / "picture.png"), max_tokens=4)
    assert asked.reason == "failed"
    assert reason in (asked.last.error or "")
    assert "picture.png" in (asked.last.error or "")
    assert seeing.answer(user("Hello"), max_tokens=2).reason == "length"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (wav_of(b"\0\0", 16_000), "too short"),
        (wav_of(b"", 16_000), "damaged"),
        (wav(440)[:-100], "claims more sound"),
        (b"ID3\4" + bytes(1000), "damaged"),
        (b"fLaC\0\0\0\x22" + bytes(10) + (44_100 << 44 | 88_200).to_bytes(8, "big") + bytes(99), "damaged"),
        (b"OggS" + bytes(100), "Ogg is not understood"),
        (png(stripes), "can't see"),
    ],
    ids=["one sample", "no sample", "cut", "no MP3", "no FLAC", "Ogg", "a picture"],
)
def test_a_recording_that_cannot_be_used_fails_its_own_request_only(
    hearing: Client, tmp_path: Path, content: bytes, reason: str
) -> None:
    (tmp_path / "meow.wav").write_bytes(content)
    asked = hearing.answer(Message("user", (AudioPart(str(tmp_path / "meow.wav"), "audio/wav"),)), max_tokens=4)
    assert asked.reason == "failed"
    assert reason in (asked.last.error or "")
    assert hearing.answer(user("Hello"), max_tokens=2).reason == "length"


def test_a_picture_that_is_not_there_is_named(seeing: Client, tmp_path: Path) -> None:
    for path in (tmp_path / "missing.png", tmp_path, Path("/dev/zero"), Path("a\0b")):
        asked = seeing.answer(picture(path), max_tokens=4)
        assert asked.reason == "failed"
        assert "is not there" in (asked.last.error or "")


def test_a_picture_of_an_earlier_turn_that_is_gone_does_not_stop_the_chat(seeing: Client, tmp_path: Path) -> None:
    history = (picture(tmp_path / "gone.png"), assistant("A cat."), user("And now?"))
    assert seeing.answer(*history, max_tokens=4).reason != "failed"


def test_a_model_without_a_projector_says_that_it_cannot_see_or_hear(engine: Client, tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(png(stripes))
    asked = engine.answer(picture(tmp_path / "cat.png"))
    assert asked.last.error == "SmolLM2 can't see; give its projector with --mmproj, or choose a model that can"
    asked = engine.answer(Message("user", (AudioPart("meow.wav", "audio/wav"),)))
    assert asked.last.error == "SmolLM2 can't hear; give its projector with --mmproj, or choose a model that can"
    seen_before = (picture(tmp_path / "cat.png"), assistant("A cat."), user("Say something."))
    assert engine.answer(*seen_before, max_tokens=4).reason != "failed"


Spoil = Callable[[RandomGguf, Path], None]


def _no_projector(projector: RandomGguf, path: Path) -> None:
    projector.metadata["general.architecture"] = (STRING, "llama")
    projector.write(path)


def _set(key: str, value: int) -> Spoil:
    def spoil(projector: RandomGguf, path: Path) -> None:
        projector.metadata[key] = (U32, value)
        projector.write(path)

    return spoil


def _unknown_kind(projector: RandomGguf, path: Path) -> None:
    projector.metadata["clip.projector_type"] = (STRING, "third_eye")
    projector.write(path)


def _without_layer(projector: RandomGguf, path: Path) -> None:
    del projector.shapes["v.blk.1.ffn_up.weight"]
    projector.write(path)


def _cut(projector: RandomGguf, path: Path) -> None:
    projector.write(path)
    path.write_bytes(path.read_bytes()[:-1000])


def _many_tensors(projector: RandomGguf, path: Path) -> None:
    projector.write(path)
    content = bytearray(path.read_bytes())
    content[8:16] = struct.pack("<Q", 2**40)
    path.write_bytes(content)


def _text(projector: RandomGguf, path: Path) -> None:
    path.write_text("I see", encoding="utf-8")


def _empty(projector: RandomGguf, path: Path) -> None:
    path.write_bytes(b"")


def _missing(projector: RandomGguf, path: Path) -> None:
    pass


def _folder(projector: RandomGguf, path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_no_projector, "is no projector"),
        (_set("clip.vision.block_count", 100_000), "block_count is 100000"),
        (_set("clip.vision.attention.head_count", 0), "head_count is 0"),
        (_set("clip.vision.attention.head_count", 7), "cannot be shared by 7 heads"),
        (_set("clip.vision.image_size", 2**30), "image_size is"),
        (_set("clip.vision.patch_size", 0), "patch_size is 0"),
        (_unknown_kind, "third_eye"),
        (_without_layer, "ffn_up"),
        (_cut, "missing at the end"),
        (_many_tensors, "more than any model has"),
        (_text, "not a GGUF file"),
        (_empty, "not a GGUF file"),
        (_missing, "No such file"),
        (_folder, "not a file"),
    ],
)
def test_a_projector_that_cannot_be_used_is_refused_at_the_load(
    smollm2: Path, tmp_path: Path, spoil: Spoil, reason: str
) -> None:
    spoil(eyes(WIDTH), tmp_path / "mmproj.gguf")
    with pytest.raises(BadModelFile, match=reason):
        open_engine(smollm2, n_ctx=256, mmproj=str(tmp_path / "mmproj.gguf"))


def test_the_projector_of_another_model_is_refused(smollm2: Path, tmp_path: Path) -> None:
    for other in (eyes(640), gemma_eyes(2048)):
        with pytest.raises(BadModelFile, match="made for another model, and not as wide as SmolLM2"):
            open_engine(smollm2, n_ctx=256, mmproj=str(other.write(tmp_path / "mmproj.gguf")))


def test_a_picture_that_must_be_computed_at_once_and_does_not_fit_in_a_batch_is_refused(
    gemma: Path, tmp_path: Path
) -> None:
    (tmp_path / "cat.png").write_bytes(png(stripes))
    projector = gemma_eyes(640, side=8).write(tmp_path / "mmproj.gguf")
    template = "{% for m in messages %}{{ m.content }}{% endfor %}"
    client = open_engine(gemma, n_ctx=256, mmproj=str(projector), chat_template=template, max_seqs=1, batch_tokens=32)
    try:
        asked = client.answer(picture(tmp_path / "cat.png"))
        assert "cat.png takes 64 tokens that must be computed at once, and a batch holds 32" in (asked.last.error or "")
        assert client.answer(user("Hello"), max_tokens=2).reason == "length"
    finally:
        client.close()


def test_a_picture_that_was_lost_with_an_interrupted_batch_is_encoded_again(
    seeing: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "stripes.png"
    file.write_bytes(png(stripes))
    first = seeing.answer(picture(file), chat="stripes", max_tokens=4)
    decode, can_keep = Context.decode, Context.can_keep
    outcomes = [Decoded.ABORTED]
    monkeypatch.setattr(Context, "decode", lambda context: outcomes.pop() if outcomes else decode(context))
    monkeypatch.setattr(Context, "can_keep", lambda context, *wanted: can_keep(context, *wanted) if outcomes else 0)
    history = picture(file), assistant(first.text), user("Are you sure?")
    asked = seeing.answer(*history, chat="stripes", max_tokens=4)
    assert not outcomes
    assert asked.reason == "length"
