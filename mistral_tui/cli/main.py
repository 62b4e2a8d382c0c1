"""The command `mistral-tui`: reads the global flags, finds the command and runs it.

Nothing is imported here before it is known to be needed: `--version` and `--help` must not cost more than the
interpreter's own start, and `ask` should have its worker running before anything else is loaded.
"""

import contextlib
import gc
import os
import sys
from argparse import SUPPRESS, ArgumentTypeError
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import mistral_tui
from mistral_tui.cli.agent_flags import add_agent_flags
from mistral_tui.cli.failures import keep_quiet, report
from mistral_tui.cli.flags import (
    ArgumentParser,
    ModelFlags,
    SamplingFlags,
    absolute,
    add_model_flags,
    add_sampling_flags,
)
from mistral_tui.config.debugging import DEBUG, debugging
from mistral_tui.types.errors import InvalidRequest

PROGRAM = "mistral-tui"


class RootFlags(SamplingFlags):
    """The flags before the command, the command and what follows it."""

    config: str | None = None
    database: str | None = None
    inventory: str | None = None
    model_path: list[str] | None = None
    mcp_config: str | None = None
    log: str | None = None
    debug: bool = False
    web: bool = False
    web_port: int | None = None
    command: list[str]


class Command(NamedTuple):
    """One command of the program; its module is imported when the command is given."""

    summary: str
    module: str
    run: str
    """Name in the module: a function `(arguments, flags) -> exit status`, or a Typer app or command."""
    typer: bool = False


COMMANDS = {
    "ask": Command("one answer on stdout; reads a pipe", "mistral_tui.cli.ask", "ask"),
    "gguf": Command("open the interface on a GGUF file", "mistral_tui.cli.gguf", "gguf"),
    "lora-gguf": Command("open the interface on a GGUF file with LoRAs", "mistral_tui.cli.gguf", "lora_gguf"),
    "toml": Command("open the interface as a TOML file of mistral.rs says", "mistral_tui.cli.toml_file", "toml"),
    "models": Command(
        "the models: list, info, pull, add, remove, scan; loaded, unload", "mistral_tui.cli.models", "models_app", True
    ),
    "sessions": Command("stored chats: list, show", "mistral_tui.cli.sessions", "sessions_app", True),
    "mcp": Command("MCP servers: list, check, call, trust, login", "mistral_tui.cli.mcp", "mcp_app", True),
    "embedding": Command("vectors of texts, or how well they answer a query", "mistral_tui.cli.embedding", "embedding"),
    "tokenize": Command("the tokens of a text, or how many", "mistral_tui.cli.tokens", "tokenize"),
    "detokenize": Command("the text of some tokens", "mistral_tui.cli.tokens", "detokenize"),
    "bench": Command("how fast a model is on this machine", "mistral_tui.cli.bench", "bench"),
    "quantize": Command("make a smaller model file of a larger one", "mistral_tui.cli.quantize", "quantize_model"),
    "tune": Command("find the fastest way to load a model on this machine", "mistral_tui.cli.tune", "tune_model"),
    "rpc-worker": Command(
        "take layers of models that other programs load", "mistral_tui.cli.rpc_worker", "rpc_worker", True
    ),
    "config": Command("settings and keys: show, edit, keys, path", "mistral_tui.cli.config", "config"),
    "doctor": Command("check this installation and say what to fix", "mistral_tui.cli.doctor", "doctor", True),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status.

    Args:
        arguments: What follows the program's name; `None` takes them from the command line.
    """
    _prepare_output()
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except SystemExit as exit:  # --help and --version
        return exit.code if isinstance(exit.code, int) else 0
    except BaseException as error:
        return report(error)


def _prepare_output() -> None:
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us; its number must not go to the next file
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # open as long as the program runs
            setattr(sys, name, nowhere)
    # The terminal's encoding stays; a pipe gets UTF-8 whatever the locale says.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding=None if sys.stdout.isatty() else "utf-8", errors="replace")


def _run(arguments: list[str]) -> int:
    flags = _parser().parse_args(arguments, namespace=RootFlags())
    _publish(flags)
    if flags.web or flags.web_port is not None:
        from mistral_tui.cli import web

        return web.serve(arguments, web.PORT if flags.web_port is None else flags.web_port)
    if not flags.command:
        with _nothing_swept():
            from mistral_tui.cli.interface import open_interface

        return open_interface(flags)
    name, *rest = flags.command
    command = COMMANDS.get(name)
    if command is None:
        raise InvalidRequest(f"there is no command {name!r}; `{PROGRAM} --help` lists them")
    with _nothing_swept():
        target = getattr(import_module(command.module), command.run)
    if command.typer:
        from mistral_tui.cli.groups import run_group

        return run_group(target, f"{PROGRAM} {name}", rest)
    run: Callable[[list[str], ModelFlags], int] = target
    return run(rest, flags)


@contextlib.contextmanager
def _nothing_swept() -> Iterator[None]:
    """Do not look for garbage while modules are loaded: there is none, and looking takes a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _parser() -> ArgumentParser:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {command.summary}" for name, command in COMMANDS.items())
    parser = ArgumentParser(
        PROGRAM,
        "Talk with models that run on your own machine. Without a command: the terminal interface.",
        epilog=f"commands:\n{commands}\n\n`{PROGRAM} COMMAND --help` tells more about each.",
        usage=f"{PROGRAM} [FLAGS] [COMMAND …]",
    )
    # "...": the first word that is no flag, and everything after it, belongs to the command.
    parser.add_argument("command", nargs="...", help=SUPPRESS)
    add_model_flags(parser)
    add_sampling_flags(parser, shown=False)
    add_agent_flags(parser)
    group = parser.add_argument_group("program")
    group.add_argument("--web", action="store_true", help="the interface in a browser on this machine")
    group.add_argument("--web-port", type=_port, metavar="N", help="the same, at this port; 8000 unless given")
    group.add_argument("--config", metavar="FILE", help="settings, instead of the person's own")
    group.add_argument("--database", metavar="FILE", help="where sessions are stored")
    group.add_argument("--inventory", metavar="FILE", help="the list of models")
    group.add_argument(
        "--model-path", action="append", metavar="DIR", help="a folder to look for models in; may be repeated"
    )
    group.add_argument("--mcp-config", metavar="FILE", help="MCP servers, instead of your own and the project's")
    group.add_argument("-l", "--log", metavar="FILE", help="write a log of this process to FILE")
    group.add_argument(
        "--screen-reader", action="store_true", default=None, help="an interface of plain lines, to be listened to"
    )
    group.add_argument("--debug", action="store_true", help="show a traceback when something fails")
    group.add_argument("--version", action="version", version=f"{PROGRAM} {mistral_tui.__version__}")
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) < 2**16):
        raise ArgumentTypeError(f"{text!r} is no port; it must be from 0, which takes a free one, to 65535")
    return int(text)


def _publish(flags: RootFlags) -> None:
    """Hand the flags that any part of the program may need to all of it, worker processes included."""
    for name, value in (("CONFIG", flags.config), ("DATABASE", flags.database), ("INVENTORY", flags.inventory)):
        if value is not None:
            os.environ[f"MISTRAL_TUI_{name}"] = absolute(value)
    if flags.model_path:
        os.environ["MISTRAL_TUI_MODEL_PATH"] = os.pathsep.join(map(absolute, flags.model_path))
    if flags.mcp_config is not None:
        os.environ["MCP_CONFIG_PATH"] = absolute(flags.mcp_config)
    if flags.debug:
        os.environ[DEBUG] = "1"
    if not debugging():
        keep_quiet()
    if flags.log is not None:
        from mistral_tui.cli.logs import log_to

        log_to(absolute(flags.log))
