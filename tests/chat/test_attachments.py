import os
import socket
import threading
from pathlib import Path

import pytest

from mistral_tui.chat.attachments import SIZE_LIMIT, read_file_part
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import FilePart

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", ""),
        ("naïve 🙂\r\nsecond\n".encode(), "naïve 🙂\nsecond\n"),
        (b"\xef\xbb\xbfmarked", "marked"),
        ("wide".encode("utf-16"), "wide"),
        ("wider".encode("utf-32"), "wider"),
        (b"one bad byte \xff in a longer text", "one bad byte � in a longer text"),
    ],
)
def test_text_in_any_usual_encoding_is_read(tmp_path: Path, content: bytes, text: str) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    assert read_file_part(file) == FilePart("notes.txt", text)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x7fELF\x02\x01\0\0", "not a text file"),
        (bytes(range(128, 256)) * 4, "not a text file"),
        (b"x" * (SIZE_LIMIT + 1), "larger than 1024 KB"),
    ],
)
def test_what_is_not_text_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "thing"
    file.write_bytes(content)
    with pytest.raises(InvalidRequest, match=reason):
        read_file_part(file)


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(b"x" * SIZE_LIMIT)
    assert len(read_file_part(file).text) == SIZE_LIMIT


@pytest.mark.parametrize(("name", "reason"), [("missing", "No such file"), (".", "folder"), ("a\0b", "name of a file")])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        read_file_part(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_read_and_a_socket_or_endless_device_is_not(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    threading.Thread(target=pipe.write_text, args=("through a pipe",)).start()
    assert read_file_part(pipe).text == "through a pipe"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        with pytest.raises(InvalidRequest, match="device or socket"):
            read_file_part(tmp_path / "socket")
    with pytest.raises(InvalidRequest, match="device or socket"):
        read_file_part(Path("/dev/zero"))
