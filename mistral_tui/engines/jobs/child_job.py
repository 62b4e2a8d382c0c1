"""One job for a child process: native work that may fail hard, can be stopped, and tells how far it is."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from mistral_tui.processes.exit_status import name_exit
from mistral_tui.processes.parent_death import CREATION_FLAGS, NEW_SESSION, bind_child

_LONGEST_LINE: Final = 2**16


async def run_job(module: str, job: Mapping[str, Any], on_message: Callable[[dict[str, Any]], None]) -> str | None:
    """Run `python -m MODULE JOB PARENT_PID` to its end; cancelling this call kills it.

    Args:
        module: Its main is given the job as JSON. It prints a JSON object a line; one with `error` says why it failed.
        job: What is to be done.
        on_message: Called on the event loop with every other object.

    Returns:
        Why it failed, or `None` if it did not.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        module,
        json.dumps(job),
        str(os.getpid()),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
        env={**os.environ, "GGML_NO_BACKTRACE": "1"},
        start_new_session=NEW_SESSION,
        creationflags=CREATION_FLAGS,
    )
    bind_child(process.pid)
    assert process.stdout is not None
    assert process.stderr is not None
    said = asyncio.create_task(_last_line(process.stderr))
    reason = ""
    try:
        async for line in process.stdout:
            message = json.loads(line)
            if "error" in message:
                reason = message["error"]
            else:
                on_message(message)
        status = await process.wait()
        last_line = await said
    finally:
        said.cancel()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return (reason or last_line or name_exit(status)) if status != 0 else None


async def _last_line(stream: asyncio.StreamReader) -> str:
    last = ""
    async for line in stream:
        last = line.decode("utf-8", "replace").strip() or last
    return last
