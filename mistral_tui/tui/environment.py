"""What the parts of the screen are given: the workspace that they drive, and where a person keeps files for them."""

from dataclasses import dataclass, field
from pathlib import Path

from mistral_tui.chat.model_library import ModelLibrary
from mistral_tui.chat.workspace import Workspace
from mistral_tui.config.paths import Paths
from mistral_tui.tui.models.starter import Starter


@dataclass(frozen=True)
class Environment:
    """Made once for a run of the program."""

    workspace: Workspace
    library: ModelLibrary
    starter: Starter | None = None
    """The model to offer where there is none."""
    own_themes: Path | None = None
    """The person's folder of themes."""
    own_templates: Path | None = None
    """The person's folder of chat templates."""
    paths: Paths = field(default_factory=Paths.resolve)
    """The person's files and folders."""
    vim_keys: bool = False
    """Whether prompts are written with the keys of vi."""
