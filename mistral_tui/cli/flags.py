"""The flags of the command line and what they parse into.

The way to a first answer (no command, `ask`, `gguf`) is parsed by argparse: Typer validates every option through
pydantic, and importing the two takes 110 ms, more than all else between the shell and the worker's start. The
command groups (`models`, `sessions`, …) are Typer's.
"""

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_args

from mistral_tui.cli.agent_flags import AgentFlags
from mistral_tui.cli.template_flags import TemplateFlags, add_template_flags
from mistral_tui.config.quantities import duration, size
from mistral_tui.types.choices import ContextPolicy, FlashAttention, KvType
from mistral_tui.types.errors import InvalidRequest

if TYPE_CHECKING:
    from mistral_tui.types.models import Adapter  # --help need not load what is behind it


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


class ModelFlags(TemplateFlags, AgentFlags):
    """Which model, and how to load it."""

    model: str | None = None
    endpoint: str | None = None
    n_ctx: int | None = None
    max_seqs: int | None = None
    threads: int | None = None
    n_gpu_layers: int | None = None
    device_layers: tuple[tuple[int, int], ...] | None = None
    cpu: bool | None = None
    tensor_split: tuple[float, ...] | None = None
    cpu_moe: int | None = None
    rpc: tuple[str, ...] | None = None
    kv_type: KvType | None = None
    flash_attention: FlashAttention | None = None
    batch_tokens: int | None = None
    mmproj: str | None = None
    draft: str | None = None
    gamma: int | None = None
    adapters: "tuple[Adapter, ...] | None" = None
    context_policy: ContextPolicy | None = None
    kv_cache: bool | None = None
    prefix_cache_n: int | None = None
    spill_mb: int | None = None
    seed: int | None = None
    force: bool = False
    memory_budget: int | None = None
    max_loaded: int | None = None
    keep_alive: float | None = None
    share: bool | None = None
    screen_reader: bool | None = None

    @property
    def wanted(self) -> str | None:
        """What names the model, as `Inventory.find` takes it; `None`: the default."""
        if self.endpoint is None:
            return self.model
        return f"{self.endpoint}{'#' if '://' in self.endpoint else '/'}{self.model or ''}".rstrip("#/")


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
    group.add_argument(
        "--endpoint",
        metavar="URL|NAME",
        help="a server that speaks OpenAI's API, with -m one of its models; its key is in $MISTRAL_TUI_API_KEY",
    )
    group.add_argument("--n-ctx", type=_at_least(1), metavar="TOKENS", help="context of one chat")
    group.add_argument(
        "--max-seqs",
        type=_at_least(1),
        metavar="N",
        help="chats in the context at once, else by the free memory",
    )
    group.add_argument(
        "--context-policy",
        choices=get_args(ContextPolicy),
        help="when the context is full: leave out the oldest turns, give up the oldest tokens and go on, or stop",
    )
    group.add_argument(
        "--no-kv-cache",
        dest="kv_cache",
        action="store_false",
        default=None,
        help="keep nothing of a chat between turns",
    )
    group.add_argument(
        "--prefix-cache-n", type=_at_least(0), metavar="N", help="chats that stay in memory while nobody asks"
    )
    group.add_argument(
        "--spill-mb", type=_at_least(0), metavar="MB", help="disk space for chats that nobody asks: 1024 unless given"
    )
    group.add_argument("--threads", type=_at_least(1), metavar="N", help="threads of a decode step")
    group.add_argument(
        "--lora",
        dest="adapters",
        action=AddAdapter,
        metavar="FILE[=SCALE]",
        help="a LoRA (GGUF) over the model, and how strongly it counts: 1 unless given; may be repeated",
    )
    group.add_argument(
        "--draft", metavar="NAME|PATH", help="a small model with the same vocabulary that guesses the next tokens"
    )
    group.add_argument("--gamma", type=_at_least(1), metavar="N", help="most tokens that it guesses at once; 16")
    group.add_argument("--mmproj", type=absolute, metavar="FILE", help="projector of a model that sees or hears")
    group.add_argument("-s", "--seed", type=_at_least(0), metavar="N", help="seed of the sampling")
    group.add_argument("--force", action="store_true", help="load a model although it seems too large for the memory")
    add_template_flags(parser, c_is_template=c_is_template)
    _add_device_flags(parser)
    _add_pool_flags(parser)


def _add_device_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("devices")
    group.add_argument(
        "-n",
        "--num-device-layers",
        action=_TakeLayers,
        metavar="N|ORD:NUM;…",
        help="layers on accelerators: how many, or for each by its number in `mistral-tui doctor`, as in 0:20;1:12",
    )
    group.add_argument("--cpu", action="store_true", default=None, help="leave accelerators alone")
    group.add_argument(
        "--tensor-split", type=_shares, metavar="X,Y…", help="what each accelerator takes of the layers, as in 3,1"
    )
    group.add_argument(
        "--cpu-moe", action="store_const", const=-1, help="keep the experts of a mixture of experts on the CPU"
    )
    group.add_argument(
        "--n-cpu-moe", dest="cpu_moe", type=_at_least(0), metavar="N", help="the same for the first N layers only"
    )
    group.add_argument(
        "--rpc", type=_addresses, metavar="HOST:PORT,…", help="RPC workers that take layers; they count before the GPUs"
    )
    group.add_argument(
        "--kv-type", choices=get_args(KvType), help="precision of the KV cache: f16 unless given; q8_0 takes half of it"
    )
    group.add_argument(
        "--flash-attn",
        dest="flash_attention",
        choices=get_args(FlashAttention),
        help="flash attention; auto: what `mistral-tui tune` found, else on a GPU only",
    )
    group.add_argument(
        "--batch-size", dest="batch_tokens", type=_at_least(1), metavar="TOKENS", help="most tokens of a decode; 512"
    )


class _TakeLayers(argparse.Action):
    """Reads mistral.rs's form: a number of layers, or numbers for some of the accelerators."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        text = str(values).strip()
        pairs = [pair.partition(":") for pair in text.split(";") if pair.strip()]
        try:
            if ":" not in text:
                namespace.n_gpu_layers, namespace.device_layers = _at_least(0)(text), None
                return
            layers = tuple((_at_least(0)(number), _at_least(0)(count)) for number, _, count in pairs)
        except argparse.ArgumentTypeError:
            raise argparse.ArgumentError(
                self, f"{text!r} is neither a number of layers, as in 20, nor layers for accelerators, as in 0:20;1:12"
            ) from None
        namespace.device_layers, namespace.n_gpu_layers = layers, None


def _shares(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(share) for share in re.split("[,/]", text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of shares; write them as in 3,1") from None


def adapter(text: str) -> "Adapter":
    """Return the LoRA that `FILE` or `FILE=SCALE` names."""
    from mistral_tui.types.models import Adapter

    file, equals, scale = text.rpartition("=")
    try:
        return Adapter(absolute(file), float(scale)) if equals else Adapter(absolute(text))
    except ValueError:  # an equals sign in the name of a file
        return Adapter(absolute(text))


class AddAdapter(argparse.Action):
    """Adds one to the tuple of adapters: argparse's own `append` would add to the list of an earlier command."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Add what was given."""
        found = getattr(namespace, self.dest) or ()
        new = values if isinstance(values, list) else [values]
        setattr(namespace, self.dest, (*found, *(adapter(str(value)) for value in new)))


def _addresses(text: str) -> tuple[str, ...]:
    return tuple(address.strip() for address in text.split(",") if address.strip())


def _add_pool_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("loaded models")
    group.add_argument("--memory-budget", type=size, metavar="SIZE", help="memory for all of them, such as 8GB")
    group.add_argument("--max-loaded", type=_at_least(1), metavar="N", help="most models that are loaded at once")
    group.add_argument(
        "--share",
        action=argparse.BooleanOptionalAction,
        help="let a process in the background hold them: programs share them, and the next one need not load",
    )
    group.add_argument(
        "--keep-alive", type=duration, metavar="TIME", help="unload after so long without a prompt: 10m, 0, forever"
    )


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
