"""What the person has allowed or denied for good, and what the tools were like when they were allowed."""

import contextlib
import os
from pathlib import Path

import msgspec

from mistral_tui.config.paths import make_private_folder
from mistral_tui.tools.policy.rules import Rule, literal
from mistral_tui.types.errors import ConfigError
from mistral_tui.types.tools import Tool, ToolDefinition, Verdict


class Approval(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of one tool."""

    definition: ToolDefinition
    """What it was when it was allowed last."""
    verdict: Verdict = "ask"
    """What the person has said for good; `ask`: nothing, a rule has allowed it."""


class _Approvals(msgspec.Struct, frozen=True):
    tools: dict[str, Approval] = {}


class Approvals:
    """The file of them, which only the program writes; one that is damaged allows nothing."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._tools: dict[str, Approval] = {}
        """What there is where there is no file."""

    def read(self) -> dict[str, Approval]:
        """Return what is known, by `server/tool`."""
        if self._path is None:
            return self._tools
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_Approvals).tools
        except (OSError, msgspec.MsgspecError):
            return {}

    def keep(self, tool: Tool, verdict: Verdict | None = None) -> None:
        """Remember a tool as it is now, and what the person says of it for good; `None`: what was said before stays.

        Raises:
            ConfigError: The file cannot be written.
        """
        tools = self.read()
        if verdict is None:
            verdict = tools[tool.key].verdict if tool.key in tools else "ask"
        self._write({**tools, tool.key: Approval(tool.definition, verdict)})

    def forget(self, key: str) -> None:
        """Forget what was said of a tool (`server/tool`): it is asked about again.

        Raises:
            ConfigError: The file cannot be written.
        """
        self._write({each: approval for each, approval in self.read().items() if each != key})

    def _write(self, tools: dict[str, Approval]) -> None:
        if self._path is None:
            self._tools = tools
            return
        part = self._path.with_name(f"{self._path.name}.{os.getpid()}.part")
        try:
            make_private_folder(self._path.parent)
            part.write_bytes(msgspec.json.format(msgspec.json.encode(_Approvals(tools))))
            part.chmod(0o600)
            part.replace(self._path)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink()
            raise ConfigError(f"{self._path}: cannot be written: {error.strerror or error}") from None


def rules_of(approvals: dict[str, Approval]) -> list[Rule]:
    """Return approvals as rules: what is allowed is the tool as it was, what is denied whatever it becomes."""
    return [
        Rule(approval.verdict, literal(key), definition=approval.definition.digest * (approval.verdict == "allow"))
        for key, approval in approvals.items()
        if approval.verdict != "ask"
    ]
