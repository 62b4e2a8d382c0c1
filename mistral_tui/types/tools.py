"""What a model may call, and what came of it."""

import hashlib
from typing import Literal

import msgspec

from mistral_tui.types.messages import AudioPart, FilePart, ImagePart, Json, TextPart
from mistral_tui.types.requests import ToolChoice, ToolSpec

BUILTIN = "builtin"
"""In the place of a server's name: the tools of the program itself."""


class ToolHints(msgspec.Struct, frozen=True):
    """What a server says of its tool. It may be wrong or a lie, so nothing is allowed because of it."""

    read_only: bool = False
    destructive: bool = True
    idempotent: bool = False
    open_world: bool = True


class ToolDefinition(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a server says of its tool: all that a person looks at before they allow it."""

    description: str = ""
    parameters: Json = {}
    output: Json | None = None
    title: str = ""
    hints: ToolHints = ToolHints()

    @property
    def digest(self) -> str:
        """The same for the same definition only."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


class Tool(msgspec.Struct, frozen=True):
    """Something that a model may call."""

    name: str
    """What the model calls it: unique among all tools, made of letters, digits, `_` and `-`."""
    server: str
    """Which server has it, or `BUILTIN`."""
    tool: str
    """What its server calls it."""
    description: str = ""
    parameters: Json = {}
    """JSON schema of the arguments, as its server gave it."""
    output: Json | None = None
    """JSON schema of the structured result, if there is one."""
    title: str = ""
    hints: ToolHints = ToolHints()

    @property
    def key(self) -> str:
        """What rules are matched against: `server/tool`."""
        return f"{self.server}/{self.tool}"

    @property
    def definition(self) -> ToolDefinition:
        """What its server says of it."""
        return ToolDefinition(self.description, self.parameters, self.output, self.title, self.hints)

    @property
    def digest(self) -> str:
        """Digest of what its server says of it."""
        return self.definition.digest

    @property
    def spec(self) -> ToolSpec:
        """What the model is told of it."""
        return ToolSpec(self.name, self.description, self.parameters)


class LinkPart(msgspec.Struct, frozen=True, tag="link"):
    """A resource that can be read at its server."""

    uri: str
    name: str = ""
    description: str = ""
    media_type: str = ""


OutputPart = TextPart | FilePart | ImagePart | AudioPart | LinkPart


class ToolOutput(msgspec.Struct, frozen=True):
    """What a tool answered."""

    parts: tuple[OutputPart, ...] = ()
    structured: object = None
    """A JSON value beside the parts; `None`: there is none."""
    failed: bool = False
    """Whether the tool says that it failed."""


class ToolProgress(msgspec.Struct, frozen=True):
    """How far a call has come."""

    done: float
    total: float | None = None
    message: str = ""


Verdict = Literal["allow", "ask", "deny"]

RunState = Literal["asked", "running", "done", "failed", "invalid", "denied", "cancelled"]
"""`asked`: waits for the person; `invalid`: no call that could be made; `failed`: the tool, or its server, failed."""

Approval = Literal["", "rule", "once", "session", "always"]
"""Who allowed a call, or denied it: a rule, or the person, for how long. Empty: nobody had to, or has yet."""


class Decision(msgspec.Struct, frozen=True):
    """Whether a call may be made, and who says so."""

    allowed: bool
    approval: Approval = "rule"
    reason: str = ""
    """For the model, and the person: why not."""


class ToolRun(msgspec.Struct, frozen=True):
    """One call of a tool, from what the model wrote to what came of it."""

    id: str
    """Unique; `call_id` is so only within its reply."""
    call_id: str
    message_id: str
    """The reply that calls."""
    name: str
    """What the model called."""
    server: str = ""
    """Empty: there is no such tool."""
    tool: str = ""
    arguments: str = "{}"
    """JSON text, as the model wrote it."""
    state: RunState = "running"
    approval: Approval = ""
    started_at: float = 0.0
    """Seconds since the epoch."""
    seconds: float = 0.0
    """How long it ran, without the wait for the person."""
    output: ToolOutput | None = None
    error: str = ""
    """Why there is no output: one line."""

    @property
    def over(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state not in ("asked", "running")


class TurnBudget(msgspec.Struct, frozen=True):
    """How much a turn may do before the model must answer."""

    rounds: int = 10
    """How often the model may call tools, several at once being one round."""
    calls: int = 50
    tokens: int = 20_000
    """What the model may write, in all its replies, before it may call nothing more."""
    result_tokens: int = 2000
    """What the model is shown of one result, at most; less where its context is small."""
    repeats: int = 2
    """How often the same call with the same arguments is made; it answers the same."""
    repairs: int = 1
    """How many rounds in a row may be without one call that could be made."""


class ToolSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is set of the tools for one chat."""

    switches: dict[str, bool] = {}
    """Which servers and tools (`server/tool`) are offered to the model, where that is not as usual."""
    choice: ToolChoice = "auto"
    """Whether the model must call one."""
