"""`ask` over a scripted engine: what it asks for, and what its answers become."""

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from mistral_tui.chat.documents.fitting import DocumentTooLong
from mistral_tui.cli.ask import AskFlags, answer, parse
from mistral_tui.cli.flags import ModelFlags, SamplingFlags
from mistral_tui.cli.setup import Setup
from mistral_tui.store.store import Store
from mistral_tui.types.errors import EngineError, InvalidRequest, ModelNotFound, StoreError, WorkerDied
from mistral_tui.types.events import ReasoningDelta, TokenChance, TokenScored, ToolCallDelta
from mistral_tui.types.messages import FilePart, Message
from mistral_tui.types.requests import NamedTool, SamplingParams, ToolSpec
from tests.stubs.engines import LOADED, FakeEngine, FakePool, Reply
from tests.stubs.queries import understanding

pytestmark = pytest.mark.core


@pytest.fixture(autouse=True)
def _no_stdin() -> Iterator[None]:
    kept = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    yield
    os.dup2(kept, 0)
    os.close(kept)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "fake.gguf"
    path.write_bytes(b"GGUF")
    return path


async def ask(pool: FakePool, *arguments: str) -> int:
    return await answer(parse(arguments, ModelFlags()), Setup.read(strict=True), pool)


def write_settings(text: str) -> None:
    path = Path(os.environ["MISTRAL_TUI_CONFIG"])
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while True:
            if condition():
                return
            await asyncio.sleep(0)


def stored() -> list[Message]:
    store = Store(Path(os.environ["MISTRAL_TUI_DATABASE"]))
    sessions = store.sessions()
    return store.messages(sessions[0].id) if sessions else []


async def test_the_answer_is_printed_and_stored(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool = FakePool()
    assert await ask(pool, "-m", str(model), "Who", "is there?") == 0
    assert capsys.readouterr().out == "Hello there.\n"
    assert [message.text for message in stored()] == ["Who is there?", "Hello there."]
    assert pool.closed


async def test_flags_reach_the_engine(model: Path) -> None:
    pool = FakePool()
    options = "--temperature 0.5 --top-k 3 --top-p 0.9 --min-p 0.1 --seed 7 --max-tokens 9 --repetition-penalty 1.1"
    await ask(pool, *options.split(), "--stop", "END", "-m", str(model), "Hi")
    sampling = pool.engine.requests[0].sampling
    assert (sampling.temperature, sampling.top_k, sampling.top_p, sampling.min_p) == (0.5, 3, 0.9, 0.1)
    assert (sampling.seed, sampling.max_tokens, sampling.repetition_penalty) == (7, 9, 1.1)
    assert sampling.stop == ("END",)
    assert pool.loads[0].path == model


async def test_settings_are_the_defaults_of_flags(model: Path) -> None:
    write_settings(f'default_model = "{model}"\ntemperature = 0.25\ntop_k = 5\n')
    pool = FakePool()
    await ask(pool, "--top-k", "6", "Hi")
    sampling = pool.engine.requests[0].sampling
    assert (sampling.temperature, sampling.top_k) == (0.25, 6)
    assert pool.loads[0].path == model


async def test_the_system_prompt_comes_first(model: Path) -> None:
    pool = FakePool()
    await ask(pool, "-m", str(model), "--system", "Be brief.", "Hi")
    assert [(message.role, message.text) for message in pool.engine.requests[0].messages] == [
        ("system", "Be brief."),
        ("user", "Hi"),
    ]


async def test_a_file_goes_along(model: Path, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("Buy milk.", encoding="utf-8")
    pool = FakePool()
    await ask(pool, "-m", str(model), "-f", str(tmp_path / "note.txt"), "What?")
    assert FilePart("note.txt", "Buy milk.") in pool.engine.requests[0].messages[-1].parts


async def test_what_goes_into_the_chat_template_reaches_the_engine(model: Path, tmp_path: Path) -> None:
    write_settings("enable_thinking = true\n")
    atlas, mine = tmp_path / "atlas.txt", tmp_path / "mine.jinja"
    atlas.write_text("Oslo is in Norway.", encoding="utf-8")
    mine.write_text("{{ mine }}", encoding="utf-8")
    arguments = ("--template-arg", "effort=low", "--template-arg", "depth=3")
    pool = FakePool()
    await ask(pool, "-m", str(model), *arguments, "--document", str(atlas), "-j", str(mine), "Hi")
    await ask(pool, "-m", str(model), "--no-thinking", "--chat-template", "chatml", "Hi")
    first, second = pool.engine.requests
    assert (first.enable_thinking, second.enable_thinking) == (True, False)
    assert first.template_arguments == {"effort": "low", "depth": 3}
    assert first.documents == ({"title": "atlas.txt", "text": "Oslo is in Norway."},)
    assert second.documents == ()


def test_a_variable_of_a_template_needs_a_name() -> None:
    for text in ("low", "=low", "a b=1"):
        with pytest.raises(InvalidRequest, match="write NAME=VALUE"):
            parse(("--template-arg", text, "Hi"), ModelFlags())


def test_an_explicit_template_goes_over_any_other(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("{{ mine }}", encoding="utf-8")
    call = parse(("--chat-template", "chatml", "--jinja-explicit", str(mine), "Hi"), ModelFlags())
    assert Setup.read(strict=True).load_options(call).chat_template == "{{ mine }}"


async def test_continue_goes_on_with_the_latest_session(model: Path) -> None:
    await ask(FakePool(), "-m", str(model), "First")
    pool = FakePool(FakeEngine([Reply(("Again.",))]))
    await ask(pool, "-m", str(model), "--continue", "Second")
    assert [message.text for message in pool.engine.requests[0].messages] == ["First", "Hello there.", "Second"]
    assert [message.text for message in stored()] == ["First", "Hello there.", "Second", "Again."]


async def test_there_may_be_nothing_to_continue(model: Path) -> None:
    with pytest.raises(StoreError, match="no session to continue"):
        await ask(FakePool(), "-m", str(model), "-c", "Hi")


async def test_no_save_stores_nothing(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await ask(FakePool(), "-m", str(model), "--no-save", "--json", "Hi") == 0
    assert json.loads(capsys.readouterr().out)["session_id"] is None
    assert stored() == []


async def test_figures_go_to_stderr(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await ask(FakePool(), "-m", str(model), "--stats", "Hi")
    captured = capsys.readouterr()
    assert captured.out == "Hello there.\n"
    assert captured.err.startswith("Stats:\n")


async def test_a_reply_that_fails_keeps_its_text(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool = FakePool(FakeEngine([Reply(("Half",), "failed", "the worker was killed")]))
    with pytest.raises(EngineError, match="the worker was killed"):
        await ask(pool, "-m", str(model), "Hi")
    assert capsys.readouterr().out == "Half\n"
    assert stored()[-1].text == "Half"
    assert pool.closed


async def test_a_model_that_cannot_be_loaded(model: Path) -> None:
    pool = FakePool(error=WorkerDied("it died"))
    with pytest.raises(WorkerDied):
        await ask(pool, "-m", str(model), "Hi")
    assert pool.closed


async def test_a_cancel_in_the_reply_keeps_what_was_said(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hold = asyncio.Event()
    pool = FakePool(FakeEngine([Reply(("Once", " upon"), hold=hold)]))
    task = asyncio.create_task(ask(pool, "-m", str(model), "Hi"))
    await until(lambda: "Once" in capsys.readouterr().out)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stored()[-1].text.startswith("Once")
    assert stored()[-1].finish == "cancelled"
    assert pool.closed


async def test_a_cancel_while_the_model_loads(model: Path) -> None:
    pool = FakePool(hold=asyncio.Event())
    task = asyncio.create_task(ask(pool, "-m", str(model), "Hi"))
    await until(lambda: pool.loads)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert pool.closed


async def test_no_model_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty.json").write_text("[]", encoding="utf-8")
    monkeypatch.setenv("MISTRAL_TUI_INVENTORY", str(tmp_path / "empty.json"))
    with pytest.raises(ModelNotFound, match="no model on this machine"):
        await ask(FakePool(), "Hi")


@pytest.mark.parametrize("other", [("--no-save",), ("--system", "x")])
def test_continue_cannot_be_had_with_everything(other: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequest, match=other[0]):
        parse(("--continue", *other, "Hi"), ModelFlags())


def test_words_may_stand_between_flags() -> None:
    call = parse(("-m", "a", "what", "--seed", "3", "is", "--", "-1"), AskFlags())
    assert call.prompt == ["what", "is", "-1"]
    assert call.seed == 3


def test_flags_before_the_command_are_defaults() -> None:
    flags = ModelFlags(model="outer", seed=1)
    assert parse(("--seed", "2", "Hi"), flags).seed == 2
    assert parse(("Hi",), flags).model == "outer"


SCORED = TokenScored(
    TokenChance("Hello\x1b", b"Hello\x1b", 7, -0.105), (TokenChance("Hello\x1b", b"Hello\x1b", 7, -0.105),)
)


async def test_probabilities_go_to_stderr(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool = FakePool(FakeEngine([Reply(before=(SCORED,))]))
    await ask(pool, "-m", str(model), "--logprobs", "1", "Hi")
    sampling = pool.engine.requests[0].sampling
    assert (sampling.logprobs, sampling.top_logprobs) == (True, 1)
    captured = capsys.readouterr()
    assert captured.out == "Hello there.\n"
    assert '"Hello\\u001b"         90.0%   "Hello\\u001b" 90.0%\n' in captured.err


async def test_probabilities_are_part_of_the_json(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool = FakePool(FakeEngine([Reply(before=(SCORED,))]))
    await ask(pool, "-m", str(model), "--logprobs", "1", "--json", "Hi")
    (token,) = json.loads(capsys.readouterr().out)["logprobs"]
    assert token.pop("top_logprobs") == [token]
    assert token == {"token": "Hello\x1b", "id": 7, "logprob": -0.105, "bytes": list(b"Hello\x1b")}


async def test_every_sampling_flag_reaches_the_engine(model: Path) -> None:
    pool = FakePool()
    flags = (
        "--dynatemp-range 0.1 --dynatemp-exponent 2 --typical-p 0.9 --top-n-sigma 1.5 --xtc-probability 0.2"
        " --xtc-threshold 0.3 --dry-multiplier 0.8 --dry-base 2 --dry-allowed-length 3 --dry-penalty-window 99"
        " --dry-sequence-breaker a --dry-sequence-breaker b --mirostat 2 --mirostat-tau 4 --mirostat-eta 0.2"
        " --penalty-window 9 --frequency-penalty 0.5 --presence-penalty 0.6 --logit-bias a=b=-1 --logit-bias x=2"
    )
    await ask(pool, *flags.split(), "-m", str(model), "Hi")
    assert pool.engine.requests[0].sampling == SamplingParams(
        dynatemp_range=0.1,
        dynatemp_exponent=2.0,
        typical_p=0.9,
        top_n_sigma=1.5,
        xtc_probability=0.2,
        xtc_threshold=0.3,
        dry_multiplier=0.8,
        dry_base=2.0,
        dry_allowed_length=3,
        dry_penalty_window=99,
        dry_sequence_breakers=("a", "b"),
        mirostat=2,
        mirostat_tau=4.0,
        mirostat_eta=0.2,
        penalty_window=9,
        frequency_penalty=0.5,
        presence_penalty=0.6,
        logit_bias={"a=b": -1.0, "x": 2.0},
    )


@pytest.mark.parametrize("bias", ["Paris", "=5", "Paris=much"])
def test_a_bias_is_a_text_and_a_number(bias: str) -> None:
    with pytest.raises(InvalidRequest, match=r"is not TEXT=NUMBER, such as ' Paris=-5'"):
        parse(("--logit-bias", bias, "Hi"), ModelFlags())


def test_sampling_flags_may_stand_before_the_command() -> None:
    flags = SamplingFlags(temperature=0.5, top_k=3)
    call = parse(("--top-k", "4", "Hi"), flags)
    assert (call.temperature, call.top_k) == (0.5, 4)


async def test_choices_are_printed_in_their_order(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool = FakePool(FakeEngine([Reply(("One", ".\n"), delay=0.01), Reply(("Two.",)), Reply(("Three.",))]))
    assert await ask(pool, "-m", str(model), "--choices", "3", "Hi") == 0
    assert capsys.readouterr().out == "=== 1 of 3 ===\nOne.\n\n=== 2 of 3 ===\nTwo.\n\n=== 3 of 3 ===\nThree.\n"
    assert [message.text for message in stored()] == ["Hi", "One.\n", "Two.", "Three."]


async def test_choices_as_json_and_their_figures(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool = FakePool(FakeEngine([Reply(("One.",)), Reply(("Two.",), before=(SCORED,))]))
    await ask(pool, "-m", str(model), "--choices", "2", "--json", "--stats", "Hi")
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["schema_version"] == 1
    assert document["session_id"]
    assert [choice["text"] for choice in document["choices"]] == ["One.", "Two."]
    assert "logprobs" in document["choices"][1]
    assert captured.err.count("Stats:") == 2


async def test_a_choice_that_fails_does_not_take_the_others_along(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pool = FakePool(FakeEngine([Reply(("One.",), "failed", "it broke"), Reply(("Two.",))]))
    with pytest.raises(EngineError, match="it broke"):
        await ask(pool, "-m", str(model), "--choices", "2", "Hi")
    assert "Two." in capsys.readouterr().out


@pytest.mark.parametrize("count", ["0", "129", "x"])
def test_the_number_of_choices_has_limits(count: str) -> None:
    with pytest.raises(InvalidRequest, match="choices"):
        parse(("--choices", count, "Hi"), ModelFlags())


CALLING = Reply(
    (
        *(ReasoningDelta("I need "), ReasoningDelta("the \x1b[2Jweather."), "Let me see."),
        *(ToolCallDelta(0, "a1", "look", '{"city":'), ToolCallDelta(0, arguments=' "Oslo"}')),
        ToolCallDelta(1, "a2", "look", '{"city": "Ro'),
    ),
    reason="tool_calls",
)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    path = tmp_path / "tools.json"
    function = {"name": "look", "description": "Look", "parameters": {"type": "object"}}
    path.write_text(json.dumps([{"type": "function", "function": function}]), encoding="utf-8")
    return path


async def test_tools_go_along_and_calls_are_lines_of_json(
    model: Path, tools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pool = FakePool(FakeEngine([CALLING]))
    assert await ask(pool, "-m", str(model), "--tools", str(tools), "--tool-choice", "look", "Hi") == 0
    (request,) = pool.engine.requests
    assert request.tools == (ToolSpec("look", "Look", {"type": "object"}),)
    assert request.tool_choice == NamedTool("look")
    captured = capsys.readouterr()
    text, *calls = captured.out.splitlines()
    assert text == "Let me see."
    assert [json.loads(call) for call in calls] == [
        {"id": "a1", "name": "look", "arguments": {"city": "Oslo"}},
        {"id": "a2", "name": "look", "arguments": '{"city": "Ro'},
    ]
    assert "weather" not in captured.err
    assert [type(part).__name__ for part in stored()[-1].parts] == [
        *("ReasoningPart", "TextPart", "ToolCallPart", "ToolCallPart")
    ]


async def test_thoughts_are_shown_on_stderr_when_asked_for(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await ask(FakePool(FakeEngine([CALLING])), "-m", str(model), "--show-thinking", "Hi")
    captured = capsys.readouterr()
    assert captured.err == "I need the weather.\n\n"
    assert captured.out.startswith("Let me see.\n{")


async def test_json_has_thoughts_and_calls(model: Path, tools: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await ask(FakePool(FakeEngine([CALLING])), "-m", str(model), "--tools", str(tools), "--json", "Hi")
    document = json.loads(capsys.readouterr().out)
    assert document["text"] == "Let me see."
    assert document["reasoning"] == "I need the \x1b[2Jweather."
    assert document["finish"] == "tool_calls"
    assert document["tool_calls"][0] == {"id": "a1", "name": "look", "arguments": {"city": "Oslo"}}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--show-thinking", "--json"), "--json has the thoughts anyway"),
        (("--show-thinking", "--choices", "2"), "--choices come with --json"),
    ],
)
def test_thoughts_are_shown_of_one_reply_as_it_is_written(arguments: tuple[str, ...], problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        parse((*arguments, "Hi"), ModelFlags())


async def test_a_file_that_does_not_fit_is_given_as_the_person_says(model: Path, tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text("bread\n\n" * 400 + "The moon pulls the sea.\n\n" + "bread\n\n" * 400)
    small = msgspec.structs.replace(LOADED, n_ctx=200)
    pool = FakePool(FakeEngine(model=small, answers=understanding))
    with pytest.raises(DocumentTooLong, match=r"book\.txt has 805 tokens"):
        await ask(pool, "-m", str(model), "-f", str(tmp_path / "book.txt"), "What of the moon?")
    pool = FakePool(FakeEngine(model=small, answers=understanding))
    await ask(pool, "-m", str(model), "-f", str(tmp_path / "book.txt"), "--fit", "passages", "What of the moon?")
    part = pool.engine.requests[0].messages[-1].parts[0]
    assert isinstance(part, FilePart)
    assert "The moon pulls the sea." in part.text
    assert len(part.text.split()) < 150


async def test_a_prompt_template_is_filled_with_variables(model: Path) -> None:
    folder = Path(os.environ["MISTRAL_TUI_CONFIG_DIR"]) / "prompts"
    folder.mkdir(parents=True)
    (folder / "haiku.md").write_text("Write a haiku about {{thing}}.", encoding="utf-8")
    pool = FakePool()
    await ask(pool, "-m", str(model), "--prompt-template", "haiku", "-v", "thing=the sea", "In French.")
    assert pool.engine.requests[0].messages[-1].text == "Write a haiku about the sea.\n\nIn French."


async def test_values_without_a_template_or_a_value_are_refused(model: Path) -> None:
    with pytest.raises(InvalidRequest, match="--prompt-template"):
        await ask(FakePool(), "-m", str(model), "-v", "a=b", "Hi")
    with pytest.raises(InvalidRequest, match="NAME=VALUE"):
        await ask(FakePool(), "-m", str(model), "--prompt-template", "x", "-v", "a", "Hi")
