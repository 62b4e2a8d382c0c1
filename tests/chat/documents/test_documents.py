"""PDF and Word documents become text, and hostile ones a line that says what is wrong."""

import os
from pathlib import Path

import pytest

import mistral_tui
from mistral_tui.chat.attachments import read_attachment
from mistral_tui.chat.documents import extraction
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import FilePart
from tests.stubs.documents import docx, docx_of, encrypted_pdf, paragraph, pdf

pytestmark = pytest.mark.core


def read(tmp_path: Path, name: str, content: bytes) -> str:
    (tmp_path / name).write_bytes(content)
    part = read_attachment(tmp_path / name, None)
    assert isinstance(part, FilePart)
    assert part.name == name
    return part.text


def test_the_pages_of_a_pdf_are_told_apart(tmp_path: Path) -> None:
    text = read(tmp_path, "report.pdf", pdf(["The Moon pulls.", "The Sun helps."]))
    assert text == "[page 1]\nThe Moon pulls.\n\n[page 2]\nThe Sun helps.\n"


def test_a_pdf_of_one_page_is_its_text(tmp_path: Path) -> None:
    assert read(tmp_path, "letter", pdf(["Dear Ada"])) == "Dear Ada\n"


def test_headings_lists_and_tables_of_a_word_document_are_kept(tmp_path: Path) -> None:
    cells = "".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in ("Fundy", "16 m"))
    body = (
        paragraph("Tides", '<w:pStyle w:val="Heading2"/>')
        + paragraph("high &amp; low", "<w:numPr/>")
        + f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>"
        + "<w:p><w:r><w:t>one</w:t><w:tab/><w:t>two</w:t></w:r><w:del><w:r><w:t>gone</w:t></w:r></w:del></w:p>"
    )
    assert read(tmp_path, "tides.docx", docx(body)) == "## Tides\n- high & low\n| Fundy | 16 m |\none\ttwo\n"


def test_what_steers_a_terminal_is_left_out(tmp_path: Path) -> None:
    assert read(tmp_path, "evil.docx", docx(paragraph("red &#x9b;31m text\u202e"))) == "red  text\n"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("scan.pdf", pdf(["", ""]), "its 2 pages seem to be scanned"),
        ("locked.pdf", encrypted_pdf(), "password"),
        ("cut.pdf", pdf(["Dear Ada"])[:60], "damaged"),
        ("not.pdf", b"%PDF-1.7\nnothing", "damaged"),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "old Office document"),
        ("cut.docx", docx(paragraph("Dear Ada"))[:-60], "damaged"),
        ("broken.docx", docx_of(b"<w:document"), "damaged: line 1"),
        ("empty.docx", docx(""), "has no text"),
        ("other.docx", docx_of(b"").replace(b"document.xml", b"dokument.xml"), "no Word document"),
        ("laughs.docx", docx_of(b'<!DOCTYPE l [<!ENTITY a "ha">]><l>&a;</l>'), "declares entities"),
        ("bomb.docx", docx_of(b" " * (65 * 2**20)), "inflates to more than 64 MB"),
        ("shelf.zip", docx_of(b"").replace(b"word/", b"wort/"), "not a text file"),
    ],
)
def test_documents_that_cannot_be_read_say_why(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason) as raised:
        read(tmp_path, name, content)
    assert "\n" not in str(raised.value)
    assert name in str(raised.value)


def test_a_document_with_more_text_than_a_request_carries_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="more than 4,000,000 characters"):
        read(tmp_path, "long.docx", docx(paragraph("x" * 4_000_001)))


def test_a_document_that_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "TIME_LIMIT", 0.001)
    with pytest.raises(InvalidRequest, match="takes longer than"):
        read(tmp_path, "slow.pdf", pdf(["Dear Ada"]))


def test_a_missing_library_is_named_with_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pypdf.py").write_text("raise ImportError", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(Path(mistral_tui.__file__).parents[1])]))
    with pytest.raises(InvalidRequest, match=r"pip install 'mistral-tui\[documents\]'"):
        read(tmp_path, "letter.pdf", pdf(["Dear Ada"]))
