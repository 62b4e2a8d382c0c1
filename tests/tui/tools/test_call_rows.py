"""The calls of a reply in the transcript."""

import msgspec
import pytest

from mistral_tui.chat.call_record import CallRecord, spoken
from mistral_tui.chat.conversation import Conversation
from mistral_tui.tui.chat.message import MARGIN, MessageView
from mistral_tui.tui.chat.message_look import Look
from mistral_tui.tui.tools.call_rows import UNFOLDED_ROWS, CallState, call_row
from mistral_tui.types.events import ToolChanged, ToolProgressed
from mistral_tui.types.messages import ImagePart, Message, TextPart, ToolCallPart, ToolResultPart
from mistral_tui.types.tools import ToolOutput, ToolProgress, ToolRun
from tests.tui.tools.runs import RUNS, calling

pytestmark = pytest.mark.core


def rows(view: MessageView, width: int = 76) -> list[str]:
    return [row.content.plain for row in view.rows_at(width + MARGIN)]


def view_of(
    *runs: ToolRun, unfolded: frozenset[int] = frozenset(), progress: ToolProgress | None = None
) -> MessageView:
    calls = {run.call_id: CallState(run, progress) for run in runs}
    return MessageView(calling(*runs), look=Look(calls=unfolded), calls=calls)


def test_each_call_is_a_line_with_its_state_arguments_time_and_size() -> None:
    lines = rows(view_of(*RUNS))[2:]
    assert len(lines) == len(RUNS)
    assert all(len(line) == 76 for line in lines), "figures stand below one another"
    assert lines[0].startswith('✓ weather/look(city: "Oslo")')
    assert lines[0].endswith("0.3 s     90 B")
    assert lines[1].endswith("running")
    assert lines[2].endswith("asks you")
    assert lines[3].endswith("0.0 s failed")
    assert lines[4].endswith("not allowed")
    assert lines[5].startswith("✗ sing()")
    assert lines[6].endswith("12.4 s stopped")


def test_progress_takes_no_row_of_its_own() -> None:
    run = RUNS[1]
    before, now = rows(view_of(run)), rows(view_of(run, progress=ToolProgress(3, 10, "downloading")))
    assert len(before) == len(now)
    assert now[-1].endswith("running   30%")


def test_an_unfolded_call_shows_arguments_and_result_as_json() -> None:
    text = rows(view_of(RUNS[0], unfolded=frozenset({0})))
    assert '     "city": "Oslo"' in text
    assert '     "temperature": -3.5,' in text
    assert [line.strip() for line in text if not line.startswith("   ")][-2:] == ["arguments", "result"]


def test_an_unfolded_call_that_failed_says_why() -> None:
    assert rows(view_of(RUNS[4], unfolded=frozenset({0})))[-1].strip() == "it was not allowed"


def test_a_huge_result_is_cut_and_says_where_all_of_it_is() -> None:
    huge = msgspec.structs.replace(RUNS[0], output=ToolOutput((TextPart("line \x1b[2J[red]\n" * 1_000_000),)))
    text = rows(view_of(huge, unfolded=frozenset({0})))
    assert len(text) < 2 * UNFOLDED_ROWS + 6
    assert "alt+k" in text[-1]
    assert not any("\x1b" in line for line in text)


def test_to_those_who_listen_a_call_says_its_state_in_words() -> None:
    run = RUNS[0]
    row = call_row(run.name, run.arguments, 76, CallState(run), heard=True)
    assert row.content.plain.endswith(" done 0.3 s 90 B")


@pytest.mark.parametrize("width", [1, 5, 20, 43, 44, 100])
def test_a_call_never_takes_more_than_one_line(width: int) -> None:
    for run in RUNS:
        (line,) = rows(view_of(run), width)[-1:]
        assert len(line) <= width


def test_a_call_that_is_only_known_from_its_result_shows_that() -> None:
    conversation = Conversation()
    reply = conversation.append(
        Message("assistant", (ToolCallPart("1", "look", '{"a": 1}'), ToolCallPart("2", "look", "{}")))
    )
    picture = ImagePart("/tmp/a.png", "image/png", size=7)
    conversation.append(Message("tool", (ToolResultPart("1", "fine"), picture, ToolResultPart("2", "no", failed=True))))
    runs = CallRecord(conversation).of(reply)
    assert [(run.state, run.seconds) for run in runs.values()] == [("done", 0.0), ("failed", 0.0)]
    assert runs["1"].output == ToolOutput((TextPart("fine"), picture))


def test_what_was_heard_of_a_call_counts_and_the_calls_of_the_branch_are_listed() -> None:
    conversation = Conversation()
    conversation.append(Message("user", (TextPart("?"),)))
    conversation.append(calling(*RUNS[:2]))
    record = CallRecord(conversation)
    for run in RUNS[:2]:
        conversation.note_run(run)
    record.note(ToolProgressed("r2", ToolProgress(1)))
    assert record.all() == RUNS[:2]
    assert record.progress(RUNS[1]) == ToolProgress(1)
    record.note(ToolChanged(msgspec.structs.replace(RUNS[1], state="done")))
    assert record.progress(RUNS[1]) is None


def test_results_are_shown_with_their_calls_and_other_messages_of_tools_stay() -> None:
    reply = Message("assistant", (ToolCallPart("1", "look", "{}"),))
    result, other = Message("tool", (ToolResultPart("1", "fine"),)), Message("tool", (ToolResultPart("9", "?"),))
    imported = Message("tool", (TextPart("said by a tool"),))
    assert spoken([reply, result, imported, other]) == [reply, imported, other]
