"""The calls of tools in the exports that are to be read."""

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.tool_calls import text_of
from mistral_tui.types.messages import Message, ToolCallPart, ToolResultPart
from mistral_tui.types.text import printable_line
from mistral_tui.types.tools import ToolRun


def call_line(conversation: Conversation, message: Message, part: ToolCallPart) -> str:
    """Return a call in one line: the tool, how it ended, how long it took, who allowed it."""
    run = conversation.run_of(message, part.call_id)
    if run is None:
        return f"calls {printable_line(part.name)}"
    words = [f"{run.server}/{run.tool}" if run.server else run.name, run.state]
    if run.seconds:
        words.append(f"{run.seconds:.1f} s")
    if run.approval:
        words.append({"rule": "by a rule", "always": "for good"}.get(run.approval, run.approval))
    return printable_line(f"calls {', '.join(words)}")


def result_text(conversation: Conversation, message: Message, part: ToolResultPart) -> str:
    """Return all that a tool answered, of which the model may have been shown a part."""
    run: ToolRun | None = conversation.run_of(message, part.call_id)
    return part.text if run is None or run.output is None else text_of(run.output)
