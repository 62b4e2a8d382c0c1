"""What a server asks back: the person's words, a model's reply, the folder that is worked in; and what it tells."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import mcp_types as mcp
from mcp.client.context import ClientRequestContext

from mistral_tui.tools.mcp.client.results import part_of
from mistral_tui.types.questions import (
    Accepted,
    AddressQuestion,
    Declined,
    Dismissed,
    FormQuestion,
    Question,
    Reply,
    Sampled,
    SampledMessage,
    SampleQuestion,
)
from mistral_tui.types.servers import McpServer
from mistral_tui.types.text import printable_line

Ask = Callable[[Question], Awaitable[Reply]]

_MOST_WAITING: Final = 8
"""Questions of one server that may wait while one is answered."""
_LONGEST_LINE: Final = 500


class Questions:
    """Takes what one server asks, one question after the other.

    Args:
        server: Who asks.
        folder: Where pictures and sounds go.
        ask: Asks the person; `None`: there is nobody to ask, and the server is told so beforehand.
        on_asked: Told that a person is asked, and that it is over.
        tell: Takes a line for the server's log.
    """

    def __init__(
        self,
        server: McpServer,
        folder: Path,
        ask: Ask | None,
        on_asked: Callable[[bool], None],
        tell: Callable[[str], None],
    ) -> None:
        self._server = server
        self._folder = folder
        self._ask = ask
        self._on_asked = on_asked
        self._tell = tell
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._open: asyncio.Future[Reply] | None = None

    def withdraw(self) -> None:
        """Take back what the person is being asked: nothing waits for it any more."""
        if self._open is not None:
            self._open.cancel()

    @property
    def callbacks(self) -> dict[str, Any]:
        """What the SDK's client takes; whatever is not in it, the server learns that it cannot ask."""
        callbacks: dict[str, Any] = {"logging_callback": self._log, "log_level": "info"}
        if self._server.roots:
            callbacks["list_roots_callback"] = self._roots
        if self._ask is not None:
            callbacks["elicitation_callback"] = self._elicit
            if self._server.sampling:
                callbacks["sampling_callback"] = self._sample
        return callbacks

    async def _elicit(
        self, context: ClientRequestContext, params: mcp.ElicitRequestParams
    ) -> mcp.ElicitResult | mcp.ErrorData:
        question: Question
        if isinstance(params, mcp.ElicitRequestURLParams):
            if urlsplit(params.url).scheme not in ("http", "https"):
                return mcp.ErrorData(code=mcp.INVALID_PARAMS, message="only http and https addresses are opened")
            question = AddressQuestion(params.message, params.url)
        else:
            question = FormQuestion(params.message, params.requested_schema)
        reply = await self._answer(question)
        match reply:
            case Accepted(values) if isinstance(question, FormQuestion):
                return mcp.ElicitResult(action="accept", content={**_defaults(question.fields), **values})
            case Accepted():
                return mcp.ElicitResult(action="accept")
            case Declined():
                return mcp.ElicitResult(action="decline")
            case mcp.ErrorData():
                return reply
            case _:
                return mcp.ElicitResult(action="cancel")

    async def _sample(
        self, context: ClientRequestContext, params: mcp.CreateMessageRequestParams
    ) -> mcp.CreateMessageResult | mcp.ErrorData:
        try:
            messages = tuple(_message(each, self._folder) for each in params.messages)
        except (OSError, ValueError, TypeError) as error:
            return mcp.ErrorData(code=mcp.INVALID_PARAMS, message=f"these messages cannot be used: {error}"[:300])
        hints = (params.model_preferences and params.model_preferences.hints) or ()
        reply = await self._answer(
            SampleQuestion(
                messages,
                params.system_prompt or "",
                params.max_tokens,
                params.temperature,
                tuple(params.stop_sequences or ()),
                tuple(hint.name for hint in hints if hint.name),
            )
        )
        match reply:
            case Sampled(text, model, finish):
                content = mcp.TextContent(type="text", text=text)
                reason = "endTurn" if finish == "stop" else "maxTokens"
                return mcp.CreateMessageResult(role="assistant", content=content, model=model, stop_reason=reason)
            case mcp.ErrorData():
                return reply
            case _:
                return mcp.ErrorData(code=-1, message="the person does not want a model to answer this")

    async def _answer(self, question: Question) -> Reply | mcp.ErrorData:
        assert self._ask is not None
        if self._waiting >= _MOST_WAITING:
            return mcp.ErrorData(code=mcp.INTERNAL_ERROR, message="too many questions are waiting already")
        self._waiting += 1
        try:
            async with self._turn:
                self._on_asked(True)
                self._open = asyncio.ensure_future(self._ask(question))
                try:
                    await asyncio.wait({self._open})
                    return Dismissed() if self._open.cancelled() else self._open.result()
                finally:
                    self._open.cancel()
                    self._on_asked(False)
        finally:
            self._waiting -= 1

    async def _roots(self, context: ClientRequestContext) -> mcp.ListRootsResult:
        folder = Path.cwd()
        return mcp.ListRootsResult(roots=[mcp.Root.model_validate({"uri": folder.as_uri(), "name": folder.name})])

    async def _log(self, params: mcp.LoggingMessageNotificationParams) -> None:
        text = params.data if isinstance(params.data, str) else repr(params.data)
        who = f"{params.logger}: " if params.logger else ""
        self._tell(printable_line(f"{params.level}: {who}{text[:_LONGEST_LINE]}"))


def _message(message: mcp.SamplingMessage, folder: Path) -> SampledMessage:
    content = message.content if isinstance(message.content, list) else [message.content]
    known = [each for each in content if isinstance(each, mcp.TextContent | mcp.ImageContent | mcp.AudioContent)]
    if len(known) < len(content):
        raise ValueError("tools in them are not supported")
    return SampledMessage(message.role, tuple(part_of(each, folder) for each in known))


def _defaults(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the values that the server itself proposes; what is left out in the form has these."""
    fields = schema.get("properties")
    if not isinstance(fields, dict):
        return {}
    return {name: each["default"] for name, each in fields.items() if isinstance(each, dict) and "default" in each}
