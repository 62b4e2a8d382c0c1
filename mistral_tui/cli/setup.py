"""What every face is set up from: folders, settings, the inventory, and the flags over them."""

import contextlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec

from mistral_tui.cli.flags import ModelFlags, SamplingFlags
from mistral_tui.config.paths import Paths
from mistral_tui.config.settings import Settings
from mistral_tui.config.settings_file import read_settings
from mistral_tui.models.inventory import Inventory
from mistral_tui.models.template_files import read_template, template_text
from mistral_tui.types.errors import ModelNotFound
from mistral_tui.types.models import LoadOptions, ModelEntry
from mistral_tui.types.pool import PoolLimits
from mistral_tui.types.requests import GenerateRequest, SamplingParams

if TYPE_CHECKING:
    from mistral_tui.models.catalog import Catalog


@dataclass(frozen=True)
class Setup:
    """The person's folders, settings and models."""

    paths: Paths
    settings: Settings
    inventory: Inventory
    notices: tuple[str, ...] = ()
    """What was ignored, one line each, with file, line and key."""

    @cached_property
    def catalog(self) -> "Catalog":
        """The inventory, and what is found elsewhere; looks when it is asked."""
        from mistral_tui.models.catalog import Catalog  # a name from the inventory needs neither
        from mistral_tui.models.sources import model_sources

        settings = self.settings
        sources = model_sources(self.paths.models, settings.model_paths or (), settings.discover)
        return Catalog(self.inventory_now, sources, self.paths.cache)

    def inventory_now(self) -> Inventory:
        """Read the inventory and the endpoints again: they may have changed."""
        found = Inventory.load(None, self.paths.inventory_overlay, self.paths.models, strict=False)
        return found.with_endpoints(read_settings(self.paths.settings_file).endpoints)

    @classmethod
    def read(cls, *, strict: bool) -> Self:
        """Read the settings and the inventory.

        Args:
            strict: Whether a file that cannot be used is an error, as on the command line; if not, it becomes a
                notice and the defaults are used, as in the interface.

        Raises:
            ConfigError: A file cannot be used. Never if not `strict`.
        """
        paths = Paths.resolve()
        problems = paths.ensure()
        read = read_settings(paths.settings_file, strict=strict)
        inventory = Inventory.load(None, paths.inventory_overlay, paths.models, strict=strict)
        notices = (*problems, *read.notices, *inventory.notices)
        return cls(paths, read.settings, inventory.with_endpoints(read.endpoints), notices)

    def entry(self, wanted: str | None) -> ModelEntry | None:
        """Return the model that is asked for, else that of the settings, else the smallest on disk.

        Raises:
            ModelNotFound: There is no model of this name, or it is not downloaded.
        """
        name = wanted or self.settings.default_model
        if not name:
            return self.inventory.smallest_on_disk()
        entry = self.inventory.exact(name)
        if entry is None or not entry.downloaded:
            entry = self.catalog.find(name)
        if not entry.downloaded:
            pull = f"`mistral-tui models pull {entry.name}` fetches it" if entry.source else f"put it at {entry.path}"
            raise ModelNotFound(f"the model {entry.name} is not on this machine; {pull}")
        return entry

    def entry_or_error(self, wanted: str | None) -> ModelEntry:
        """Return what `entry` returns; that there is no model at all is an error, too."""
        entry = self.entry(wanted) or self.catalog.smallest()
        if entry is not None:
            return entry
        starter = self.inventory.starter
        hint = f"`mistral-tui models pull {starter.name}` fetches the starter" if starter else "name a file with -m"
        if self.inventory.endpoints:
            hint += f", and -m {self.inventory.endpoints[0].name} asks your endpoint"
        raise ModelNotFound(f"there is no model on this machine; {hint}")

    @property
    def embedding_entry(self) -> ModelEntry | None:
        """The model that finds passages in long documents, if the settings name one.

        Raises:
            ModelNotFound: It is not there.
        """
        return self.entry_or_error(self.settings.embedding_model) if self.settings.embedding_model else None

    def entry_of_session(self, wanted: str | None, used: str | None) -> ModelEntry:
        """Return the model that is asked for, else the one that a session used, else the default."""
        if wanted is None and used is not None:
            with contextlib.suppress(ModelNotFound):
                entry = self.catalog.find(used)
                if entry.downloaded and entry.name == used:
                    return entry
        return self.entry_or_error(wanted)

    def load_options(self, flags: ModelFlags) -> LoadOptions:
        """Return how to load a model: the flags over the settings.

        Raises:
            ConfigError: The chat template that a flag names cannot be read.
            ModelNotFound: The draft model that a flag names is not there.
        """
        options = self.settings.load_options()
        names = ModelFlags.__annotations__.keys() & set(LoadOptions.__struct_fields__) - {"chat_template", "force"}
        given = {name: value for name in names if (value := getattr(flags, name)) is not None}
        given |= _undone(flags)
        if flags.draft is not None:
            draft = self.entry_or_error(flags.draft)
            if draft.remote is not None:
                raise ModelNotFound(f"{draft.name} runs at an endpoint and cannot be a draft model; name a .gguf file")
            given["draft"] = str(draft.path)
        if flags.jinja_explicit is not None:
            given["chat_template"] = read_template(Path(flags.jinja_explicit).expanduser())
        elif flags.chat_template is not None:
            given["chat_template"] = template_text(flags.chat_template, self.paths.chat_templates)
        return msgspec.structs.replace(options, force=flags.force, **given)

    def pool_limits(self, flags: ModelFlags) -> PoolLimits:
        """Return what may stay loaded: the flags over the settings."""
        names = PoolLimits.__struct_fields__
        given = {name: value for name in names if (value := getattr(flags, name)) is not None}
        return msgspec.structs.replace(self.settings.pool_limits(), **given)

    def request(self, flags: ModelFlags) -> GenerateRequest:
        """Return what every turn asks for: the flags over the settings.

        Raises:
            InvalidRequest: A value is outside its range.
        """
        policy = flags.context_policy or self.settings.context_policy or "drop"
        thinking = self.settings.enable_thinking if flags.enable_thinking is None else flags.enable_thinking
        return GenerateRequest(
            sampling=self._sampling(flags),
            context_policy=policy,
            enable_thinking=thinking,
            template_arguments=dict(flags.template_arguments or ()),
        )

    def _sampling(self, flags: ModelFlags) -> SamplingParams:
        """Return how replies are sampled: the flags over the settings.

        Raises:
            InvalidRequest: A value is outside its range.
        """
        names = [name for name in SamplingFlags.__annotations__ if isinstance(flags, SamplingFlags)] + ["seed"]
        given = {name: value for name in names if (value := getattr(flags, name)) is not None}
        for name in given.keys() & {"stop", "dry_sequence_breakers"}:
            given[name] = tuple(given[name])
        if "logit_bias" in given:
            given["logit_bias"] = dict(given["logit_bias"])
        sampling = self.settings.sampling()
        return SamplingParams(**{**msgspec.structs.asdict(sampling), **given})


def _undone(flags: ModelFlags) -> dict[str, Any]:
    """Return what flags about devices take back of the settings: whoever names layers wants other ones to go."""
    undone: dict[str, Any] = {}
    if flags.cpu:
        undone |= {"rpc": (), "device_layers": (), "n_gpu_layers": None, "tensor_split": ()}
    elif flags.n_gpu_layers is not None or flags.device_layers is not None or flags.rpc:
        undone["cpu"] = False
    if flags.n_gpu_layers is not None:
        undone["device_layers"] = ()
    if flags.device_layers is not None:
        undone["n_gpu_layers"] = None
    return {name: value for name, value in undone.items() if getattr(flags, name) is None}
