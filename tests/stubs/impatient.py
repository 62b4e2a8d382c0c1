"""Loads as the gguf engine does, but waits a second only for RPC workers that say nothing."""

from typing import Any

from mistral_tui.engines.gguf import loading
from mistral_tui.engines.gguf.rpc.workers import RpcWorkers
from mistral_tui.engines.worker.loop import EngineLoop

LOADER = "tests.stubs.impatient:load"


def load(*arguments: Any, **named: Any) -> EngineLoop:
    """See `mistral_tui.engines.gguf.loading.load`."""
    RpcWorkers.compute_within = _a_second  # type: ignore[method-assign]  # a test has no 15 seconds
    return loading.load(*arguments, **named)


def _a_second(self: RpcWorkers, seconds: float) -> None:
    self._allow(1)
