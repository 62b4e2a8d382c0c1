"""Conversations with everything that an export must keep."""

from mistral_tui.chat.conversation import Conversation
from mistral_tui.types.messages import (
    FilePart,
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
    Usage,
)
from mistral_tui.types.sessions import Session
from mistral_tui.types.tools import ToolOutput, ToolRun

HOSTILE = (
    '<script>alert(1)</script> \x1b[2J\x07\u202e `` ``` & "quotes" '
    "![x](http://evil.example/x.png) $[link](javascript:x)"
)


def branched(session_id: str = "s1", title: str = "Tides & <b>moons</b>") -> Conversation:
    """Return a conversation of two branches with parts of every kind."""
    session = Session(
        id=session_id, title=title, created_at=10.0, updated_at=20.0, model="smol", system_prompt="Be brief."
    )
    conversation = Conversation(session)
    prompt = conversation.append(
        Message(
            "user",
            (
                FilePart("a`b.txt", "```\nfenced"),
                TextPart(f"What? {HOSTILE}"),
                UnknownPart({"type": "smell", "of": [1]}),
            ),
            id=f"{session_id}-1",
            created_at=11.0,
        )
    )
    conversation.append(Message("assistant", (TextPart("One."),), id=f"{session_id}-2", created_at=12.0, finish="stop"))
    conversation.select(prompt.id)
    conversation.append(
        Message(
            "assistant",
            (
                ReasoningPart("Hm.\nYes.", 1.5),
                TextPart(f"**Two**\n\n```py\nx\n```\n{HOSTILE}"),
                ToolCallPart("c", "look", "{}"),
            ),
            id=f"{session_id}-3",
            created_at=13.0,
            model="smol",
            finish="tool_calls",
            usage=Usage(3, seed=7),
        )
    )
    conversation.append(Message("tool", (ToolResultPart("c", "seen", True),), id=f"{session_id}-4", created_at=14.0))
    conversation.note_run(
        ToolRun(
            f"{session_id}-run",
            "c",
            f"{session_id}-3",
            "look",
            server="eyes<b>",
            tool="look",
            state="done",
            approval="once",
            started_at=13.5,
            seconds=0.25,
            output=ToolOutput((TextPart(f"seen, all of it {HOSTILE}"),), structured={"seen": [1, None]}, failed=True),
        )
    )
    conversation.append(
        Message("assistant", (), id=f"{session_id}-5", created_at=15.0, model="smol", finish="failed", error="it died")
    )
    return conversation
