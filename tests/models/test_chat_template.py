"""Chat templates: the conversation as a model reads it, and templates that mean harm."""

import time

import pytest

from mistral_tui.config.resources import data_file
from mistral_tui.models.chat_template import ChatTemplate, TemplateArguments
from mistral_tui.types.errors import BadChatTemplate
from mistral_tui.types.messages import FilePart, Message, ReasoningPart, Role, TextPart

pytestmark = pytest.mark.core


def say(role: Role, text: str) -> Message:
    return Message(role, (TextPart(text),))


CHAT = (say("system", "Be brief."), say("user", "Hi"), say("assistant", "Hello."), say("user", "Bye"))
SHIPPED = {
    "chatml": (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n"
    ),
    "llama3": (
        "<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    ),
    "gemma": (
        "<s><start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n<start_of_turn>model\nHello.<end_of_turn>\n"
        "<start_of_turn>user\nBye<end_of_turn>\n<start_of_turn>model\n"
    ),
    "hermes": (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n"
    ),
    "llama2": ("<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Hello. </s><s>[INST] Bye [/INST]"),
    "phi3": "<|user|>\nBe brief.\n\nHi<|end|>\n<|assistant|>\nHello.<|end|>\n<|user|>\nBye<|end|>\n<|assistant|>\n",
    "phi3.5": (
        "<|system|>\nBe brief.<|end|>\n<|user|>\nHi<|end|>\n"
        "<|assistant|>\nHello.<|end|>\n<|user|>\nBye<|end|>\n<|assistant|>\n"
    ),
    "zephyr": (
        "<|system|>\nBe brief.</s>\n<|user|>\nHi</s>\n<|assistant|>\nHello.</s>\n<|user|>\nBye</s>\n<|assistant|>\n"
    ),
    "vicuna": "<s>Be brief. USER: Hi ASSISTANT: Hello.</s>USER: Bye ASSISTANT:",
    "deepseek": "<s>Be brief.<｜User｜>Hi<｜Assistant｜>Hello.<｜end▁of▁sentence｜><｜User｜>Bye<｜Assistant｜>",
    "alpaca": (
        "<s>Be brief.\n\n### Instruction:\nHi\n\n### Response:\nHello.</s>\n\n### Instruction:\nBye\n\n### Response:\n"
    ),
    "default": "<s>Be brief.\n\nUser: Hi\n\nAssistant: Hello.\n\nUser: Bye\n\nAssistant:",
    "mistral": "<s>[INST] Be brief.\n\nHi [/INST] Hello.</s>[INST] Bye [/INST]",
}


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_templates_render_a_conversation(name: str) -> None:
    template = ChatTemplate((data_file("chat_templates") / f"{name}.jinja").read_text("utf-8"))
    assert template.render(CHAT, "<s>", "</s>") == SHIPPED[name]


def test_every_shipped_template_is_tested() -> None:
    assert {path.stem for path in data_file("chat_templates").glob("*.jinja")} == set(SHIPPED)


def test_without_a_generation_prompt_the_last_message_ends_it() -> None:
    template = ChatTemplate((data_file("chat_templates") / "chatml.jinja").read_text("utf-8"))
    assert template.render(CHAT, add_generation_prompt=False).endswith("Bye<|im_end|>\n")


REFUSES_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}[{{ m.role }}:{{ m.content }}]{% endfor %}"
)
IGNORES_SYSTEM = "{% for m in messages if m.role != 'system' %}[{{ m.role }}:{{ m.content }}]{% endfor %}"


@pytest.mark.parametrize("text", [REFUSES_SYSTEM, IGNORES_SYSTEM])
def test_a_system_message_that_is_not_taken_begins_the_first_user_message(text: str) -> None:
    template = ChatTemplate(text)
    assert not template.takes_system
    assert template.render(CHAT) == "[user:Be brief.\n\nHi][assistant:Hello.][user:Bye]"
    assert template.render((say("system", "Be brief."),)) == "[user:Be brief.]"


def test_a_template_that_wants_turns_to_alternate_gets_neighbours_as_one() -> None:
    template = ChatTemplate(
        "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('roles must alternate') }}{% endif %}[{{ m.role }}:{{ m.content }}]{% endfor %}"
    )
    failed_turn = (say("user", "One"), say("assistant", ""), say("user", "Two"))
    assert template.render(failed_turn[:1] + failed_turn[2:]) == "[user:One\n\nTwo]"
    with pytest.raises(BadChatTemplate, match="refuses this conversation: roles must alternate"):
        template.render((say("assistant", "I begin"),))


def test_content_may_be_wanted_as_typed_parts() -> None:
    template = ChatTemplate(
        "{% for m in messages %}{% for part in m.content | selectattr('type', 'equalto', 'text') %}"
        "<{{ part.text }}>{% endfor %}{% endfor %}"
    )
    assert template.render((say("user", "Hi"),)) == "<Hi>"


def test_files_are_fenced_in_their_place_and_thoughts_left_out() -> None:
    template = ChatTemplate("{{ messages[0].content }}")
    code = FilePart("a\x1b[2J b.md", "```\ncode\n```")
    message = Message("user", (code, TextPart("What "), TextPart("is it?"), ReasoningPart("hm")))
    assert template.render((message,)) == "File a b.md:\n````\n```\ncode\n```\n````\n\nWhat is it?"


def test_it_speaks_the_dialect_of_hugging_face() -> None:
    template = ChatTemplate(
        "{%- for m in messages %}\n"
        "    {%- generation %}{{ m | tojson }}{% endgeneration %}\n"
        "    {%- if loop.last %}{% break %}{% endif %}\n"
        "{%- endfor %}\n"
        "{{ '|' ~ strftime_now('%Y') | length ~ (tools is none) ~ enable_thinking }}"
    )
    rendered = template.render((say("user", "<ü & 'x'>"),), arguments=TemplateArguments(enable_thinking=False))
    assert rendered == '{"role": "user", "content": "<ü & \'x\'>"}|4TrueFalse'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n{% if %}", "line 2"),
        ("{% for m in messages %}", "line 1"),
        ("\n\n{{ 1 / 0 }}", "line 3: division by zero"),
        ("\n{{ messages[7].content }}", "line 2"),
        ("{{ messages | nothing }}", "No filter named 'nothing'"),
        ("{% include 'other' %}", "no loader"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ '\x1b[2J' | nothing }}", "line 1"),
        ("{{ " + "(" * 5000 + ")" * 5000 + " }}", "does not parse"),
        ("{% for m in messages %}" * 30 + "{% endfor %}" * 30, "does not parse"),
        ("{{ 1" + " + 1" * 40_000 + " }}", "chat template"),
        (" " * 300_000, "too long"),
    ],
    ids=lambda value: value[:20],
)
def test_a_broken_template_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(BadChatTemplate, match=message) as caught:
        ChatTemplate(text).render(CHAT)
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% set a = range(99999) | list %}{% for i in a %}{% for j in a if false %}{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for i in range(99999) %}{{ 'x' * 1000000 }}{% endfor %}",
        "{% set t = 'x' * 1000000 %}{% set b %}{% for i in range(99999) %}{{ t }}{% endfor %}{% endset %}{{ b }}",
        "{% set n = namespace(s='x') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
        "{% set n = namespace(s='x') %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
        "{% set n = namespace(i=9) %}{% for i in range(99) %}{% set n.i = n.i * n.i %}{% endfor %}",
        "{% set a = ['x'] * 9999 %}{% set b = [a] * 9999 %}{% set c = [b] * 9999 %}{{ c }}",
        "{% set a = ['x'] * 9999 %}{% set b = [a] * 9999 %}{% set c = [b] * 9999 %}{{ c | string | length }}",
        "{{ 'x' * 10 ** 9 }}",
        "{{ 10 ** (10 ** 10) }}",
        "{{ range(10 ** 9) }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ '{:{}}'.format(1, '999999999') }}",
        "{{ 'x'.ljust(999999999) }}",
        "{{ 'x' | center(999999999) }}",
        "{{ 'x' | indent(999999999, true) }}",
        "{{ [1] | tojson(indent=999999999) }}",
        "{% set t = 'x' * 1000000 %}{{ t.replace('x', t) }}",
        "{% set t = 'x' * 1000000 %}{{ t | replace('x', t) }}",
        "{% set t = 'x' * 1000000 %}{{ t.join(t) }}",
        "{% set t = 'x' * 1000000 %}{{ t | join(t) }}",
    ],
)
def test_a_template_that_would_run_or_grow_without_end_is_stopped(text: str) -> None:
    with pytest.raises(BadChatTemplate):
        ChatTemplate(text, time_limit=0.2).render(CHAT)


@pytest.mark.parametrize(
    "text",
    [
        "{{ a == b }}",
        "{{ a in [b] }}",
        "{{ a is eq b }}",
        "{{ a is in [b] }}",
        "{{ [a] | select('equalto', b) | list }}",
        "{{ [a, b] | sort }}",
        "{{ [a, b] | min }}",
        "{{ [a, b] | unique | list }}",
        "{{ [{'x': a}, {'x': b}] | groupby('x') }}",
        "{{ [a].index(b) }}",
        "{{ {}[a] }}",
        "{{ {a: 1} }}",
        "{{ {}.get(a) }}",
        "{{ dict([(a, 1)]) }}",
        "{{ raise_exception(a) }}",
        "{{ '%s' % (a,) }}",
        "{{ a | tojson }}",
    ],
)
def test_what_is_nested_beyond_measure_is_not_compared_hashed_or_written(text: str) -> None:
    nested = "{% set NAME = (1,) %}" + "{% set NAME = (NAME, NAME) %}" * 40
    with pytest.raises(BadChatTemplate, match="million characters"):
        ChatTemplate(nested.replace("NAME", "a") + nested.replace("NAME", "b") + text).render(CHAT)


@pytest.mark.parametrize(
    "text",
    [
        "{{ [[0] * 1000] * 100000 | sum(start=[]) }}",
        "{{ 'abc' | slice(10 ** 9) | list }}",
        "{{ 'abc' | batch(10 ** 9, 'x') | list }}",
        "{{ (5).to_bytes(10 ** 9, 'big') }}",
        "{{ 'x'.encode() }}",
        "{{ '%(a)99999d' * 20000 % {'a': 1} }}",
        "{{ ('f' * 10000000) | int(0, 16) }}",
        "{{ 1.5 | round(1000000, 'ceil') }}",
        "{{ ('<' * 15000000) | e }}",
        "{{ ('a b' * 5000000).split(' ') }}",
        "{{ ('[' * 100000) | from_json }}",
        "{{ ('1' * 100000) | from_json }}",
        "{{ strftime_now('%c' * 10000) }}",
        "{% set l = [] %}{% set _ = l.append(l) %}{{ l }}",
        "{% set l = [] %}{% for i in range(99999) %}{% set _ = l.append('x' * 1000000 ~ i) %}{% endfor %}",
        "{% set l = range(99999) | list %}{% for i in l %}{{ l | reject('in', l) | list | length }}{% endfor %}",
        "{% block a %}{{ self.a() }}{% endblock %}",
    ],
    ids=lambda text: text[:30],
)
def test_no_single_step_takes_long_or_much(text: str) -> None:
    with pytest.raises(BadChatTemplate):
        ChatTemplate(text, time_limit=0.5).render(CHAT)


@pytest.mark.parametrize(
    "text",
    [
        "{{ a" + " ~ a" * 15000 + " }}",
        "{{ [" + "1, " * 20000 + "] }}",
        "".join(f"{{% if x %}}{{% set a{i} = 1 %}}{{% endif %}}" for i in range(1600)),
    ],
    ids=["operators", "items", "variables"],
)
def test_the_time_limit_counts_for_compiling_too(text: str) -> None:
    with pytest.raises(BadChatTemplate, match="it ran longer than"):
        ChatTemplate(text, time_limit=0.01)


@pytest.mark.parametrize(
    "text",
    [
        "{{ messages.__class__.__base__.__subclasses__() }}",
        "{{ raise_exception.__globals__.x }}",
        "{{ joiner.__init__.__globals__ }}",
        "{{ '{0.__class__.__mro__}'.format('') }}",
        "{{ '{a.__class__}'.format_map({'a': 1}) }}",
        "{{ tick() }}",
        "{{ (range(3) | map('string')).gi_frame.f_globals }}",
        "{% set _ = messages[0].update({'role': 'x'}) %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
    ],
)
def test_nothing_of_python_is_in_reach(text: str) -> None:
    with pytest.raises(BadChatTemplate):
        ChatTemplate(text).render(CHAT)
    assert "class" not in ChatTemplate(
        "{{ '' | attr('__class__') }}{{ [1] | map(attribute='__class__') | list }}"
    ).render(CHAT)


def test_templates_may_keep_lists_and_read_json() -> None:
    template = ChatTemplate(
        "{% set ids = [] %}{% for m in messages %}{% set _ = ids.append(m.role) %}{% endfor %}"
        "{{ ids.pop(0) }}/{{ ids | join(',') }}/{{ ('{\"x\": [1, 2]}' | from_json).x | last }}"
    )
    assert template.render(CHAT[1:]) == "user/assistant,user/2"


def test_the_time_stays_that_of_the_days_first_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.mktime((2030, 5, 17, 9, 30, 0, 0, 0, -1))
    monkeypatch.setattr(time, "time", lambda: now)
    template = ChatTemplate("{{ strftime_now('%d %H:%M') }}{{ messages[0].content }}")
    assert template.render(CHAT[1:2]) == "17 09:30Hi"
    now += 3 * 3600
    assert template.render(CHAT[1:2]) == "17 09:30Hi"
    now += 24 * 3600
    assert template.render(CHAT[1:2]) == "18 12:30Hi"


def test_the_time_limit_counts_each_rendering_anew() -> None:
    template = ChatTemplate("{% for m in messages %}{{ m.content }}{% endfor %}", time_limit=0.2)
    deadline = time.monotonic() + 0.4
    while time.monotonic() < deadline:
        assert template.render(CHAT[1:2]) == "Hi"
