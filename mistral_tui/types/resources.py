"""What servers of tools have besides tools: resources, which are read, and prompts, which are asked with."""

from typing import Literal

import msgspec

from mistral_tui.types.tools import OutputPart


class Resource(msgspec.Struct, frozen=True):
    """Something that can be read at its server."""

    uri: str
    name: str
    title: str = ""
    description: str = ""
    media_type: str = ""
    size: int | None = None
    """In bytes, if its server knows."""


class ResourceTemplate(msgspec.Struct, frozen=True):
    """Addresses of resources, with places for values."""

    template: str
    """By RFC 6570: `db:///{table}`."""
    name: str
    title: str = ""
    description: str = ""
    media_type: str = ""


class PromptArgument(msgspec.Struct, frozen=True):
    """A value that a prompt takes."""

    name: str
    description: str = ""
    required: bool = False


class Prompt(msgspec.Struct, frozen=True):
    """A prompt that a server has ready."""

    server: str
    name: str
    title: str = ""
    description: str = ""
    arguments: tuple[PromptArgument, ...] = ()


class PromptMessage(msgspec.Struct, frozen=True):
    """A message of a prompt with its values."""

    role: Literal["user", "assistant"]
    part: OutputPart
