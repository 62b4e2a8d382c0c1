"""Replies of a prescribed form, with real models."""

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mistral_tui.engines.grammar.compiler import GrammarCompiler
from mistral_tui.engines.grammar.trial import try_out
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.requests import Grammar, GrammarKind, ToolChoice, ToolSpec
from tests.engines.gguf.client import Client, user
from tests.engines.gguf.conftest import open_engine
from tests.engines.grammar.matching import SPECIAL

pytestmark = pytest.mark.core

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
    },
    "required": ["name", "age"],
    "additionalProperties": False,
}
WARM = [
    {"temperature": 0.0},
    {"seed": 1, "temperature": 0.8},
    {"seed": 2, "temperature": 2.0},
    {"top_k": 1, "temperature": 1.0},
]


def schema(document: object) -> Grammar:
    return Grammar("json_schema", json.dumps(document))


@pytest.mark.parametrize("sampling", WARM, ids=str)
def test_a_reply_under_a_json_schema_is_such_json(engine: Client, sampling: dict[str, Any]) -> None:
    asked = engine.answer(user("Describe Ada."), grammar=schema(PERSON), max_tokens=80, **sampling)
    assert asked.reason == "stop"
    person = json.loads(asked.text)
    assert set(person) == {"name", "age"}
    assert isinstance(person["name"], str)
    assert len(person["name"]) <= 12
    assert isinstance(person["age"], int)
    assert 0 <= person["age"] <= 150


@pytest.mark.parametrize("sampling", WARM, ids=str)
@pytest.mark.parametrize(
    ("kind", "grammar", "pattern"),
    [
        ("regex", r"[A-Z][a-z]{2,8}, \d{3}", r"[A-Z][a-z]{2,8}, \d{3}"),
        (
            "lark",
            'start: animal " and " animal\nanimal: "cat" | "dog" | "mouse"',
            r"(cat|dog|mouse) and (cat|dog|mouse)",
        ),
        ("gbnf", 'root ::= "<" [0-9]{1,3} unit ">"\nunit ::= "px" | "em"', r"<[0-9]{1,3}(px|em)>"),
        ("llguidance", '{"grammars": [{"lark_grammar": "start: /[xy]{4}/"}]}', r"[xy]{4}"),
    ],
)
def test_a_reply_keeps_to_a_grammar_of_each_kind(
    engine: Client, kind: GrammarKind, grammar: str, pattern: str, sampling: dict[str, Any]
) -> None:
    asked = engine.answer(user("Name two animals."), grammar=Grammar(kind, grammar), **sampling)
    assert asked.reason == "stop"
    assert re.fullmatch(pattern, asked.text)


def test_a_grammar_that_allows_everything_changes_nothing(engine: Client) -> None:
    free = engine.answer(user("Count to five."), max_tokens=20)
    bound = engine.answer(user("Count to five."), max_tokens=20, grammar=Grammar("regex", r"(?s:.)*"))
    assert bound.text == free.text
    assert bound.reason == free.reason


def test_what_a_reply_is_cut_off_by_counts_as_ever(engine: Client) -> None:
    story = Grammar("regex", "[a-z ,.]{20,2000}")
    assert engine.answer(user("Tell a story."), grammar=story, max_tokens=5).reason == "length"
    stopped = engine.answer(user("Tell a story."), grammar=Grammar("regex", "a+b+c+d"), stop=("b",), seed=1)
    assert stopped.reason == "stop"
    assert set(stopped.text) <= {"a"}


def test_a_model_that_would_end_goes_on_until_the_grammar_is_complete(engine: Client) -> None:
    asked = engine.answer(user("Say hi."), grammar=Grammar("regex", "(hi ){30}"), temperature=1.0, seed=1)
    assert asked.text == "hi " * 30
    assert asked.reason == "stop"


def test_a_grammar_may_allow_the_end_alone(engine: Client) -> None:
    asked = engine.answer(user("Say hi."), grammar=Grammar("lark", 'start: ""'))
    assert (asked.text, asked.reason) == ("", "stop")


def test_constrained_and_free_chats_share_a_batch(engine: Client) -> None:
    alone = engine.answer(user("Count to ten."), max_tokens=30)
    free = engine.ask(user("Count to ten."), max_tokens=30)
    bound = [engine.ask(user("Describe Ada."), grammar=schema(PERSON), seed=n, temperature=1.0) for n in range(2)]
    for asked in bound:
        assert set(json.loads(asked.end().text)) == {"name", "age"}
    # Batches of several chats may differ from those of one in the last bits, and so in a late token.
    assert free.end().text[:20] == alone.text[:20]


def test_a_reply_under_a_grammar_can_be_cancelled(engine: Client) -> None:
    asked = engine.ask(user("Tell a story."), grammar=Grammar("regex", "[a-z ]{1000,}"))
    asked.until(lambda asked: bool(asked.text))
    engine.loop.cancel(asked.request.id)
    assert asked.end().reason == "cancelled"


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_the_grammar_wins_over_a_ban(engine: Client, temperature: float) -> None:
    banned = {"a": -100.0, "A": -100.0}
    asked = engine.answer(user("Hi"), grammar=Grammar("regex", "a|A"), logit_bias=banned, temperature=temperature)
    assert asked.text in ("a", "A")


def test_the_samplers_go_on_once_for_each_token(engine: Client) -> None:
    """A penalty that saw forbidden tokens, or saw tokens twice, would change the reply."""
    letters = Grammar("regex", "[ab]{12}")
    asked = engine.answer(user("Write letters."), grammar=letters, frequency_penalty=2.0, penalty_window=64)
    assert abs(asked.text.count("a") - asked.text.count("b")) <= 6
    assert set(asked.text) == {"a", "b"}


HOSTILE: list[tuple[GrammarKind, str, str]] = [
    ("json_schema", '{"type": "integer", "multipleOf": 999983}', "to compile; make it simpler"),
    ("json_schema", '{"type": "object", "properties": {"a": {"not": {}}}}', "$.properties.a"),
    ("json_schema", '{"items": ' * 50_00 + "{}" + "}" * 50_00, "nested too deeply"),
    ("json_schema", '{"$ref": "https://example.com/schema.json"}', "nothing is fetched"),
    ("json_schema", '{"$ref": "#"}', "allows no text at all"),
    ("regex", "(" * 60_000 + ")" * 60_000, "the regular expression is invalid"),
    ("lark", "start: " + " ".join(f"a{n}" for n in range(9_000)), "unknown name"),
    ("lark", "\n".join(["start: A0", *(f"A{n}: A{n + 1} A{n + 1}" for n in range(60)), 'A60: "x"']), "too complex"),
    ("lark", "start: s\ns: " + " | ".join("s " * n for n in range(2, 40)) + " | /[a-z]/", "too complex"),
    ("gbnf", "root ::= " + "(" * 60_000, "nested too deeply"),
    ("llguidance", '{"grammars": ' + "[" * 60_000, "nested too deeply"),
]


@pytest.mark.parametrize(("kind", "grammar", "says"), HOSTILE, ids=lambda value: value[:12])
def test_no_grammar_ends_the_loop(engine: Client, kind: GrammarKind, grammar: str, says: str) -> None:
    asked = engine.answer(user("Hi"), grammar=Grammar(kind, grammar), max_tokens=4)
    assert asked.reason == "failed"
    assert says in (asked.last.error or "")
    assert asked.usage.prompt_tokens == 0  # before any prefill
    assert engine.answer(user("Hi"), max_tokens=2).reason == "length"


@pytest.mark.parametrize(
    ("kind", "grammar"),
    [
        ("json_schema", '{"type": "string", "maxLength": 100000}'),
        ("json_schema", json.dumps({"enum": [f"value {n}" for n in range(5_000)]})),
        ("json_schema", '{"type": "array", "items": {"$ref": "#"}}'),
        ("json_schema", '{"type": "object", "required": ["c"], "properties": {"c": {"$ref": "#"}}}'),
        ("json_schema", "true"),
        ("regex", "(a+)+b|(a|a)*c|(a|b)*a(a|b){20}"),
        ("lark", "start: s\ns: s s | s s s | /[a-z]/"),
        ("lark", "\n".join(["start: r0", *(f'r{n}: "x" r{n + 1}' for n in range(7_000)), 'r7000: "x"'])),
    ],
    ids=lambda value: value[:12],
)
def test_what_only_looks_dangerous_is_followed(engine: Client, kind: GrammarKind, grammar: str) -> None:
    asked = engine.answer(user("Hi"), grammar=Grammar(kind, grammar), max_tokens=12, seed=1, temperature=1.0)
    assert asked.reason in ("length", "stop"), asked.last.error


def test_a_grammar_that_takes_all_memory_or_never_compiles_is_given_up() -> None:
    patterns = [{"type": "string", "pattern": f".*{chr(97 + n % 26)}.{{{n}}}"} for n in range(40)]
    with pytest.raises(InvalidRequest, match="to compile; make it simpler"):
        try_out(Grammar("json_schema", json.dumps({"allOf": patterns})), SPECIAL)


def test_a_slow_grammar_holds_up_its_own_request_only() -> None:
    asked = threading.Event()
    finish = threading.Event()

    class SlowVocabulary:
        def special_tokens(self) -> Any:
            asked.set()
            finish.wait()
            raise InvalidRequest("never seen")

        def tokenizer(self) -> Any:
            raise AssertionError

    outcomes: list[object] = []
    done = threading.Event()

    def on_done(outcome: object) -> None:
        outcomes.append(outcome)
        done.set()

    GrammarCompiler(SlowVocabulary(), seconds=0.05).compile(Grammar("regex", "a"), on_done)
    assert asked.wait(30)
    assert done.wait(30)
    finish.set()
    assert len(outcomes) == 1
    assert "took longer than 0.05 s" in str(outcomes[0])


@pytest.fixture(scope="module")
def large_vocabulary(gemma: Path) -> Iterator[Client]:
    """Return Gemma, a base model: 262,144 tokens, some of them bytes, and a template of our own."""
    client = open_engine(gemma, n_ctx=512, max_seqs=1, chat_template="{{ bos_token }}{{ messages[0].content }}")
    yield client
    client.close()


@pytest.mark.parametrize("sampling", WARM[1:3], ids=str)
def test_a_vocabulary_of_262144_tokens(large_vocabulary: Client, sampling: dict[str, Any]) -> None:
    asked = large_vocabulary.answer(user("Ada is"), grammar=schema(PERSON), max_tokens=60, **sampling)
    assert set(json.loads(asked.text)) == {"name", "age"}
    asked = large_vocabulary.answer(user("Emoji: "), grammar=Grammar("regex", "[☀-⛿😀-🙏]{3}"), **sampling)
    assert re.fullmatch("[☀-⛿😀-🙏]{3}", asked.text)


def test_the_vocabulary_of_qwen(qwen: Path) -> None:
    client = open_engine(qwen, n_ctx=512, max_seqs=1)
    asked = client.answer(user("Describe Ada as JSON."), grammar=schema(PERSON), max_tokens=60)
    assert set(json.loads(asked.text)) == {"name", "age"}
    lark = Grammar("lark", 'start: <|fim_prefix|> "x" <|fim_suffix|>')
    assert client.answer(user("Hi"), grammar=lark).text == "x"
    client.close()


def test_what_a_model_thinks_before_its_answer_is_free(smollm2: Path) -> None:
    examples = "<think>\\nhm\\n</think>\\nyes, I do\\n\\n" * 4
    client = open_engine(smollm2, n_ctx=512, max_seqs=1, chat_template="{{ '" + examples + "<think>\\n' }}")
    asked = client.answer(user("Hi"), grammar=Grammar("regex", "never|always"), max_tokens=40)
    assert (asked.reasoning.strip(), asked.text.strip(), asked.reason) == ("hm", "never", "stop")
    client.close()


@pytest.mark.parametrize("choice", ["auto", "required"])
def test_tools_that_are_too_many_for_a_grammar_do_no_harm(engine: Client, choice: ToolChoice) -> None:
    parameters = {"type": "object", "properties": {f"parameter_{number}": {} for number in range(100)}}
    many = tuple(ToolSpec(f"tool_{number}", parameters=parameters) for number in range(100))
    asked = engine.answer(user("Hi"), tools=many, tool_choice=choice, max_tokens=2)
    assert asked.reason == "failed"  # with "auto" since the prompt does not fit, which is looked at later
    assert ("the grammar has" in (asked.last.error or "")) == (choice == "required")
    assert engine.answer(user("Hi"), max_tokens=2).reason == "length"


def test_a_tool_whose_alternatives_lead_to_themselves_does_no_harm(engine: Client) -> None:
    parameters = {"properties": {"a": {"anyOf": [{"$ref": "#/properties/a"}] * 50}}}
    asked = engine.answer(user("Hi"), tools=(ToolSpec("t", parameters=parameters),), max_tokens=2)
    assert asked.reason == "length"
