"""Several replies to one prompt."""

import json
from pathlib import Path

import pytest

from mistral_tui.cli.ask import parse
from mistral_tui.cli.flags import ModelFlags
from mistral_tui.types.errors import EngineError, InvalidRequest
from tests.cli.ask.asking import SCORED, ask, stored
from tests.stubs.engines import FakeEngine, FakePool, Reply

pytestmark = pytest.mark.core


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
