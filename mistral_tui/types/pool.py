"""How many models may be loaded, and which are."""

from typing import Literal

import msgspec

from mistral_tui.types.errors import InvalidRequest

ModelState = Literal["loading", "answering", "idle"]
FOREVER = float("inf")


class PoolLimits(msgspec.Struct, frozen=True):
    """What may stay loaded, and how long.

    Raises:
        InvalidRequest: A value is outside its range.
    """

    memory_budget: int | None = None
    """Bytes for all models together; `None`: what is free."""
    max_loaded: int | None = None
    """Most models at once; `None`: as many as memory allows."""
    keep_alive: float = 600.0
    """Seconds without a prompt after which a model is unloaded; `FOREVER`: never."""

    def __post_init__(self) -> None:
        if self.memory_budget is not None and self.memory_budget <= 0:
            raise InvalidRequest("the memory budget must be more than nothing")
        if self.max_loaded is not None and self.max_loaded < 1:
            raise InvalidRequest(f"max_loaded is {self.max_loaded}; at least one model must be allowed")
        if not self.keep_alive >= 0:
            raise InvalidRequest(f"keep_alive is {self.keep_alive}; it must be at least 0")


class HeldModel(msgspec.Struct, frozen=True):
    """A model that is loaded, or is being loaded."""

    name: str
    path: str
    state: ModelState
    memory_bytes: int
    """What it was estimated to take when it was loaded."""
    idle_seconds: float = 0.0
    """How long nobody has asked it."""
    seconds_left: float = FOREVER
    """When it will be unloaded if nobody does."""
    clients: tuple[int, ...] = ()
    """Process ids of the programs that use it."""
    worker: int | None = None
    """Process id of its worker."""
