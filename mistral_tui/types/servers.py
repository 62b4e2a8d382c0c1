"""MCP servers: how to reach them, and what they are doing."""

import re
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.resources import Prompt
from mistral_tui.types.tools import BUILTIN, Tool

Transport = Literal["stdio", "http", "sse", "websocket"]
ServerHealth = Literal["stopped", "starting", "ready", "failed", "waiting"]
"""`waiting`: it ended unexpectedly and is started again after a pause."""

_NAME: Final = re.compile(r"[\w.:-]{1,80}")
_SCHEMES: Final = {"http": ("http", "https"), "sse": ("http", "https"), "websocket": ("ws", "wss")}
LONGEST_WAIT: Final = 24 * 3600


class OAuthClient(msgspec.Struct, frozen=True, rename="camel"):
    """What a person knows of a login beforehand; nothing of it is needed where a program may register itself."""

    client_id: str = ""
    client_secret: str = ""
    client_metadata_url: str = ""
    """Where a document lies that describes this program, for login servers that take that for a registration."""
    scope: str = ""
    """Which rights are asked for, with spaces between; empty: what the server proposes."""
    callback_port: int = 0
    """Where the browser comes back to, if the login server knows only one address; 0: any free port."""

    def __repr__(self) -> str:
        return f"OAuthClient({self.client_id!r})"


class McpServer(msgspec.Struct, frozen=True):
    """An MCP server, however its configuration was written.

    Raises:
        InvalidRequest: A value makes no sense; says which.
    """

    name: str
    """What people call it; in front of its tools' names."""
    transport: Transport = "stdio"
    command: str = ""
    """The program of a `stdio` server; no shell looks at it."""
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    """What is added to the few variables that a server inherits."""
    cwd: str | None = None
    url: str = ""
    """The address, for all other transports."""
    headers: dict[str, str] = {}
    bearer_token: str | None = None
    oauth: OAuthClient = OAuthClient()
    tool_prefix: str | None = None
    """In front of the names of its tools, with `_`; `None`: the server's name."""
    enabled: bool = True
    call_seconds: float = 60.0
    """How long a call may be silent; progress begins it anew."""
    longest_call_seconds: float = 600.0
    """How long a call may take in any case."""
    start_seconds: float = 30.0
    """How long the server may take until it is ready."""
    calls_at_once: int = 8
    resources: tuple[str, ...] = ()
    """Patterns of the resources that are of interest; empty: all."""
    roots: bool = False
    """Whether it is told the folder that the program works in."""
    sampling: bool = False
    """Whether it may ask for replies of a model; the person is asked each time."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidRequest(f"the name is {self.name!r:.100}; use letters, digits and _ . : -")
        if self.name == BUILTIN:
            raise InvalidRequest(f"the name is {BUILTIN}, which means the program's own tools; use another")
        if self.transport == "stdio":
            if not self.command or "\0" in "".join((self.command, *self.args)):
                raise InvalidRequest(f"{self.name} has no command; say which program it is, or give its url")
        elif "${" not in self.url:  # else it is known when the variables have their values
            parts = urlsplit(self.url)
            if parts.scheme not in _SCHEMES[self.transport] or not parts.hostname:
                schemes = " or ".join(f"{scheme}://" for scheme in _SCHEMES[self.transport])
                raise InvalidRequest(f"the url of {self.name} is {self.url!r:.100}; it must begin with {schemes}")
        for name in ("call_seconds", "longest_call_seconds", "start_seconds"):
            if not 0 < getattr(self, name) <= LONGEST_WAIT:
                raise InvalidRequest(
                    f"{name} of {self.name} is {getattr(self, name)}; it must be above 0, and at most a day"
                )
        described = urlsplit(self.oauth.client_metadata_url)
        if self.oauth.client_metadata_url and (described.scheme != "https" or described.path in ("", "/")):
            raise InvalidRequest(f"clientMetadataUrl of {self.name} must be the https:// address of a document")
        if not 0 <= self.oauth.callback_port < 2**16:
            raise InvalidRequest(f"callbackPort of {self.name} is {self.oauth.callback_port}; it must be a port")
        if not 0 < self.calls_at_once <= 1000:
            raise InvalidRequest(f"calls_at_once of {self.name} is {self.calls_at_once}; it must be from 1 to 1000")

    @property
    def has_token(self) -> bool:
        """Whether its configuration says who the person is, so that no login is needed."""
        return self.bearer_token is not None or "authorization" in map(str.lower, self.headers)

    def __repr__(self) -> str:
        # The environment, headers and a url may hold secrets, and what is printed may end in a log.
        return f"McpServer({self.name!r}, {self.transport!r})"


class ServerState(msgspec.Struct, frozen=True):
    """What a server is doing, as far as it is known."""

    name: str
    health: ServerHealth = "stopped"
    error: str = ""
    """Why it failed, or why it is started again: one line, with what to do."""
    pid: int | None = None
    version: str = ""
    """The protocol version that was agreed on."""
    said: str = ""
    """What it calls itself, with its version."""
    instructions: str = ""
    """What it says about its use, for models."""
    tools: tuple[Tool, ...] = ()
    prompts: tuple[Prompt, ...] = ()
    has_resources: bool = False
    """Whether it has something to read."""
    starts: int = 0
    """How often it was started."""
    seconds_to_start: float = 0.0
