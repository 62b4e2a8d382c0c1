"""`mistral-tui ask` with a real model: in a terminal, in a pipe, interrupted, continued."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mistral_tui.types.messages import FilePart
from tests.e2e.program import run, stored_messages
from tests.e2e.terminal import Terminal, wait_for_ends

pytestmark = [pytest.mark.core, pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")]

QUESTION = "What is the capital of Japan?"
GREEDY = ("--temperature", "0", "--threads", "1")
LONG = ("Tell me a very long story about a dragon and a princess.", *GREEDY)


def test_a_pipe_gets_the_bare_answer_and_the_session_is_kept(smollm2: Path) -> None:
    result = run("ask", "-m", str(smollm2), *GREEDY, "--max-tokens", "24", QUESTION)
    assert (result.returncode, result.stderr) == (0, "")
    assert "Tokyo" in result.stdout
    assert result.stdout.endswith("\n")
    prompt, reply = stored_messages()
    assert prompt.text == QUESTION
    assert reply.text.strip() == result.stdout.strip()
    assert reply.usage is not None
    assert reply.usage.completion_tokens > 0


def test_a_terminal_gets_the_answer_as_it_comes(smollm2: Path) -> None:
    with Terminal.mistral_tui("ask", "-m", str(smollm2), *LONG) as terminal:
        terminal.wait_until(lambda: len(terminal.text.split()) > 5, "the first words")
        first = terminal.text
        terminal.wait_until(lambda: len(terminal.text.split()) > len(first.split()) + 5, "more words")


def test_json_says_everything_about_the_answer(smollm2: Path) -> None:
    result = run("ask", "-m", str(smollm2), *GREEDY, "--max-tokens", "4", "--json", "--seed", "7", QUESTION)
    assert (result.returncode, result.stderr) == (0, "")
    document = json.loads(result.stdout)
    assert document["schema_version"] == 1
    assert document["finish"] == "length"
    assert document["model"]
    assert document["usage"]["completion_tokens"] == 4
    assert document["usage"]["seed"] == 7
    listed = json.loads(run("sessions", "list", "--json").stdout)
    assert [session["id"] for session in listed] == [document["session_id"]]


def test_what_is_piped_in_goes_along_with_the_question(smollm2: Path, tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("Bob lives in Berlin.", encoding="utf-8")
    arguments = (
        "ask",
        "-m",
        str(smollm2),
        *GREEDY,
        "--max-tokens",
        "4",
        "-f",
        str(tmp_path / "b.txt"),
        "Who",
        "is it?",
    )
    result = run(*arguments, stdin="Ada lives in Athens.\n")
    assert result.returncode == 0
    prompt = stored_messages()[0]
    files = [part for part in prompt.parts if isinstance(part, FilePart)]
    assert files == [FilePart("b.txt", "Bob lives in Berlin."), FilePart("stdin", "Ada lives in Athens.\n")]
    assert prompt.text == "Who is it?"


def test_a_pipe_alone_is_the_question_and_figures_go_to_stderr(smollm2: Path) -> None:
    result = run("ask", "-m", str(smollm2), *GREEDY, "--max-tokens", "4", "--stats", stdin=QUESTION)
    assert result.returncode == 0
    assert result.stdout.startswith("The capital")
    assert "Time to first token" not in result.stdout
    lines = result.stderr.splitlines()
    assert lines[0] == "Stats:"
    assert lines[1].startswith("Time to first token: ")
    assert lines[2].startswith("Prompt: ")
    assert lines[3].startswith("Decode: 4 tokens, ")


def test_continue_goes_on_with_the_last_session_on_its_model(smollm2: Path) -> None:
    assert run("ask", "-m", str(smollm2), *GREEDY, "--max-tokens", "8", "My name is Ada.").returncode == 0
    result = run("ask", "-m", str(smollm2), *GREEDY, "--max-tokens", "8", "-c", "What is my name?")
    assert (result.returncode, result.stderr) == (0, "")
    assert [message.role for message in stored_messages()] == ["user", "assistant", "user", "assistant"]
    assert len(json.loads(run("sessions", "list", "--json").stdout)) == 1


def test_no_save_keeps_nothing(smollm2: Path) -> None:
    result = run("ask", "-m", str(smollm2), *GREEDY, "--max-tokens", "4", "--no-save", "--json", QUESTION)
    assert result.returncode == 0
    assert json.loads(result.stdout)["session_id"] is None
    assert stored_messages() == []


def test_a_system_prompt_is_part_of_the_session(smollm2: Path) -> None:
    result = run("ask", "-m", str(smollm2), *GREEDY, "--max-tokens", "4", "--system", "You are a pirate.", QUESTION)
    assert result.returncode == 0
    (session,) = json.loads(run("sessions", "list", "--json").stdout)
    assert session["system_prompt"] == "You are a pirate."


def test_ctrl_c_keeps_what_was_said(smollm2: Path) -> None:
    with Terminal.mistral_tui("ask", "-m", str(smollm2), *LONG) as terminal:
        terminal.wait_until(lambda: len(terminal.text.split()) > 5, "some words of the reply")
        family = terminal.family()
        terminal.press("ctrl+c")
        assert terminal.wait_for_exit() == 130
        assert "Traceback" not in terminal.text
        wait_for_ends(family)
    _, reply = stored_messages()
    assert reply.finish == "cancelled"
    assert len(reply.text.split()) > 5


def test_a_reader_that_leaves_ends_it_quietly(smollm2: Path) -> None:
    command = [sys.executable, "-m", "mistral_tui", "ask", "-m", str(smollm2), *LONG]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 128 + signal.SIGPIPE


def test_a_prompt_of_the_wrong_kind_is_a_wrong_call(smollm2: Path, tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    (tmp_path / "program").write_bytes(b"\x7fELF\0\0")
    for arguments, says in (
        ([], "there is no prompt"),
        (["-f", str(tmp_path / "cat.png"), "x"], "cat.png is damaged"),
        (["-f", str(tmp_path / "program"), "x"], "program is not a text file"),
        (["-f", str(tmp_path / "none.txt"), "x"], "none.txt cannot be read: No such file"),
        (["--temperature", "9", "x"], "temperature is 9.0; it must be from 0 to 2"),
        (["--continue", "--no-save", "x"], "--no-save"),
        (["--max-tokens", "many", "x"], "--max-tokens"),
    ):
        result = run("ask", "-m", str(smollm2), *arguments)
        assert result.returncode == 2, arguments
        assert result.stdout == ""
        assert result.stderr.startswith("error: ")
        assert says in result.stderr
        assert result.stderr.count("\n") == 1


def test_nothing_to_continue(smollm2: Path) -> None:
    result = run("ask", "-m", str(smollm2), "--continue", "x")
    assert result.returncode == 1
    assert "no session to continue" in result.stderr


def test_any_locale_will_do(smollm2: Path) -> None:
    command = [sys.executable, "-m", "mistral_tui", "ask", "-m", str(smollm2), *GREEDY, "--max-tokens", "4", "Grüße ☃"]
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=environment, check=False)
    assert (result.returncode, result.stderr) == (0, b"")
    assert stored_messages()[0].text == "Grüße ☃"


def test_nothing_need_be_open(smollm2: Path) -> None:
    command = f"{sys.executable} -m mistral_tui ask -m {smollm2} --temperature 0 --max-tokens 4 --threads 1 Hi"
    assert subprocess.run(f"{command} <&- >&- 2>&-", shell=True, check=False).returncode == 0
    assert stored_messages()[1].finish == "length"
