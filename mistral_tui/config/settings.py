"""What a person can set, and what it means."""

from typing import Annotated, Any, Literal

import msgspec

from mistral_tui.config.quantities import duration, size
from mistral_tui.config.setting import about
from mistral_tui.types.choices import ContextPolicy, Discoverable, FlashAttention, KvType, SandboxMode
from mistral_tui.types.models import LoadOptions
from mistral_tui.types.pool import PoolLimits
from mistral_tui.types.requests import SamplingParams


class Settings(msgspec.Struct, frozen=True):
    """What a person can set. `None` leaves the choice to the program."""

    default_model: Annotated[
        str | None, about("Models", "the model to begin with: its name, or a .gguf file", "the smallest on disk")
    ] = None
    embedding_model: Annotated[
        str | None, about("Models", "the model that finds passages in long documents", "the one that answers")
    ] = None
    memory_budget: Annotated[
        str | float | None,
        about("Models", "memory for all loaded models, such as 8GB; a number means GB", "what is free"),
    ] = None
    max_loaded: Annotated[int | None, about("Models", "most models that are loaded at once", "as memory allows")] = None
    keep_alive: Annotated[
        str | float | None,
        about("Models", "unload after so long without a prompt: 10m, 1h, forever, or seconds", "10m"),
    ] = None
    share_models: Annotated[
        bool | None, about("Models", "let a process in the background hold them for all programs", "false")
    ] = None
    model_paths: Annotated[tuple[str, ...] | None, about("Models", 'folders to look in: ["~/models"]', "none")] = None
    discover: Annotated[
        tuple[Discoverable, ...] | None,
        about("Models", "others' models to offer: huggingface, lmstudio, ollama, here; none", "all of them"),
    ] = None
    theme: Annotated[str | None, about("Look", "the colours; `/theme` lists them", "mistral-dark")] = None
    screen_reader: Annotated[bool | None, about("Look", "plain lines, for those who listen to the screen", "false")] = (
        None
    )
    notifications: Annotated[
        bool | None, about("Look", "tell the terminal when a long reply ends out of sight", "true")
    ] = None
    pictures: Annotated[
        bool | None, about("Look", "pictures as Kitty or Sixel graphics, not in half cells", "false")
    ] = None
    vim_keys: Annotated[bool | None, about("Chats", "write prompts with the keys of vi", "false")] = None
    context_policy: Annotated[
        ContextPolicy | None, about("Chats", "a full context: leave out old turns, give up old tokens, or stop", "drop")
    ] = None
    enable_thinking: Annotated[
        bool | None, about("Chats", "whether models that can be told think first", "as the model likes")
    ] = None
    n_ctx: Annotated[int | None, about("Loading", "context of one chat, in tokens", "the model's, at most 8192")] = None
    max_seqs: Annotated[int | None, about("Loading", "chats in the context at once", "4 to 16, by the free memory")] = (
        None
    )
    threads: Annotated[int | None, about("Loading", "threads of a decode step", "by the processor")] = None
    batch_tokens: Annotated[int | None, about("Loading", "most tokens of one decode", "512, or what `tune` found")] = (
        None
    )
    kv_type: Annotated[KvType | None, about("Loading", "precision of the KV cache; q8_0 takes half the memory")] = None
    flash_attention: Annotated[
        FlashAttention | None, about("Loading", "auto: what `tune` found, else on a GPU only")
    ] = None
    kv_cache: Annotated[bool | None, about("Loading", "keep what was computed of a chat between its turns")] = None
    prefix_cache_n: Annotated[int | None, about("Loading", "chats that stay in memory while nobody asks")] = None
    spill_mb: Annotated[int | None, about("Loading", "disk space in MB for chats that nobody asks; 0: none")] = None
    n_gpu_layers: Annotated[int | None, about("Devices", "layers on the accelerator", "all where there is one")] = None
    device_layers: Annotated[
        tuple[tuple[int, int], ...] | None, about("Devices", "layers for each accelerator: [[0, 20], [1, 12]]", "none")
    ] = None
    cpu: Annotated[bool | None, about("Devices", "leave accelerators alone")] = None
    tensor_split: Annotated[
        tuple[float, ...] | None,
        about("Devices", "shares of the layers for the accelerators: [3, 1]", "by their free memory"),
    ] = None
    cpu_moe: Annotated[int | None, about("Devices", "layers whose experts stay on the CPU; -1: all")] = None
    rpc: Annotated[tuple[str, ...] | None, about("Devices", 'RPC workers that take layers: ["host:port"]', "none")] = (
        None
    )
    temperature: Annotated[float | None, about("Sampling", "0 is greedy, higher is more varied")] = None
    top_k: Annotated[int | None, about("Sampling", "how many candidates stay; 0 keeps all")] = None
    top_p: Annotated[float | None, about("Sampling", "smallest set of candidates with this probability")] = None
    min_p: Annotated[float | None, about("Sampling", "drop candidates below this share of the best")] = None
    max_tokens: Annotated[int | None, about("Sampling", "most tokens of a reply", "no limit")] = None
    seed: Annotated[int | None, about("Sampling", "the same seed says the same again", "random")] = None
    stop: Annotated[tuple[str, ...] | None, about("Sampling", "a reply ends before one of these texts", "none")] = None
    repetition_penalty: Annotated[float | None, about("Sampling", "above 1: avoid tokens already seen")] = None
    frequency_penalty: Annotated[float | None, about("Sampling", "the same, by how often they were")] = None
    presence_penalty: Annotated[float | None, about("Sampling", "the same, whether they were")] = None
    penalty_window: Annotated[int | None, about("Sampling", "how many of the last tokens these three look at")] = None
    dynatemp_range: Annotated[
        float | None, about("Sampling", "the temperature moves by this, with how unsure the model is")
    ] = None
    dynatemp_exponent: Annotated[float | None, about("Sampling", "how it moves with that")] = None
    typical_p: Annotated[float | None, about("Sampling", "candidates that surprise as usual; 1 keeps all")] = None
    top_n_sigma: Annotated[
        float | None, about("Sampling", "drop candidates so many deviations below the best; 0: off")
    ] = None
    xtc_probability: Annotated[
        float | None, about("Sampling", "how often the likeliest candidates are dropped (XTC)")
    ] = None
    xtc_threshold: Annotated[float | None, about("Sampling", "those at least this likely, but for one")] = None
    dry_multiplier: Annotated[
        float | None, about("Sampling", "above 0: avoid repeating sequences (DRY); 0.8 is usual")
    ] = None
    dry_base: Annotated[float | None, about("Sampling", "how fast that grows with their length")] = None
    dry_allowed_length: Annotated[int | None, about("Sampling", "longest sequence that may be repeated")] = None
    dry_penalty_window: Annotated[int | None, about("Sampling", "how many of the last tokens DRY looks at")] = None
    dry_sequence_breakers: Annotated[tuple[str, ...] | None, about("Sampling", "a repeated sequence ends at these")] = (
        None
    )
    mirostat: Annotated[
        Literal[0, 1, 2] | None, about("Sampling", "1, 2: keep the surprise constant, instead of top-k to XTC")
    ] = None
    mirostat_tau: Annotated[float | None, about("Sampling", "that surprise, in bits")] = None
    mirostat_eta: Annotated[float | None, about("Sampling", "how fast it is reached")] = None

    agent_mode: Annotated[
        bool | None, about("Tools", "models may call tools for files and commands, once you allow it", "false")
    ] = None
    agent_sandbox_root: Annotated[
        str | None, about("Tools", "the folder that these tools work in", "the current folder")
    ] = None
    agent_sandbox_mode: Annotated[
        SandboxMode | None, about("Tools", "commands run only confined, also unconfined, or never confined", "strict")
    ] = None
    agent_max_file_size: Annotated[
        str | float | None, about("Tools", "the largest file these tools touch: 10MB; a number means MB", "100MB")
    ] = None

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
