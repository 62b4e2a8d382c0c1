"""A remote engine against a real server with a real model: llama_cpp.server with SmolLM2."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from mistral_tui.engines import queries
from mistral_tui.engines.engine import Engine
from mistral_tui.engines.remote import generation
from mistral_tui.engines.remote.pool import RemoteEngines
from mistral_tui.types.endpoints import Endpoint, RemoteModel
from mistral_tui.types.events import EngineEvent, Finished, TextDelta, TokenScored, ToolCallDelta
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.models import LoadOptions
from mistral_tui.types.requests import GenerateRequest, Grammar, NamedTool, SamplingParams, ToolSpec
from tests.e2e.program import run, stored_messages
from tests.stubs.llama_server import llama_server

pytestmark = pytest.mark.core

QUESTION = "What is the capital of Japan?"
GREEDY = SamplingParams(temperature=0, max_tokens=16)


@pytest.fixture(scope="module")
def url(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with llama_server(smollm2, "smollm", tmp_path_factory.mktemp("server") / "log") as address:
        yield address


@pytest_asyncio.fixture
async def engine(url: str) -> AsyncIterator[Engine]:
    engines = RemoteEngines(lambda notice: None)
    yield await engines.acquire("lab", RemoteModel(Endpoint("lab", url)), LoadOptions())
    await engines.close()


def ask(text: str, sampling: SamplingParams = GREEDY, grammar: Grammar | None = None) -> GenerateRequest:
    return GenerateRequest((Message("user", (TextPart(text),)),), sampling=sampling, grammar=grammar)


async def write(engine: Engine, request: GenerateRequest) -> tuple[str, Finished, list[EngineEvent]]:
    events = [event async for event in engine.generate(request)]
    finished = events[-1]
    assert isinstance(finished, Finished)
    return "".join(event.text for event in events if isinstance(event, TextDelta)), finished, events


async def test_it_answers_with_figures(engine: Engine) -> None:
    assert engine.model.name == "lab/smollm"
    text, finished, events = await write(engine, ask(QUESTION))
    assert "Tokyo" in text
    assert (finished.reason, finished.error) == ("stop", None)
    assert finished.usage.completion_tokens > 3
    assert finished.usage.time_to_first_token > 0
    assert finished.usage.decode_rate > 0
    assert sum(isinstance(event, TextDelta) for event in events) > 3


async def test_parameters_reach_the_model(engine: Engine) -> None:
    text, finished, _ = await write(engine, ask(QUESTION, SamplingParams(temperature=0, max_tokens=3)))
    assert (finished.reason, finished.usage.completion_tokens) == ("length", 3)
    stopped, finished, _ = await write(engine, ask(QUESTION, SamplingParams(temperature=0, stop=(" Japan",))))
    assert (finished.reason, " Japan" in stopped) == ("stop", False)
    lucky = SamplingParams(temperature=1.5, seed=7, max_tokens=8)
    assert (await write(engine, ask(QUESTION, lucky)))[0] == (await write(engine, ask(QUESTION, lucky)))[0]
    sure = SamplingParams(temperature=2, top_k=1, repetition_penalty=1.0, max_tokens=3)
    assert (await write(engine, ask(QUESTION, sure)))[0] == text


async def test_each_token_is_scored(engine: Engine) -> None:
    sampling = SamplingParams(temperature=0, max_tokens=3, logprobs=True, top_logprobs=2)
    text, _, events = await write(engine, ask(QUESTION, sampling))
    scored = [event for event in events if isinstance(event, TokenScored)]
    assert "".join(event.chosen.text for event in scored) == text
    assert all(len(event.top) == 2 and event.chosen.logprob <= 0 for event in scored)


async def test_a_schema_and_a_grammar_are_kept_to(engine: Engine) -> None:
    schema = {"type": "object", "properties": {"yes": {"type": "boolean"}}, "required": ["yes"]}
    text, _, _ = await write(engine, ask("Is water wet?", grammar=Grammar("json_schema", json.dumps(schema))))
    assert isinstance(json.loads(text)["yes"], bool)
    text, _, _ = await write(engine, ask("Is water wet?", grammar=Grammar("gbnf", 'root ::= "maybe"')))
    assert text == "maybe"


async def test_a_tool_is_called(smollm2: Path, tmp_path: Path) -> None:
    with llama_server(smollm2, "smollm", tmp_path / "log", chat_format="chatml-function-calling") as url:
        engines = RemoteEngines(lambda notice: None)
        await call_a_tool(await engines.acquire("lab", RemoteModel(Endpoint("lab", url)), LoadOptions()))
        await engines.close()


async def call_a_tool(engine: Engine) -> None:
    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = ToolSpec("weather", "Tells the weather of a city.", city)
    request = msgspec.structs.replace(
        ask("What is the weather in Rome?", SamplingParams(temperature=0, max_tokens=64)),
        tools=(tool,),
        tool_choice=NamedTool("weather"),
    )
    _, finished, events = await write(engine, request)
    first, *others = [event for event in events if isinstance(event, ToolCallDelta)]
    assert (first.index, first.name) == (0, "weather")
    assert first.call_id
    assert len(others) > 2
    assert {other.index for other in others} == {0}
    assert "city" in json.loads("".join(event.arguments for event in (first, *others)))
    assert finished.reason == "tool_calls"


async def test_tokens_are_told_both_ways(engine: Engine) -> None:
    tokens = (await queries.tokenize(engine, "Hello world")).tokens
    assert len(tokens) == 2
    assert await queries.detokenize(engine, tokens) == "Hello world"


async def test_after_a_cancel_the_next_prompt_is_answered(engine: Engine) -> None:
    request = ask("Tell me a very long story.", SamplingParams(temperature=0))
    stream = engine.generate(request)
    async for event in stream:
        if isinstance(event, TextDelta):
            await engine.cancel(request.id)
    assert isinstance(event, Finished)
    assert event.reason == "cancelled"
    async with asyncio.timeout(60):
        assert "Tokyo" in (await write(engine, ask(QUESTION)))[0]


async def test_a_prompt_that_is_too_long_is_an_error(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "WAITS", ())
    _, finished, _ = await write(engine, ask("word " * 1000))
    assert finished.reason == "failed"
    assert "the prompt is too long" in (finished.error or "")


def test_ask_answers_with_a_model_of_an_address(url: str) -> None:
    result = run("ask", "--endpoint", url, "-m", "smollm", "--temperature", "0", "--max-tokens", "16", QUESTION)
    assert (result.returncode, result.stderr) == (0, "")
    assert "Tokyo" in result.stdout
    _, reply = stored_messages()
    assert reply.model is not None
    assert reply.model.endswith("/smollm")


def test_commands_take_models_of_the_settings(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "config.toml"
    settings.write_text(f'[[endpoints]]\nname = "lab"\nurl = "{url}"\n', "utf-8")
    monkeypatch.setenv("MISTRAL_TUI_CONFIG", str(settings))
    assert run("tokenize", "-m", "lab", "--count", "Hello world").stdout == "2\n"
    result = run("embedding", "-m", "lab/smollm", "Hello")
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: lab ({url}) answered 500")
    assert result.stderr.count("\n") == 1
