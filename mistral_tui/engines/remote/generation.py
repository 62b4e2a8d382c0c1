"""One reply of an endpoint: asked for, asked for again where that helps, and read."""

import asyncio
import random
import re
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Final

from mistral_tui.engines.remote.client import Answer, Client
from mistral_tui.engines.remote.dialect import Dialect
from mistral_tui.engines.remote.failures import PassingFailure, Refused, described
from mistral_tui.engines.remote.forms import as_continuation, as_form
from mistral_tui.engines.remote.prompt import as_choice, as_messages, as_tools
from mistral_tui.engines.remote.reply import BadReply, ReplyReader
from mistral_tui.engines.remote.sse import EventReader, TooLong
from mistral_tui.types.errors import EndpointError, InvalidRequest
from mistral_tui.types.events import ContextTrimmed, EngineEvent, Finished
from mistral_tui.types.messages import FinishReason, Json, Message
from mistral_tui.types.requests import GenerateRequest

WAITS: Final = (0.5, 1.0, 2.0)
"""Seconds before each further try."""
LONGEST_WAIT: Final = 30.0
"""A server that wants to be left alone for longer is not waited for."""
WORTH_TELLING: Final = 2.0
"""Seconds of waiting that a person would wonder about."""
_MOST_BYTES: Final = 512 * 1024 * 1024
_TOO_LONG: Final = re.compile(
    r"context.{0,60}(?:length|size|window|exceed|full)|exceed.{0,60}(?:context|tokens)"
    r"|(?:prompt|input|request).{0,40}too (?:long|large|many tokens)|maximum.{0,40}tokens",
    re.IGNORECASE | re.DOTALL,
)


class Generation:
    """Writes one reply.

    Args:
        client: Of the endpoint.
        model: What the server calls the model.
        owner: What the server says of itself.
        context_size: Tokens of one chat; 0 if unknown.
        dialect: What it is known to take.
        request: What is asked for.
        tell: Told what the person should know meanwhile.
    """

    def __init__(
        self,
        client: Client,
        model: str,
        owner: str,
        context_size: int,
        dialect: Dialect,
        request: GenerateRequest,
        tell: Callable[[str], None],
    ) -> None:
        self._client = client
        self._model = model
        self._owner = owner
        self._context_size = context_size
        self._dialect = dialect
        self._request = request
        self._tell = tell
        self._extra: Json = {}
        """What is sent besides."""
        self._started = time.perf_counter()
        self._reader = ReplyReader(request, self._started)

    async def events(self) -> AsyncGenerator[EngineEvent, None]:
        """Yield the reply, without its `Finished`.

        Raises:
            MistralTuiError: It failed; what was yielded is what there is of it.
        """
        request = self._request
        if request.adapters:
            raise InvalidRequest("the LoRAs of a remote model are chosen at its server; choose none here")
        if request.documents:
            raise InvalidRequest("documents can be given to models on this machine only; attach them as files")
        if request.continues:
            self._extra = as_continuation(self._owner, self._name)
        forms = [{}] if request.grammar is None else list(as_form(request.grammar, self._owner, self._name))
        messages, left_out = request.messages, 0
        prompt = await asyncio.to_thread(as_messages, messages)
        failures = 0
        while True:
            self._reader = ReplyReader(request, self._started)
            body = {**self._body(prompt), **forms[0]}
            try:
                async with self._client.posting("/chat/completions", body) as answer:
                    if left_out:
                        yield ContextTrimmed(left_out)
                        left_out = 0
                    async with aclosing(self._read(answer)) as events:
                        async for event in events:
                            yield event
                return
            except PassingFailure as failure:
                failures += 1
                if self._reader.said_something or failures > len(WAITS):
                    raise
                await self._wait(failure, failures)
            except Refused as refusal:
                if self._dialect.learn(refusal, body):
                    continue
                if len(forms) > 1 and refusal.status in (400, 422):
                    del forms[0]
                    continue
                shorter = self._shorter(messages, refusal)
                if shorter is None:
                    raise
                left_out += len(messages) - len(shorter)
                messages = shorter
                prompt = await asyncio.to_thread(as_messages, messages)

    def finished(self, reason: FinishReason | None = None, error: str | None = None) -> Finished:
        """Return the end of the reply: the server's reason, unless there is another one."""
        usage = self._reader.usage(self._context_size)
        return Finished(reason or self._reader.reason(self._context_size), usage, error and self._client.hide(error))

    @property
    def _name(self) -> str:
        return described(self._client.endpoint)

    def _body(self, prompt: Sequence[Json]) -> Json:
        request = self._request
        body: Json = {"model": self._model, "messages": prompt, "stream": True, **self._dialect.parameters(request)}
        body |= self._extra
        if request.tools:
            body |= {"tools": as_tools(request.tools), "tool_choice": as_choice(request.tool_choice)}
        return body

    async def _read(self, answer: Answer) -> AsyncGenerator[EngineEvent, None]:
        reader, events, size = self._reader, EventReader(), 0
        try:
            if answer.kind == "application/json":
                for event in reader.take(await answer.json()):
                    yield event
                reader.done = True
            elif answer.kind in ("text/html", "application/xhtml+xml"):
                raise answer.unreadable(await answer.beginning(2**16))
            else:
                async with aclosing(answer.pieces()) as pieces:
                    async for piece in pieces:
                        size += len(piece)
                        if size > _MOST_BYTES:
                            raise BadReply("sends without end")
                        for data in events.feed(piece):
                            for event in reader.feed(data):
                                yield event
                        if reader.done:
                            break
                for data in () if reader.done else events.flush():
                    for event in reader.feed(data):
                        yield event
        except BadReply as bad:
            raise self._bad(str(bad), bad.said) from None
        except TooLong:
            raise self._bad("sent an event that is too long") from None
        for event in reader.end():
            yield event
        if not reader.done and reader.finish is None:
            if not reader.chunks and size:
                raise answer.unreadable("")
            if not size:
                raise PassingFailure(
                    f"{self._name} ended without a word; try again, or see in its log whether the prompt is too long"
                )
            raise PassingFailure(f"{self._name} broke off before the end of the reply; try again, or look at its log")
        if not reader.chunks:
            raise answer.unreadable("")
        if reader.finish is None and not reader.said_something:
            raise self._bad("ended the reply before it began")

    def _bad(self, what: str, said: str = "") -> EndpointError:
        quoted = f": {self._client.said(said)}" if said else ""
        return EndpointError(f"{self._name} {what}{quoted}; try again, or look at its log")

    async def _wait(self, failure: PassingFailure, failures: int) -> None:
        wait = WAITS[failures - 1] * random.uniform(0.8, 1.2)
        if failure.wait is not None:
            wait = max(failure.wait, wait if failure.wait else 0)
        if wait > LONGEST_WAIT:
            raise EndpointError(f"{failure}, it says in {wait:.0f} s")
        if wait >= WORTH_TELLING:
            self._tell(f"{failure}; trying again in {wait:.0f} s")
        await asyncio.sleep(wait)

    def _shorter(self, messages: Sequence[Message], refusal: Refused) -> tuple[Message, ...] | None:
        """Return the messages without the older half of the turns, if the prompt is too long and there is one."""
        if self._request.context_policy == "stop" or refusal.status not in (400, 413, 422):
            return None
        turns = [number for number, message in enumerate(messages) if message.role == "user"]
        if len(turns) < 2 or not _TOO_LONG.search(refusal.body):
            return None
        begin = turns[(len(turns) + 1) // 2]
        system = tuple(message for message in messages[: turns[0]] if message.role == "system")
        return (*system, *messages[begin:])
