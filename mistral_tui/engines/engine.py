"""The Protocol that every engine satisfies."""

from collections.abc import AsyncGenerator
from typing import Protocol

from mistral_tui.types.events import EngineEvent
from mistral_tui.types.models import LoadedModel
from mistral_tui.types.queries import Answer, Query
from mistral_tui.types.requests import GenerateRequest


class Engine(Protocol):
    """One loaded model that answers requests, several at a time."""

    @property
    def model(self) -> LoadedModel:
        """What is loaded."""
        ...

    def generate(self, request: GenerateRequest) -> AsyncGenerator[EngineEvent, None]:
        """Write a reply.

        Yields:
            Events in order. The last one is always `Finished`, whatever happened: failures of the engine, the
            death of its process among them, arrive as `Finished(reason="failed", error=…)` and are not raised.
            Closing the generator early cancels the request.
        """
        ...

    async def cancel(self, request_id: str) -> None:
        """Stop a request, also in the middle of its prompt; its stream ends with `Finished("cancelled")`."""
        ...

    async def ask(self, query: Query) -> Answer:
        """Answer anything but a prompt; `mistral_tui.engines.queries` has a function for each query.

        Cancelling this call stops the work. There may be a `Refusal`; nothing is raised.
        """
        ...

    async def forget(self, chat_id: str) -> None:
        """Release what is kept in the KV cache for a chat."""
        ...
