"""HTTP with one endpoint: requests out, bytes and JSON in, and every failure as an `EndpointError`."""

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, Final, TypeVar

import httpx2

import mistral_tui
from mistral_tui.engines.remote.failures import PassingFailure, Refused, described, status_words, what_it_said, without
from mistral_tui.engines.remote.keys import key_of
from mistral_tui.types.endpoints import Endpoint
from mistral_tui.types.errors import EndpointError
from mistral_tui.types.text import printable_line

_LONGEST_REASON: Final = 64 * 1024
_LONGEST_ANSWER: Final = 256 * 1024 * 1024
_CONNECTIONS: Final = 128

T = TypeVar("T")


class Client:
    """Asks one endpoint. Redirects are not followed, so the key goes to the endpoint's host and nowhere else."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._http: httpx2.AsyncClient | None = None
        self._opening = asyncio.Lock()
        self.has_key = False
        """Whether something secret is sent along; known after the first request."""
        self._secrets: tuple[str, ...] = ()

    async def close(self) -> None:
        """Close all connections."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    @asynccontextmanager
    async def posting(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator["Answer", None]:
        """Post JSON, and give the answer, of which the head has come; its connection is closed at the end.

        Args:
            path: What follows the endpoint's base, or a whole address.
            body: The JSON object.

        Raises:
            EndpointError: There is no answer, or it is a refusal.
        """
        async with self._answering("POST", path, body, self.endpoint.first_byte_seconds) as answer:
            yield answer

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Post JSON and return the JSON that is answered.

        Raises:
            EndpointError: There is no answer, or it is a refusal, or no JSON.
        """
        async with self.posting(path, body) as answer:
            return await answer.json()

    async def get(self, path: str, seconds: float) -> Any:
        """Return the JSON at `path`, if its head comes within so many seconds.

        Raises:
            EndpointError: There is no answer, or it is a refusal, or no JSON.
        """
        async with self._answering("GET", path, None, seconds) as answer:
            return await answer.json()

    def hide(self, text: str) -> str:
        """Return `text` without what must not be shown."""
        return without(text, self._secrets)

    def said(self, body: str) -> str:
        """Return what a server gave as the reason."""
        return what_it_said(body, self._secrets)

    @asynccontextmanager
    async def _answering(
        self, method: str, path: str, body: Mapping[str, Any] | None, seconds: float
    ) -> AsyncGenerator["Answer", None]:
        http = await self._opened()
        url = path if "://" in path else self.endpoint.base + path
        content = None if body is None else await asyncio.to_thread(_encoded, body)  # pictures may make it large
        request = http.build_request(method, url, content=content)
        response = await self.within(http.send(request, stream=True), seconds)
        try:
            answer = Answer(self, response)
            if not response.is_success:
                raise await self._refusal(answer)
            yield answer
        finally:
            await response.aclose()

    async def _opened(self) -> httpx2.AsyncClient:
        async with self._opening:
            if self._http is None:
                self._http = await asyncio.to_thread(self._open)
            return self._http

    def _open(self) -> httpx2.AsyncClient:
        endpoint = self.endpoint
        key = key_of(endpoint)
        headers = {
            "accept-encoding": "identity",  # what is packed would come later
            "content-type": "application/json",
            "user-agent": f"mistral-tui/{mistral_tui.__version__}",
            **({"authorization": f"Bearer {key}"} if key else {}),
            **{name.lower(): value for name, value in endpoint.headers.items()},
        }
        self.has_key = bool(key or endpoint.headers)
        values = [key or "", *endpoint.headers.values()]
        words = [word for value in values for word in (value, value.rpartition(" ")[2])]
        self._secrets = tuple(sorted({word for word in words if len(word) >= 6}, key=len, reverse=True))
        return httpx2.AsyncClient(
            headers=headers,
            timeout=httpx2.Timeout(None, connect=endpoint.connect_seconds),
            limits=httpx2.Limits(max_connections=_CONNECTIONS),
            follow_redirects=False,
            trust_env=not endpoint.is_local,  # a proxy does not reach this machine
        )

    async def within(self, work: Awaitable[T], seconds: float) -> T:
        """Return the result of `work`, and its failures as an `EndpointError`.

        Raises:
            PassingFailure: The connection failed.
            EndpointError: It takes longer, or fails in another way.
        """
        named = described(self.endpoint)
        try:
            async with asyncio.timeout(seconds):
                return await work
        except httpx2.ConnectTimeout:
            limit = self.endpoint.connect_seconds
            raise PassingFailure(
                f"{named} cannot be reached within {limit:g} s; start it, correct its url, or raise connect_seconds"
            ) from None
        except httpx2.ConnectError as error:
            raise PassingFailure(
                f"{named} cannot be reached: {self._reason(error)}; start it, or correct its url"
            ) from None
        except (TimeoutError, httpx2.TimeoutException):
            raise EndpointError(
                f"{named} said nothing for {seconds:g} s; try again, or raise its first_byte_seconds or idle_seconds"
            ) from None
        except (httpx2.NetworkError, httpx2.RemoteProtocolError) as error:
            raise PassingFailure(
                f"{named} broke the connection off: {self._reason(error)}; try again, or look at its log"
            ) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, ValueError, OSError) as error:
            raise EndpointError(f"{named} cannot be asked: {self._reason(error)}; look at its url") from None

    async def _refusal(self, answer: "Answer") -> EndpointError:
        body = await answer.beginning(_LONGEST_REASON)
        status = answer.status
        said = self.said(body)
        if place := answer.header("location") if 300 <= status < 400 else "":
            said = self.hide(f"it is elsewhere, at {place}")
        refusal = Refused(self.endpoint, status, said, body)
        if status != 429 and status < 500:
            return refusal
        passing = PassingFailure(str(refusal))
        passing.answered = True
        passing.wait = _seconds(answer.header("retry-after"))
        return passing

    def _reason(self, error: Exception) -> str:
        cause: BaseException | None = error
        words = str(error) or type(error).__name__
        while cause is not None:
            if isinstance(cause, OSError) and cause.errno:
                words = os.strerror(cause.errno) if cause.errno > 0 else cause.strerror or words
            cause = cause.__cause__ or cause.__context__
        return printable_line(self.hide(words))[:200].lower()


class Answer:
    """What an endpoint answers: its head, and its body as it comes."""

    def __init__(self, client: Client, response: httpx2.Response) -> None:
        self._client = client
        self._response = response
        self.status = response.status_code

    @property
    def kind(self) -> str:
        """The type of its content, such as `text/event-stream`; empty if it says none."""
        return self.header("content-type").partition(";")[0].strip().lower()

    def header(self, name: str) -> str:
        """Return a header; empty if it is not there."""
        return self._response.headers.get(name, "")

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it arrives.

        Raises:
            EndpointError: The connection breaks, or nothing comes for too long.
        """
        endpoint = self._client.endpoint
        seconds = endpoint.first_byte_seconds
        stream = self._response.aiter_bytes()
        while (piece := await self._client.within(_next(stream), seconds)) is not None:
            if piece:
                yield piece
                seconds = endpoint.idle_seconds

    async def beginning(self, most: int) -> str:
        """Return the first `most` bytes of the body as text; less if it breaks off."""
        body = bytearray()
        try:
            async for piece in self.pieces():
                body += piece
                if len(body) >= most:
                    break
        except EndpointError:
            pass  # what has come may say enough
        return body[:most].decode("utf-8", "replace")

    async def json(self) -> Any:
        """Return the whole body as JSON.

        Raises:
            EndpointError: It is none, or too long.
        """
        body = bytearray()
        async for piece in self.pieces():
            body += piece
            if len(body) > _LONGEST_ANSWER:
                raise EndpointError(f"{described(self._client.endpoint)} answers without end; look at its log")
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise self.unreadable(body.decode("utf-8", "replace")) from None

    def unreadable(self, body: str) -> EndpointError:
        """Return the error of an answer that is nothing of this API."""
        said = self._client.said(body[:_LONGEST_REASON])
        quoted = f": {said}" if said else " without content"
        return EndpointError(
            f"{described(self._client.endpoint)} answered {status_words(self.status)} with {self.kind or 'something'} "
            f"that is no answer of OpenAI's API{quoted}; look at its url"
        )


async def _next(stream: Any) -> bytes | None:
    piece: bytes | None = await anext(stream, None)
    return piece


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _seconds(retry_after: str) -> float | None:
    """Return what a Retry-After header asks for: seconds, or a date."""
    try:
        if retry_after.strip().isdecimal():
            return float(retry_after)
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time())
    except (ValueError, OverflowError):
        return None
