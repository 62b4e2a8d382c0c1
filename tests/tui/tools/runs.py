"""Calls as they come out of a turn, for the tests of what the screen shows of them."""

import json

from mistral_tui.types.messages import Message, TextPart, ToolCallPart
from mistral_tui.types.tools import ToolOutput, ToolRun

WEATHER = json.dumps({"city": "Oslo", "temperature": -3.5, "wind": {"speed": 4, "from": "north"}, "snow": True})
RUNS = (
    ToolRun("r1", "1", "m", "weather_look", "weather", "look", '{"city": "Oslo"}', "done", "once", 0.0, 0.31,
            ToolOutput((TextPart(WEATHER),))),
    ToolRun("r2", "2", "m", "weather_look", "weather", "look", '{"city": "Lima", "unit": "celsius", "days": [1, 2, 3]}',
            "running", "session"),
    ToolRun("r3", "3", "m", "files_write_file", "files", "write_file", '{"path": "notes.md", "content": "# Notes"}',
            "asked"),
    ToolRun("r4", "4", "m", "files_read_file", "files", "read_file", '{"path": "gone.txt"}', "failed", "rule", 0.0,
            0.02, ToolOutput((TextPart("ENOENT: no such file, open 'gone.txt'"),), failed=True)),
    ToolRun("r5", "5", "m", "files_delete", "files", "delete", '{"path": "/"}', "denied", "once",
            error="it was not allowed"),
    ToolRun("r6", "6", "m", "sing", "", "", "{}", "invalid", error="there is no tool 'sing'; there are: look"),
    ToolRun("r7", "7", "m", "weather_look", "weather", "look", '{"city": "Rome"}', "cancelled", "once", 0.0, 12.4,
            error="the person stopped it"),
)  # fmt: skip


def calling(*runs: ToolRun, text: str = "Let me look.") -> Message:
    """Return a reply that makes these calls."""
    calls = (ToolCallPart(run.call_id, run.name, run.arguments) for run in runs)
    return Message("assistant", (TextPart(text), *calls), id="m", finish="tool_calls", model="fake-1M")
