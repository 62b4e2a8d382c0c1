"""The notations of tool calls, and which of them a model writes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from mistral_tui.engines.parsing import gemma_calls, json_calls, named_calls, python_calls, tag_calls
from mistral_tui.engines.parsing.call_forms import JsonForm, NamedForm, TagForm, Written
from mistral_tui.engines.parsing.parameters import Parameters
from mistral_tui.engines.parsing.reader import Reader, Wait
from mistral_tui.engines.parsing.tag_calls import Tags
from mistral_tui.types.requests import ToolSpec

ReadCalls = Callable[[Reader, Sequence[ToolSpec]], Wait[bool]]
"""Reads calls behind the mark that opens them, which is pending; returns whether there were any."""


@dataclass(frozen=True)
class CallFamily:
    """How a family of models writes tool calls."""

    name: str
    signs: tuple[str, ...]
    """A chat template that contains one of these is of this family."""
    opens: Mapping[str, ReadCalls]
    """Marks that open calls."""
    silent: tuple[str, ...] = ()
    """Marks around calls that mean nothing."""
    inner: tuple[str, ...] = field(default=(), kw_only=True)
    """Marks within calls, which may be control tokens."""
    written: Written | None = field(default=None, kw_only=True)
    """How to write them; `None`: no grammar is written for it."""

    @property
    def marks(self) -> tuple[str, ...]:
        """All marks."""
        return (*self.opens, *self.silent, *self.inner)

    def or_as(self, other: "CallFamily") -> "CallFamily":
        """Return a family of models that write calls in either way."""
        opens = {**other.opens, **self.opens}
        return replace(self, opens=opens, silent=self.silent + other.silent, inner=self.inner + other.inner)


def _json(*closes: str, keyed: bool = False) -> ReadCalls:
    return lambda reader, tools: json_calls.calls(reader, *closes, keyed=keyed)


def _tags(tags: Tags) -> ReadCalls:
    return lambda reader, tools: tag_calls.call(reader, tags, Parameters(tools))


def _named(read: Callable[[Reader], Wait[bool]]) -> ReadCalls:
    return lambda reader, tools: read(reader)


def _python(close: str) -> ReadCalls:
    return lambda reader, tools: python_calls.calls(reader, close, tools)


def _tool_call(reader: Reader, tools: Sequence[ToolSpec]) -> Wait[bool]:
    """Read what stands between `<tool_call>` and `</tool_call>`: three families use these tags."""
    yield from reader.skip_space()
    if (yield from reader.peek()) in ("{", "["):
        return (yield from json_calls.calls(reader, "</tool_call>"))
    if (yield from reader.next_is("<function=")):
        found = yield from tag_calls.call(reader, tag_calls.QWEN, Parameters(tools))
    else:
        return (yield from tag_calls.call(reader, tag_calls.GLM, Parameters(tools)))
    yield from reader.skip_space()
    yield from reader.next_is("</tool_call>")
    return found


def _dsml(name: str, sign: str, section: str) -> CallFamily:
    parameter = '<｜DSML｜parameter name="{key}" string="{kind}">{value}</｜DSML｜parameter>'
    before, after = f"<｜DSML｜{section}>", f"</｜DSML｜{section}>"
    return CallFamily(
        name,
        (sign,),
        {"<｜DSML｜invoke ": _tags(tag_calls.DSML)},
        (before, after),
        inner=("<｜DSML｜parameter ", "</｜DSML｜parameter>"),
        written=Written(
            "<｜DSML｜invoke ",
            TagForm('name="{name}">', parameter, "</｜DSML｜invoke>", spaced=False),
            before=before,
            after=after,
        ),
    )


HERMES: Final = CallFamily(
    "hermes",
    ("<tool_call>",),
    {"<tool_call>": _tool_call},
    inner=("</tool_call>",),
    written=Written("<tool_call>", JsonForm(), "</tool_call>"),
)

FAMILIES: Final = (
    CallFamily(
        "harmony",
        ("<|channel|>",),
        {},
        written=Written(" to=functions.", NamedForm("{name}<|channel|>commentary json<|message|>"), most=1),
    ),
    CallFamily(
        "mistral-id",
        ("[CALL_ID]",),
        {"[TOOL_CALLS]": _named(named_calls.mistral)},
        inner=("[ARGS]", "[CALL_ID]"),
        written=Written("[TOOL_CALLS]", NamedForm("{name}[CALL_ID]{id}[ARGS]")),
    ),
    CallFamily(
        "mistral",
        ("[ARGS]",),
        {"[TOOL_CALLS]": _named(named_calls.mistral)},
        inner=("[ARGS]",),
        written=Written("[TOOL_CALLS]", NamedForm("{name}[ARGS]")),
    ),
    CallFamily(
        "mistral-array",
        ("[TOOL_CALLS]",),
        {"[TOOL_CALLS]": _named(named_calls.mistral)},
        written=Written("[TOOL_CALLS]", JsonForm(array=True, call_id="id"), most=1),
    ),
    CallFamily(
        "deepseek",
        ("<｜tool▁calls▁begin｜>",),
        {"<｜tool▁call▁begin｜>": _named(named_calls.deepseek)},
        ("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"),
        inner=("<｜tool▁sep｜>", "<｜tool▁call▁end｜>"),
        written=Written(
            "<｜tool▁call▁begin｜>",
            NamedForm("{name}<｜tool▁sep｜>"),
            "<｜tool▁call▁end｜>",
            before="<｜tool▁calls▁begin｜>",
            after="<｜tool▁calls▁end｜>",
        ),
    ),
    _dsml("deepseek-v4", "'tool_calls>'", "tool_calls"),
    _dsml("deepseek-v3.2", "｜DSML｜", "function_calls"),
    CallFamily(
        "kimi",
        ("<|tool_call_begin|>",),
        {"<|tool_call_begin|>": _named(named_calls.kimi)},
        ("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"),
        inner=("<|tool_call_argument_begin|>", "<|tool_call_end|>"),
        written=Written(
            "<|tool_call_begin|>",
            NamedForm("functions.{name}:{number}<|tool_call_argument_begin|>"),
            "<|tool_call_end|>",
            before="<|tool_calls_section_begin|>",
            after="<|tool_calls_section_end|>",
        ),
    ),
    CallFamily(
        "minimax",
        ("<minimax:tool_call>",),
        {"<invoke ": _tags(tag_calls.INVOKE)},
        ("<minimax:tool_call>", "</minimax:tool_call>"),
        written=Written(
            "<invoke ",
            TagForm('name="{name}">', '<parameter name="{key}">{value}</parameter>', "</invoke>", spaced=False),
            before="<minimax:tool_call>",
            after="</minimax:tool_call>",
        ),
    ),
    CallFamily(
        "seed",
        ("<seed:tool_call>",),
        {"<function=": _tags(tag_calls.QWEN)},
        ("<seed:tool_call>", "</seed:tool_call>"),
        written=Written(
            "<function=",
            TagForm("{name}>", "<parameter={key}>{value}</parameter>", "</function>", spaced=False),
            before="<seed:tool_call>",
            after="</seed:tool_call>",
            most=1,
        ),
    ),
    CallFamily(
        "glm",
        ("<arg_key>",),
        {"<tool_call>": _tool_call},
        inner=("<arg_key>", "<arg_value>", "</tool_call>"),
        written=Written(
            "<tool_call>",
            TagForm(
                "{name}", "<arg_key>{key}</arg_key>{space}<arg_value>{value}</arg_value>", "</tool_call>", spaced=False
            ),
        ),
    ),
    CallFamily(
        "qwen-coder",
        ("<parameter=",),
        {"<tool_call>": _tool_call, "<function=": _tags(tag_calls.QWEN)},
        ("</tool_call>",),
        written=Written(
            "<tool_call>",
            TagForm("<function={name}>", "<parameter={key}>{value}</parameter>", "</function>"),
            "</tool_call>",
        ),
    ),
    CallFamily(
        "functionary",
        ("<function=",),
        {"<function=": _named(named_calls.functionary)},
        written=Written("<function=", NamedForm("{name}>"), "</function>"),
    ),
    CallFamily(
        "minicpm",
        ("<function name=",),
        {"<function ": _tags(tag_calls.MINICPM)},
        written=Written(
            "<function ",
            TagForm('name="{name}">', '<param name="{key}">{value}</param>', "</function>", spaced=False),
        ),
    ),
    CallFamily("functools", ("functools[",), {"functools[": _json()}),
    CallFamily(
        "nemotron",
        ("<TOOLCALL>",),
        {"<TOOLCALL>": _json("</TOOLCALL>")},
        written=Written("<TOOLCALL>", JsonForm(array=True), "</TOOLCALL>", most=1),
    ),
    CallFamily(
        "minimax-m1",
        ("<beginning_of_sentence>ai name=",),
        {"<tool_calls>": _json("</tool_calls>")},
        written=Written("", JsonForm(), before="<tool_calls>", after="</tool_calls>"),
    ),
    CallFamily(
        "tool_calls",
        ("<tool_calls>",),
        {"<tool_calls>": _json("</tool_calls>")},
        written=Written("<tool_calls>", JsonForm(array=True), "</tool_calls>", most=1),
    ),
    CallFamily(
        "cohere",
        ("<|START_ACTION|>",),
        {"<|START_ACTION|>": _json("<|END_ACTION|>")},
        inner=("<|END_ACTION|>",),
        written=Written(
            "<|START_ACTION|>",
            JsonForm("tool_name", "parameters", array=True, number="tool_call_id"),
            "<|END_ACTION|>",
            most=1,
        ),
    ),
    CallFamily(
        "gemma",
        ("<|tool_call>",),
        {"<|tool_call>": _named(gemma_calls.call)},
        ("<|tool_response>",),
        inner=(gemma_calls.QUOTE, gemma_calls.END),
    ),
    CallFamily(
        "apertus",
        ("<|tools_prefix|>",),
        {"<|tools_prefix|>": _json("<|tools_suffix|>", keyed=True)},
        inner=("<|tools_suffix|>",),
        written=Written("<|tools_prefix|>", JsonForm(array=True, keyed=True), "<|tools_suffix|>", most=1),
    ),
    CallFamily(
        "lfm",
        ("<|tool_call_start|>", "<|tool_list_start|>", "List of tools: ["),
        {"<|tool_call_start|>": _python("<|tool_call_end|>")},
        inner=("<|tool_call_end|>",),
    ),
    CallFamily(
        "gigachat",
        ("<|function_call|>", "<|role_sep|>"),
        {"<|function_call|>": _json(), "<|message_sep|>\n\nfunction call<|role_sep|>\n": _json()},
        ("<|message_sep|>",),
    ),
    CallFamily(
        "solar",
        ("<|tool_call:begin|>",),
        {"<|tool_call:begin|>": _named(named_calls.solar)},
        ("<|tool_calls|>", "<|calls|>"),
        inner=("<|tool_call:name|>", "<|tool_call:args|>", "<|tool_call:end|>"),
        written=Written(
            "<|tool_call:begin|>",
            NamedForm("{id}<|tool_call:name|>{name}<|tool_call:args|>"),
            "<|tool_call:end|>",
            before="<|tool_calls|>",
            after="<|calls|>",
        ),
    ),
    CallFamily(
        "granite",
        ("<|tool_call|>",),
        {"<|tool_call|>": _json("<|/tool_call|>", "</tool_call>")},
        inner=("<|/tool_call|>", "</tool_call>"),
        written=Written("<|tool_call|>", JsonForm(array=True), most=1),
    ),
    HERMES,
    CallFamily(
        "llama",
        ("<|python_tag|>", "<|start_header_id|>"),
        {"<|python_tag|>": _json()},
        written=Written("", JsonForm(arguments="parameters"), most=1),
    ),
)


def call_family_of(template: str) -> CallFamily:
    """Return the family of a model with this chat template; Hermes, the commonest, if it says nothing of calls."""
    return next((family for family in FAMILIES if any(sign in template for sign in family.signs)), HERMES)
