"""The rules that the person has written: `tool_rules.toml`."""

from pathlib import Path
from typing import Any, Final, get_args

from mistral_tui.config.toml_files import read_toml
from mistral_tui.tools.policy.rules import Rule
from mistral_tui.types.errors import ConfigError
from mistral_tui.types.tools import Verdict

_VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Read the rules of a file; one that is not there has none.

    Raises:
        ConfigError: It cannot be read, or says something that is no rule: none of it counts.
    """
    table = read_toml(path).table
    found = table.pop("rule", [])
    if table:
        raise ConfigError(f"{path}: {next(iter(table))} means nothing; write [[rule]]")
    if not isinstance(found, list):
        raise ConfigError(f"{path}: rule is no list; write [[rule]]")
    return tuple(_rule(value, f"{path}, rule {number}") for number, value in enumerate(found, 1))


def _rule(value: Any, place: str) -> Rule:
    if not isinstance(value, dict):
        raise ConfigError(f"{place}: is no table; write [[rule]]")
    if unknown := sorted(value.keys() - {"verdict", "tool", "arguments"}):
        raise ConfigError(f"{place}: {unknown[0]} means nothing; there are verdict, tool and arguments")
    verdict, tool, arguments = value.get("verdict"), value.get("tool", "*"), value.get("arguments", {})
    if verdict not in _VERDICTS:
        raise ConfigError(f"{place}: verdict is {verdict!r:.50}; write {', '.join(_VERDICTS[:-1])} or {_VERDICTS[-1]}")
    if not isinstance(tool, str) or not tool:
        raise ConfigError(f'{place}: tool is {tool!r:.50}; write SERVER/TOOL, such as "files/read*"')
    if not isinstance(arguments, dict) or not all(isinstance(pattern, str) for pattern in arguments.values()):
        raise ConfigError(f'{place}: arguments are no patterns; write such as {{ path = "/tmp/*" }}')
    return Rule(verdict, tool if "/" in tool or "*" in tool else f"{tool}/*", arguments)
