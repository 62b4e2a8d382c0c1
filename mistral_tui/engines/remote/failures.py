"""What can go wrong with an endpoint, in words for people; no key is ever part of them."""

import json
import re
from collections.abc import Collection, Iterator
from http import HTTPStatus
from typing import Any, Final

from mistral_tui.types.endpoints import Endpoint
from mistral_tui.types.errors import EndpointError
from mistral_tui.types.text import printable_line

_MOST_WORDS: Final = 300
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)


class PassingFailure(EndpointError):
    """A failure that may be over in a moment: it is worth another try."""

    wait: float | None = None
    """Seconds that the server wants to be left alone."""
    answered = False
    """Whether the server is there, and said so."""


class Refused(EndpointError):
    """The server answered that it will not."""

    def __init__(self, endpoint: Endpoint, status: int, said: str, body: str = "") -> None:
        quoted = f": {said}" if said else ""
        super().__init__(f"{described(endpoint)} answered {status_words(status)}{quoted}; {_advice(endpoint, status)}")
        self.status = status
        self.said = said
        self.body = body
        """All that it answered, as it is."""


def described(endpoint: Endpoint) -> str:
    """Return the endpoint as messages name it."""
    return f"{endpoint.name} ({endpoint.base})"


def status_words(status: int) -> str:
    """Return an HTTP status with its name."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def what_it_said(body: str, secrets: Collection[str]) -> str:
    """Return what a server gave as the reason, on one line, without secrets; empty if it gave none."""
    try:
        told = json.loads(body)
        found = next(_reasons(told), body if told else "")
    except (ValueError, RecursionError):
        title = _TITLE.search(body)
        is_page = title is not None or body.lstrip()[:1] == "<"
        found = f"a web page{f' titled {title[1]}' if title else ''}" if is_page else body
    said = printable_line(without(found, secrets))
    return said if len(said) <= _MOST_WORDS else said[: _MOST_WORDS - 1] + "…"


def without(text: str, secrets: Collection[str]) -> str:
    """Return `text` with stars in the place of secrets."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _reasons(value: Any) -> Iterator[str]:
    match value:
        case str() if value.strip():
            yield value
        case {"error": inner} if inner:
            yield from _reasons(inner)
        case {"message": str(inner)} if inner.strip():
            yield inner
        case {"detail": inner} | {"msg": inner} | {"details": inner}:
            where = value.get("loc")
            for reason in _reasons(inner):
                yield f"{'.'.join(map(str, where))}: {reason}" if isinstance(where, list) else reason
        case list():
            for each in value:
                yield from _reasons(each)
        case dict() if value:
            yield json.dumps(value, ensure_ascii=False)


def _advice(endpoint: Endpoint, status: int) -> str:
    match status:
        case 401 | 403 if endpoint.api_key_env or endpoint.keyring:
            where = f"in ${endpoint.api_key_env}" if endpoint.api_key_env else "in the keyring"
            return f"look at its key {where}"
        case 401 | 403:
            return "name the variable that holds its key with api_key_env in the settings"
        case 404 | 405:
            return "look at the url, and at the models that `mistral-tui models list --check` shows"
        case 413:
            return "ask for less at once"
        case 429:
            return "try again later"
        case _ if 300 <= status < 400:
            return "redirects are not followed; write the right url into the settings"
        case _ if status >= 500:
            return "look at the server's log, or try again"
        case _:
            return "change what is asked for"
