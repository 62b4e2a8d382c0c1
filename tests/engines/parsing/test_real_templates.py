"""The templates of real models write replies as the models do: what they write is split again."""

import json
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest

from mistral_tui.engines.parsing.splitter import Notation
from mistral_tui.models.chat_template import ChatTemplate, TemplateArguments
from mistral_tui.types.errors import BadChatTemplate
from mistral_tui.types.messages import Message, Part, ReasoningPart, TextPart, ToolCallPart
from tests.engines.parsing.splitting import CALLS, TOOLS, Split, split

pytestmark = pytest.mark.core

TEXT = "Let me see."
REASONING = "I think."
ASKED = Message("user", (TextPart("What is the weather?"),))
WRITTEN_CALLS = tuple(
    ToolCallPart(f"call0000{index}", name, json.dumps(arguments, ensure_ascii=False))
    for index, (name, arguments) in enumerate(CALLS)
)
ENDS = (
    *("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<eos>", "<|end_of_text|>", "<|END_OF_TURN_TOKEN|>", "[e~[", "<turn|>"),
    *("<end_of_turn>", "<｜end▁of▁sentence｜>", "<SPECIAL_12>", "<seed:eos>", "<|role_end|>", "<sep>", "</assistant>"),
    *("<end_of_sentence>", "<|assistant_end|>", "<|end_of_msg|>", "<|eot|>", "assistant<|role_sep|>"),
)
"""What ends a reply: such a token never comes out of an engine."""
OTHER_NOTATIONS = {"Kimi-K3", "MiniMax-M3", "meetkai-functionary-medium-v3.2", "muse-glimmer", "tencent-Hy3"}
"""Templates with tools whose notation is not known."""


ELSEWHERE = {"CohereForAI-c4ai-command-r-plus-tool_use"}
"""Templates that put more between a prompt and its reply when there is one."""


class Written(NamedTuple):
    """What a template wrote."""

    prompt: str
    reply: str


def written(template: ChatTemplate, thinking: bool | None, parts: tuple[Part, ...]) -> Written | None:
    """Return the reply of these parts as a template writes it; `None` if it does not write them as one reply."""
    arguments = TemplateArguments(tools=TOOLS, enable_thinking=thinking)
    try:
        prompt = template.render([ASKED], "<bos>", "<eos>", arguments=arguments)
        whole = template.render(
            [ASKED, Message("assistant", parts)], "<bos>", "<eos>", arguments=arguments, add_generation_prompt=False
        )
    except BadChatTemplate:
        return None
    if not whole.startswith(prompt):
        # The header of a reply that was given is another one: without reasoning, for instance.
        common = whole[: next(index for index, (a, b) in enumerate(zip(whole, prompt, strict=False)) if a != b)]
        prompt = common[: max(common.rfind("\n"), common.rfind(">")) + 1]
    reply = whole[len(prompt) :]
    ends = [place for end in ENDS if (place := reply.find(end)) >= 0]
    reply = reply[: min(ends, default=len(reply))].rstrip()
    for message_end in ("<|message_sep|>", "<|end|>"):  # which may also stand between the parts of a reply
        reply = reply.removesuffix(message_end)
    wanted = [part.name for part in parts if isinstance(part, ToolCallPart)]
    return Written(prompt, reply) if called_in(reply) == wanted else None


def called_in(reply: str) -> list[str]:
    return [call.name for call in WRITTEN_CALLS if call.name in reply]


def richest(name: str, template: ChatTemplate, text: bool = True) -> Written:
    """Return the richest reply that a template writes as one, with or without text beside the calls."""
    parts: tuple[tuple[Part, ...], ...] = (
        (ReasoningPart(REASONING), TextPart(TEXT), *WRITTEN_CALLS),
        (ReasoningPart(REASONING), *WRITTEN_CALLS),
        (TextPart(TEXT), *WRITTEN_CALLS),
        WRITTEN_CALLS,
        WRITTEN_CALLS[:1],
    )
    for given, thinking in product(parts, (True, None, False)):
        if not text and any(isinstance(part, TextPart) for part in given):
            continue
        if found := written(template, thinking, given):
            return found
    raise AssertionError(f"{name} writes no calls")


def test_calls_and_reasoning_of_every_template_with_tools_are_split(templates_of_real_models: Path) -> None:
    wrong: dict[str, Split] = {}
    seen = set()
    for path in sorted(templates_of_real_models.glob("*.jinja")):
        template = ChatTemplate(path.read_text(encoding="utf-8"))
        if not template.takes_tools or path.stem in ELSEWHERE:
            continue
        prompt, reply = richest(path.stem, template)
        result = split(reply, template.text, prompt=prompt)
        assert split(list(reply), template.text, prompt=prompt) == result
        count = len(called_in(reply))
        if (
            [name for name, _ in result.calls] != [name for name, _ in CALLS[:count]]
            or result.parsed != list(CALLS[:count])
            or result.text.strip() != (TEXT if TEXT in reply else "")
            or result.reasoning != (REASONING if REASONING in reply else "")
        ):
            wrong[path.stem] = result
        else:
            seen.add(Notation.of(template.text).calls.name)
    assert wrong.keys() == OTHER_NOTATIONS, wrong
    assert len(seen) >= 18, seen


def test_reasoning_of_every_template_that_shows_it_is_split(templates_of_real_models: Path) -> None:
    for path in sorted(templates_of_real_models.glob("*.jinja")):
        if path.stem in OTHER_NOTATIONS:
            continue
        template = ChatTemplate(path.read_text(encoding="utf-8"))
        found = written(template, True, (ReasoningPart(REASONING), TextPart(TEXT)))
        if found is None or REASONING not in found.reply:
            continue
        result = split(found.reply, template.text, tools=(), prompt=found.prompt)
        assert (result.reasoning, result.text.strip()) == (REASONING, TEXT), path.stem
