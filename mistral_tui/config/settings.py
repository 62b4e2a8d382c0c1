"""The person's settings: one TOML file, read and never written by this program."""

import re
from pathlib import Path
from typing import Any, Literal

import msgspec

from mistral_tui.config.quantities import duration, size
from mistral_tui.config.text_files import read_text
from mistral_tui.types.choices import ContextPolicy, FlashAttention, KvType
from mistral_tui.types.errors import ConfigError, InvalidRequest
from mistral_tui.types.models import LoadOptions
from mistral_tui.types.pool import PoolLimits
from mistral_tui.types.requests import SamplingParams
from mistral_tui.types.text import printable_line


class Settings(msgspec.Struct, frozen=True):
    """What a person can set. `None` leaves the choice to the program."""

    default_model: str | None = None
    """Name from the inventory, or the path of a .gguf file; `None`: the smallest model on disk."""
    theme: str | None = None
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
    memory_budget: str | float | None = None
    """Memory for all loaded models together, such as `8GB`; a number means GB."""
    max_loaded: int | None = None
    keep_alive: str | float | None = None
    """How long a model stays loaded without a prompt: `10m`, `1h`, `forever`, or seconds."""
    share_models: bool | None = None
    """Whether models are held by a process that all programs share."""
    context_policy: ContextPolicy | None = None
    enable_thinking: bool | None = None
    """Whether models that can be told so think before they answer."""
    kv_cache: bool | None = None
    prefix_cache_n: int | None = None
    spill_mb: int | None = None
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
    dry_sequence_breakers: tuple[str, ...] | None = None
    mirostat: Literal[0, 1, 2] | None = None
    mirostat_tau: float | None = None
    mirostat_eta: float | None = None
    repetition_penalty: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    penalty_window: int | None = None
    seed: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] | None = None

    def load_options(self) -> LoadOptions:
        """Return how models are loaded."""
        return LoadOptions(**self._given(LoadOptions))

    def sampling(self) -> SamplingParams:
        """Return how tokens are chosen."""
        return SamplingParams(**self._given(SamplingParams))

    def pool_limits(self) -> PoolLimits:
        """Return what may stay loaded, and how long."""
        given: dict[str, Any] = {}
        if self.memory_budget is not None:
            given["memory_budget"] = size(self.memory_budget)
        if self.max_loaded is not None:
            given["max_loaded"] = self.max_loaded
        if self.keep_alive is not None:
            given["keep_alive"] = duration(self.keep_alive)
        return PoolLimits(**given)

    def _given(self, struct: type[msgspec.Struct]) -> dict[str, Any]:
        names = [name for name in struct.__struct_fields__ if name in self.__struct_fields__]
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def load_settings(path: Path, *, strict: bool = False) -> tuple[Settings, tuple[str, ...]]:
    """Read the settings file; one that does not exist has nothing set.

    Args:
        path: The TOML file.
        strict: Whether a file or a value that cannot be used is an error. If not, it is ignored.

    Returns:
        The settings, and one line for each thing that was ignored, with file, line and key.

    Raises:
        ConfigError: The file cannot be used; names file, line and key. Never if not `strict`.
    """
    try:
        if not path.exists():
            return Settings(), ()
        text = read_text(path)
        table = _parse(path, text)
    except (ConfigError, OSError) as error:  # OSError: a folder on the way is closed to us
        problem = error if isinstance(error, ConfigError) else ConfigError(f"{path}: cannot be read: {error.strerror}")
        if strict:
            raise problem from None
        return Settings(), (printable_line(f"{problem}; all settings are ignored"),)
    values: dict[str, Any] = {}
    notices = []
    for key, value in table.items():
        where = f"{path}, line {_line_of(text, key)}, {key}"
        if key not in Settings.__struct_fields__:
            notices.append(printable_line(f"{where}: there is no such setting{_similar(key)}; it is ignored"))
            continue
        try:
            values[key] = _checked(key, value, values)
        except InvalidRequest as error:
            if strict:
                raise ConfigError(printable_line(f"{where}: {error}")) from None
            notices.append(printable_line(f"{where}: {error}; it is ignored"))
    return Settings(**values), tuple(notices)


def _parse(path: Path, text: str) -> dict[str, Any]:
    import tomllib  # most people have no settings file, and every start would pay for it

    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        what, _, place = str(error).partition(" (at ")
        match = re.match(r"line (\d+)", place)
        line = match[1] if match else text.rstrip().count("\n") + 1
        what = what[:1].lower() + what[1:]
        raise ConfigError(printable_line(f"{path}, line {line}: not valid TOML: {what}")) from None
    except (RecursionError, ValueError):  # ValueError: a number of thousands of digits
        raise ConfigError(f"{path}: not valid TOML: a value is too long or nested too deeply") from None


def _checked(key: str, value: Any, others: dict[str, Any]) -> Any:
    field = next(field for field in msgspec.structs.fields(Settings) if field.name == key)
    try:
        value = msgspec.convert(value, type=field.type)
    except msgspec.ValidationError as error:
        expected = str(error).replace(" | null", "").replace("`", "")
        raise InvalidRequest(expected[:1].lower() + expected[1:]) from None
    if key in ("memory_budget", "max_loaded", "keep_alive"):
        Settings(**{key: value}).pool_limits()
    for struct in (LoadOptions, SamplingParams):
        if key in struct.__struct_fields__:
            together = {name: other for name, other in others.items() if name in struct.__struct_fields__}
            struct(**{**together, key: value})
    return value


def _line_of(text: str, key: str) -> int:
    match = re.search(rf"^[ \t]*(?:\[+[ \t]*)?[\"']?{re.escape(key)}[\"']?[ \t]*[=.\]]", text, re.MULTILINE)
    return text.count("\n", 0, match.start()) + 1 if match else 1


def _similar(key: str) -> str:
    import difflib  # only for mistakes

    found = difflib.get_close_matches(key, Settings.__struct_fields__, n=1, cutoff=0.75)
    return f"; did you mean {found[0]}?" if found else ""
