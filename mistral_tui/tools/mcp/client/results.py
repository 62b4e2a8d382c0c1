"""What a server answers, in the vocabulary of the program."""

import base64
import binascii
import hashlib
from pathlib import Path
from typing import Final

import mcp_types as mcp

from mistral_tui.types.messages import AudioPart, FilePart, ImagePart, TextPart
from mistral_tui.types.text import printable_line
from mistral_tui.types.tools import LinkPart, OutputPart, Tool, ToolHints, ToolOutput

_ENDINGS: Final = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "audio/wav": ".wav",
    "audio/mpeg": ".mp3",
    "audio/flac": ".flac",
    "audio/ogg": ".ogg",
}


def tool_of(server: str, tool: mcp.Tool) -> Tool:
    """Return a tool as the program knows it; its name for models is still that at its server."""
    said = tool.annotations or mcp.ToolAnnotations()
    hints = ToolHints(
        read_only=bool(said.read_only_hint),
        destructive=said.destructive_hint is not False,
        idempotent=bool(said.idempotent_hint),
        open_world=said.open_world_hint is not False,
    )
    return Tool(
        name=tool.name,
        server=server,
        tool=tool.name,
        description=tool.description or "",
        parameters=tool.input_schema,
        output=tool.output_schema,
        title=tool.title or said.title or "",
        hints=hints,
    )


def output_of(result: mcp.CallToolResult, folder: Path) -> ToolOutput:
    """Return what a tool answered; pictures and sounds are written into files of `folder`.

    Raises:
        OSError: A file cannot be written.
    """
    parts = tuple(part_of(block, folder) for block in result.content)
    return ToolOutput(parts, structured=result.structured_content, failed=result.is_error)


def part_of(block: mcp.ContentBlock, folder: Path) -> OutputPart:
    """Return one piece of what a server says; pictures and sounds are written into files of `folder`.

    Raises:
        OSError: A file cannot be written.
    """
    match block:
        case mcp.TextContent():
            return TextPart(block.text)
        case mcp.ImageContent():
            path = _keep(block.data, block.mime_type, folder)
            return ImagePart(str(path), block.mime_type) if path else TextPart("(a damaged picture)")
        case mcp.AudioContent():
            path = _keep(block.data, block.mime_type, folder)
            return AudioPart(str(path), block.mime_type) if path else TextPart("(a damaged recording)")
        case mcp.ResourceLink():
            return LinkPart(str(block.uri), block.name, block.description or "", block.mime_type or "")
        case mcp.EmbeddedResource(resource=mcp.TextResourceContents() as resource):
            return FilePart(printable_line(str(resource.uri)), resource.text)
        case mcp.EmbeddedResource(resource=mcp.BlobResourceContents(mime_type=str() as kind) as resource) if (
            kind in _ENDINGS and (path := _keep(resource.blob, kind, folder))
        ):
            return ImagePart(str(path), kind) if kind.startswith("image/") else AudioPart(str(path), kind)
        case mcp.EmbeddedResource(resource=resource):
            return LinkPart(str(resource.uri), media_type=resource.mime_type or "application/octet-stream")


def _keep(data: str, media_type: str, folder: Path) -> Path | None:
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / (hashlib.sha256(content).hexdigest() + _ENDINGS.get(media_type, ".bin"))
    if not path.exists():
        part = path.with_suffix(".part")
        part.write_bytes(content)
        part.replace(path)
    return path
