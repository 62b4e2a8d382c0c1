"""Pictures with the real program: asked about, kept, and refused."""

import os
from pathlib import Path

import pytest

from mistral_tui.types.messages import ImagePart
from tests.e2e.program import run, stored_messages
from tests.stubs.media import plain, png, png_of, stripes
from tests.stubs.projectors import eyes

pytestmark = pytest.mark.core

GREEDY = ("--temperature", "0", "--threads", "1", "--max-tokens", "12")


@pytest.fixture
def model(smollm2: Path, tmp_path: Path) -> Path:
    """Return SmolLM2 with a projector beside it."""
    folder = tmp_path / "models"
    folder.mkdir()
    path = folder / "smollm2.gguf"
    try:
        os.link(smollm2, path)
    except OSError:
        path.symlink_to(smollm2)
    eyes(576).write(folder / "mmproj-smollm2.gguf")
    return path


def test_a_picture_is_asked_about_and_still_there_when_the_file_is_gone(model: Path, tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(png(stripes))
    (tmp_path / "dog.png").write_bytes(png(plain((200, 30, 30))))
    cat = run("ask", "-m", str(model), *GREEDY, "-f", str(tmp_path / "cat.png"), "What is this?")
    dog = run("ask", "-m", str(model), *GREEDY, "--no-save", "-f", str(tmp_path / "dog.png"), "What is this?")
    assert (cat.returncode, cat.stderr) == (0, "")
    assert cat.stdout != dog.stdout
    (picture,) = (part for part in stored_messages()[0].parts if isinstance(part, ImagePart))
    assert picture.name == "cat.png"
    (tmp_path / "cat.png").unlink()
    more = run("ask", "-c", "-m", str(model), *GREEDY, "--stats", "And what else?")
    assert more.returncode == 0
    assert len(list(Path(picture.path).parent.iterdir())) == 1, "the chat that is not saved keeps no picture"


def test_what_cannot_be_seen_is_one_line_on_stderr(model: Path, smollm2: Path, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture", encoding="utf-8")
    (tmp_path / "bomb.png").write_bytes(png_of(b"", 10_000, 10_000))
    (tmp_path / "cat.png").write_bytes(png(stripes))
    for arguments, reason in (
        (("-m", str(model), "-f", str(tmp_path / "text.png")), "is no picture"),
        (("-m", str(model), "-f", str(tmp_path / "bomb.png")), "at most 64 million"),
        (("-m", str(model), "-f", str(tmp_path / "missing.png")), "No such file"),
        (("-m", str(smollm2), "-f", str(tmp_path / "cat.png")), "can't see"),
        (("-m", str(model), "--mmproj", str(tmp_path / "cat.png")), "not a GGUF file"),
    ):
        result = run("ask", *arguments, *GREEDY, "What is this?")
        assert result.returncode in (1, 2)
        assert result.stdout == ""
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1
        assert reason in result.stderr
