"""The chat templates of some seventy real models: all of a conversation finds its way into the prompt."""

import json
from pathlib import Path
from typing import Any

import jinja2
import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mistral_tui.models.chat_template import ChatTemplate, TemplateArguments
from mistral_tui.models.template_messages import as_functions, as_turns
from mistral_tui.types.messages import Message, Part, ReasoningPart, Role, TextPart, ToolCallPart, ToolResultPart
from mistral_tui.types.requests import ToolSpec

pytestmark = pytest.mark.core

WITHOUT_TOOLS = {
    "HuggingFaceTB-SmolLM3-3B",
    "deepseek-ai-DeepSeek-R1-Distill-Llama-8B",
    "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B",
    "deepseek-ai-DeepSeek-V3.1",
    "google-gemma-2-2b-it",
    "llama-cpp-deepseek-r1",
    "llama-cpp-rwkv-world",
    "microsoft-Phi-3.5-mini-instruct",
}
"""Templates that say nothing of tools, or only of their calls."""


def say(role: Role, *parts: Part | str) -> Message:
    return Message(role, tuple(TextPart(part) if isinstance(part, str) else part for part in parts))


PLAIN = (say("user", "user-1"), say("assistant", "reply-1"), say("user", "user-2"))
SYSTEM = (say("system", "system-1"), *PLAIN)
IN_A_ROW = (say("user", "user-1"), say("user", "user-2"), say("assistant", ""), say("user", "user-3"))
CALLING = (
    say("system", "system-1"),
    say("user", "user-1"),
    say(
        "assistant",
        ReasoningPart("reasoning-1"),
        "reply-1",
        ToolCallPart("callid001", "get_weather", '{"city": "place-1", "days": 3, "exact": true, "where": ["a", null]}'),
        ToolCallPart("callid002", "get_time", ""),
    ),
    say("tool", ToolResultPart("callid001", "result-1"), ToolResultPart("callid002", "result-2", failed=True)),
)
CALLED = (*CALLING, say("assistant", "reply-2"), say("user", "user-2"))
TOOLS = (
    ToolSpec(
        "get_weather",
        "description-1",
        {"type": "object", "properties": {"city": {"type": "string", "description": "description-2"}, "days": {}}},
    ),
    ToolSpec("get_time"),
)
OF_TOOLS = ("get_weather", "get_time", "description-1", "description-2")
OF_CALLS = ("system-1", "user-1", "reply-1", "get_weather", "place-1", "get_time", "result-1", "result-2")


@pytest.fixture(scope="module")
def templates(templates_of_real_models: Path) -> dict[str, ChatTemplate]:
    files = sorted(templates_of_real_models.glob("*.jinja"))
    assert len(files) >= 60
    return {file.stem: ChatTemplate(file.read_text("utf-8")) for file in files}


def lacking(
    templates: dict[str, ChatTemplate], messages: tuple[Message, ...], *needles: str, tools: tuple[ToolSpec, ...] = ()
) -> dict[str, list[str]]:
    """Return what is not in the prompts of which templates."""
    prompts = {
        name: template.render(messages, "<s>", "</s>", arguments=TemplateArguments(tools))
        for name, template in templates.items()
    }
    missing = {name: [needle for needle in needles if needle not in prompt] for name, prompt in prompts.items()}
    return {name: needles for name, needles in missing.items() if needles}


def test_plain_chats(templates: dict[str, ChatTemplate]) -> None:
    assert not lacking(templates, PLAIN, "user-1", "reply-1", "user-2")
    assert not lacking(templates, SYSTEM, "system-1", "user-1", "reply-1", "user-2")
    assert not lacking(templates, IN_A_ROW, "user-1", "user-2", "user-3")


def test_tools_are_told_of(templates: dict[str, ChatTemplate]) -> None:
    assert {name for name, template in templates.items() if not template.takes_tools} == WITHOUT_TOOLS
    assert not lacking(templates, SYSTEM, "system-1", "user-1", "reply-1", "user-2", *OF_TOOLS, tools=TOOLS)
    assert not lacking(templates, PLAIN[:1], "user-1", *OF_TOOLS, tools=TOOLS)
    # Only these are told in words of ours how to call.
    assert lacking(templates, PLAIN[:1], "When no function is needed", tools=TOOLS).keys() == (
        templates.keys() - WITHOUT_TOOLS
    )


def test_calls_and_results_are_there_while_a_turn_goes_on_and_later(templates: dict[str, ChatTemplate]) -> None:
    assert not lacking(templates, CALLING, *OF_CALLS, *OF_TOOLS, tools=TOOLS)
    assert not lacking(templates, CALLED, *OF_CALLS, *OF_TOOLS, "reply-2", "user-2", tools=TOOLS)


def test_calls_are_there_when_the_tools_are_gone(templates: dict[str, ChatTemplate]) -> None:
    assert not lacking(templates, CALLED, *OF_CALLS, "reply-2", "user-2")


def test_a_call_without_a_result_and_one_that_is_no_json_do_not_end_a_chat(templates: dict[str, ChatTemplate]) -> None:
    cancelled = (say("user", "user-1"), say("assistant", ToolCallPart("callid001", "get_weather", '{"city": "pla')))
    assert not lacking(templates, (*cancelled, say("user", "user-2")), "user-1", "user-2", "pla", tools=TOOLS)


def test_reasoning_is_kept_where_models_want_it(templates: dict[str, ChatTemplate]) -> None:
    arguments = TemplateArguments(TOOLS, enable_thinking=True)
    shown = {name for name, t in templates.items() if "reasoning-1" in t.render(CALLING, arguments=arguments)}
    assert {
        "Qwen-Qwen3-0.6B",
        "openai-gpt-oss-120b",
        "GLM-4.6",
        "MiniMax-M2",
        "deepseek-ai-DeepSeek-V3.2",
        "LFM2.5-8B-A1B",
    } <= shown


def test_thinking_can_be_switched_where_models_know_it(templates: dict[str, ChatTemplate]) -> None:
    switched = {name for name, template in templates.items() if template.takes_thinking}
    assert {"Qwen-Qwen3-0.6B", "deepseek-ai-DeepSeek-V3.1", "ibm-granite-granite-3.3-2B-Instruct"} <= switched
    assert not switched & {"Qwen-Qwen2.5-7B-Instruct", "meta-llama-Llama-3.1-8B-Instruct"}


def test_a_turn_more_goes_on_from_what_was_there(templates: dict[str, ChatTemplate]) -> None:
    moved = set()
    for name, template in templates.items():
        before, _, _ = template.render(SYSTEM[:2]).partition("user-1")
        if not template.render(SYSTEM).startswith(f"{before}user-1"):
            moved.add(name)
    # It puts the system message before the last user message.
    assert moved == {"mistralai-Mistral-Nemo-Instruct-2407"}


def _hugging_face() -> ImmutableSandboxedEnvironment:
    def tojson(value: Any, **options: Any) -> str:
        return json.dumps(value, **{"ensure_ascii": False, **options})

    def refuse(message: str) -> None:
        raise jinja2.TemplateError(message)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda format_text: "now"
    return environment


@pytest.mark.parametrize(
    "name",
    ["Qwen-Qwen2.5-7B-Instruct", "Qwen-Qwen3-0.6B", "Qwen3-Coder", "GLM-4.6", "MiniMax-M2", "ibm-granite-granite-4.0"],
)
def test_templates_that_take_everything_render_as_hugging_face_does(
    templates: dict[str, ChatTemplate], name: str
) -> None:
    def rendered(messages: tuple[Message, ...], tools: tuple[ToolSpec, ...]) -> str:
        variables = {"messages": as_turns(messages, str), "tools": as_functions(tools, str) or None}
        template = _hugging_face().from_string(templates[name].text)
        return template.render(**variables, bos_token="<s>", eos_token="</s>", add_generation_prompt=True)

    for messages, tools in ((PLAIN, ()), (SYSTEM, ()), (SYSTEM, TOOLS), (CALLING, TOOLS), (CALLED, TOOLS)):
        ours = templates[name].render(messages, "<s>", "</s>", arguments=TemplateArguments(tools))
        assert ours == rendered(messages, tools)
