"""Chat templates: how a conversation becomes the text that a model was trained on.

Owns the Jinja dialect of Hugging Face and llama.cpp, and how the parts of our messages go into it. Pure text: it
knows no tokenizer, and runs wherever a model is loaded.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import Any, Final

import jinja2

from mistral_tui.models.template_sandbox import LARGEST_TEXT, LimitExceeded, Refusal, Sandbox
from mistral_tui.types.errors import BadChatTemplate
from mistral_tui.types.messages import FilePart, Message, TextPart
from mistral_tui.types.text import printable_line

_LONGEST_TEMPLATE: Final = 2**18
_NEEDLE: Final = "needle-7f3a"


class ChatTemplate:
    """A compiled chat template. To be used by one thread at a time.

    What a model's template does not take is put to it in another way, and never silently dropped: the system
    message becomes the beginning of the first user message, and adjacent messages of one role become one.

    Raises:
        BadChatTemplate: The text is no Jinja template; names the line.
    """

    def __init__(self, text: str, time_limit: float = 3.0) -> None:
        """Compile `text`; compiling and each rendering may take `time_limit` seconds."""
        self.text = text
        self._sandbox = Sandbox(time_limit)
        if len(text) > _LONGEST_TEMPLATE:
            raise BadChatTemplate(f"the chat template is too long ({len(text):,} characters)")
        try:
            self._template = self._sandbox.from_string(text)
        except jinja2.TemplateSyntaxError as error:
            raise _bad(error.message or "does not parse", error.lineno) from None
        # Jinja passes on what Python's compiler finds wrong with the code that it has made of the template.
        except (jinja2.TemplateError, SyntaxError, RecursionError, MemoryError, ValueError, TypeError) as error:
            raise _bad(f"does not parse: {error}", None) from None

    def render(
        self,
        messages: Sequence[Message],
        bos: str = "",
        eos: str = "",
        add_generation_prompt: bool = True,
        extra: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the prompt for `messages`.

        Text and files of a message become its content, in order, with a blank line between them; a file is a line
        with its name and then its text between fences. Other parts are left out.

        Args:
            messages: One branch, oldest first; may begin with a system message.
            bos: Text of the model's token for the beginning, for templates that write it themselves.
            eos: Text of the model's token for the end.
            add_generation_prompt: End with the header of the reply that is to follow.
            extra: Further variables of the template, such as `enable_thinking`.

        Raises:
            BadChatTemplate: The template fails, runs too long or writes too much; names the line.
        """
        plain = [{"role": message.role, "content": content(message)} for message in messages]
        if not self.takes_system:
            plain = _without_system(plain)
        variables = {
            **(extra or {}),
            "bos_token": bos,
            "eos_token": eos,
            "add_generation_prompt": add_generation_prompt,
        }
        try:
            return self._run(plain, variables)
        except _Refused:
            return self._run(_joined(plain), variables)

    @cached_property
    def takes_system(self) -> bool:
        """Whether a system message finds its way into the prompt; many templates refuse or ignore it."""
        return self._shows({"role": "system", "content": _NEEDLE}, {"role": "user", "content": "x"})

    @cached_property
    def _wants_typed_content(self) -> bool:
        """Whether the template takes the content of a message only as a list of typed parts."""
        if self._shows({"role": "user", "content": _NEEDLE}):
            return False
        return self._shows({"role": "user", "content": [{"type": "text", "text": _NEEDLE}]})

    def _shows(self, *messages: dict[str, Any]) -> bool:
        try:
            return _NEEDLE in self._generate(messages, {"bos_token": "", "eos_token": ""})
        except _TooCostly:
            raise
        except BadChatTemplate:
            return False

    def _run(self, messages: list[dict[str, str]], variables: Mapping[str, Any]) -> str:
        if not self._wants_typed_content:
            return self._generate(messages, variables)
        typed = [{**message, "content": [{"type": "text", "text": message["content"]}]} for message in messages]
        return self._generate(typed, variables)

    def _generate(self, messages: Sequence[Mapping[str, Any]], variables: Mapping[str, Any]) -> str:
        self._sandbox.restart_clock()
        pieces, length = [], 0
        try:
            for piece in self._template.generate(messages=messages, tools=None, documents=None, **variables):
                pieces.append(piece)
                length += len(piece)
                if length > LARGEST_TEXT:
                    raise LimitExceeded(f"it writes more than {LARGEST_TEXT >> 20} million characters")
        except Refusal as error:
            raise _bad(f"it refuses this conversation: {error}", _line(error), _Refused) from None
        except LimitExceeded as error:
            raise _bad(str(error), _line(error), _TooCostly) from None
        except Exception as error:  # a template can raise whatever Python can
            reason = str(error) or type(error).__name__
            raise _bad(reason, _line(error)) from None
        return "".join(pieces)


class _Refused(BadChatTemplate):
    """The template itself said no."""


class _TooCostly(BadChatTemplate):
    """The template ran into a limit; trying it with another conversation would cost as much again."""


def content(message: Message) -> str:
    """Return what a model reads of a message: its text and its files."""
    blocks: list[str] = []
    after_text = False
    for part in message.parts:
        if isinstance(part, TextPart):
            if after_text:
                blocks[-1] += part.text
            else:
                blocks.append(part.text)
        elif isinstance(part, FilePart):
            blocks.append(_file_block(part))
        else:
            continue
        after_text = isinstance(part, TextPart)
    return "\n\n".join(block for block in blocks if block)


def _file_block(part: FilePart) -> str:
    longest = max((len(run) for run in re.findall("`+", part.text)), default=0)
    fence = "`" * max(3, longest + 1)
    ending = "" if part.text.endswith("\n") else "\n"
    return f"File {printable_line(part.name)}:\n{fence}\n{part.text}{ending}{fence}"


def _without_system(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    system = "\n\n".join(message["content"] for message in messages if message["role"] == "system")
    rest = [message for message in messages if message["role"] != "system"]
    if not system:
        return rest
    for index, message in enumerate(rest):
        if message["role"] == "user":
            rest[index] = {**message, "content": f"{system}\n\n{message['content']}"}
            return rest
    return [{"role": "user", "content": system}, *rest]


def _joined(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the messages with empty replies left out and neighbours of one role made one."""
    joined: list[dict[str, str]] = []
    for message in messages:
        if message["role"] == "assistant" and not message["content"]:
            continue
        if joined and joined[-1]["role"] == message["role"]:
            joined[-1] = {**message, "content": f"{joined[-1]['content']}\n\n{message['content']}"}
        else:
            joined.append(message)
    return joined


def _bad(reason: str, line: int | None, kind: type[BadChatTemplate] = BadChatTemplate) -> BadChatTemplate:
    where = f", line {line}" if line else ""
    text = printable_line(reason)
    shortened = text if len(text) <= 300 else f"{text[:300]}…"
    return kind(f"the chat template{where}: {shortened}; choose another with --chat-template")


def _line(error: BaseException) -> int | None:
    """Return the line of the template where `error` was raised: Jinja rewrites the traceback to show it."""
    line, traceback = None, error.__traceback__
    while isinstance(traceback, TracebackType):
        if traceback.tb_frame.f_code.co_filename == "<template>":
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line
