"""The tools of one chat: which its model is told of, and the calls that wait for the person."""

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from mistral_tui.chat.offered_tools import FIND_TOOLS, OfferedTools, tokens_of
from mistral_tui.chat.settings import ChatSettings
from mistral_tui.chat.tool_calls import ToolUse
from mistral_tui.engines.engine import Engine
from mistral_tui.tools.policy.policy import Policy
from mistral_tui.tools.policy.rules import Rule, rule_about
from mistral_tui.tools.servers import Servers
from mistral_tui.types.errors import InvalidArguments, InvalidRequest, MistralTuiError
from mistral_tui.types.messages import Json
from mistral_tui.types.requests import NamedTool, ToolChoice
from mistral_tui.types.tools import Decision, Tool, ToolDefinition, ToolProgress, ToolRun

_CHOICES: Final[tuple[Literal["auto", "none", "required"], ...]] = ("auto", "none", "required")


class ChatTools:
    """What one chat may call.

    Args:
        servers: Where the tools are.
        policy: Says what may be called without asking.
        settings: Those of the chat; they say which tools are on.
    """

    def __init__(self, servers: Servers, policy: Policy, settings: ChatSettings) -> None:
        self._servers = servers
        self._policy = policy
        self._settings = settings
        self._questions: dict[str, tuple[ToolRun, asyncio.Future[Decision]]] = {}
        """The calls that wait for the person, by their ids."""
        self._said: tuple[Rule, ...] = ()
        """What the person has said in this chat, and which holds until it is closed."""

    @property
    def all(self) -> tuple[Tool, ...]:
        """All tools that there are, also those that are off in this chat."""
        return self._servers.tools

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools that the model is told of."""
        return tuple(tool for tool in self.all if self.is_on(tool.key))

    @property
    def choice(self) -> ToolChoice:
        """Whether the model must call a tool."""
        return self._settings.tools.choice

    def choose(self, choice: ToolChoice) -> None:
        """Let the model decide (`auto`), call nothing (`none`), something (`required`), or one tool.

        Raises:
            InvalidRequest: The tool that it names is not there, or is off in this chat.
        """
        if isinstance(choice, NamedTool):
            self._known(choice.name)
        self._settings.use_tools(msgspec.structs.replace(self._settings.tools, choice=choice))

    def is_on(self, key: str) -> bool:
        """Whether a server, or a tool (`server/tool`) of a server that is on, is offered to the model."""
        switches = self._settings.tools.switches
        server, slash, _ = key.partition("/")
        return switches.get(server, self._servers.offers(server)) and (not slash or switches.get(key, True))

    def choice_named(self, words: str) -> ToolChoice:
        """Return what a person means by `auto`, `none`, `required` or the name of a tool, as models or servers call it.

        Raises:
            InvalidRequest: There is no such tool in this chat.
        """
        for choice in _CHOICES:
            if words == choice:
                return choice
        named = next((tool for tool in self.tools if words in (tool.name, tool.key, tool.tool)), None)
        return NamedTool(self._known(words) if named is None else named.name)

    def tokens_of(self, tool: Tool) -> int:
        """Return about how many tokens a tool takes of the context while it is offered."""
        return tokens_of(tool)

    def switch(self, key: str, on: bool) -> None:
        """Offer a server, or a tool (`server/tool`), to the model of this chat from its next turn on, or no longer."""
        switches = {**self._settings.tools.switches, key: on}
        usual = {each: "/" in each or self._servers.offers(each) for each in switches}
        kept = {each: value for each, value in switches.items() if value != usual[each]}
        self._settings.use_tools(msgspec.structs.replace(self._settings.tools, switches=kept))

    @property
    def asked(self) -> tuple[ToolRun, ...]:
        """The calls that wait for the person, the first one first."""
        return tuple(run for run, _ in self._questions.values())

    def answer(self, run_id: str, decision: Decision) -> None:
        """Say whether a call that waits may be made.

        Raises:
            InvalidRequest: It waits no more.
        """
        if run_id not in self._questions or self._questions[run_id][1].done():
            raise InvalidRequest("this call does not wait any more; it was answered, or stopped")
        self._questions[run_id][1].set_result(decision)

    async def use(self, engine: Engine) -> ToolUse | None:
        """Return how the next turn uses tools; `None`: it has none.

        Servers that are not ready yet are waited for only if the model must call a tool.

        Args:
            engine: Whose model is told of them.
        """
        self._servers.start()
        if self.choice == "none":
            return None
        if self.choice != "auto":
            await self._servers.settled()
        tools = self.tools
        if not tools:
            return None
        choice = self.choice
        if isinstance(choice, NamedTool) and choice.name not in [tool.name for tool in tools]:
            choice = "auto"
        wanted = choice.name if isinstance(choice, NamedTool) else ""
        offered = OfferedTools(tools, self._servers, engine.model.n_ctx, wanted)
        return ToolUse(offered, self._decide, self._ask, choice=choice)

    async def call_by_hand(self, tool: Tool, arguments: str, on_progress: Callable[[ToolProgress], None]) -> ToolRun:
        """Make a call that the person wants, and return what became of it; cancelling this cancels it.

        The person has allowed it by asking for it, unless a rule denies it. The model is not told of it.
        """
        run = ToolRun(uuid.uuid4().hex, "", "", tool.name, tool.server, tool.tool, arguments, started_at=time.time())
        offered = OfferedTools((tool,), self._servers)
        began = time.monotonic()
        try:
            checked = await offered.check(tool, arguments)
            decision = await self._decide(tool, checked) or Decision(True, "once")
            if not decision.allowed:
                return msgspec.structs.replace(run, state="denied", approval=decision.approval, error=decision.reason)
            began = time.monotonic()
            output = await offered.call(tool, checked, on_progress)
        except InvalidArguments as error:
            return msgspec.structs.replace(run, state="invalid", error=str(error))
        except MistralTuiError as error:
            took = time.monotonic() - began
            return msgspec.structs.replace(run, state="failed", error=str(error), seconds=took)
        return msgspec.structs.replace(
            run,
            state="failed" if output.failed else "done",
            approval=decision.approval,
            output=output,
            seconds=time.monotonic() - began,
        )

    async def changed(self, run: ToolRun) -> ToolDefinition | None:
        """Return what the tool of a call was when it was last allowed, if it has changed since."""
        tool = self._tool_of(run)
        return None if tool is None else await self._policy.before(tool)

    async def _decide(self, tool: Tool, arguments: Json) -> Decision | None:
        if tool is FIND_TOOLS:
            return Decision(True, "")
        return await self._policy.decide(tool, arguments, self._said)

    async def _ask(self, run: ToolRun) -> Decision:
        answer: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._questions[run.id] = (run, answer)
        try:
            decision = await answer
        finally:
            del self._questions[run.id]
        if decision.approval in ("session", "always") and (tool := self._tool_of(run)):
            # Also what is meant for good: if it cannot be written, it holds here at least.
            self._said = (*self._said, rule_about(tool, decision.allowed))
            if decision.approval == "always":
                await self._policy.remember(tool, decision.allowed)
        return decision

    def _known(self, name: str) -> str:
        """Return the name of a tool that the model is told of.

        Raises:
            InvalidRequest: It is none of them.
        """
        names = [tool.name for tool in self.tools]
        if name not in names:
            known = ", ".join(names) or "none is ready"
            raise InvalidRequest(f"{name!r:.100} is none of the tools of this chat; there are: {known}")
        return name

    def _tool_of(self, run: ToolRun) -> Tool | None:
        return next((tool for tool in self.all if (tool.server, tool.tool) == (run.server, run.tool)), None)
