"""The process that checks arguments: started when it is needed, and ended when a schema keeps it busy."""

import asyncio
import contextlib
import os
import sys
from typing import Final

import msgspec

from mistral_tui.processes.parent_death import CREATION_FLAGS, NEW_SESSION, bind_child
from mistral_tui.types.errors import InvalidArguments, ToolError
from mistral_tui.types.messages import Json

CHECK_SECONDS: Final = 2.0
_START_SECONDS: Final = 30.0
_LONGEST_ANSWER: Final = 1 << 20


class _Found(msgspec.Struct, frozen=True):
    complaints: tuple[str, ...] = ()
    takes: str = ""


class Checker:
    """Says whether arguments are what a tool takes."""

    def __init__(self, seconds: float = CHECK_SECONDS) -> None:
        self._seconds = seconds
        self._process: asyncio.subprocess.Process | None = None
        self._one_at_a_time = asyncio.Lock()

    async def check(self, name: str, schema: Json, arguments: Json) -> None:
        """Return if a call can be made.

        Args:
            name: What the tool is called.
            schema: What it takes.
            arguments: What the model wrote.

        Raises:
            InvalidArguments: It takes something else; says what.
            ToolError: Nobody can tell: the schema takes too long, or the process could not be started.
        """
        async with self._one_at_a_time:
            found = await self._ask(name, msgspec.json.encode({"schema": schema, "arguments": arguments}))
        if found.complaints:
            raise InvalidArguments(
                f"the arguments of {name} are wrong: {'; '.join(found.complaints)}. It takes: {found.takes}"
            )

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _ask(self, name: str, question: bytes) -> _Found:
        try:
            process = await self._started()
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(question + b"\n")
            async with asyncio.timeout(self._seconds):
                await process.stdin.drain()
                line = await process.stdout.readline()
            return msgspec.json.decode(line, type=_Found)
        except TimeoutError:
            await self.close()
            raise ToolError(
                f"the arguments of {name} cannot be checked: its schema takes longer than {self._seconds:g} s; "
                "the call is not made"
            ) from None
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            await self.close()
            raise ToolError(
                f"the arguments of {name} cannot be checked: {error or 'the check ended'}; the call is not made"
            ) from None
        except BaseException:  # cancelled: the answer would be taken for that of the next question
            await self.close()
            raise

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "mistral_tui.tools.arguments.main", str(os.getpid())),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=NEW_SESSION,
            creationflags=CREATION_FLAGS,
            limit=_LONGEST_ANSWER,
        )
        bind_child(process.pid)
        assert process.stdout is not None
        async with asyncio.timeout(_START_SECONDS):
            await process.stdout.readline()
        return process
