"""Servers and their tools, as texts to read and rows of a list."""

import json
from typing import Final

from textual.content import Content

from mistral_tui.chat.offered_tools import tokens_of
from mistral_tui.tui.tools.text import json_content
from mistral_tui.tui.tools.words import seconds_words
from mistral_tui.types.servers import ServerHealth, ServerState
from mistral_tui.types.text import printable, printable_line
from mistral_tui.types.tools import Tool

_HEALTH: Final[dict[ServerHealth, tuple[str, str, str]]] = {
    "stopped": ("○", "$text-muted", "not running"),
    "starting": ("◷", "$accent", "starting"),
    "ready": ("●", "$text-success", "ready"),
    "failed": ("✗", "$text-error", "failed"),
    "waiting": ("◷", "$text-warning", "starts again soon"),
}
_NAME: Final = 22
_LONGEST: Final = 4_000
"""Characters of what a server says of itself and its tools that are shown."""


def server_row(state: ServerState, on: bool) -> Content:
    """Return a server as a row."""
    glyph, style, words = _HEALTH[state.health]
    name = Content.styled(printable_line(state.name), "bold").truncate(_NAME - 2, ellipsis=True)
    right = words if on else "off"
    return Content.assemble(
        (f"{glyph} ", style), name.pad_right(_NAME - 2 - name.cell_length), (f"{right:>11.11}", "$text-muted")
    )


def tool_row(tool: Tool, on: bool) -> Content:
    """Return a tool as a row below its server."""
    name = Content(printable_line(tool.tool)).truncate(_NAME - 4, ellipsis=True)
    right = f"~{tokens_of(tool):,}" if on else "off"
    style = "" if on else "$text-disabled"
    return Content.assemble(
        "    ", name.stylize(style).pad_right(_NAME - 4 - name.cell_length), (f"{right:>11}", "$text-muted")
    )


def server_text(state: ServerState, source: str, on: bool, trusted: bool) -> Content:
    """Return what is known of a server.

    Args:
        state: What it does.
        source: The file that it is configured in.
        on: Whether its tools are offered to the model of the chat.
        trusted: Whether it may be started.
    """
    glyph, style, words = _HEALTH[state.health]
    lines = [Content.assemble((f"{glyph} ", style), (printable_line(state.name), "bold"), f"  {words}")]
    if state.error:
        lines += [Content(""), Content.styled(printable_line(state.error), "" if state.health == "stopped" else style)]
    facts = [
        ("says it is", printable_line(state.said)),
        ("protocol", f"{state.version}{_era(state.version)}" if state.version else ""),
        ("process", str(state.pid or "")),
        ("was ready in", seconds_words(state.seconds_to_start) if state.seconds_to_start else ""),
        ("started", f"{state.starts} times" if state.starts > 1 else ""),
        ("configured in", printable_line(source)),
        ("in this chat", "on" if on else "off"),
        ("tools", _tools(state) if state.tools else ""),
    ]
    lines += [Content(""), *(Content.assemble((f"{name:<14}", "$text-muted"), value) for name, value in facts if value)]
    if not trusted:
        lines += [Content(""), Content("It is the project's. t shows what it would run, and asks you.")]
    if state.instructions:
        lines += [Content(""), Content.styled(printable(state.instructions[:_LONGEST]), "$text-muted")]
    return Content("\n").join(lines)


def tool_text(tool: Tool, on: bool) -> Content:
    """Return what is known of a tool."""
    hints = [
        *(["says that it only reads"] if tool.hints.read_only else []),
        *(["says that it may destroy"] if tool.hints.destructive and not tool.hints.read_only else []),
    ]
    words = [f"~{tokens_of(tool):,} tokens", "on in this chat" if on else "off in this chat", *hints]
    lines = [
        Content.styled(printable_line(tool.title or tool.tool), "bold"),
        Content.styled(" · ".join(words), "$text-muted"),
        Content.styled(f"models call it {printable_line(tool.name)}", "$text-muted"),
        Content(""),
        Content(printable(tool.description[:_LONGEST]).strip()),
        Content(""),
        Content.styled("arguments", "$text-disabled"),
        json_content(json.dumps(tool.parameters, ensure_ascii=False)),
    ]
    if tool.output is not None:
        lines += [Content.styled("result", "$text-disabled"), json_content(json.dumps(tool.output, ensure_ascii=False))]
    return Content("\n").join(lines)


def _tools(state: ServerState) -> str:
    return f"{len(state.tools)}, ~{sum(map(tokens_of, state.tools)):,} tokens"


def _era(version: str) -> str:
    return "" if version >= "2026" else ", an older era"
