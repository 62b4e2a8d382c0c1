"""The main of the process of the tools.

    python -m mistral_tui.tools.worker.main PARENT_PID

Frames come in over standard input and leave over a private duplicate of standard output; whatever else is printed
goes to standard error, which the parent points at a log file. One event loop does everything; a thread reads frames,
so that the end of the parent is seen also while the loop is busy.
"""

import asyncio
import os
import sys
import threading
import traceback
from typing import NoReturn

from mistral_tui.processes.frames import FrameDecoder, encode
from mistral_tui.processes.parent_death import end_with_parent
from mistral_tui.processes.private_streams import private_streams
from mistral_tui.tools import wire
from mistral_tui.tools.worker.desk import Desk

_READ_BYTES = 256 * 1024
_SECONDS_TO_END = 1.8
"""How long servers may take to end once the parent is gone."""
_FAILED = 70


def main() -> NoReturn:
    """Run until the parent is gone, then end all servers."""
    incoming, outgoing = private_streams()
    end_with_parent(int(sys.argv[1]))
    status = 0
    try:
        asyncio.run(_serve(incoming, outgoing))
    except BaseException:
        traceback.print_exc()
        status = _FAILED
    os._exit(status)


async def _serve(incoming: int, outgoing: int) -> None:
    loop = asyncio.get_running_loop()
    frames: asyncio.Queue[wire.ToTools | None] = asyncio.Queue()

    def read() -> None:
        decoder = FrameDecoder[wire.ToTools](wire.ToTools)
        try:
            while chunk := os.read(incoming, _READ_BYTES):
                for frame in decoder.feed(chunk):
                    loop.call_soon_threadsafe(frames.put_nowait, frame)
        except Exception:
            traceback.print_exc()
        loop.call_soon_threadsafe(frames.put_nowait, None)

    def send(frame: wire.FromTools) -> None:
        data = encode(frame)
        while data:
            data = data[os.write(outgoing, data) :]

    threading.Thread(target=read, daemon=True).start()
    send(wire.Hello())
    desk = Desk(send)
    while (frame := await frames.get()) is not None:
        desk.handle(frame)
    async with asyncio.timeout(_SECONDS_TO_END):
        await desk.close()


if __name__ == "__main__":
    main()
