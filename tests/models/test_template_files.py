"""Chat templates by name or file."""

from pathlib import Path

import pytest

from mistral_tui.models.template_files import template_text, templates
from mistral_tui.types.errors import ConfigError

pytestmark = pytest.mark.core


def test_shipped_templates_have_names(tmp_path: Path) -> None:
    assert {"chatml", "gemma", "llama3", "mistral"} <= set(templates(tmp_path))
    assert "<|im_start|>" in template_text("chatml", tmp_path)


def test_the_persons_own_win_and_any_file_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "chatml.jinja").write_text("mine", "utf-8")
    other = tmp_path / "other.txt"
    other.write_text("\ufeffother", "utf-8")
    assert template_text("chatml", tmp_path) == "mine"
    assert template_text(str(other), tmp_path) == "other"


def test_what_is_not_there_is_said_with_what_is(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no chat template is named 'nope'; there are chatml, gemma, llama3, mistral"):
        template_text("nope", tmp_path)
    with pytest.raises(ConfigError, match=r"nope\.jinja: there is no such file"):
        template_text(str(tmp_path / "nope.jinja"), tmp_path)
