"""Chat templates by name or file."""

import json
from pathlib import Path

import pytest

from mistral_tui.cli.flags import ArgumentParser, add_model_flags
from mistral_tui.models.chat_template import ChatTemplate, TemplateArguments
from mistral_tui.models.template_files import template_text, templates
from mistral_tui.types.errors import ConfigError
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.requests import ToolSpec

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
    with pytest.raises(ConfigError, match="no chat template is named 'nope'; there are alpaca, chatml, deepseek, "):
        template_text("nope", tmp_path)
    with pytest.raises(ConfigError, match=r"nope\.jinja: there is no such file"):
        template_text(str(tmp_path / "nope.jinja"), tmp_path)


def test_the_help_names_what_ships() -> None:
    parser = ArgumentParser("test", "A test.")
    add_model_flags(parser)
    text = " ".join(parser.format_help().split())
    assert f"file, or {', '.join(templates(None))}" in text.replace("- ", "-")


@pytest.mark.parametrize(
    "content",
    [
        {"chat_template": "{{ 1 }}", "bos_token": "<s>"},
        {"chat_template": [{"name": "default", "template": "{{ 1 }}"}]},
        {"chat_template": [{"name": "tool_use", "template": "{{ 1 }}"}, 7]},
    ],
    ids=["mistral.rs", "named", "tool_use only"],
)
def test_json_files_hold_a_template(tmp_path: Path, content: object) -> None:
    file = tmp_path / "tokenizer_config.json"
    file.write_text(json.dumps(content), "utf-8")
    assert template_text(str(file), tmp_path) == "{{ 1 }}"
    assert template_text("tokenizer_config", tmp_path) == "{{ 1 }}"


def test_of_several_templates_in_a_file_requests_with_tools_get_theirs(tmp_path: Path) -> None:
    plain = "{% for m in messages %}{{ m.content }}{% endfor %}\n"
    entries = [
        {"name": "default", "template": plain},
        {"name": "tool_use", "template": "{{ tools | tojson }}" + plain + "{{ messages | tojson }}\n"},
    ]
    (tmp_path / "both.json").write_text(json.dumps({"chat_template": entries}), "utf-8")
    template = ChatTemplate(template_text("both", tmp_path))
    chat = (Message("user", (TextPart("Hi"),)),)
    assert template.render(chat) == "Hi"
    rendered = template.render(chat, arguments=TemplateArguments(tools=(ToolSpec("weather"),)))
    assert rendered.startswith('[{"type": "function", "function": {"name": "weather"')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "no chat template under"),
        ('{"chat_template": 7}', "no chat template under"),
        ('{"chat_template": []}', "no chat template under"),
    ],
    ids=["cut", "deep", "list", "number", "none"],
)
def test_json_without_a_template_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "bad.json"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=rf"bad\.json.*{message}"):
        template_text(str(file), tmp_path)
