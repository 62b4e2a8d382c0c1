"""The flags of the program's own tools: whether a model may call them, and what they may do."""

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from mistral_tui.config.quantities import size
from mistral_tui.types.choices import SandboxMode
from mistral_tui.types.errors import InvalidRequest

if TYPE_CHECKING:
    from mistral_tui.config.paths import Paths
    from mistral_tui.config.settings import Settings
    from mistral_tui.types.agent import AgentOptions


class AgentFlags(argparse.Namespace):
    """The program's own tools. Unset values come from the settings."""

    agent_mode: bool | None = None
    agent_sandbox_root: str | None = None
    agent_sandbox_mode: SandboxMode | None = None
    agent_max_file_size: str | None = None


def add_agent_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `AgentFlags`."""
    group = parser.add_argument_group("the program's own tools (docs/tools.md)")
    group.add_argument(
        "--agent-mode",
        "--enable-agent-tools",
        dest="agent_mode",
        action="store_true",
        default=None,
        help="let models call tools for files and commands; you are asked before each call",
    )
    group.add_argument(
        "--no-agent-mode",
        "--no-agent-tools",
        dest="agent_mode",
        action="store_false",
        default=None,
        help="do not, whatever the settings say",
    )
    group.add_argument(
        "--agent-sandbox-root", metavar="DIR", help="the folder that they work in, else the current folder"
    )
    group.add_argument(
        "--agent-sandbox-mode",
        choices=get_args(SandboxMode),
        help="commands run only confined, also where the system cannot confine them, or never confined",
    )
    group.add_argument(
        "--agent-max-file-size", metavar="SIZE", help="the largest file that they read or write; 100MB unless given"
    )


def agent_options(flags: AgentFlags, settings: "Settings", paths: "Paths") -> "AgentOptions | None":
    """Return what the program's own tools may do; `None`: there are none.

    Raises:
        InvalidRequest: A value makes no sense, or the tools could write what says which calls are allowed.
    """
    if not (settings.agent_mode if flags.agent_mode is None else flags.agent_mode):
        named = next((name for name in AgentFlags.__annotations__ if getattr(flags, name)), None)
        if named is not None:
            raise InvalidRequest(f"--{named.replace('_', '-')} has no effect without --agent-mode; add that")
        return None
    from mistral_tui.types.agent import AgentOptions  # --help does without

    root = Path(flags.agent_sandbox_root or settings.agent_sandbox_root or ".").expanduser().absolute()
    if not root.is_dir():
        raise InvalidRequest(f"the sandbox root {root} is no folder; name one with --agent-sandbox-root")
    inside = root.resolve()
    for own in (paths.settings_file, paths.tool_rules, paths.tool_approvals, paths.mcp_logins):
        if own.resolve().is_relative_to(inside):
            raise InvalidRequest(
                f"the sandbox root {root} holds {own}, which tools must not change; "
                "name a smaller folder with --agent-sandbox-root"
            )
    largest = flags.agent_max_file_size or settings.agent_max_file_size
    return AgentOptions(
        str(root),
        flags.agent_sandbox_mode or settings.agent_sandbox_mode or AgentOptions(str(root)).sandbox,
        AgentOptions(str(root)).max_file_size if largest is None else _file_size(largest),
    )


def _file_size(text: str | float) -> int:
    """Return the bytes of `10MB` or `500kB`; a number without a unit means MB, as in mistral.rs."""
    words = str(text).strip()
    return size(words if re.search(r"[a-zA-Z]$", words) else f"{words}MB")
