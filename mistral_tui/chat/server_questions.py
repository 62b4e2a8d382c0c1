"""What servers of tools ask the person in the middle of a call, and what waits for an answer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from mistral_tui.types.questions import AddressQuestion, Declined, FormQuestion, Question, Reply, SampleQuestion


@dataclass(frozen=True, eq=False)
class ServerQuestion:
    """Something that a server asks."""

    server: str
    question: FormQuestion | AddressQuestion


class ServerQuestions:
    """The questions of all servers that wait; each is withdrawn when its server does not want to know any more.

    Args:
        on_change: Called when another question waits, or one waits no more.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._open: dict[ServerQuestion, asyncio.Future[Reply]] = {}

    @property
    def waiting(self) -> tuple[ServerQuestion, ...]:
        """What waits for the person, the oldest first."""
        return tuple(asked for asked, reply in self._open.items() if not reply.done())

    async def answer(self, server: str, question: Question) -> Reply:
        """Let a question wait for the person; cancelling this withdraws it."""
        if isinstance(question, SampleQuestion):
            return Declined()  # servers are told that they cannot ask for this
        asked = ServerQuestion(server, question)
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._open[asked] = reply
        self._on_change()
        try:
            return await reply
        finally:
            del self._open[asked]
            self._on_change()

    def reply(self, asked: ServerQuestion, reply: Reply) -> None:
        """Say what the person answers; nothing happens if the question was withdrawn."""
        if asked in self.waiting:
            self._open[asked].set_result(reply)
