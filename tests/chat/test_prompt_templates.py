"""Prompts kept as files, with places to fill in."""

from pathlib import Path

import pytest

from mistral_tui.chat.prompt_templates import prompt_template, prompt_templates, read_prompt_template
from mistral_tui.types.errors import ConfigError, InvalidRequest

pytestmark = pytest.mark.core

REVIEW = """---
title: "Review a \x1b[31mtext"
---
Review this {{language:English}} text as {{ role }} would:

{{text}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "review.md").write_text(REVIEW, encoding="utf-8")
    (tmp_path / "plain.md").write_text("Just ask.\n", encoding="utf-8")
    return tmp_path


def test_a_template_has_a_title_and_places_with_defaults(folder: Path) -> None:
    template = prompt_template("review", folder)
    assert (template.name, template.title) == ("review", "Review a text")
    assert template.variables == {"language": "English", "role": "", "text": ""}
    assert template.filled({"role": "an editor", "text": "{{role}}"}) == (
        "Review this English text as an editor would:\n\n{{role}}"
    )


def test_values_are_checked(folder: Path) -> None:
    template = prompt_template("review", folder)
    with pytest.raises(InvalidRequest, match="needs a value for text"):
        template.filled({"role": "an editor"})
    with pytest.raises(InvalidRequest, match="no variable 'colour'; it has language, role, text"):
        template.filled({"colour": "red"})


def test_the_templates_of_a_folder_come_by_title_and_bad_ones_are_told(folder: Path) -> None:
    (folder / "empty.md").write_text("---\ntitle: x\n---\n", encoding="utf-8")
    (folder / "bytes.md").write_bytes(b"\xff\xfe\xfd")
    (folder / "dir.md").mkdir()
    found, problems = prompt_templates(folder)
    assert [template.title for template in found] == ["plain", "Review a text"]
    assert len(problems) == 3
    assert prompt_templates(folder / "missing") == ((), ())


def test_a_template_is_found_by_name_or_file(folder: Path) -> None:
    assert prompt_template(str(folder / "plain.md"), Path("/nowhere")).text == "Just ask."
    with pytest.raises(ConfigError, match="there are: plain, review"):
        prompt_template("other", folder)
    with pytest.raises(ConfigError, match="no such file"):
        read_prompt_template(folder / "gone.md")


def test_what_only_looks_like_a_place_is_text(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("{{}} {{a b}} {x} {{ {{y}} }}", encoding="utf-8")
    assert prompt_template("a", tmp_path).variables == {"y": ""}
