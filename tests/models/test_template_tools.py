"""Tools, reasoning and further variables: into the template as it takes them, and never lost."""

import json

import pytest

from mistral_tui.config.resources import data_file
from mistral_tui.models.chat_template import ChatTemplate, TemplateArguments
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import (
    Message,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from mistral_tui.types.requests import GenerateRequest, NamedTool, ToolSpec

pytestmark = pytest.mark.core

WEATHER = ToolSpec("weather", "Says how it is.", {"properties": {"city": {"type": "string"}}, "required": ["city"]})
CLOCK = ToolSpec("clock")
TOOLS = TemplateArguments(tools=(WEATHER, CLOCK))


def say(role: Role, *parts: Part | str) -> Message:
    return Message(role, tuple(TextPart(part) if isinstance(part, str) else part for part in parts))


CALLS = (
    say(
        "assistant",
        ReasoningPart("Hm."),
        "Let me look.",
        ToolCallPart("call_a", "weather", '{"city": "Oslo"}'),
        ToolCallPart("call_b", "clock", ""),
    ),
    say("tool", ToolResultPart("call_a", "rain"), ToolResultPart("call_b", "broken", failed=True)),
)
CHAT = (say("user", "Weather?"), *CALLS, say("assistant", "It rains."), say("user", "Thanks"))

EVERYTHING = "{{ {'messages': messages, 'tools': tools, 'documents': documents} | tojson }}"


def test_templates_read_what_hugging_face_defined() -> None:
    rendered = json.loads(ChatTemplate(EVERYTHING).render(CHAT, arguments=TOOLS))
    assert rendered["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "weather",
                "description": "Says how it is.",
                "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
            },
        },
        {
            "type": "function",
            "function": {"name": "clock", "description": "", "parameters": {"type": "object", "properties": {}}},
        },
    ]
    assert rendered["messages"][1:4] == [
        {
            "role": "assistant",
            "content": "Let me look.",
            "reasoning_content": "Hm.",
            "tool_calls": [
                {"id": "call_a", "type": "function", "function": {"name": "weather", "arguments": {"city": "Oslo"}}},
                {"id": "call_b", "type": "function", "function": {"name": "clock", "arguments": {}}},
            ],
        },
        {"role": "tool", "tool_call_id": "call_a", "name": "weather", "content": "rain"},
        {"role": "tool", "tool_call_id": "call_b", "name": "clock", "content": "error: broken"},
    ]


def test_arguments_that_are_no_json_object_stay_readable() -> None:
    for text in ('{"city": ', "[1]", '"x"', "[" * 100_000):
        call = say("assistant", ToolCallPart("1", "weather", text))
        rendered = json.loads(ChatTemplate(EVERYTHING).render((say("user", "x"), call)))
        assert rendered["messages"][1]["tool_calls"][0]["function"]["arguments"] == {"arguments": text}


def test_results_within_a_reply_are_turns_of_their_own() -> None:
    reply = say("assistant", "One.", *CALLS[0].parts[2:], *CALLS[1].parts, "Two.")
    rendered = json.loads(ChatTemplate(EVERYTHING).render((say("user", "x"), reply)))
    assert [turn["role"] for turn in rendered["messages"]] == ["user", "assistant", "tool", "tool", "assistant"]
    assert [turn["content"] for turn in rendered["messages"]] == ["x", "One.", "rain", "error: broken", "Two."]


PLAIN = "{% for m in messages %}[{{ m.role }}:{{ m.content }}]{% endfor %}"


def test_a_template_without_tools_gets_them_in_the_system_message() -> None:
    template = ChatTemplate(PLAIN)
    assert not template.takes_tools
    text = template.render((say("system", "Be brief."), *CHAT), arguments=TOOLS)
    assert text.startswith("[system:Be brief.\n\nYou can call functions.")
    assert '{"type": "function", "function": {"name": "weather", "description": "Says how it is."' in text
    assert text.endswith(
        '[assistant:Let me look.\n<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>\n'
        '<tool_call>\n{"name": "clock", "arguments": {}}\n</tool_call>]'
        "[user:<tool_response>\nrain\n</tool_response>\n<tool_response>\nerror: broken\n</tool_response>]"
        "[assistant:It rains.][user:Thanks]"
    )


def test_a_template_without_tools_and_system_gets_them_in_the_first_message() -> None:
    template = ChatTemplate(PLAIN.replace("messages %}", "messages if m.role in ('user', 'assistant') %}"))
    text = template.render((say("user", "Hi"),), arguments=TOOLS)
    assert text.startswith("[user:You can call functions.")
    assert text.endswith("just answer.\n\nHi]")


CALLS_WITH = (
    "{{% for t in tools or [] %}}{{{{ t | tojson }}}}{{% endfor %}}{{% for m in messages %}}{checks}"
    "[{{{{ m.role }}}}:{{% if m.tool_calls %}}{{% for c in m.tool_calls %}}"
    "{{{{ c.id }}}} {{{{ c.function.name }}}} {{{{ {arguments} }}}};{{% endfor %}}{{% else %}}{{{{ m.content }}}}"
    "{{{{ m.tool_call_id }}}}{{% endif %}}]{{% endfor %}}"
)


def calls_with(arguments: str = "c.function.arguments | tojson", checks: str = "") -> ChatTemplate:
    return ChatTemplate(CALLS_WITH.format(arguments=arguments, checks=checks))


def test_arguments_are_text_for_templates_that_write_them_as_they_are() -> None:
    template = calls_with(arguments="c.function.arguments")
    assert template.takes_tools
    assert 'weather {"city": "Oslo"};' in template.render(CHAT, arguments=TOOLS)


def test_ids_are_nine_characters_where_that_is_wanted() -> None:
    wanted = (
        "{% if m.tool_calls and m.tool_calls[0].id | length != 9 %}{{ raise_exception('Tool call IDs!') }}{% endif %}"
    )
    rendered = calls_with(checks=wanted).render(CHAT, arguments=TOOLS)
    call_id = rendered.partition("[assistant:")[2].partition("[assistant:")[2][:9]
    assert call_id.isalnum()
    assert f"[tool:rain{call_id}]" in rendered
    assert "call_a" not in rendered


def test_calls_come_one_by_one_where_that_is_wanted() -> None:
    wanted = "{% if m.tool_calls | length > 1 %}{{ raise_exception('one call only') }}{% endif %}"
    assert (
        calls_with(checks=wanted)
        .render(CHAT, arguments=TOOLS)
        .endswith(
            '[user:Weather?][assistant:Let me look.][assistant:call_a weather {"city": "Oslo"};][tool:raincall_a]'
            "[assistant:call_b clock {};][tool:error: brokencall_b][assistant:It rains.][user:Thanks]"
        )
    )


def test_text_beside_calls_comes_later_where_replies_must_alternate() -> None:
    alternate = (
        "{% set n = namespace(i=0) %}{% for m in messages if m.role == 'user' or m.role == 'assistant' "
        "and not m.tool_calls %}{% if (m.role == 'user') != (n.i % 2 == 0) %}{{ raise_exception('alternate') }}"
        "{% endif %}{% set n.i = n.i + 1 %}{% endfor %}"
    )
    template = ChatTemplate(alternate + CALLS_WITH.format(arguments="c.function.arguments | tojson", checks=""))
    rendered = template.render(CHAT, arguments=TOOLS)
    assert rendered.endswith("[tool:error: brokencall_b][assistant:Let me look.\n\nIt rains.][user:Thanks]")
    assert "[assistant:Let me look.][assistant:call_a" in template.render(CHAT[:3], arguments=TOOLS)


def test_reasoning_goes_under_the_name_that_the_template_reads() -> None:
    for key in ("reasoning_content", "thinking"):
        template = ChatTemplate(f"{{% for m in messages %}}[{{{{ m.{key} }}}}|{{{{ m.content }}}}]{{% endfor %}}")
        chat = (say("user", "x"), say("assistant", ReasoningPart("Hm."), "Yes"), say("user", "y"))
        assert template.render(chat) == "[|x][Hm.|Yes][|y]"


def test_a_request_switches_thinking_and_sets_variables() -> None:
    template = ChatTemplate("{{ enable_thinking }}/{{ thinking }}/{{ style }}/{{ self_ }}{{ messages[0].content }}")
    assert template.takes_thinking
    assert not ChatTemplate(PLAIN).takes_thinking
    chat = (say("user", "!"),)
    assert template.render(chat) == "///!"
    arguments = TemplateArguments(enable_thinking=False, further={"style": "calm", "self": 1})
    assert template.render(chat, arguments=arguments) == "False/False/calm/!"
    with pytest.raises(InvalidRequest, match="messages is no name for a template argument"):
        TemplateArguments(further={"messages": []})


def test_a_request_may_forbid_its_tools() -> None:
    request = GenerateRequest(CHAT, tools=(WEATHER,), tool_choice="none")
    assert TemplateArguments.of(request).tools == ()
    named = GenerateRequest(CHAT, tools=(WEATHER,), tool_choice=NamedTool("weather"))
    assert TemplateArguments.of(named).tools == (WEATHER,)


def test_documents_are_handed_over_or_described() -> None:
    arguments = TemplateArguments(documents=({"title": "Atlas", "text": "Oslo is in Norway."},))
    chat = (say("user", "Where is Oslo?"),)
    rendered = json.loads(ChatTemplate(EVERYTHING).render(chat, arguments=arguments))
    assert rendered["documents"] == [{"doc_id": 0, "title": "Atlas", "text": "Oslo is in Norway."}]
    text = ChatTemplate(PLAIN).render(chat, arguments=arguments)
    assert text == "[system:File Atlas:\n```\nOslo is in Norway.\n```][user:Where is Oslo?]"


WITH_TOOLS = {
    "hermes": (
        "<|im_start|>assistant\nLet me look.\n"
        '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>\n'
        '<tool_call>\n{"name": "clock", "arguments": {}}\n</tool_call><|im_end|>\n'
        "<|im_start|>user\n<tool_response>\nrain\n</tool_response>\n"
        "<tool_response>\nerror: broken\n</tool_response><|im_end|>\n<|im_start|>assistant\nIt rains."
    ),
    "llama3": (
        '\n\nLet me look.\n{"name": "weather", "parameters": {"city": "Oslo"}}\n{"name": "clock", "parameters": {}}'
        "<|eot_id|><|start_header_id|>ipython<|end_header_id|>\n\nrain<|eot_id|>"
        "<|start_header_id|>ipython<|end_header_id|>\n\nerror: broken<|eot_id|>"
    ),
    "mistral": (
        '[/INST] Let me look.[TOOL_CALLS] [{"name": "weather", "arguments": {"city": "Oslo"}, "id": "call_a"}, '
        '{"name": "clock", "arguments": {}, "id": "call_b"}]</s>[TOOL_RESULTS] {"content": "rain", "call_id": "call_a"}'
        '[/TOOL_RESULTS][TOOL_RESULTS] {"content": "error: broken", "call_id": "call_b"}[/TOOL_RESULTS] It rains.</s>'
        '[AVAILABLE_TOOLS] [{"type": "function", "function": {"name": "weather", '
    ),
}


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_shipped_templates_with_tools(name: str) -> None:
    template = ChatTemplate((data_file("chat_templates") / f"{name}.jinja").read_text("utf-8"))
    assert template.takes_tools
    assert WITH_TOOLS[name] in template.render(CHAT, "<s>", "</s>", arguments=TOOLS)
    assert '"description": "Says how it is."' in template.render(CHAT[:1], "<s>", "</s>", arguments=TOOLS)
