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
    dynatemp_range: float | None = None
    dynatemp_exponent: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    typical_p: float | None = None
    top_n_sigma: float | None = None
    xtc_probability: float | None = None
    xtc_threshold: float | None = None
    dry_multiplier: float | None = None
    dry_base: float | None = None
    dry_allowed_length: int | None = None
    dry_penalty_window: int | None = None
    dry_sequence_breakers: list[str] | None = None
    mirostat: int | None = None
    mirostat_tau: float | None = None
    mirostat_eta: float | None = None
    repetition_penalty: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    penalty_window: int | None = None
    logit_bias: list[tuple[str, float]] | None = None
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


def _bias(argument: str) -> tuple[str, float]:
    text, equals, number = argument.rpartition("=")
    try:
        return text, float(number if equals and text else "")
    except ValueError:
        raise argparse.ArgumentTypeError(f"{argument!r} is not TEXT=NUMBER, such as ' Paris=-5'") from None


_SAMPLING: tuple[tuple[str, type[int | float], str, str], ...] = (
    ("temperature", float, "T", "from 0 (always the likeliest token) to 2"),
    ("dynatemp-range", float, "T", "the temperature moves by up to this, with how unsure the model is"),
    ("dynatemp-exponent", float, "X", "how it moves with that"),
    ("top-k", int, "N", "how many candidates stay; 0 keeps all"),
    ("top-p", float, "P", "smallest set of candidates with this probability"),
    ("min-p", float, "P", "drop candidates below this share of the best one"),
    ("typical-p", float, "P", "smallest set of candidates that surprise as usual"),
    ("top-n-sigma", float, "N", "drop candidates so many standard deviations below the best"),
    ("xtc-probability", float, "P", "how often the likeliest candidates are dropped (XTC)"),
    ("xtc-threshold", float, "P", "those at least this likely, but for one"),
    ("repetition-penalty", float, "X", "above 1: avoid tokens already seen"),
    ("frequency-penalty", float, "X", "from -2 to 2"),
    ("presence-penalty", float, "X", "from -2 to 2"),
    ("penalty-window", int, "N", "how many of the last tokens these three look at"),
    ("dry-multiplier", float, "X", "above 0: avoid repeating sequences (DRY); 0.8 is usual"),
    ("dry-base", float, "X", "how fast that grows with their length"),
    ("dry-allowed-length", int, "N", "longest sequence that may be repeated"),
    ("dry-penalty-window", int, "N", "how many of the last tokens DRY looks at"),
    ("mirostat", int, "0|1|2", "1, 2: keep the surprise constant, instead of all from --top-k to --xtc-threshold"),
    ("mirostat-tau", float, "BITS", "that surprise"),
    ("mirostat-eta", float, "X", "how fast it is reached"),
    ("max-tokens", int, "N", "most tokens of the reply"),
)
"""Flag, type, name of the value, help. What is left open is up to the settings, then to the model's file."""


def add_sampling_flags(parser: argparse.ArgumentParser, *, shown: bool = True) -> None:
    """Add the flags of `SamplingFlags`, without those of `ModelFlags`.

    Args:
        parser: Where to add them.
        shown: Whether its help lists them; otherwise it says where they are listed.
    """
    elsewhere = None if shown else "all those that `mistral-tui ask --help` lists"
    group = parser.add_argument_group("sampling", elsewhere)

    def text(about: str) -> str:
        return about if shown else argparse.SUPPRESS

    for name, kind, value, about in _SAMPLING:
        group.add_argument(f"--{name}", type=kind, metavar=value, help=text(about))
    group.add_argument(
        "--dry-sequence-breaker",
        dest="dry_sequence_breakers",
        action="append",
        metavar="TEXT",
        help=text("a repeated sequence ends at this text; may be repeated"),
    )
    group.add_argument(
        "--logit-bias",
        type=_bias,
        action="append",
        metavar="TEXT=X",
        help=text("add X, from -100 (never) to 100, to the tokens of TEXT; may be repeated"),
    )
    group.add_argument("--stop", action="append", metavar="TEXT", help=text("end before this text; may be repeated"))


def absolute(path: str) -> str:
    """Return `path` made absolute, with `~` resolved; it need not exist."""
    return str(Path(path).expanduser().absolute())
