"""What the program and the process of its tools say to each other.

The first frame in each direction is `Hello`; `mistral_tui.processes.frames` says how frames become bytes.
"""

import os
from typing import Literal

import msgspec

from mistral_tui import __version__
from mistral_tui.types.agent import AgentOptions
from mistral_tui.types.messages import Json
from mistral_tui.types.questions import Question, Reply
from mistral_tui.types.resources import PromptMessage, Resource, ResourceTemplate
from mistral_tui.types.servers import McpServer, ServerState
from mistral_tui.types.tools import ToolOutput, ToolProgress


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What every frame carries."""

    request: str = ""
    """Which request it belongs to."""


class Hello(Frame, frozen=True, tag="hello"):
    """The first frame in each direction."""

    build: str = __version__
    pid: int = msgspec.field(default_factory=os.getpid)


class Use(Frame, frozen=True, tag="use"):
    """Start these servers and stop all others; one that is the same as before goes on."""

    servers: tuple[McpServer, ...]
    folder: str
    """Where files go that a tool answers with, such as pictures."""
    person: bool = False
    """Whether there is somebody to ask what servers ask."""
    agent: AgentOptions | None = None
    """What the program's own tools may do; `None`: there are none."""


class Restart(Frame, frozen=True, tag="restart"):
    """Stop a server, if it runs, and start it."""

    server: str


class Asked(Frame, frozen=True):
    """What wants an answer: frames on the way to it, then one that ends it, or `Refused`."""

    server: str

    @property
    def place(self) -> str:
        """What it is about, for people."""
        return self.server


class Call(Asked, frozen=True, tag="call"):
    """Call a tool. Answered by `Progressed` several times, then `Returned`."""

    tool: str
    arguments: Json

    @property
    def place(self) -> str:
        """The tool."""
        return f"{self.server}/{self.tool}"


class Check(Asked, frozen=True, tag="check"):
    """See whether a tool takes these arguments. Answered by `Checked`."""

    tool: str
    name: str
    """What the model calls the tool."""
    arguments: Json

    @property
    def place(self) -> str:
        """The tool."""
        return f"{self.server}/{self.tool}"


class LogIn(Asked, frozen=True, tag="log_in"):
    """Log in at a server elsewhere. Answered by `LoginAt`, then `LoggedIn`; no token travels here."""

    at: McpServer
    """Where it is; it need not be in use."""

    @property
    def place(self) -> str:
        """The login."""
        return f"the login at {self.server}"


class ListResources(Asked, frozen=True, tag="list_resources"):
    """Ask what there is to read. Answered by `ResourcesListed`."""


class ReadResource(Asked, frozen=True, tag="read_resource"):
    """Read what is at an address. Answered by `Returned`."""

    uri: str

    @property
    def place(self) -> str:
        """The resource."""
        return f"{self.server}:{self.uri}"


class GetPrompt(Asked, frozen=True, tag="get_prompt"):
    """Ask for a prompt with its values. Answered by `Prompted`."""

    name: str
    arguments: dict[str, str]

    @property
    def place(self) -> str:
        """The prompt."""
        return f"{self.server}:{self.name}"


class Complete(Asked, frozen=True, tag="complete"):
    """Ask what a value may go on to be. Answered by `Completed`."""

    kind: Literal["prompt", "template"]
    name: str
    argument: str
    value: str
    others: dict[str, str] = {}


class ReadLog(Asked, frozen=True, tag="read_log"):
    """Ask for the last lines of a server's log. Answered by `Logged`."""


class Replied(Frame, frozen=True, tag="replied"):
    """What the person says to a `Questioned` of this name."""

    reply: Reply


class Cancel(Frame, frozen=True, tag="cancel"):
    """Stop what was asked; it still ends in its usual way."""


class ServerChanged(Frame, frozen=True, tag="server_changed"):
    """What a server does now; sent unasked."""

    state: ServerState


class Progressed(Frame, frozen=True, tag="progressed"):
    """How far a call has come."""

    progress: ToolProgress


class Returned(Frame, frozen=True, tag="returned"):
    """The tool has answered."""

    output: ToolOutput


class Checked(Frame, frozen=True, tag="checked"):
    """The tool takes these arguments."""


class ResourcesListed(Frame, frozen=True, tag="resources_listed"):
    """What there is to read."""

    resources: tuple[Resource, ...]
    templates: tuple[ResourceTemplate, ...]


class Prompted(Frame, frozen=True, tag="prompted"):
    """A prompt with its values."""

    messages: tuple[PromptMessage, ...]


class Completed(Frame, frozen=True, tag="completed"):
    """What a value may go on to be."""

    values: tuple[str, ...]


class Logged(Frame, frozen=True, tag="logged"):
    """The last lines of a server's log."""

    lines: tuple[str, ...]


class Questioned(Frame, frozen=True, tag="questioned"):
    """A server asks the person something; answered by `Replied`."""

    server: str
    question: Question


class Withdrawn(Frame, frozen=True, tag="withdrawn"):
    """Nobody wants to know any more what a `Questioned` of this name asked."""


class LoginAt(Frame, frozen=True, tag="login_at"):
    """The person is to open this address in a browser."""

    address: str


class LoggedIn(Frame, frozen=True, tag="logged_in"):
    """The login is kept."""


class Refused(Frame, frozen=True, tag="refused"):
    """What was asked came to nothing."""

    error: str
    """Name of a class of `mistral_tui.types.errors`."""
    message: str


AnyAsked = Call | Check | LogIn | ListResources | ReadResource | GetPrompt | Complete | ReadLog
ToTools = Hello | Use | Restart | AnyAsked | Replied | Cancel
OnWay = Progressed | LoginAt
Ended = Returned | Checked | LoggedIn | ResourcesListed | Prompted | Completed | Logged
FromTools = Hello | ServerChanged | Questioned | Withdrawn | OnWay | Ended | Refused
