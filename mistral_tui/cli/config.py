"""`mistral-tui config`: what is set and where, the keys, and the files that they are in."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from mistral_tui.cli.failures import say
from mistral_tui.cli.flags import ArgumentParser, ModelFlags
from mistral_tui.config.editor import run_editor
from mistral_tui.config.paths import Paths
from mistral_tui.config.schema import SCHEMA, in_words, setting
from mistral_tui.config.setting import Setting
from mistral_tui.config.settings_file import Source, read_settings
from mistral_tui.types.errors import ConfigError, InvalidRequest
from mistral_tui.types.text import printable_line

SCHEMA_VERSION = 1
_PROGRAM = "mistral-tui config"
_FLAGS = {"default_model": "model", "share_models": "share"}
"""Settings whose flags have another name."""


class _Arguments(argparse.Namespace):
    command: str
    name: str | None = None
    json: bool = False


def config(arguments: list[str], flags: ModelFlags) -> int:
    """Do what `mistral-tui config` is asked, and return the exit status.

    Args:
        arguments: What follows the command.
        flags: Those before the command: they go over what is set.
    """
    given = _parser().parse_args(arguments or ["--help"], namespace=_Arguments())
    if given.name and given.command != "show":
        raise InvalidRequest(f"config {given.command} takes no name; `config show {given.name}` shows a setting")
    doing: dict[str, Callable[[_Arguments, ModelFlags], int]] = {
        "show": _show, "edit": _edit, "keys": _keys, "path": _path,
    }  # fmt: skip
    return doing[given.command](given, flags)


def _parser() -> ArgumentParser:
    commands = {
        "show [NAME]": "each setting: its value, where it comes from, what it means",
        "edit": "open the settings file in $VISUAL or $EDITOR, and check it afterwards",
        "keys": "all actions with their keys",
        "path": "the files and folders of this program",
    }
    listed = "\n".join(f"  {name:<12}  {about}" for name, about in commands.items())
    parser = ArgumentParser(_PROGRAM, "Settings and keys.", epilog=f"commands:\n{listed}")
    parser.add_argument("command", choices=("show", "edit", "keys", "path"), metavar="COMMAND")
    parser.add_argument("name", nargs="?", metavar="NAME", help="a setting, for `show`")
    parser.add_argument("--json", action="store_true", help="print JSON (show, keys, path)")
    return parser


def _show(given: _Arguments, flags: ModelFlags) -> int:
    wanted = [setting(given.name)] if given.name else list(SCHEMA)
    read = read_settings(Paths.resolve().settings_file)
    for notice in read.notices:
        say("note", notice)
    rows = []
    for each in wanted:
        value = getattr(read.settings, each.name)
        source: Source = read.sources.get(each.name, "default")
        flag = getattr(flags, _FLAGS.get(each.name, each.name), None)
        if flag is not None:
            value, source = flag, "flag"
        rows.append((each, value, source))
    if given.json:
        settings = [_document(*row) for row in rows]
        print(json.dumps({"schema_version": SCHEMA_VERSION, "settings": settings}, indent=2))
    else:
        _print_settings(rows)
    return 0


def _document(each: Setting, value: Any, source: Source) -> dict[str, Any]:
    return {**msgspec.structs.asdict(each), "allowed": each.allowed, "value": value, "source": source}


def _print_settings(rows: list[tuple[Setting, Any, Source]]) -> None:
    name_width = max(len(each.name) for each, _, _ in rows)
    group = ""
    for each, value, source in rows:
        if each.group != group:
            print(("\n" if group else "") + each.group.lower())
            group = each.group
        shown = printable_line(in_words(value)) if source != "default" else each.default
        print(f"  {each.name:<{name_width}}  {shown:<28} {source:<11}  {each.meaning}".rstrip())


def _edit(given: _Arguments, flags: ModelFlags) -> int:
    from mistral_tui.config.settings_edits import commented_settings  # loads tomlkit

    path = Paths.resolve().settings_file
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("x", encoding="utf-8") as file:
            file.write(commented_settings())
        path.chmod(0o600)
    except FileExistsError:
        pass
    except OSError as error:
        raise ConfigError(f"{path} cannot be made: {error.strerror or error}; check the folder") from None
    if status := run_editor(path):
        raise ConfigError(f"the editor ended with status {status}; {path} was not checked")
    notices = read_settings(path).notices
    for notice in notices:
        say("note", notice)
    return 1 if notices else 0


def _keys(given: _Arguments, flags: ModelFlags) -> int:
    from mistral_tui.config.keymap import read_keymap
    from mistral_tui.tui.actions import ACTIONS, key_labels
    from mistral_tui.tui.actions.keymap import apply_keymap

    entries, notices = read_keymap(Paths.resolve().keymap)
    for notice in (*notices, *apply_keymap(entries)):
        say("note", notice)
    if given.json:
        actions = [
            {
                "id": each.id,
                "where": each.where,
                "group": each.group,
                "title": each.title,
                "keys": list(each.keys),
                "commands": [f"/{name}" for name in each.slash],
            }
            for each in ACTIONS
        ]
        print(json.dumps({"schema_version": SCHEMA_VERSION, "actions": actions}, indent=2))
        return 0
    group = ""
    width = max(len(key_labels(each)) for each in ACTIONS)
    for each in ACTIONS:
        if each.group != group:
            print(("\n" if group else "") + each.group.lower())
            group = each.group
        keys = key_labels(each)
        commands = "".join(f"  /{name}" for name in each.slash)
        print(f"  {keys:<{width}}  {each.where + '.' + each.id:<34}  {each.title}{commands}")
    return 0


def _path(given: _Arguments, flags: ModelFlags) -> int:
    paths = Paths.resolve()
    listed: dict[str, Path] = {
        "settings": paths.settings_file,
        "keymap": paths.keymap,
        "presets": paths.presets,
        "MCP servers": paths.mcp,
        "rules of tools": paths.tool_rules,
        "themes": paths.themes,
        "prompts": paths.prompts,
        "chat templates": paths.chat_templates,
        "database": paths.database,
        "models": paths.models,
        "logs": paths.logs,
        "cache": paths.cache,
    }
    if given.json:
        plain = {name.replace(" ", "_"): str(path) for name, path in listed.items()}
        print(json.dumps({"schema_version": SCHEMA_VERSION, **plain}, indent=2))
        return 0
    for name, path in listed.items():
        missing = "" if path.exists() else "  (not there yet)"
        print(f"{name:<15} {printable_line(str(path))}{missing}", file=sys.stdout)
    return 0
