"""How a reply reaches stdout, and what is said about it on stderr."""

import io
import json
import os

import pytest

from mistral_tui.chat.events import ChatFailed, SavingChanged
from mistral_tui.cli.answer import Answer, statistics
from mistral_tui.types.errors import EngineError, WorkerDied
from mistral_tui.types.events import ContextShifted, ContextTrimmed, MessageCommitted, TextDelta
from mistral_tui.types.messages import FinishReason, Message, TextPart, Usage

pytestmark = pytest.mark.core


class Output(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def reply(text: str, finish: FinishReason = "stop", error: str | None = None) -> MessageCommitted:
    usage = Usage(
        prompt_tokens=12, cached_tokens=4, completion_tokens=3, time_to_first_token=0.25, decode_rate=50, seed=7
    )
    return MessageCommitted(
        Message("assistant", (TextPart(text),), model="smol", finish=finish, usage=usage, error=error)
    )


def nothing() -> None:
    pass


def test_a_pipe_gets_the_text_as_it_is() -> None:
    out = Output(terminal=False)
    answer = Answer(nothing, out=out)
    answer.listen(TextDelta("a\x1b[31m"))
    answer.listen(TextDelta("b"))
    answer.end()
    assert out.getvalue() == "a\x1b[31mb\n"


def test_a_terminal_gets_nothing_that_steers_it() -> None:
    out = Output(terminal=True)
    answer = Answer(nothing, out=out)
    for piece in ("one\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "two", "\r"):
        answer.listen(TextDelta(piece))
    answer.end()
    assert out.getvalue() == "onetwo\n"


def test_a_line_that_has_ended_gets_no_second_end() -> None:
    out = Output(terminal=False)
    answer = Answer(nothing, out=out)
    answer.listen(TextDelta("done\n"))
    answer.end()
    assert out.getvalue() == "done\n"


@pytest.mark.parametrize("terminal", [False, True])
def test_json_steers_no_terminal_either(terminal: bool) -> None:
    out = Output(terminal)
    answer = Answer(nothing, streaming=False, out=out)
    answer.listen(reply("é \x1b[2J \x9b31m"))
    answer.print_json(None)
    assert "\x1b" not in out.getvalue()
    assert ("\x9b" in out.getvalue()) is not terminal
    assert json.loads(out.getvalue())["text"] == "é \x1b[2J \x9b31m"


def test_json_is_one_object_and_no_stream() -> None:
    out = Output(terminal=False)
    answer = Answer(nothing, streaming=False, out=out)
    answer.listen(TextDelta("Tokyo"))
    answer.listen(reply("Tokyo"))
    answer.end()
    answer.print_json("5e55")
    document = json.loads(out.getvalue())
    assert document["schema_version"] == 1
    assert document["text"] == "Tokyo"
    assert document["finish"] == "stop"
    assert document["error"] is None
    assert document["model"] == "smol"
    assert document["session_id"] == "5e55"
    assert document["usage"]["prompt_tokens"] == 12


def test_statistics_name_the_figures_of_a_reply() -> None:
    message = reply("Tokyo").message
    assert message.usage is not None
    assert statistics(message.usage).splitlines() == [
        "Stats:",
        "Time to first token: 0.25s",
        "Prompt: 12 tokens (4 cached), 0.00 T/s",
        "Decode: 3 tokens, 50.00 T/s",
        "Seed: 7",
    ]


def test_a_failed_reply_is_an_error_and_its_text_stays() -> None:
    out = Output(terminal=False)
    answer = Answer(nothing, out=out)
    answer.listen(TextDelta("half"))
    answer.listen(reply("half", "failed", "the worker of smol was killed"))
    answer.end()
    assert out.getvalue() == "half\n"
    assert isinstance(answer.error, EngineError)
    assert str(answer.error) == "the worker of smol was killed"


def test_a_chat_that_could_not_begin_is_an_error() -> None:
    answer = Answer(nothing, out=Output(terminal=False))
    answer.listen(ChatFailed(WorkerDied("gone")))
    assert isinstance(answer.error, WorkerDied)


def test_notes_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    answer = Answer(nothing, out=Output(terminal=False))
    answer.listen(ContextTrimmed(4))
    answer.listen(ContextShifted(1200))
    answer.listen(SavingChanged("the disk is full"))
    answer.listen(reply("cut", "context"))
    answer.end()
    assert capsys.readouterr().err.splitlines() == [
        "note: the context is full; the oldest 4 messages are left out",
        "note: the context is full; the oldest 1,200 tokens are given up",
        "note: the context is full; the reply is cut off",
        "note: this chat is not saved: the disk is full",
    ]


def test_a_reader_that_has_gone_stops_the_reply() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stops = []
    with os.fdopen(writing, "w") as out:
        answer = Answer(lambda: stops.append(1), out=out)
        answer.listen(TextDelta("nobody hears this"))
        answer.listen(TextDelta("nor this"))
        assert isinstance(answer.broken, BrokenPipeError)
        assert stops == [1]
