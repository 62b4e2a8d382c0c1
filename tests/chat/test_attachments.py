import os
import socket
import threading
from pathlib import Path

import pytest

from mistral_tui.chat.attachments import SIZE_LIMIT, read_attachment
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import AudioPart, FilePart, ImagePart
from tests.stubs.media import bmp, png, png_of, stripes, wav, wav_of

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("naïve 🙂\r\nsecond\n".encode(), "naïve 🙂\nsecond\n"),
        (b"\xef\xbb\xbfmarked", "marked"),
        ("wide".encode("utf-16"), "wide"),
        ("wider".encode("utf-32"), "wider"),
        ("wide without a mark".encode("utf-16-le"), "wide without a mark"),
        ("Käse für naïve Gäste".encode("cp1252"), "Käse für naïve Gäste"),
        (b"one bad byte \xff in a longer text", "one bad byte � in a longer text"),
    ],
)
def test_text_in_any_usual_encoding_is_read(tmp_path: Path, content: bytes, text: str) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    assert read_attachment(file, None, pipes=True) == FilePart("notes.txt", text)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x7fELF\x02\x01\0\0", "not a text file"),
        (bytes(range(128, 256)) * 4, "not a text file"),
        (b"x" * (SIZE_LIMIT + 1), "larger than 4096 KB"),
    ],
)
def test_what_is_not_text_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "thing"
    file.write_bytes(content)
    with pytest.raises(InvalidRequest, match=reason):
        read_attachment(file, None, pipes=True)


def test_a_file_of_100_mb_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "disk.img").open("wb") as file:
        file.truncate(100 * 2**20)
    with pytest.raises(InvalidRequest, match="larger than 64 MB"):
        read_attachment(tmp_path / "disk.img", None)


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(b"x" * SIZE_LIMIT)
    assert read_attachment(file, None) == FilePart("large", "x" * SIZE_LIMIT)


@pytest.mark.parametrize(("name", "reason"), [("missing", "No such file"), (".", "folder"), ("a\0b", "name of a file")])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        read_attachment(tmp_path / name, None, pipes=True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_read_and_a_socket_or_endless_device_is_not(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    threading.Thread(target=pipe.write_text, args=("through a pipe",)).start()
    assert read_attachment(pipe, None, pipes=True) == FilePart("pipe", "through a pipe")
    with pytest.raises(InvalidRequest, match="is a pipe; give a file"):
        read_attachment(pipe, None)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        with pytest.raises(InvalidRequest, match="device or socket"):
            read_attachment(tmp_path / "socket", None, pipes=True)
    with pytest.raises(InvalidRequest, match="device or socket"):
        read_attachment(Path("/dev/zero"), None, pipes=True)


def test_a_picture_and_a_recording_are_copied_so_that_the_chat_keeps_them(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(png(stripes, 64, 48))
    (tmp_path / "meow.wav").write_bytes(wav(440, seconds=2))
    keep = tmp_path / "data" / "attachments"
    picture = read_attachment(tmp_path / "cat.png", keep)
    sound = read_attachment(tmp_path / "meow.wav", keep)
    assert isinstance(picture, ImagePart)
    assert isinstance(sound, AudioPart)
    assert (picture.name, picture.media_type, picture.width, picture.height) == ("cat.png", "image/png", 64, 48)
    assert (sound.name, sound.media_type, sound.seconds) == ("meow.wav", "audio/wav", 2.0)
    for part, file in ((picture, "cat.png"), (sound, "meow.wav")):
        kept = Path(part.path)
        assert kept.parent == keep
        assert kept.read_bytes() == (tmp_path / file).read_bytes()
    assert read_attachment(tmp_path / "cat.png", keep) == picture
    assert len(list(keep.iterdir())) == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_copies_are_for_the_persons_eyes_only(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(png(stripes))
    picture = read_attachment(tmp_path / "cat.png", tmp_path / "data" / "attachments")
    assert isinstance(picture, ImagePart)
    assert Path(picture.path).stat().st_mode & 0o777 == 0o600
    assert Path(picture.path).parent.stat().st_mode & 0o777 == 0o700


def test_a_private_chat_leaves_no_copy(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(png(stripes))
    picture = read_attachment(tmp_path / "cat.png", keep=None)
    assert isinstance(picture, ImagePart)
    assert picture.path == str(tmp_path / "cat.png")


def test_what_a_file_is_is_told_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "scan").write_bytes(png(stripes))
    (tmp_path / "photo.jpg").write_bytes(bmp(stripes))
    (tmp_path / "notes").write_text("BM is not a picture, GIF neither, ID3 no sound", encoding="utf-8")
    found = [read_attachment(tmp_path / name, None) for name in ("scan", "photo.jpg", "notes")]
    assert [part.media_type for part in found if isinstance(part, ImagePart)] == ["image/png", "image/bmp"]
    assert isinstance(found[2], FilePart)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.png", b"", "empty"),
        ("text.png", b"this is a text", "no picture"),
        ("cut.png", png(stripes)[:-60], "damaged"),
        ("bomb.png", png_of(b"", 10_000, 10_000), "at most 64 million"),
        ("more.png", png_of(bytes(5_000_000), 8, 8), "more than its pixels"),
        ("long.wav", wav_of(bytes(4_000 * 2 * 1801), 4_000), "longer than 30 minutes"),
        ("slow.wav", wav_of(bytes(100), 1), "1 samples a second"),
        ("cut.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF", "ends too early"),
        ("cut.flac", b"fLaC\0\0", "damaged"),
    ],
)
def test_damaged_and_hostile_media_are_refused(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidRequest, match=reason):
        read_attachment(tmp_path / name, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_a_folder_for_copies_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(png(stripes))
    (tmp_path / "data").write_text("in the way", encoding="utf-8")
    with pytest.raises(InvalidRequest, match="no copy can be kept in"):
        read_attachment(tmp_path / "cat.png", tmp_path / "data" / "attachments")
