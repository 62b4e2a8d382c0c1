"""The flags about chat templates: which one, and what goes into it besides the messages."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mistral_tui.types.errors import InvalidRequest


class TemplateFlags(argparse.Namespace):
    """Which chat template, and its variables."""

    chat_template: str | None = None
    jinja_explicit: str | None = None
    enable_thinking: bool | None = None
    template_arguments: list[tuple[str, Any]] | None = None


def add_template_flags(parser: argparse.ArgumentParser, *, c_is_template: bool) -> None:
    """Add the flags of `TemplateFlags`.

    Args:
        parser: Where to add them.
        c_is_template: Whether `-c` is short for `--chat-template`.
    """
    group = parser.add_argument_group("chat template")
    group.add_argument(
        *(["-c"] if c_is_template else []),
        "--chat-template",
        metavar="NAME|FILE",
        help="chat template to use instead of the model's own: a .jinja or .json file, or alpaca, chatml, deepseek, "
        "default, gemma, hermes, llama2, llama3, mistral, phi3, phi3.5, vicuna, zephyr",
    )
    group.add_argument(
        "-j", "--jinja-explicit", metavar="FILE", help="chat template to use, whatever else names one: a Jinja file"
    )
    group.add_argument(
        "--thinking",
        "--enable-thinking",
        dest="enable_thinking",
        action=argparse.BooleanOptionalAction,
        help="tell a model that can think whether it shall",
    )
    group.add_argument(
        "--template-arg",
        dest="template_arguments",
        action="append",
        type=_argument,
        metavar="NAME=VALUE",
        help="a further variable of the template, such as reasoning_effort=low; JSON or text; may be repeated",
    )


def documents_of(files: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """Return files as documents to answer from.

    Raises:
        ConfigError: One cannot be read.
    """
    from mistral_tui.config.text_files import read_text  # --help does without

    return tuple({"title": Path(file).name, "text": read_text(Path(file).expanduser())} for file in files)


def _argument(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise InvalidRequest(f"--template-arg {text!r} is no variable; write NAME=VALUE")
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value
