"""The program's own tools, as models are told of them, and as they are called."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Generic, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from mistral_tui import __version__
from mistral_tui.tools.builtin.commands import Commands, Shell, why_no_commands
from mistral_tui.tools.builtin.files import Files
from mistral_tui.tools.builtin.root import SandboxRoot
from mistral_tui.types.agent import AgentOptions
from mistral_tui.types.errors import InvalidArguments, ToolError
from mistral_tui.types.messages import Json, TextPart
from mistral_tui.types.servers import ServerState
from mistral_tui.types.text import printable_line
from mistral_tui.types.tools import BUILTIN, Tool, ToolHints, ToolOutput

_READS: Final = ToolHints(read_only=True, destructive=False, idempotent=True, open_world=False)
_RUNS: Final = ToolHints()
_WRITES: Final = ToolHints(destructive=True, idempotent=False, open_world=False)

_Path = Annotated[str, msgspec.Meta(description="relative to the working folder")]


class ListDirectory(msgspec.Struct, forbid_unknown_fields=True):
    """What `list_directory` takes."""

    path: _Path = "."


class ReadFile(msgspec.Struct, forbid_unknown_fields=True):
    """What `read_file` takes."""

    path: _Path
    first_line: Annotated[int, msgspec.Meta(description="where to begin, from 1", ge=1)] = 1
    lines: Annotated[int, msgspec.Meta(description="how many lines, at most", ge=1)] = 2000


class SearchFiles(msgspec.Struct, forbid_unknown_fields=True):
    """What `search_files` takes."""

    name: Annotated[str, msgspec.Meta(description="names of files, such as *.py")] = "*"
    text: Annotated[str, msgspec.Meta(description="lines with this text, in any case")] = ""
    path: Annotated[str, msgspec.Meta(description="the folder to search")] = "."


class WriteFile(msgspec.Struct, forbid_unknown_fields=True):
    """What `write_file` takes."""

    path: _Path
    content: Annotated[str, msgspec.Meta(description="all of the new file")]


class EditFile(msgspec.Struct, forbid_unknown_fields=True):
    """What `edit_file` takes."""

    path: _Path
    old_string: Annotated[str, msgspec.Meta(description="text that is in the file exactly once", min_length=1)]
    new_string: Annotated[str, msgspec.Meta(description="what takes its place")]


class CurrentTime(msgspec.Struct, forbid_unknown_fields=True):
    """What `current_time` takes."""

    timezone: Annotated[str, msgspec.Meta(description="such as Europe/Berlin; empty: that of this computer")] = ""


_Seconds = Annotated[int, msgspec.Meta(description="how long it may take", ge=1, le=600)]


class RunCommand(msgspec.Struct, forbid_unknown_fields=True):
    """What `run_command` takes."""

    command: str
    seconds: _Seconds = 60
    shell: Annotated[Shell, msgspec.Meta(description="empty: what is usual here")] = ""


class RunPython(msgspec.Struct, forbid_unknown_fields=True):
    """What `run_python` takes."""

    code: str
    seconds: _Seconds = 60


A = TypeVar("A", bound=msgspec.Struct)
_Answer = Awaitable[str | ToolOutput]


@dataclass(frozen=True)
class _Own(Generic[A]):
    takes: type[A]
    run: Callable[[A], _Answer]
    tool: Tool


class BuiltinTools:
    """The program's own tools in one sandbox root.

    Args:
        options: What they may do.

    Raises:
        ToolError: The root cannot be used.
    """

    def __init__(self, options: AgentOptions) -> None:
        self._root = SandboxRoot(Path(options.root))
        files = Files(self._root, options.max_file_size)
        tools: tuple[_Own[Any], ...] = (
            _own(
                "list_directory",
                "Lists a folder: files with their sizes, folders end with /.",
                ListDirectory,
                lambda asked: asyncio.to_thread(files.listing, asked.path),
            ),
            _own(
                "read_file",
                "Reads a text file, or some lines of it.",
                ReadFile,
                lambda asked: asyncio.to_thread(files.read, asked.path, asked.first_line, asked.lines),
            ),
            _own(
                "search_files",
                "Finds files below a folder by their names, or lines in them by a text.",
                SearchFiles,
                lambda asked: asyncio.to_thread(files.search, asked.path, asked.name, asked.text),
            ),
            _own(
                "write_file",
                "Writes a text file: a new one, or all of an old one.",
                WriteFile,
                lambda asked: asyncio.to_thread(files.write, asked.path, asked.content),
                _WRITES,
            ),
            _own(
                "edit_file",
                "Replaces one piece of a text file by another.",
                EditFile,
                lambda asked: asyncio.to_thread(files.edit, asked.path, asked.old_string, asked.new_string),
                _WRITES,
            ),
            _own("current_time", "Says the date and the time.", CurrentTime, _current_time),
        )
        why_not = why_no_commands(options)
        if not why_not:
            commands = Commands(self._root.path, options)
            tools += (
                _own(
                    "run_command",
                    "Runs a shell command in the working folder, and returns what it prints.",
                    RunCommand,
                    lambda asked: commands.run(asked.command, asked.shell, asked.seconds),
                    _RUNS,
                ),
                _own(
                    "run_python",
                    "Runs a Python program in the working folder, and returns what it prints.",
                    RunPython,
                    lambda asked: commands.run_python(asked.code, asked.seconds),
                    _RUNS,
                ),
            )
        self._tools: dict[str, _Own[Any]] = {each.tool.tool: each for each in tools}
        self.state = ServerState(
            BUILTIN,
            "ready",
            said=f"mistral-tui {__version__}, in {printable_line(str(self._root.path))}"
            + (f", without commands: {why_not}; see agent_sandbox_mode" if why_not else ""),
            tools=tuple(each.tool for each in tools),
            starts=1,
        )

    def check(self, name: str, tool: str, arguments: Json) -> None:
        """Return if a tool takes these arguments.

        Args:
            name: What the model calls it.
            tool: Which one.
            arguments: What it would be called with.

        Raises:
            InvalidArguments: It takes something else; says what.
            ToolError: There is no such tool.
        """
        self._asked(name, tool, arguments)

    async def call(self, tool: str, arguments: Json) -> ToolOutput:
        """Call a tool.

        Raises:
            ToolError: It came to nothing; says why.
        """
        asked = self._asked(tool, tool, arguments)
        answer = await self._tools[tool].run(asked)
        return ToolOutput((TextPart(answer),)) if isinstance(answer, str) else answer

    def _asked(self, name: str, tool: str, arguments: Json) -> Any:
        own = self._tools.get(tool)
        if own is None:
            raise ToolError(f"{BUILTIN}/{tool} is none of the program's own tools")
        try:
            return msgspec.convert(arguments, own.takes, strict=False)
        except msgspec.ValidationError as error:
            takes = ", ".join(
                field.name if field.required else f"{field.name} (optional)"
                for field in msgspec.structs.fields(own.takes)
            )
            raise InvalidArguments(f"the arguments of {name} are wrong: {error}. It takes: {takes}") from None


def _own(
    name: str,
    description: str,
    takes: type[A],
    run: Callable[[A], _Answer],
    hints: ToolHints = _READS,
) -> _Own[A]:
    schema = msgspec.json.schema_components([takes])[1][takes.__name__]
    for hidden in ("title", "description"):
        schema.pop(hidden, None)
    return _Own(takes, run, Tool(name, BUILTIN, name, description, schema, hints=hints))


async def _current_time(asked: CurrentTime) -> str:
    try:
        zone = await asyncio.to_thread(partial(ZoneInfo, asked.timezone)) if asked.timezone else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ToolError(f"there is no timezone {asked.timezone!r}; write one such as Europe/Berlin") from None
    now = datetime.now().astimezone(zone)
    return f"{now:%A}, {now.isoformat(timespec='seconds')} ({now.tzname()})"
