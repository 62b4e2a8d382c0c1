"""One server elsewhere, as the screen of fields shows and sets it: its values, a test of it, and its end."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from mistral_tui.config.endpoints import SECTION
from mistral_tui.config.schema import in_words
from mistral_tui.config.setting import Kind, Setting
from mistral_tui.tui.settings.fields import FieldState
from mistral_tui.types.endpoints import Endpoint
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.text import printable_line

Test = Callable[[Endpoint], Awaitable[str]]
"""Asks a server for its models, and says in words what became of that."""
GROUP: Final = "Servers elsewhere"
_DEEDS: Final = "What can be done"
_VALUES: Final[dict[str, tuple[Kind, str, str]]] = {
    "name": ("text", "what it is called: NAME/MODEL is one of its models", "it needs one"),
    "url": ("text", "its address, as http://127.0.0.1:8080/v1", "it needs one"),
    "models": ("list", "what it runs, with commas between", "what it lists itself"),
    "api_key_env": ("text", "the variable of the environment that holds its key; never the key itself", "none"),
    "keyring": ("switch", "whether the system's keyring holds its key, under mistral-tui and its name", "false"),
    "n_ctx": ("whole number", "tokens that a chat may have there", "what it says itself"),
    "connect_seconds": ("number", "seconds that a connection may take", "10"),
    "first_byte_seconds": ("number", "seconds that it may read a prompt before it says anything", "300"),
    "idle_seconds": ("number", "seconds that it may be silent in the middle of a reply", "120"),
}
_PLAIN: Final = {field.name: field.default for field in msgspec.structs.fields(Endpoint)}


def key_words(endpoint: Endpoint) -> str:
    """Return where the key of a server comes from; never the key."""
    if endpoint.api_key_env is not None:
        there = "" if os.environ.get(endpoint.api_key_env) else ", not set"
        return f"{endpoint.api_key_env}{there}"
    return "key: keyring" if endpoint.keyring else "no key"


class EndpointFields:
    """The values of one server.

    Args:
        path: The settings file.
        endpoint: The server; `None`: a new one, which is written as soon as it has a name and an address.
        others: What the other servers are called.
        test: Asks it for its models.
        on_saved: Told when it was written.
    """

    def __init__(
        self,
        path: Path,
        endpoint: Endpoint | None,
        others: Sequence[str],
        test: Test,
        on_saved: Callable[[str, Any], str],
    ) -> None:
        self._path = path
        self._name = endpoint.name if endpoint is not None else None
        """As it is in the file; `None`: it is not there yet."""
        self._values: dict[str, Any] = {} if endpoint is None else _set_of(endpoint)
        self._others = others
        self._test = test
        self._on_saved = on_saved
        self._sure = False

    @property
    def title(self) -> str:
        """What it is about."""
        return f"server {self._name}" if self._name is not None else "a new server"

    def all(self) -> list[FieldState]:
        """Return its values as they are now, and what can be done with it."""
        rows = [
            FieldState(Setting(name, "Server", meaning, kind, default), _in_words(self._values.get(name)))
            for name, (kind, meaning, default) in _VALUES.items()
        ]
        asks = Setting("test", _DEEDS, "Ask it for its models, to see whether all of this is right.", "text", "")
        rows.append(FieldState(asks, "ask it for its models", do=self._ask))
        if self._name is not None:
            ends = Setting("remove", _DEEDS, "Take it out of the settings file.", "text", "")
            rows.append(FieldState(ends, "take it out of the settings", do=self._remove))
        return rows

    def check(self, name: str, text: str) -> None:
        """Raise `InvalidRequest` if it cannot have this value."""
        value = _typed(name, text)
        if name == "name" and value in self._others:
            raise InvalidRequest(f"another server is called {value}; take another name")
        _endpoint({"name": "any", "url": "http://any", name: value})

    async def save(self, name: str, text: str) -> str:
        """Write a value into the file; of a new server not before it has a name and an address."""
        from mistral_tui.config.endpoint_edits import add_endpoint, change_endpoint

        self._sure = False
        if not text and name in ("name", "url"):
            raise InvalidRequest(f"a server needs its {name}; esc leaves it as it is")
        values = {key: value for key, value in self._values.items() if key != name}
        if text:
            values[name] = _typed(name, text)
        missing = [key for key in ("name", "url") if key not in values]
        if not missing:
            if self._name is None:
                await asyncio.to_thread(add_endpoint, self._path, values)
            else:
                await asyncio.to_thread(change_endpoint, self._path, self._name, name, values.get(name))
            self._name = values["name"]
            self._on_saved(SECTION, None)
        self._values = values
        return f"saved; {self._name}'s models are in the list" if not missing else f"now its {missing[0]}"

    async def _ask(self) -> str:
        self._sure = False
        missing = [key for key in ("name", "url") if key not in self._values]
        return f"it has no {missing[0]} yet" if missing else await self._test(_endpoint(self._values))

    async def _remove(self) -> str | None:
        from mistral_tui.config.endpoint_edits import remove_endpoint

        assert self._name is not None
        if not self._sure:
            self._sure = True
            return f"enter once more takes {self._name} out of {self._path.name}"
        await asyncio.to_thread(remove_endpoint, self._path, self._name)
        self._on_saved(SECTION, None)
        return None


def _set_of(endpoint: Endpoint) -> dict[str, Any]:
    """Return the values that are not as they are unless they are set."""
    values = msgspec.structs.asdict(endpoint)
    return {name: _plain(value) for name, value in values.items() if value != _PLAIN[name] and value != {}}


def _endpoint(values: dict[str, Any]) -> Endpoint:
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return Endpoint(**given)


def _in_words(value: Any) -> str:
    return printable_line(", ".join(value)) if isinstance(value, list) else in_words(value)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _typed(name: str, text: str) -> Any:
    kind = _VALUES[name][0]
    try:
        if kind == "list":
            return [each.strip() for each in text.split(",") if each.strip()]
        if kind == "switch":
            return {"true": True, "false": False}[text.lower()]
        return int(text.replace(",", "")) if kind == "whole number" else float(text) if kind == "number" else text
    except (KeyError, ValueError):
        expected = "true or false" if kind == "switch" else f"a {kind}"
        raise InvalidRequest(f"{name} must be {expected}") from None
