"""Errors that a person can meet.

Each message is one line: what happened, to what, and what to do about it. The layers raise subclasses; the
faces show the message and never a traceback.
"""

from mistral_tui.types.text import printable_line


class MistralTuiError(Exception):
    """Root of all errors of this program that are meant for people.

    Whatever the message quotes (names of files, words of libraries), it is one line and harmless for a terminal.
    """

    exit_status = 1

    def __init__(self, message: str) -> None:
        super().__init__(printable_line(message))


def error_named(name: str, message: str) -> MistralTuiError:
    """Return an error that another process raised: of the class `name`, or `EngineError` if there is none."""
    kind = globals().get(name)
    if isinstance(kind, type) and issubclass(kind, MistralTuiError):
        return kind(message)
    return EngineError(message)


class InvalidRequest(MistralTuiError):
    """A call with values that make no sense, such as a temperature of 9."""

    exit_status = 2


class ConfigError(MistralTuiError):
    """A settings, theme, keymap or inventory file cannot be used; names file, line and key."""


class ModelError(MistralTuiError):
    """A model cannot be used; names it and why."""


class ModelNotFound(ModelError):
    """No model has this name, or its file is not there."""


class BadModelFile(ModelError):
    """The file is not a model that can be loaded: wrong magic, truncated, damaged, unknown architecture."""


class NotEnoughMemory(ModelError):
    """Loading would need more memory than is free; names both and a size that would fit."""


class NoChatTemplate(ModelError):
    """The model carries no chat template, and none was chosen."""


class BadChatTemplate(ModelError):
    """The chat template does not parse, raises, or runs too long."""


class DownloadFailed(ModelError):
    """A model could not be fetched."""


class EngineError(MistralTuiError):
    """An engine failed while it worked."""


class WorkerDied(EngineError):
    """The worker process of a model ended; names the signal and the last line of its log."""


class EndpointError(EngineError):
    """A server elsewhere cannot be reached, refuses, or fails; names it, and what it said."""


class ToolError(MistralTuiError):
    """A tool cannot be called, or its call came to nothing; names the server and the tool."""


class InvalidArguments(ToolError):
    """A model called a tool that is not there, or with arguments that its schema does not allow; says what is wrong."""


class ServerFailed(ToolError):
    """A server of tools cannot be started, ended, or does not speak MCP; names it and why."""


class LoadCancelled(EngineError):
    """The person stopped a load."""


class StoreError(MistralTuiError):
    """The database cannot be read or written; names the file, why, and what happens to the chat."""
