"""Programs that share a real model: `ask` beside `ask`, and beside the interface."""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.program import run
from tests.e2e.terminal import Terminal, wait_for_ends

pytestmark = [pytest.mark.core, pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")]

GREEDY = ("--temperature", "0", "--max-tokens", "24", "--no-save")
SHARED = ("--share", "--threads", "1", "--n-ctx", "1024")


def held() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(run("models", "loaded", "--json").stdout)
    return listed


@pytest.fixture
def host() -> Iterator[None]:
    """End the host, which outlives the programs that started it, and see that its worker ends, too."""
    yield
    ends = []
    for model in held():
        worker = psutil.Process(model["worker"])
        parent = worker.parent()
        assert parent is not None
        ends += [worker, parent]
        assert run("models", "unload", model["name"]).returncode == 0
    wait_for_ends(ends, patience=10)


def test_two_programs_at_once_answer_from_one_worker(smollm2: Path, host: None) -> None:
    questions = {"What is the capital of Japan?": "Tokyo", "Name the days of the week.": "Monday"}
    with ThreadPoolExecutor() as programs:
        asked = [programs.submit(run, *SHARED, "ask", "-m", str(smollm2), *GREEDY, question) for question in questions]
    results = [program.result() for program in asked]
    assert [result.stderr for result in results] == ["", ""]
    for result, expected in zip(results, questions.values(), strict=True):
        assert expected in result.stdout
    (model,) = held()
    worker = psutil.Process(model["worker"])
    parent = worker.parent()
    assert parent is not None
    assert parent.children() == [worker]
    assert (model["state"], model["clients"]) == ("idle", [])
    again = run(*SHARED, "ask", "-m", str(smollm2), *GREEDY, "What is the capital of Japan?")
    assert again.stdout == results[0].stdout
    assert held()[0]["worker"] == model["worker"]


def test_the_interface_and_a_program_share_a_worker(smollm2: Path, host: None) -> None:
    with Terminal.mistral_tui(*SHARED, "-m", str(smollm2), "--seed", "1") as terminal:
        terminal.wait_for("Ask anything")
        terminal.wait_until(lambda: held() and held()[0]["worker"], "the model is loaded")
        (model,) = held()
        terminal.type("Tell me a very long story about a dragon and a princess.")
        terminal.press("enter")
        terminal.wait_until(lambda: held()[0]["state"] == "answering", "a reply")
        result = run(*SHARED, "ask", "-m", str(smollm2), *GREEDY, "What is the capital of Japan?")
        assert "Tokyo" in result.stdout
        (now,) = held()
        assert now["worker"] == model["worker"]
        assert now["clients"] == model["clients"] == [pid for pid in model["clients"] if psutil.pid_exists(pid)]
        assert len(now["clients"]) == 1
        terminal.press("esc")


def test_a_model_that_is_not_shared_cannot_be_unloaded() -> None:
    result = run("models", "unload", "nothing")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "error: nothing is not loaded by a host that shares models\n"
