"""The flags of the command line and what they parse into.

The way to a first answer (no command, `ask`, `gguf`) is parsed by argparse: Typer validates every option through
pydantic, and importing the two takes 110 ms, more than all else between the shell and the worker's start. The
command groups (`models`, `sessions`, …) are Typer's.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from mistral_tui.types.errors import InvalidRequest


class ArgumentParser(argparse.ArgumentParser):
    """An argparse parser whose complaints are errors of this program, in one line."""

    def __init__(self, prog: str, description: str, epilog: str | None = None, usage: str | None = None) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            usage=usage,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def error(self, message: str) -> NoReturn:
        """Raise `InvalidRequest` instead of printing the usage and exiting."""
        raise InvalidRequest(f"{message.removeprefix('argument ')}; `{self.prog} --help` shows what there is")


class ModelFlags(argparse.Namespace):
    """Which model, and how to load it."""

    model: str | None = None
    n_ctx: int | None = None
    max_seqs: int | None = None
    threads: int | None = None
    n_gpu_layers: int | None = None
    chat_template: str | None = None
    seed: int | None = None
    force: bool = False


class SamplingFlags(ModelFlags):
    """How a reply's tokens are chosen. Unset values come from the settings."""

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    max_tokens: int | None = None
    stop: list[str] | None = None


def _at_least(lowest: int) -> Callable[[str], int]:
    def whole_number(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = lowest - 1
        if number < lowest:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {lowest}")
        return number

    return whole_number


def add_model_flags(parser: argparse.ArgumentParser, *, c_is_template: bool = True) -> None:
    """Add the flags of `ModelFlags`; the defaults are those of the class.

    Args:
        parser: Where to add them.
        c_is_template: Whether `-c` is short for `--chat-template`; `ask` uses it for `--continue`.
    """
    group = parser.add_argument_group("model")
    group.add_argument("-m", "--model", metavar="NAME|PATH", help="a name from the inventory, or a .gguf file")
    group.add_argument("--n-ctx", type=_at_least(1), metavar="TOKENS", help="context of one chat")
    group.add_argument("--max-seqs", type=_at_least(1), metavar="N", help="chats that may be in the context at once")
    group.add_argument("--threads", type=_at_least(1), metavar="N", help="threads of a decode step")
    group.add_argument(
        "-n", "--num-device-layers", dest="n_gpu_layers", type=_at_least(0), metavar="N", help="layers on the GPU"
    )
    group.add_argument(
        *(["-c"] if c_is_template else []),
        "--chat-template",
        "-j",
        "--jinja-explicit",
        metavar="NAME|FILE",
        help="chat template to use instead of the model's own",
    )
    group.add_argument("-s", "--seed", type=_at_least(0), metavar="N", help="seed of the sampling")
    group.add_argument("--force", action="store_true", help="load a model although it seems too large for the memory")


def add_sampling_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `SamplingFlags`, without those of `ModelFlags`."""
    group = parser.add_argument_group("sampling")
    group.add_argument("--temperature", type=float, metavar="T", help="from 0 (always the likeliest token) to 2")
    group.add_argument("--top-k", type=int, metavar="N", help="how many candidates stay; 0 keeps all")
    group.add_argument("--top-p", type=float, metavar="P", help="smallest set of candidates with this probability")
    group.add_argument("--min-p", type=float, metavar="P", help="drop candidates below this share of the best one")
    group.add_argument("--repetition-penalty", type=float, metavar="X", help="above 1: avoid tokens already seen")
    group.add_argument("--frequency-penalty", type=float, metavar="X", help="from -2 to 2")
    group.add_argument("--presence-penalty", type=float, metavar="X", help="from -2 to 2")
    group.add_argument("--max-tokens", type=int, metavar="N", help="most tokens of the reply")
    group.add_argument("--stop", action="append", metavar="TEXT", help="end before this text; may be repeated")


def absolute(path: str) -> str:
    """Return `path` made absolute, with `~` resolved; it need not exist."""
    return str(Path(path).expanduser().absolute())
