"""Servers elsewhere that speak OpenAI's HTTP API, and the models that they run."""

import re
from typing import Final
from urllib.parse import urlsplit

import msgspec

from mistral_tui.types.errors import InvalidRequest

_NAME: Final = re.compile(r"[\w.:-]{1,80}")
_HEADER: Final = re.compile(r"[!#$%&'*+.^`|~\w-]{1,100}", re.ASCII)
_LONGEST_WAIT: Final = 24 * 3600
_CHAT: Final = "/chat/completions"


class Endpoint(msgspec.Struct, frozen=True):
    """A server, and how to ask it.

    Raises:
        InvalidRequest: A value makes no sense; says which.
    """

    name: str
    """What people call it: `NAME/MODEL` is one of its models."""
    url: str
    """Its address; without a path `/v1` is meant."""
    models: tuple[str, ...] = ()
    """What it runs; empty: what it lists itself."""
    api_key_env: str | None = None
    """The variable of the environment that holds its key."""
    keyring: bool = False
    """Whether the system's keyring holds its key, under `mistral-tui` and the endpoint's name."""
    headers: dict[str, str] = {}
    """What is sent along with each request."""
    n_ctx: int | None = None
    """Context of one chat in tokens; `None`: what the server says."""
    connect_seconds: float = 10.0
    """How long a connection may take."""
    first_byte_seconds: float = 300.0
    """How long the server may read a prompt before it says anything."""
    idle_seconds: float = 120.0
    """How long it may be silent in the middle of a reply."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidRequest(f"name is {self.name!r:.100}; use letters, digits and _ . : -")
        self._check_url()
        for name in ("connect_seconds", "first_byte_seconds", "idle_seconds"):
            if not 0 < getattr(self, name) <= _LONGEST_WAIT:
                raise InvalidRequest(f"{name} is {getattr(self, name)}; it must be above 0, and at most a day")
        if self.n_ctx is not None and not 0 < self.n_ctx < 2**31:
            raise InvalidRequest(f"n_ctx is {self.n_ctx}; it must be at least 1")
        if not all(self.models):
            raise InvalidRequest("models has one without a name; leave it out")
        for name, value in self.headers.items():
            if not _HEADER.fullmatch(name) or not value.isascii() or not value.isprintable():
                raise InvalidRequest(f"headers: {name!r:.60} is no HTTP header of one line of ASCII")

    def __repr__(self) -> str:
        # Headers may hold secrets, and what is printed may end in a log.
        return f"Endpoint({self.name!r}, {self.url!r})"

    @property
    def base(self) -> str:
        """The address that paths such as `/models` are appended to."""
        parts = urlsplit(self.url)
        path = parts.path.rstrip("/").removesuffix(_CHAT) or "/v1"
        return f"{parts.scheme}://{parts.netloc}{path}"

    @property
    def root(self) -> str:
        """The address of what servers have besides OpenAI's API."""
        return self.base.removesuffix("/v1")

    @property
    def host(self) -> str:
        """The name or address of its machine."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    @property
    def is_encrypted(self) -> bool:
        """Whether nobody on the way can read what is sent."""
        return urlsplit(self.url).scheme == "https"

    def _check_url(self) -> None:
        example = "write it as http://127.0.0.1:8080/v1"
        if not self.url.isascii() or not self.url.isprintable() or " " in self.url:
            raise InvalidRequest(f"url is {self.url!r:.100}; {example}")
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError:
            raise InvalidRequest(f"url is {self.url!r:.100}; {example}") from None
        if parts.username is not None or parts.password is not None:
            raise InvalidRequest("url holds a user or a key; take it out and name a variable with api_key_env")
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise InvalidRequest(f"url is {self.url!r:.100}; {example}")
        if parts.query or parts.fragment:
            raise InvalidRequest(f"url has something behind its path ({self.url!r:.100}); leave that out")


class RemoteModel(msgspec.Struct, frozen=True):
    """One model of an endpoint."""

    endpoint: Endpoint
    name: str = ""
    """As the server calls it; empty: the only one that it has."""
