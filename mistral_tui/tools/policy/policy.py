"""Who decides about a call: a rule, or the person."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Self

from mistral_tui.config.paths import Paths
from mistral_tui.tools.policy.approvals import Approval, Approvals, rules_of
from mistral_tui.tools.policy.rules import Rule, rule_for
from mistral_tui.tools.policy.rules_file import read_rules
from mistral_tui.types.errors import ConfigError
from mistral_tui.types.messages import Json
from mistral_tui.types.tools import Decision, Tool, ToolDefinition, Verdict


class Policy:
    """The rules of the person; files are read again for each call, since they are small and may be edited.

    Args:
        rules: The file that the person writes, if there is one.
        approvals: What was said for good.
    """

    def __init__(self, rules: Path | None = None, approvals: Approvals | None = None) -> None:
        self._rules = rules
        self._approvals = approvals or Approvals()
        self._told = ""
        self.tell: Callable[[str], None] = lambda notice: None
        """Told what the person should know of the files, one line each."""

    @classmethod
    def of(cls, paths: Paths) -> Self:
        """Return that of the person."""
        return cls(paths.tool_rules, Approvals(paths.tool_approvals))

    async def decide(self, tool: Tool, arguments: Json, said_in_chat: tuple[Rule, ...] = ()) -> Decision | None:
        """Return what the rules say of a call; `None`: the person is to be asked.

        A tool that a rule of the file allows, and that has changed since it was last allowed, is asked about again.
        """
        rules, approvals, wrong = await asyncio.to_thread(self._read)
        if wrong and wrong != self._told:
            self.tell(f"{wrong}; you are asked about every call until it is mended")
        self._told = wrong
        rule = rule_for((*rules, *rules_of(approvals), *said_in_chat), tool, arguments)
        if rule is None or rule.verdict == "ask":
            return None
        if rule.verdict == "deny":
            return Decision(False, "rule", "a rule of the person denies it")
        known = approvals.get(tool.key)
        if known is not None and known.definition.digest != tool.digest and not rule.definition:
            return None
        if known is None:
            await self._keep(tool, None)
        return Decision(True)

    async def remember(self, tool: Tool, allowed: bool) -> None:
        """Remember for good that a tool, as it is now, is allowed, or that it is denied."""
        await self._keep(tool, "allow" if allowed else "deny")

    async def before(self, tool: Tool) -> ToolDefinition | None:
        """Return what a tool was when it was last allowed, if it has changed since."""
        known = (await asyncio.to_thread(self._approvals.read)).get(tool.key)
        return known.definition if known is not None and known.definition.digest != tool.digest else None

    async def forget(self, key: str) -> None:
        """Forget what was said for good of a tool (`server/tool`).

        Raises:
            ConfigError: It cannot be written.
        """
        await asyncio.to_thread(self._approvals.forget, key)

    async def said_for_good(self) -> dict[str, Verdict]:
        """Return what the person has allowed and denied for good, by `server/tool`."""
        found = await asyncio.to_thread(self._approvals.read)
        return {key: approval.verdict for key, approval in found.items() if approval.verdict != "ask"}

    def _read(self) -> tuple[tuple[Rule, ...], dict[str, Approval], str]:
        """Return the rules, the approvals, and what is wrong with the rules; blocks."""
        try:
            return read_rules(self._rules) if self._rules is not None else (), self._approvals.read(), ""
        except ConfigError as error:
            return (), {}, str(error)  # nothing is allowed by what may have been meant otherwise

    async def _keep(self, tool: Tool, verdict: Verdict | None) -> None:
        try:
            await asyncio.to_thread(self._approvals.keep, tool, verdict)
        except ConfigError as error:
            self.tell(f"what you said of {tool.key} is forgotten when the program ends: {error}")
