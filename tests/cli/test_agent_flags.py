"""Whether a model may call the program's own tools, and what these may do."""

from pathlib import Path

import pytest

from mistral_tui.cli.agent_flags import AgentFlags, add_agent_flags, agent_options
from mistral_tui.cli.flags import ArgumentParser
from mistral_tui.config.paths import Paths
from mistral_tui.config.settings import Settings
from mistral_tui.types.agent import AgentOptions
from mistral_tui.types.errors import InvalidRequest

pytestmark = pytest.mark.core


def options(*arguments: str, settings: Settings | None = None) -> AgentOptions | None:
    parser = ArgumentParser("mistral-tui", "")
    add_agent_flags(parser)
    return agent_options(parser.parse_args(arguments, AgentFlags()), settings or Settings(), Paths.resolve())


def test_they_are_off_unless_a_flag_or_the_settings_say_otherwise(tmp_path: Path) -> None:
    on = Settings(agent_mode=True, agent_sandbox_root=str(tmp_path / "work"))
    (tmp_path / "work").mkdir()
    assert options() is None
    assert options(settings=on) == AgentOptions(str(tmp_path / "work"), "strict", 100_000_000)
    assert options("--no-agent-tools", settings=on) is None
    assert options("--agent-mode", "--agent-sandbox-root", str(tmp_path / "work")) == options(settings=on)


def test_flags_count_before_settings(tmp_path: Path) -> None:
    on = Settings(agent_mode=True, agent_sandbox_root="/gone", agent_sandbox_mode="none", agent_max_file_size=5)
    (tmp_path / "work").mkdir()
    root = ("--agent-sandbox-root", str(tmp_path / "work"))
    assert options(*root, settings=on) == AgentOptions(str(tmp_path / "work"), "none", 5_000_000)
    more = ("--agent-sandbox-mode", "permissive", "--agent-max-file-size", "20kB")
    assert options(*root, *more, settings=on) == AgentOptions(str(tmp_path / "work"), "permissive", 20_000)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--agent-sandbox-root", "."], "--agent-sandbox-root has no effect without --agent-mode"),
        (["--agent-mode", "--agent-sandbox-root", "/no/such/folder"], "is no folder"),
        (["--agent-mode", "--agent-sandbox-root", "/"], "which tools must not change"),
        (["--agent-mode", "--agent-sandbox-root", "{}", "--agent-max-file-size", "much"], "is no size"),
        (["--agent-mode", "--agent-sandbox-mode", "loose"], "invalid choice"),
    ],
)
def test_what_makes_no_sense_is_told(tmp_path: Path, arguments: list[str], says: str) -> None:
    (tmp_path / "work").mkdir()
    with pytest.raises(InvalidRequest, match=says):
        options(*(each.format(tmp_path / "work") for each in arguments))
