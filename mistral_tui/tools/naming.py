"""What models call tools: names that every chat template and every server takes, and that no two tools share."""

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final

import msgspec

from mistral_tui.types.servers import McpServer
from mistral_tui.types.tools import BUILTIN, Tool

LONGEST: Final = 64
"""Most characters of a name; servers elsewhere refuse longer ones."""
_STRANGE: Final = re.compile(r"[^a-zA-Z0-9_-]+")


def named(tools: Iterable[Tool], servers: Mapping[str, McpServer]) -> tuple[Tool, ...]:
    """Return tools with the names that models call them by: their server's prefix, `_`, and their name there.

    The program's own tools have no prefix. A name that would be too long, or that another tool has, ends with a digest,
    so that it is the same each time.

    Args:
        tools: In the order in which they are shown.
        servers: Theirs, which say the prefix.
    """
    found: dict[str, Tool] = {}
    for tool in tools:
        server = servers.get(tool.server)
        prefix = "" if tool.server == BUILTIN else tool.server
        if server is not None and server.tool_prefix is not None:
            prefix = server.tool_prefix
        name = _STRANGE.sub("_", f"{prefix}_{tool.tool}" if prefix else tool.tool)
        if len(name) > LONGEST or name in found:
            digest = sha256(tool.key.encode("utf-8", "replace")).hexdigest()[:6]
            name = f"{name[: LONGEST - 7]}_{digest}"
        found.setdefault(name, msgspec.structs.replace(tool, name=name))
    return tuple(found.values())
