"""Where the program keeps things: the platform's folders, and what overrides them."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from platformdirs import PlatformDirs

from mistral_tui.config.resources import checkout

_APP = "mistral-tui"


@dataclass(frozen=True)
class Paths:
    """Every file and folder that belongs to the person rather than to the program. All are absolute."""

    settings_file: Path
    """`config.toml` of the platform's configuration folder, or what `--config` names."""
    keymap: Path
    """The person's own keys: `keymap.toml` of the configuration folder."""
    mcp: Path
    """The person's own MCP servers: `mcp.json` there."""
    trust: Path
    """Which servers of projects the person trusts."""
    tool_rules: Path
    """Which calls of tools the person allows and denies: `tool_rules.toml` of the configuration folder."""
    tool_approvals: Path
    """What the person has said for good when they were asked; the program writes it."""
    presets: Path
    """Parameters under names: `presets.toml` there."""
    database: Path
    inventory_overlay: Path
    """The inventory that the program may write; its entries overlay those of the one that is read."""
    models: Path
    """Where downloads go: `.models` of a checkout, else `models` of the data folder."""
    attachments: Path
    """Where copies of pictures and recordings are kept that were given along with prompts."""
    mcp_logins: Path
    """Logins at MCP servers, where there is no keyring; nobody else may enter."""
    logs: Path
    state: Path
    host: Path
    """Where programs meet the host of shared models; nobody else may enter."""
    cache: Path
    themes: Path
    """The person's own themes; the shipped ones are found by `data_file`."""
    chat_templates: Path
    """The person's own chat templates."""
    prompts: Path
    """The person's prompt templates."""

    @classmethod
    def resolve(cls, config: Path | None = None, database: Path | None = None) -> Self:
        """Work out the folders without touching the disk.

        Arguments win over `MISTRAL_TUI_CONFIG`, `MISTRAL_TUI_DATABASE` and `MISTRAL_TUI_MODELS` (a folder), and
        those over `MISTRAL_TUI_CONFIG_DIR`, `MISTRAL_TUI_DATA_DIR`, `MISTRAL_TUI_STATE_DIR` and
        `MISTRAL_TUI_CACHE_DIR`, which stand in for the platform's folders.
        """
        dirs = PlatformDirs(_APP, appauthor=False)
        config_folder = _from_environment("CONFIG_DIR") or dirs.user_config_path
        data = _from_environment("DATA_DIR") or dirs.user_data_path
        state = _from_environment("STATE_DIR") or dirs.user_state_path
        root = checkout()
        return cls(
            settings_file=_absolute(config) or _from_environment("CONFIG") or config_folder / "config.toml",
            keymap=config_folder / "keymap.toml",
            mcp=config_folder / "mcp.json",
            trust=state / "mcp_trust.json",
            tool_rules=config_folder / "tool_rules.toml",
            tool_approvals=state / "tool_approvals.json",
            presets=config_folder / "presets.toml",
            database=_absolute(database) or _from_environment("DATABASE") or data / "chats.db",
            inventory_overlay=data / "inventory.json",
            models=_from_environment("MODELS") or (root / ".models" if root else data / "models"),
            attachments=data / "attachments",
            mcp_logins=data / "mcp_logins",
            logs=state / "logs",
            state=state,
            host=state / "host",
            cache=_from_environment("CACHE_DIR") or dirs.user_cache_path,
            themes=config_folder / "themes",
            chat_templates=config_folder / "chat_templates",
            prompts=config_folder / "prompts",
        )

    def ensure(self) -> tuple[str, ...]:
        """Create the folders that are missing, closed to other people (0700 where the system knows modes).

        Returns:
            One line for each folder that could not be made. That stops nobody: a chat also works unsaved.
        """
        folders = (self.settings_file.parent, self.database.parent, self.state, self.logs, self.cache)
        problems = []
        for folder in folders:
            try:
                make_private_folder(folder)
            except OSError as error:
                problems.append(f"cannot create the folder {folder}: {error.strerror or error}")
        return tuple(problems)


def make_private_folder(folder: Path) -> None:
    """Create `folder` and its missing parents, each with mode 0700; an existing one is left as it is.

    `Path.mkdir(parents=True)` would give the parents the default mode.
    """
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)


def _from_environment(name: str) -> Path | None:
    value = os.environ.get(f"MISTRAL_TUI_{name}")
    return _absolute(Path(value)) if value else None


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.expanduser().absolute()
