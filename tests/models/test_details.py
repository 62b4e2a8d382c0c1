"""What a model's file says, for a person who wants to know."""

from pathlib import Path

import pytest

from mistral_tui.models.details import read_details
from mistral_tui.types.catalog import CatalogEntry
from mistral_tui.types.models import LoadOptions, ModelEntry
from tests.stubs.gguf import STRING, GgufFile

pytestmark = pytest.mark.core


def entry_of(path: Path, *, downloaded: bool = True) -> CatalogEntry:
    return CatalogEntry(ModelEntry("Tiny", path, "gguf", 1000, downloaded), "here", "somewhere")


def test_figures_metadata_and_template_are_told(tmp_path: Path) -> None:
    details = read_details(entry_of(GgufFile().write(tmp_path / "tiny.gguf")), LoadOptions(n_ctx=1024))
    figures = dict(details.figures)
    assert figures["architecture"] == "llama"
    assert figures["trained for"] == "4,096 tokens"
    assert "with a context of 1,024" in figures["memory"]
    assert dict(details.metadata)["llama.block_count"] == "2"
    assert dict(details.metadata)["tokenizer.ggml.tokens"] == "4 values"
    assert "tokenizer.chat_template" not in dict(details.metadata)
    assert details.chat_template == "{{ messages[0].content }}"
    assert details.problem == ""


def test_a_damaged_file_has_a_problem_and_one_that_is_not_here_none(tmp_path: Path) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(b"PK\x03\x04")
    assert "cut.gguf" in read_details(entry_of(path), LoadOptions()).problem
    absent = read_details(entry_of(tmp_path / "none.gguf", downloaded=False), LoadOptions())
    assert absent.problem == ""
    assert dict(absent.figures)["goes to"] == str(tmp_path / "none.gguf")


def test_what_a_file_says_is_cut_and_harmless(tmp_path: Path) -> None:
    file = GgufFile()
    hostile = "\x1b[2J\x9b31mevil\u202e\n" + "n" * 500_000
    file.metadata |= {"tokenizer.chat_template": (STRING, hostile), "general.note": (STRING, hostile)}
    details = read_details(entry_of(file.write(tmp_path / "evil.gguf")), LoadOptions())
    note = dict(details.metadata)["general.note"]
    assert note.startswith("evil")
    assert len(note) <= 200
    assert "\x1b" not in details.chat_template
    assert len(details.chat_template) < 21_000
    assert details.chat_template.endswith("more characters")
