"""`mistral-tui rpc-worker`: lend this machine to models of other programs."""

import os
from typing import Annotated

import typer

from mistral_tui.cli.failures import CANCELLED, say


def rpc_worker(
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 is every one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 chooses a free one.")] = 50052,
    threads: Annotated[int | None, typer.Option(min=1, max=512, help="Threads on the CPU; else the cores.")] = None,
    device: Annotated[
        list[str] | None, typer.Option(help="Device to lend, by its name in `doctor`; may be repeated.")
    ] = None,
) -> int:
    """Take layers of models that other programs load with --rpc HOST:PORT. Ctrl+c ends it.

    It works for one program at a time. Both ends need the same version of this program. There is no authentication
    and no encryption: keep to this machine, to a network that you trust, or to an SSH tunnel.
    """
    # Imported here: --help needs no llama.cpp.
    from mistral_tui.engines.gguf.rpc.server import serve
    from mistral_tui.models.memory_fit import gigabytes

    out = os.fdopen(os.dup(1), "w", encoding="utf-8")  # llama.cpp prints to standard output, too
    server = serve(host, port, threads, device or ())
    if not server.address.startswith("127."):
        say(
            "warning",
            f"whoever reaches {server.address} can use this machine and see the chats: nobody is asked who he is",
        )
    lent = ", ".join(f"{device.name}, {gigabytes(device.free)} free" for device in server.devices)
    print(f"listening at {server.address} ({lent}; {server.threads} threads); ctrl+c ends it", file=out, flush=True)
    try:
        server.wait()
    except KeyboardInterrupt:
        os._exit(CANCELLED)  # the listening thread cannot be ended
    say("error", "llama.cpp has stopped listening; see above")
    os._exit(1)
