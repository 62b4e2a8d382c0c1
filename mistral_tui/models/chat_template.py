"""Chat templates: how a conversation becomes the text that a model was trained on.

Owns the Jinja dialect of Hugging Face and llama.cpp, and how the parts of our messages go into it. Pure text: it
knows no tokenizer, and runs wherever a model is loaded.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import jinja2

from mistral_tui.models.template_limits import LARGEST_TEXT, LimitExceeded
from mistral_tui.models.template_messages import Literal, as_functions, as_turns, everywhere
from mistral_tui.models.template_rewording import (
    document_instructions,
    fully_described,
    joined,
    tool_instructions,
    tools_as_text,
    with_instructions,
    with_typed_content,
    without_system,
)
from mistral_tui.models.template_sandbox import Refusal, Sandbox
from mistral_tui.models.template_traits import Traits, thinking_variables
from mistral_tui.types.errors import BadChatTemplate, InvalidRequest
from mistral_tui.types.messages import Json, Message
from mistral_tui.types.requests import GenerateRequest, ToolSpec
from mistral_tui.types.text import printable_line

_LONGEST_TEMPLATE: Final = 2**16
_RESERVED: Final = frozenset(
    {"messages", "tools", "documents", "add_generation_prompt", "bos_token", "eos_token", "enable_thinking"}
)


@dataclass(frozen=True)
class TemplateArguments:
    """What a request gives to the template besides its messages.

    Raises:
        InvalidRequest: A further variable has a name that templates use for something else.
    """

    tools: tuple[ToolSpec, ...] = ()
    documents: tuple[Json, ...] = ()
    enable_thinking: bool | None = None
    further: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if taken := sorted(_RESERVED & self.further.keys()):
            raise InvalidRequest(f"{taken[0]} is no name for a template argument; the request itself sets it")

    @classmethod
    def of(cls, request: GenerateRequest) -> Self:
        """Return what `request` gives; it may forbid its tools."""
        tools = () if request.tool_choice == "none" else request.tools
        return cls(tools, request.documents, request.enable_thinking, request.template_arguments)


class ChatTemplate:
    """A compiled chat template. To be used by one thread at a time.

    What a model's template does not take is put to it in another way, and never silently dropped: the system
    message becomes the beginning of the first user message, tools are described in the system message, their calls
    and results become text, and adjacent messages of one role become one. Only a reply's reasoning is left to
    the template: most leave out that of earlier turns, as the models were trained.

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
        self._traits = Traits(text, self._probe)

    @property
    def takes_system(self) -> bool:
        """Whether it has a place for a system message."""
        return self._traits.system

    @property
    def takes_tools(self) -> bool:
        """Whether it tells the model of tools and takes their calls; if not, both are written as Hermes does."""
        return self._traits.tools and self._traits.calls is not None

    @property
    def takes_thinking(self) -> bool:
        """Whether a request can switch the model's thinking on and off."""
        return self._traits.thinking

    def render(
        self,
        messages: Sequence[Message],
        bos: str = "",
        eos: str = "",
        *,
        add_generation_prompt: bool = True,
        arguments: TemplateArguments = TemplateArguments(),
        literal: Literal = str,
    ) -> str:
        """Return the prompt for `messages`.

        Text and files of a message become its content, in order, with a blank line between them; a file is a line
        with its name and then its text between fences. Pictures and recordings must have become text before.

        Args:
            messages: One branch, oldest first; may begin with a system message.
            bos: Text of the model's token for the beginning, for templates that write it themselves.
            eos: Text of the model's token for the end.
            add_generation_prompt: End with the header of the reply that is to follow.
            arguments: Tools, documents and further variables.
            literal: Applied to everything that is not the template's own text.

        Raises:
            BadChatTemplate: The template fails, runs too long or writes too much; names the line.
        """
        variables: Json = {
            **everywhere(arguments.further, literal),
            "bos_token": bos,
            "eos_token": eos,
            "add_generation_prompt": add_generation_prompt,
        }
        if arguments.enable_thinking is not None:
            variables |= {**thinking_variables(arguments.enable_thinking), **variables}
        turns = as_turns(messages, literal)
        functions = as_functions(arguments.tools, literal)
        documents = [
            {"doc_id": number, **everywhere(document, literal)} for number, document in enumerate(arguments.documents)
        ]
        failed: BadChatTemplate | None = None
        for attempt, given in self._attempts(turns, functions, documents):
            try:
                return self._generate(attempt, {**variables, **given})
            except _TooCostly:
                raise
            except BadChatTemplate as error:
                failed = failed or error
        assert failed is not None
        raise failed

    def _attempts(
        self, turns: list[Json], functions: list[Json], documents: list[Json]
    ) -> Iterator[tuple[list[Json], Json]]:
        """Yield the conversation in the ways to put it to the template, the best one first."""
        variables = dict(self._traits.always)
        if documents:
            variables["documents"] = documents
            if not self._traits.documents:
                turns = with_instructions(turns, document_instructions(documents))
        if not functions and not any("tool_calls" in turn or turn["role"] == "tool" for turn in turns):
            for form in _tamer(turns):
                yield self._fitted(form, self._traits.system), variables
            return
        if self.takes_tools and (calls := self._traits.calls):
            for written in (functions, fully_described(functions)) if functions else ([],):
                with_tools = {**variables, **self._traits.with_tools(written)} if written else variables
                for form in _tamer(calls.apply(turns)):
                    yield self._fitted(form, calls.takes_system), with_tools
        described = with_instructions(turns, tool_instructions(functions)) if functions else turns
        for form in _tamer(tools_as_text(described)):
            yield self._fitted(form, self._traits.system), variables

    def _fitted(self, turns: list[Json], takes_system: bool) -> list[Json]:
        """Return the turns as this template reads them."""
        if not takes_system:
            turns = without_system(turns)
        key = self._traits.reasoning
        if key is None:
            turns = [_without(turn, "reasoning_content") for turn in turns]
        elif key != "reasoning_content":
            turns = [{key if name == "reasoning_content" else name: turn[name] for name in turn} for turn in turns]
        return with_typed_content(turns) if self._traits.typed_content else turns

    def _probe(self, turns: Sequence[Json], variables: Json) -> str | None:
        usual = {"bos_token": "", "eos_token": "", "add_generation_prompt": True}
        try:
            return self._generate(turns, {**usual, **variables})
        except _TooCostly:
            raise
        except BadChatTemplate:
            return None

    def _generate(self, turns: Sequence[Json], variables: Json) -> str:
        self._sandbox.restart_clock()
        pieces, length = [], 0
        try:
            for piece in self._template.generate({**variables, "messages": turns}):
                pieces.append(piece)
                length += len(piece)
                if length > LARGEST_TEXT:
                    raise LimitExceeded(f"it writes more than {LARGEST_TEXT >> 20} million characters")
        except Refusal as error:
            raise _bad(f"it refuses this conversation: {error}", _line(error)) from None
        except LimitExceeded as error:
            raise _bad(str(error), _line(error), _TooCostly) from None
        except Exception as error:  # a template can raise whatever Python can
            reason = str(error) or type(error).__name__
            raise _bad(reason, _line(error)) from None
        return "".join(pieces)


class _TooCostly(BadChatTemplate):
    """The template ran into a limit; trying it with another conversation would cost as much again."""


def _tamer(turns: list[Json]) -> Iterator[list[Json]]:
    """Yield the turns, then in forms that templates refuse less often."""
    yield turns
    bare = [_without(turn, "reasoning_content") for turn in turns]
    if bare != turns:
        yield bare
    if (merged := joined(bare)) != bare:
        yield merged


def _without(turn: Json, key: str) -> Json:
    return {name: value for name, value in turn.items() if name != key}


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
