"""What became of the calls of a chat."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec.structs import replace

from mistral_tui.chat.conversation import Conversation
from mistral_tui.types.events import ToolChanged, ToolProgressed
from mistral_tui.types.messages import AudioPart, ImagePart, Message, TextPart, ToolCallPart, ToolResultPart
from mistral_tui.types.tools import OutputPart, ToolOutput, ToolProgress, ToolRun


class CallRecord:
    """Knows how far calls have come, and of those that nobody remembers, what their results say.

    Args:
        conversation: Its replies call.
    """

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._progress: dict[str, ToolProgress] = {}

    def note(self, event: object) -> None:
        """Keep what an event says of the progress of a call, if it does."""
        match event:
            case ToolChanged(run) if run.over:
                self._progress.pop(run.id, None)
            case ToolProgressed(run_id, progress):
                self._progress[run_id] = progress

    def of(self, reply: Message) -> Mapping[str, ToolRun]:
        """Return the calls of a reply that something became of, by their ids in it."""
        return self._of(reply, self._conversation.runs_of)

    def _of(self, reply: Message, runs_of: Callable[[str], Sequence[ToolRun]]) -> Mapping[str, ToolRun]:
        calls = [part for part in reply.parts if isinstance(part, ToolCallPart)]
        if not calls:
            return {}
        known = {run.call_id: run for run in runs_of(reply.id)}
        if all(call.call_id in known for call in calls):
            return known
        return {**_told(reply, calls, self._results(reply)), **known}

    def progress(self, run: ToolRun) -> ToolProgress | None:
        """Return how far a call has come, if it said so."""
        return self._progress.get(run.id)

    def all(self) -> tuple[ToolRun, ...]:
        """Return the calls of the active branch, the first one first."""
        known: dict[str, list[ToolRun]] = {}
        for run in self._conversation.runs:
            known.setdefault(run.message_id, []).append(run)
        path = self._conversation.path()
        return tuple(run for message in path for run in self._of(message, lambda id: known.get(id, ())).values())

    def _results(self, reply: Message) -> Sequence[Message]:
        if reply.id not in self._conversation:
            return ()
        return [message for message in self._conversation.children(reply.id) if message.role == "tool"]


def spoken(messages: Iterable[Message]) -> list[Message]:
    """Return the messages without those that only hold results: they are shown with the calls that led to them."""
    shown: list[Message] = []
    calls: set[str] = set()
    for message in messages:
        results = {part.call_id for part in message.parts if isinstance(part, ToolResultPart)}
        if message.role == "tool" and results and results <= calls:
            continue
        shown.append(message)
        calls = {part.call_id for part in message.parts if isinstance(part, ToolCallPart)}
    return shown


def _told(reply: Message, calls: Sequence[ToolCallPart], results: Sequence[Message]) -> dict[str, ToolRun]:
    """Return the calls as the results tell of them; nobody remembers who allowed them, or how long they took."""
    names = {call.call_id: call for call in calls}
    runs: dict[str, ToolRun] = {}
    for message in results:
        last = ""
        for part in message.parts:
            if isinstance(part, ToolResultPart) and (call := names.get(part.call_id)) is not None:
                last = part.call_id
                runs[last] = ToolRun(
                    id=f"{reply.id}/{last}",
                    call_id=last,
                    message_id=reply.id,
                    name=call.name,
                    arguments=call.arguments,
                    state="failed" if part.failed else "done",
                    started_at=message.created_at,
                    output=ToolOutput((TextPart(part.text),), failed=part.failed),
                )
            elif isinstance(part, ImagePart | AudioPart) and last:
                runs[last] = _with(runs[last], part)
    return runs


def _with(run: ToolRun, part: OutputPart) -> ToolRun:
    output = run.output or ToolOutput()
    return replace(run, output=replace(output, parts=(*output.parts, part)))
