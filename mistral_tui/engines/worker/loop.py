"""What a worker process runs: one loaded model that answers requests on one thread."""

from collections.abc import Callable
from typing import Protocol

from mistral_tui.engines.worker.outbox import Outbox
from mistral_tui.types.models import LoadedModel
from mistral_tui.types.queries import Answer, Query
from mistral_tui.types.requests import GenerateRequest


class EngineLoop(Protocol):
    """One loaded model and the thread that computes with it.

    `run` is the main of the engine thread. All other methods are called from other threads, return at once and
    may be called before `run` has begun.
    """

    @property
    def model(self) -> LoadedModel:
        """What is loaded."""
        ...

    def run(self) -> None:
        """Serve requests until `stop`; sleep without using the CPU while there are none.

        An exception that leaves this method ends the worker, so the failure of one request must not.
        """
        ...

    def submit(self, request: GenerateRequest, outbox: Outbox) -> None:
        """Take a request. Its events go to `outbox`; the last is always `Finished`.

        The loop sets `outbox.on_writable` to what wakes it, and computes nothing for the request while
        `outbox.full`: other requests go on.
        """
        ...

    def ask(self, request_id: str, query: Query, reply: Callable[[Answer], None]) -> None:
        """Take a query. `reply` is called once, on any thread; also when the query is cancelled."""
        ...

    def cancel(self, request_id: str) -> None:
        """Stop a request, also in the middle of its prompt. An unknown or finished one is ignored."""
        ...

    def forget(self, chat_id: str) -> None:
        """Release what the KV cache keeps for a chat."""
        ...

    def set_threads(self, count: int) -> None:
        """Compute with at most so many threads from now on: other models have a share of the cores."""
        ...

    def stop(self) -> None:
        """Make `run` return soon, whatever it is doing."""
        ...
