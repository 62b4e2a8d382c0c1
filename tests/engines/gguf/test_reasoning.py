"""A model whose prompt opens reasoning: what it thinks is told apart, and a required call comes after it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mistral_tui.types.requests import NamedTool, ToolSpec
from tests.engines.gguf.client import Client, user
from tests.engines.gguf.conftest import open_engine

pytestmark = pytest.mark.core

TEMPLATE = """{% for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endfor %}<|im_start|>assistant
{% if enable_thinking %}<think>
{% endif %}{# </think> #}"""


@pytest.fixture(scope="module")
def thinker(smollm2: Path) -> Iterator[Client]:
    client = open_engine(smollm2, n_ctx=1024, chat_template=TEMPLATE)
    yield client
    client.close()


def test_a_reply_begins_within_the_reasoning_that_its_prompt_has_opened(thinker: Client) -> None:
    asked = thinker.answer(user("Name a colour."), enable_thinking=True, max_tokens=12)
    assert asked.text == ""
    assert asked.reasoning
    assert asked.told_tokens == 12
    asked = thinker.answer(user("Name a colour."), enable_thinking=False, max_tokens=12)
    assert asked.text
    assert asked.reasoning == ""


def test_a_required_call_comes_after_the_reasoning(thinker: Client) -> None:
    zones = {"type": "object", "properties": {"zone": {"enum": ["UTC", "CET"]}}, "required": ["zone"]}
    asked = thinker.answer(
        user("What time is it in Rome?"),
        tools=(ToolSpec("get_time", "Time in a zone", zones),),
        tool_choice=NamedTool("get_time"),
        enable_thinking=True,
        max_tokens=60,
        # It ends its reasoning at once, which the grammar of the answer would not allow.
        logit_bias={"</think>": 10.0},
    )
    assert (asked.reason, asked.text) == ("tool_calls", "")
    ((name, arguments),) = asked.calls
    assert name == "get_time"
    assert json.loads(arguments)["zone"] in ("UTC", "CET")
