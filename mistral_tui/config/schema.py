"""All settings with what is known of each, and values as people type them."""

import re
from typing import Any

import msgspec

from mistral_tui.config.quantities import duration_words
from mistral_tui.config.setting import Setting, setting_of
from mistral_tui.config.settings import Settings
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.models import LOAD_RANGES, LoadOptions, SamplingDefaults
from mistral_tui.types.pool import PoolLimits
from mistral_tui.types.requests import SAMPLING_RANGES, SamplingParams

_LIMITS = {name: (low, high) for name, low, high in LOAD_RANGES} | {
    name: (low, high) for name, _, low, high in SAMPLING_RANGES
}
_FIELDS = {field.name: field for field in msgspec.structs.fields(Settings)}
_SWITCH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_KINDS = {"int": "a whole number", "float": "a number", "str": "text", "bool": "true or false", "array": "a list"}


def _default(name: str) -> str:
    for struct in (SamplingDefaults(), SamplingParams(), LoadOptions()):
        value = getattr(struct, name, None)
        if value is not None:
            return in_words(value)
    return duration_words(PoolLimits().keep_alive) if name == "keep_alive" else "by the program"


def in_words(value: Any) -> str:
    """Return a value as it is written in the settings file."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case tuple() | list():
            return (
                "[" + ", ".join(in_words(each) if not isinstance(each, str) else _quoted(each) for each in value) + "]"
            )
        case _:
            return str(value)


def _quoted(text: str) -> str:
    import json  # a basic string of TOML is one of JSON

    return json.dumps(text, ensure_ascii=False)


SCHEMA: tuple[Setting, ...] = tuple(
    setting_of(field, _default(name), _LIMITS.get(name)) for name, field in _FIELDS.items()
)
"""All settings, those of a group together."""


def setting(name: str) -> Setting:
    """Return what is known of a setting.

    Raises:
        InvalidRequest: There is none of this name.
    """
    found = next((each for each in SCHEMA if each.name == name), None)
    if found is None:
        raise InvalidRequest(f"there is no setting {name!r}{similar(name)}")
    return found


def typed(name: str, text: str) -> Any:
    """Return the value that a person typed for a setting, as it is in the file.

    Raises:
        InvalidRequest: There is no such setting, or it cannot have this value.
    """
    kind = setting(name).kind
    words = text.strip()
    if kind == "switch" and words.lower() in _SWITCH:
        return checked(name, _SWITCH[words.lower()])
    if kind == "list" and not words.startswith("["):
        return checked(name, _listed(name, [each.strip() for each in words.split(",") if each.strip()]))
    if kind == "text":
        return checked(name, words)
    return checked(name, _read(words))


def checked(name: str, value: Any, others: dict[str, Any] | None = None) -> Any:
    """Return the value of a setting, as `Settings` holds it.

    Args:
        name: The setting.
        value: As it is in the file.
        others: What is set besides: some values are possible only without others.

    Raises:
        InvalidRequest: It cannot have this value.
    """
    field = _FIELDS[name]
    try:
        value = msgspec.convert(value, type=field.type)
    except msgspec.ValidationError as error:
        expected = str(error).replace(" | null", "").replace("`", "")
        expected = re.sub(r"\b(int|float|str|bool|array)\b", lambda word: _KINDS[word[0]], expected)
        raise InvalidRequest(expected[:1].lower() + expected[1:]) from None
    if name in ("memory_budget", "max_loaded", "keep_alive"):
        Settings(**{name: value}).pool_limits()
    for struct in (LoadOptions, SamplingParams):
        if name in struct.__struct_fields__:
            together = {each: other for each, other in (others or {}).items() if each in struct.__struct_fields__}
            struct(**{**together, name: value})
    return value


def similar(name: str) -> str:
    """Return `; did you mean …?` for a name that is much like that of a setting, else nothing."""
    import difflib  # only for mistakes

    found = difflib.get_close_matches(name, Settings.__struct_fields__, n=1, cutoff=0.75)
    return f"; did you mean {found[0]}?" if found else ""


def _read(words: str) -> Any:
    """Return a value in the notation of TOML, or the text itself."""
    import tomllib

    try:
        return tomllib.loads(f"value = {words}")["value"] if "\n" not in words else words
    except (ValueError, RecursionError):
        return words


def _listed(name: str, pieces: list[str]) -> list[Any]:
    """Return a list that was typed without brackets; its texts need no quotes."""
    texts = name in ("rpc", "stop", "dry_sequence_breakers")
    return [piece if texts else _read(piece) for piece in pieces]
